"""The feature networks that images are compared in, and what the reference images are in them, kept on disk."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.places import cache_folder
from bench.data.types import ImageDataset
from bench.evaluation.features.classifier import SmallClassifier, cached_classifier
from bench.evaluation.features.efficientnet import SIZE, EfficientNetLite0, load_efficientnet
from bench.evaluation.features.inception import Inception
from bench.evaluation.features.own import OwnNetwork
from bench.metrics.frechet import statistics
from bench.metrics.types import Blank
from bench.system.cache import cached_arrays

CLASSIFIER_SEED = 0
BLOCKS = {  # network -> its features
    "classifier": ("classifier",),
    "inception": ("inception64", "inception2048"),
    "efficientnet": ("efficientnet-lite0",),
    "own": ("own",),
}
NETWORK_OF = {features: network for network, blocks in BLOCKS.items() for features in blocks}


@lru_cache(maxsize=1)
def load_classifier(data: ImageDataset, device: str) -> tuple[SmallClassifier, float]:
    """Return the suite's classifier for a data set and its accuracy on the test set."""
    train, test = data.reference or data.train, data.test
    outputs = len(data.classes)
    classifier = cached_classifier(cache_folder(), train.images, train.labels, outputs, CLASSIFIER_SEED, device)
    return classifier, classifier.accuracy(test.images, test.labels)


@lru_cache(maxsize=1)
def load_inception(weights: Path, device: str) -> Inception:
    """Return pytorch-fid's network with weights from a file."""
    return Inception(weights, device)


@lru_cache(maxsize=1)
def load_own(path: Path, device: str) -> OwnNetwork:
    """Return the user's network from a file."""
    return OwnNetwork(path, device)


class FeatureNetworks:
    """The suite's classifier, EfficientNet where it is installed, and, where their files are given, Inception and a
    network of the user's."""

    def __init__(self, data: ImageDataset, fid_weights: Path | None, device: str, own: Path | None = None):
        self.data, self.fid_weights, self.device, self.own = data, fid_weights, device, own
        self._classified = False
        self._embedded: dict[str, str] | None = None  # what EfficientNet was, once something was measured by it

    def extract(self, network: str, images: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the features [N, F] that one pass of a network gives, by name; raises Blank without its weights."""
        if network == "classifier":
            return {"classifier": self._classifier().features(images)}
        if network == "efficientnet":
            return {"efficientnet-lite0": self._efficientnet().features(images)}
        if network == "own":
            return {"own": self._own().features(images)}
        return self._inception().features(images)

    def kept(self, features: str, images: np.ndarray) -> np.ndarray:
        """Return the named features [N, F] of images that many runs share, extracted once and stored."""
        network = NETWORK_OF[features]
        path = self._path(network, f"{network}-features", images)
        return cached_arrays(path, BLOCKS[network], lambda: self.extract(network, images))[features]

    def statistics(self, features: str, images: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the "mean" [F] and the "covariance" [F, F] of the same features, computed once and stored."""
        names = ("mean", "covariance")

        def made() -> dict[str, np.ndarray]:
            return dict(zip(names, statistics(self.kept(features, images)), strict=True))

        path = self._path(NETWORK_OF[features], f"{features}-statistics", images)
        return cached_arrays(path, names, made)

    def scale(self, features: str, images: np.ndarray) -> np.ndarray:
        """Return the root mean square of the named features of images: [1], computed once and stored."""
        network = NETWORK_OF[features]

        def made() -> dict[str, np.ndarray]:
            found = self.extract(network, images)[features]
            return {"scale": np.sqrt([np.square(found, dtype=np.float64).mean()])}

        return cached_arrays(self._path(network, f"{features}-scale", images), ["scale"], made)["scale"]

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return p(class | image) [N, 1008] as Inception reads images; raises Blank without its weights."""
        return self._inception().probabilities(self.extract("inception", images)["inception2048"])

    def named(self, features: np.ndarray) -> np.ndarray:
        """Return p(class | image) [N, 1000] of features of EfficientNet-Lite0 [N, 1280]."""
        return self._efficientnet().probabilities(features)

    def classes(self, features: np.ndarray) -> np.ndarray:
        """Return the class [N] that the classifier reads in its features [N, 64]; raises Blank for attributes."""
        if self.data.test.labels.ndim > 1:
            raise Blank("labels are attributes, not classes")
        return self._classifier().classes(features)

    def provenance(self) -> dict[str, Any]:
        """Return what the feature networks were: the classifier's seed and test accuracy, Inception's weights.

        A network that nothing was measured by is None.
        """
        accuracy = load_classifier(self.data, self.device)[1] if self._classified else None
        classifier = {"seed": CLASSIFIER_SEED, "test_accuracy": accuracy} if self._classified else None
        inception = self._inception().provenance if self.fid_weights else None
        own = {"own_network": self._own().provenance} if self.own else {}
        return {"classifier": classifier, "inception": inception, "efficientnet": self._embedded} | own

    def _classifier(self) -> SmallClassifier:
        classifier = load_classifier(self.data, self.device)[0]
        self._classified = True
        return classifier

    def _efficientnet(self) -> EfficientNetLite0:
        network, self._embedded = load_efficientnet(self.device)
        return network

    def _own(self) -> OwnNetwork:
        if self.own is None:
            raise Blank("no network of one's own: pass --feature-network FILE")
        return load_own(self.own, self.device)

    def _inception(self) -> Inception:
        if self.fid_weights is None:
            raise Blank("no Inception weights: pass --fid-weights FILE")
        return load_inception(self.fid_weights, self.device)

    def _path(self, network: str, kind: str, images: np.ndarray) -> Path:
        """Return the file for what is a function of a network's weights and of images, in the cache folder."""
        digest = sha256(f"{self._identity(network)};{images.shape};{images.dtype};".encode())
        digest.update(np.ascontiguousarray(images).data)
        return cache_folder() / "reference" / f"{kind}-{digest.hexdigest()[:24]}.npz"

    def _identity(self, network: str) -> str:
        """Return the SHA-256 of a network's weights."""
        if network == "efficientnet":
            return f"{load_efficientnet(self.device)[1]['weights_sha256']} {SIZE}"
        if network == "own":
            return self._own().provenance["weights_sha256"]
        if network == "inception":
            return str(self._inception().provenance["weights_sha256"])
        digest = sha256()
        for name, tensor in self._classifier().state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()
