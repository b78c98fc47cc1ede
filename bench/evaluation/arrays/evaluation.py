"""One pass over a trained model: posteriors, reconstructions, samples and features are computed once and shared."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from inspect import signature
from typing import Any
from zlib import crc32

import numpy as np
import torch
from pythae.models import BaseAE
from torch import Tensor

from bench.data.eight_bit import to_uint8
from bench.data.types import ImageDataset
from bench.evaluation.arrays.annealing import AnnealingArrays
from bench.evaluation.arrays.codes import CodeArrays
from bench.evaluation.arrays.densities import DensityArrays
from bench.evaluation.arrays.labels import LabelArrays
from bench.evaluation.arrays.levels import LevelArrays
from bench.evaluation.arrays.scores import ScoreArrays
from bench.evaluation.features.networks import NETWORK_OF, FeatureNetworks
from bench.likelihood import nll, rows_at_once
from bench.metrics.prd import prd_curve
from bench.metrics.types import Blank
from bench.samplers import SAMPLERS
from models.capabilities import capable
from models.networks.two_way import count_parameters
from models.training import as_float


def setting_text(setting: Mapping[str, str]) -> str:
    """Return a setting as sorted "key=value;key=value"."""
    return ";".join(f"{key}={setting[key]}" for key in sorted(setting))


class Evaluation(AnnealingArrays, CodeArrays, DensityArrays, LabelArrays, LevelArrays, ScoreArrays):
    """The arrays that metrics and figures take from one model, each computed at first use.

    Array `name` is made by the method `_name`, whose arguments are the keys of a setting that it depends on. Every
    random draw has a generator of its own, seeded by the run's seed and the draw's name, so that no result depends on
    which others were asked for.
    """

    def __init__(
        self,
        model: BaseAE,
        data: ImageDataset,
        settings: Mapping[str, Any],
        seed: int,
        features: FeatureNetworks,
        seconds_per_epoch: float,
    ):
        self.model, self.view = model.eval(), capable(model)
        self.data, self.settings, self.seed, self.features = data, settings, seed, features
        self.seconds_per_epoch = seconds_per_epoch
        self.device = next(model.parameters()).device
        self.rows = rows_at_once(torch.empty(0, *data.shape, device=self.device))
        self._made: dict[tuple[str, str], Any] = {}

    def get(self, name: str, setting: Mapping[str, str] | None = None) -> Any:
        """Return array `name` under a setting; raises Blank with the reason where it cannot be had."""
        make = getattr(self, f"_{name}")
        keys = {key: value for key, value in (setting or {}).items() if key in signature(make).parameters}
        slot = (name, setting_text(keys))
        if slot not in self._made:
            self._made[slot] = make(**keys)
        return self._made[slot]

    def already(self, *names: str) -> dict[str, np.ndarray]:
        """Return those of the named arrays that have been computed."""
        return {name: self._made[name, ""] for name in names if (name, "") in self._made}

    def samplers(self) -> list[str]:
        """Return the samplers that the settings ask for and the model can serve."""
        can = self.view.capabilities
        return [s for s in self.settings["samplers"] if "generate" in can and not SAMPLERS[s].obstacle(can)]

    def generator(self, name: str) -> torch.Generator:
        """Return the generator of the named draw."""
        return torch.Generator(self.device).manual_seed(self.number(name))

    def number(self, name: str) -> int:
        """Return the seed of the named draw."""
        return crc32(f"{name}:{self.seed}".encode())

    @torch.no_grad()
    def run(self, function: Callable[[Tensor], Tensor], array: np.ndarray) -> np.ndarray:
        """Apply a function of float images [B, C, H, W], or of codes [B, L], in batches; return the results as one."""
        return np.concatenate([function(part).cpu().numpy() for part in self._batches(array)])

    def _batches(self, array: np.ndarray) -> Iterator[Tensor]:
        for start in range(0, len(array), self.rows):
            yield as_float(torch.from_numpy(array[start : start + self.rows]).to(self.device))

    # Images, labels, costs

    def _test_images(self) -> np.ndarray:
        return self.data.test.images[: self.settings["images"]]

    def _fit_images(self) -> np.ndarray:
        return self.data.train.images[: self.settings["gmm_images"]]

    def _train_labels(self) -> np.ndarray:
        if (self.data.train.labels < 0).any():
            raise Blank("some training images have no label")
        return self.data.train.labels

    def _test_labels(self) -> np.ndarray:
        return self.data.test.labels[: self.settings["images"]]

    def _parameters(self) -> np.ndarray:
        return np.array([count_parameters(self.model)])

    def _seconds_per_epoch(self) -> np.ndarray:
        return np.array([self.seconds_per_epoch])

    # What the encoder gives: each image is encoded once

    @torch.no_grad()
    def _posteriors(self, images: str) -> list[Any]:
        """Return the posterior of each batch of an array of images; None for each where the model has none."""
        encode = self.view.posterior if "posterior" in self.view.capabilities else lambda x: None
        return [encode(x) for x in self._batches(self.get(images))]

    @torch.no_grad()
    def _encoded(self, function: Callable[[Tensor, Any], Tensor], images: str) -> np.ndarray:
        """Apply a function of images [B, C, H, W] and their posterior in batches; return the results as one."""
        posteriors = self.get("posteriors", {"images": images})
        pairs = zip(self._batches(self.get(images)), posteriors, strict=True)
        return np.concatenate([function(x, q).cpu().numpy() for x, q in pairs])

    def _encoded_by_name(
        self, function: Callable[[Tensor, Any], dict[str, Tensor]], images: str
    ) -> dict[str, np.ndarray]:
        """Do the same with a function of named tensors [B], the same names each time; return float64 arrays [N]."""
        names: list[str] = []

        def table(x: Tensor, q: Any) -> Tensor:
            found = function(x, q)
            names[:] = found
            return torch.stack(list(found.values()), 1).double()

        columns = self._encoded(table, images).T  # which fills `names`
        return dict(zip(names, columns, strict=True))

    def _mean(self, x: Tensor, q: Any) -> Tensor:
        if "levels" in self.view.capabilities:
            return self.view.latent_means(x)  # its codes hold images too
        return self.view.embed(x) if q is None else q.mean

    def _test_mean(self) -> np.ndarray:
        return self._encoded(self._mean, "test_images")

    def _train_mean(self) -> np.ndarray:
        first, others = self._encoded(self._mean, "fit_images"), self.data.train.images[len(self.get("fit_images")) :]
        return np.concatenate([first, self.run(lambda x: self._mean(x, None), others)]) if len(others) else first

    def _train_codes(self) -> np.ndarray:
        generator = self.generator("gmm")

        def code(x: Tensor, q: Any) -> Tensor:
            return self.view.embed(x) if q is None else q.rsample(1, generator)[:, 0]

        return self._encoded(code, "fit_images")

    # What the likelihood and the decoder give

    def _nll_nats(self) -> np.ndarray:
        images = torch.from_numpy(self.get("test_images")[: self.settings["nll_images"]]).to(self.device)
        return nll(self.model, images, self.settings["nll_samples"], generator=self.generator("nll")).cpu().numpy()

    def _neg_elbo_nats(self) -> np.ndarray:
        generator = self.generator("elbo")
        return self._encoded(lambda x, q: self.view.neg_elbo(x, generator, q).double(), "test_images")

    def _reconstructions(self, reconstruction: str) -> np.ndarray:
        generator = self.generator("recon")

        def decoded(x: Tensor, q: Any) -> Tensor:
            return self.view.reconstruct(x, reconstruction, generator, *(() if q is None else (q,)))

        return self._encoded(decoded, "test_images")

    def _backwards(self) -> np.ndarray:
        network: Any = getattr(self.model.encoder, "network", None)
        if not hasattr(network, "reverse"):
            raise Blank("the encoder is not a network that can run backwards")
        images = self.run(lambda z: network.reverse(z).sigmoid(), self.get("test_mean"))
        if images.shape[1] != self.data.shape[0]:
            raise Blank("run backwards, the network gives parameters of p(x|z) and no image")
        return images

    @torch.no_grad()
    def _samples(self, sampler: str) -> np.ndarray:
        codes = SAMPLERS[sampler].draw(self, len(self.get("test_images"))).to(self.device)
        decode = self.view.decode
        if "noise" in self.view.capabilities:  # a draw of p(x|z) is more than the decoder's image of z
            decode = partial(self.view.decode_drawn, generator=self.generator(f"decoder:{sampler}"))
        return np.concatenate([to_uint8(decode(z).cpu().numpy()) for z in codes.split(self.rows)])

    # What feature networks give

    def _sample_blocks(self, sampler: str, network: str) -> Mapping[str, np.ndarray]:
        return self.features.extract(network, self.get("samples", {"sampler": sampler}))

    def _reconstruction_blocks(self, network: str) -> Mapping[str, np.ndarray]:
        return self.features.extract(network, self.get("reconstructions", {"reconstruction": "sample"}))

    def _sample_features(self, sampler: str, features: str = "classifier") -> np.ndarray:
        return self.get("sample_blocks", {"sampler": sampler, "network": NETWORK_OF[features]})[features]

    def _reconstruction_features(self, features: str = "classifier") -> np.ndarray:
        return self.get("reconstruction_blocks", {"network": NETWORK_OF[features]})[features]

    def _walk_features(self, protocol: str, features: str = "classifier") -> np.ndarray:
        return self.get("walk_blocks", {"protocol": protocol, "network": NETWORK_OF[features]})[features]

    def _reference_features(self, features: str = "classifier") -> np.ndarray:
        return self.features.kept(features, self.get("test_images"))

    def _reference_statistics(self, features: str = "classifier") -> Mapping[str, np.ndarray]:
        return self.features.statistics(features, self.get("test_images"))

    def _reference_mean(self, features: str = "classifier") -> np.ndarray:
        return self.get("reference_statistics", {"features": features})["mean"]

    def _reference_covariance(self, features: str = "classifier") -> np.ndarray:
        return self.get("reference_statistics", {"features": features})["covariance"]

    def _sample_classes(self, sampler: str) -> np.ndarray:
        return self.features.classes(self.get("sample_features", {"sampler": sampler}))

    def _reference_classes(self) -> np.ndarray:
        return self.features.classes(self.get("reference_features"))

    def _prd_curve(self, sampler: str, features: str = "classifier") -> np.ndarray:
        samples = self.get("sample_features", {"sampler": sampler, "features": features})
        reference = self.get("reference_features", {"features": features})
        return prd_curve(reference, samples, np.random.default_rng(self.number(f"prd:{sampler}:{features}")))
