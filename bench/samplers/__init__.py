"""SAMPLERS: the ways of drawing codes that a trained model is sampled by; the code behind each is imported on use.

May import: bench.errors, bench.training.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from bench.samplers.trained import Trained


@dataclass(frozen=True)
class Sampler:
    """How a sampler is called in text, what it needs of a model, which capability rules it out, and where it is.

    `target` is "module:function" or "module:function:kind"; see `draw`.
    """

    label: str
    needs: frozenset[str]
    target: str
    unless: str | None = None
    given: bool = False  # whether images that were generated elsewhere count as drawn so

    def obstacle(self, capabilities: frozenset[str]) -> str | None:
        """Return why a model with these capabilities cannot be sampled so, or None where it can."""
        if "given" in capabilities:  # images are drawn without codes
            return None if self.given else "images alone are given, and no codes"
        if missing := sorted(self.needs - capabilities):
            return f"the model has no {missing[0]}"
        return f"the model's codes are {self.unless}" if self.unless in capabilities else None

    def draw(self, trained: Trained, n: int) -> Tensor:
        """Return n codes [n, L], drawn by `function(trained, n)` or `function(kind, trained, n)`.

        `trained` has the model's prior, the codes of the training images, and a generator for each draw.
        """
        module, function, *kind = self.target.split(":")
        return getattr(import_module(module), function)(*kind, trained, n)


OWN = ("hyperplane", "rhvae", "pixelcnn", "normal", "gmm")  # the first that serves a model is its papers' own


def own_sampler(capabilities: frozenset[str]) -> Sampler:
    """Return what the papers do: bits by hyperplanes, by a metric, a codebook or the prior, else from a mixture."""
    return next(SAMPLERS[name] for name in OWN if not SAMPLERS[name].obstacle(capabilities))


_DRAWS, _FLOWS, _STAGES = "bench.samplers.draws", "bench.samplers.flows", "bench.samplers.two_stage"

SAMPLERS: dict[str, Sampler] = {
    "normal": Sampler("prior", frozenset({"prior"}), f"{_DRAWS}:prior", given=True),
    "gmm": Sampler("Gaussian mixture", frozenset({"encode"}), f"{_DRAWS}:mixture", unless="bits"),
    "gaussian": Sampler("single Gaussian", frozenset({"encode"}), f"{_DRAWS}:gaussian", unless="bits"),
    # Pythae's, whose samples are not spread as the codes are, and the same without that fault
    "two-stage": Sampler("second VAE", frozenset({"posterior", "prior"}), f"{_STAGES}:stock_second_stage"),
    "two-stage-corrected": Sampler(
        "second VAE, corrected", frozenset({"encode"}), f"{_STAGES}:second_stage", unless="bits"
    ),
    "hyperplane": Sampler("hyperplane sampling", frozenset({"bits"}), f"{_DRAWS}:bits:hyperplane"),
    "rounding": Sampler("rounded Gaussian", frozenset({"bits"}), f"{_DRAWS}:bits:rounding"),
    "coins": Sampler("fair coins", frozenset({"bits"}), f"{_DRAWS}:bits:coins"),
    "maf": Sampler("masked autoregressive flow", frozenset({"encode"}), f"{_FLOWS}:flow_codes:maf", unless="bits"),
    "iaf": Sampler("inverse autoregressive flow", frozenset({"encode"}), f"{_FLOWS}:flow_codes:iaf", unless="bits"),
    "pixelcnn": Sampler("PixelCNN", frozenset({"codebook"}), f"{_FLOWS}:pixelcnn_codes"),
    "rhvae": Sampler("metric", frozenset({"metric"}), f"{_DRAWS}:riemannian"),
    "own": Sampler("the paper's own", frozenset({"encode"}), f"{_DRAWS}:own", given=True),
}
