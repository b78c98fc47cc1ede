"""Arrays of a model's codes: drawn, inverted, walked between, edited. A part of the evaluation's arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bench.data.eight_bit import to_uint8
from bench.metrics.bit_codes import inverted, paths, random_pairs
from bench.metrics.types import Blank
from bench.samplers import SAMPLERS
from models.lbae.hyperplane import second_moments
from models.lbae.paths import STEPS, edit_attribute

DRAWN = 50_000
PAIRS = 1000
EDITED = 1000

# How interpolations are shown and scored: between images of which split, by which inversion, with the two exact codes
# before and after (the paper's code; its Figure 10; the steps between alone).
PROTOCOLS: dict[str, tuple[str, str, bool]] = {
    "code": ("train", "code", True),
    "figure": ("test", "paper", True),
    "interior": ("test", "paper", False),
}


class CodeArrays:
    """What is computed from codes. The methods' names and arguments are those of `Evaluation`, which mixes them in."""

    view: Any
    data: Any
    device: Any
    features: Any
    get: Callable[..., Any]
    run: Callable[..., np.ndarray]
    number: Callable[[str], int]

    def _has_bits(self) -> bool:
        return "bits" in self.view.capabilities

    def _code_bits(self) -> np.ndarray:
        return np.array([self.get("test_mean").shape[1] * (1 if self._has_bits() else 32)])

    def _train_bits(self) -> np.ndarray:
        return self.get("train_mean").astype(np.int8)  # of a model with bits: -1 and +1

    def _test_bits(self) -> np.ndarray:
        return self.get("test_mean").astype(np.int8)

    def _moments(self) -> np.ndarray:
        return second_moments(torch.from_numpy(self.get("train_bits"))).numpy()

    def _sampled_bits(self, sampler: str) -> np.ndarray:
        return SAMPLERS[sampler].draw(self, DRAWN).cpu().numpy().astype(np.int8)

    # Between two codes

    def _pair_of_codes(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes of random pairs of images, for the distances along paths and the pictures between."""
        codes = (
            self.get("test_bits" if self._has_bits() else "test_mean") if split == "test" else self._training_codes()
        )
        return random_pairs(codes, PAIRS, np.random.default_rng(self.number(f"pairs:{split}")))

    def _training_codes(self) -> np.ndarray:
        return self.get("train_bits" if self._has_bits() else "train_mean")

    def _source_bits(self) -> np.ndarray:
        return self.get("pair_of_codes", {"split": "test"})[0]

    def _target_bits(self) -> np.ndarray:
        return self.get("pair_of_codes", {"split": "test"})[1]

    def _inverted_bits(self, inversion: str) -> np.ndarray:
        return inverted(self.get("moments"), self.get("source_bits"), inversion)

    def _path_bits(self, inversion: str) -> np.ndarray:
        return paths(self.get("moments"), self.get("source_bits"), self.get("target_bits"), inversion)

    def _walks(self, protocol: str) -> np.ndarray:
        """Return the codes along the ways between pairs, one row a way: [P, 10 or 12, L]."""
        split, inversion, ends = PROTOCOLS[protocol]
        source, target = self.get("pair_of_codes", {"split": split})
        if self._has_bits() and (split, inversion) == ("test", "paper"):
            steps = self.get("path_bits", {"inversion": inversion})
        elif self._has_bits():
            steps = paths(self.get("moments"), source, target, inversion)
        else:
            t = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None]
            steps = (1 - t) * source[:, None] + t * target[:, None]
        walks = np.concatenate([source[:, None], steps, target[:, None]], axis=1) if ends else steps
        return walks.astype(np.float32)

    def _walk_images(self, protocol: str) -> np.ndarray:
        codes = self.get("walks", {"protocol": protocol})
        flat = codes.reshape(-1, codes.shape[-1])[: len(self.get("test_images"))]
        return self.run(lambda z: self.view.decode(z), flat)

    def _walk_blocks(self, protocol: str, network: str) -> Any:
        return self.features.extract(network, to_uint8(self.get("walk_images", {"protocol": protocol})))

    # Edits of attributes

    def _class_codes(self) -> np.ndarray:
        """Return the mean training code of each class, or of each attribute's bearers: [classes, N]."""
        labels, codes = self.get("train_labels"), self.get("train_bits")
        marks = labels.T > 0 if labels.ndim > 1 else np.arange(len(self.data.classes))[:, None] == labels
        return np.stack([codes[mark].mean(0) if mark.any() else np.zeros(codes.shape[1]) for mark in marks])

    def edited(self, bits: np.ndarray, classes: np.ndarray, threshold: float) -> np.ndarray:
        """Return codes [B, N] edited towards a class each [B], as Eq. 17 of LBAE does it."""
        means = torch.from_numpy(self.get("class_codes")[classes]).float()
        return edit_attribute(torch.from_numpy(bits).float(), means, threshold).numpy()

    def _edit_targets(self) -> np.ndarray:
        """Return for each of the first test images another class than its own, drawn at random."""
        labels = self.get("test_labels")[:EDITED]
        if labels.ndim > 1:
            raise Blank("labels are attributes, not classes")
        classes = len(self.data.classes)
        return (labels + np.random.default_rng(self.number("edits")).integers(1, classes, len(labels))) % classes

    def _edited_classes(self, threshold: str) -> np.ndarray:
        targets = self.get("edit_targets")
        codes = self.edited(self.get("test_bits")[: len(targets)], targets, float(threshold))
        images = to_uint8(self.run(lambda z: self.view.decode(z), codes))
        return self.features.classes(self.features.extract("classifier", images)["classifier"])
