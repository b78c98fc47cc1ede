"""One pass over a trained model: posteriors, reconstructions, samples and features are computed once and shared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import torch
from pythae.models import BaseAE
from torch import Tensor

from bench.data.types import ImageDataset
from bench.likelihood import neg_elbo, nll
from bench.metrics import METRICS, Metric
from bench.metrics.types import Blank
from models.capabilities import capable
from models.networks import count_parameters
from models.training import as_float

BATCH = 1000
Features = Callable[[str, np.ndarray], np.ndarray]  # (name of the feature network, images) -> [N, F]; may raise Blank


@dataclass(frozen=True)
class Measurement:
    """One number of one run; `status` is "ok", or "blank" with the reason why it cannot be had."""

    metric: str
    setting: str
    value: float | None
    se: float | None = None
    n: int | None = None
    status: str = "ok"
    reason: str | None = None


def setting_text(setting: Mapping[str, str]) -> str:
    """Return a setting as sorted "key=value;key=value"."""
    return ";".join(f"{key}={setting[key]}" for key in sorted(setting))


class Evaluation:
    """The arrays that metrics and figures take from one model, each computed at first use.

    Every random draw has a generator of its own, seeded by the run's seed and the draw's name, so that no result
    depends on which others were asked for.
    """

    def __init__(
        self,
        model: BaseAE,
        data: ImageDataset,
        settings: Mapping[str, Any],
        seed: int,
        features: Features,
        seconds_per_epoch: float,
    ):
        self.model, self.view = model.eval(), capable(model)
        self.data, self.settings, self.seed, self.features = data, settings, seed, features
        self.seconds_per_epoch = seconds_per_epoch
        self.device = next(model.parameters()).device
        self._arrays: dict[tuple[str, str], np.ndarray] = {}

    def get(self, name: str, setting: Mapping[str, str] | None = None) -> np.ndarray:
        """Return array `name` under a setting; raises Blank with the reason where it cannot be had."""
        make = getattr(self, f"_{name}")
        keys = {key: value for key, value in (setting or {}).items() if key in _SETTINGS_OF.get(name, ())}
        slot = (name, setting_text(keys))
        if slot not in self._arrays:
            self._arrays[slot] = make(**keys)
        return self._arrays[slot]

    def already(self, *names: str) -> dict[str, np.ndarray]:
        """Return those of the named arrays that have been computed."""
        return {name: self._arrays[name, ""] for name in names if (name, "") in self._arrays}

    def generator(self, name: str) -> torch.Generator:
        """Return the generator of the named draw."""
        return torch.Generator(self.device).manual_seed(self._number(name))

    def _number(self, name: str) -> int:
        return crc32(f"{name}:{self.seed}".encode())

    @torch.no_grad()
    def run(self, function: Callable[[Tensor], Tensor], images: np.ndarray) -> np.ndarray:
        """Apply a function of float images [B, C, H, W] in batches and return the results as one array."""
        parts = []
        for start in range(0, len(images), BATCH):
            part = torch.from_numpy(images[start : start + BATCH]).to(self.device)
            parts.append(function(as_float(part)).cpu().numpy())
        return np.concatenate(parts)

    def _test_images(self) -> np.ndarray:
        return self.data.test.images[: self.settings["images"]].astype(np.float32) / 255

    def _train_mean(self) -> np.ndarray:
        return self.run(self.view.embed, self.data.train.images)

    def _test_mean(self) -> np.ndarray:
        return self.run(self.view.embed, self.get("test_images"))

    def _train_labels(self) -> np.ndarray:
        return self.data.train.labels

    def _test_labels(self) -> np.ndarray:
        return self.data.test.labels[: self.settings["images"]]

    def _nll_nats(self) -> np.ndarray:
        images = torch.from_numpy(self.get("test_images")[: self.settings["nll_images"]]).to(self.device)
        return nll(self.model, images, self.settings["nll_samples"], generator=self.generator("nll")).cpu().numpy()

    def _neg_elbo_nats(self) -> np.ndarray:
        images = torch.from_numpy(self.get("test_images")).to(self.device)
        return neg_elbo(self.model, images, generator=self.generator("elbo")).cpu().numpy()

    def _reconstructions(self, reconstruction: str) -> np.ndarray:
        generator = self.generator("recon")
        return self.run(lambda x: self.view.reconstruct(x, reconstruction, generator), self.get("test_images"))

    def _backwards(self) -> np.ndarray:
        network = getattr(self.model.encoder, "network", None)
        if network is None:
            raise Blank("the encoder is not a network that can run backwards")
        return self.run(lambda x: network.reverse(self.view.embed(x)).sigmoid(), self.get("test_images"))

    @torch.no_grad()
    def _samples(self, sampler: str) -> np.ndarray:
        n = len(self.get("test_images"))
        prior = self.view.prior
        codes = prior.sample(n, self.generator("prior"), self.device) if sampler == "normal" else self._mixture_codes(n)
        parts = [self.view.decode(z.to(self.device)).cpu().numpy() for z in codes.split(BATCH)]
        return np.concatenate(parts)

    def _mixture_codes(self, n: int) -> Tensor:
        """Draw codes from a Gaussian mixture fitted to one posterior sample of each training image."""
        from sklearn.mixture import GaussianMixture

        images = self.data.train.images[: self.settings["gmm_images"]]
        generator = self.generator("gmm")
        codes = self.run(lambda x: self.view.posterior(x).rsample(1, generator)[:, 0], images)
        components = min(self.settings["gmm_components"], len(codes))
        mixture = GaussianMixture(components, random_state=self._number("gmm"), reg_covar=1e-4, tol=1e-2)
        drawn, _ = mixture.fit(codes.astype(np.float64)).sample(n)
        return torch.from_numpy(drawn.astype(np.float32))

    def _reference_features(self, features: str = "classifier") -> np.ndarray:
        return self.features(features, self.get("test_images"))

    def _sample_features(self, sampler: str, features: str = "classifier") -> np.ndarray:
        return self.features(features, self.get("samples", {"sampler": sampler}))

    def _reconstruction_features(self, features: str = "classifier") -> np.ndarray:
        return self.features(features, self.get("reconstructions", {"reconstruction": "sample"}))

    def _parameters(self) -> np.ndarray:
        return np.array([count_parameters(self.model)])

    def _seconds_per_epoch(self) -> np.ndarray:
        return np.array([self.seconds_per_epoch])


_SETTINGS_OF = {
    "reconstructions": ("reconstruction",),
    "samples": ("sampler",),
    "reference_features": ("features",),
    "sample_features": ("sampler", "features"),
    "reconstruction_features": ("features",),
}


def wanted(settings: Mapping[str, Any]) -> list[tuple[str, Metric, Mapping[str, str]]]:
    """Return the metrics of the registry in all their settings, of the probes only those asked for."""
    probes = settings["probes"]
    cells = [(name, metric, setting) for name, metric in METRICS.items() for setting in metric.settings]
    return [cell for cell in cells if cell[2].get("probe", probes[0]) in probes]


def measure(evaluation: Evaluation) -> list[Measurement]:
    """Return every wanted metric, in the registry's order; blank with a reason where it cannot be had."""
    return [_measure(evaluation, *cell) for cell in wanted(evaluation.settings)]


def unmeasured(settings: Mapping[str, Any], status: str, reason: str) -> list[Measurement]:
    """Return the same cells for a run that gave no model, without values."""
    cells = ((name, setting_text(setting)) for name, _, setting in wanted(settings))
    return [Measurement(name, text, None, status=status, reason=reason) for name, text in cells]


def _measure(evaluation: Evaluation, name: str, metric: Metric, setting: Mapping[str, str]) -> Measurement:
    text = setting_text(setting)
    missing = sorted(metric.needs - evaluation.view.capabilities)
    if missing:
        return Measurement(name, text, None, status="blank", reason=f"the model has no {missing[0]}")
    try:
        arrays = [evaluation.get(array, setting) for array in metric.inputs]
        rng = np.random.default_rng(crc32(f"{name}:{text}:{evaluation.seed}".encode()))
        found = metric.function()(*arrays, setting=setting, rng=rng)
    except Blank as blank:
        return Measurement(name, text, None, status="blank", reason=str(blank))
    except Exception as error:  # one cell that cannot be computed leaves the others
        return Measurement(name, text, None, status="failed", reason=f"{type(error).__name__}: {error}")
    return Measurement(name, text, found.value, found.se, found.n)
