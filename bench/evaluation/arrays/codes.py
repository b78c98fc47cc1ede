"""Arrays of a model's codes: drawn, inverted, walked between, edited."""

import numpy as np
import torch

from bench.data.eight_bit import to_uint8
from bench.data.types import Images, Labels
from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.arrays.samples import Blocks
from bench.evaluation.features.networks import NETWORK_OF
from bench.metrics.bit_codes import inverted, paths, random_pairs, tilts
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


def _has_bits(evaluation: Evaluation) -> bool:
    return "bits" in evaluation.view.capabilities


def code_bits(evaluation: Evaluation, test_mean: np.ndarray) -> np.ndarray:
    """Return the size of a code, a float counted as 32 bits."""
    return np.array([test_mean.shape[1] * (1 if _has_bits(evaluation) else 32)])


def train_bits(train_mean: np.ndarray) -> np.ndarray:
    return train_mean.astype(np.int8)  # of a model with bits: -1 and +1


def test_bits(test_mean: np.ndarray) -> np.ndarray:
    return test_mean.astype(np.int8)


def moments(train_bits: np.ndarray) -> np.ndarray:
    """Return the moments that bits are drawn by (Eq. 4, LBAE)."""
    return second_moments(torch.from_numpy(train_bits)).numpy()


def sampled_bits(evaluation: Evaluation, sampler: str) -> np.ndarray:
    return SAMPLERS[sampler].draw(evaluation, DRAWN).cpu().numpy().astype(np.int8)


# Between two codes


def pair_of_codes(evaluation: Evaluation, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of random pairs of images, for the distances along paths and the pictures between."""
    codes = evaluation.get(f"{split}_{'bits' if _has_bits(evaluation) else 'mean'}")
    return random_pairs(codes, PAIRS, np.random.default_rng(evaluation.number(f"pairs:{split}")))


def source_bits(evaluation: Evaluation) -> np.ndarray:
    return evaluation.get("pair_of_codes", {"split": "test"})[0]


def target_bits(evaluation: Evaluation) -> np.ndarray:
    return evaluation.get("pair_of_codes", {"split": "test"})[1]


def inverted_bits(moments: np.ndarray, source_bits: np.ndarray, inversion: str) -> np.ndarray:
    return inverted(moments, source_bits, inversion)


def inversion_tilts(moments: np.ndarray, source_bits: np.ndarray, inversion: str) -> np.ndarray:
    return tilts(moments, source_bits, inversion)


def path_bits(moments: np.ndarray, source_bits: np.ndarray, target_bits: np.ndarray, inversion: str) -> np.ndarray:
    return paths(moments, source_bits, target_bits, inversion)


def walks(evaluation: Evaluation, protocol: str) -> np.ndarray:
    """Return the codes along the ways between pairs, one row a way."""
    split, inversion, ends = PROTOCOLS[protocol]
    source, target = evaluation.get("pair_of_codes", {"split": split})
    if _has_bits(evaluation) and (split, inversion) == ("test", "paper"):
        steps = evaluation.get("path_bits", {"inversion": inversion})
    elif _has_bits(evaluation):
        steps = paths(evaluation.get("moments"), source, target, inversion)
    else:
        t = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None]
        steps = (1 - t) * source[:, None] + t * target[:, None]
    ways = np.concatenate([source[:, None], steps, target[:, None]], axis=1) if ends else steps
    return ways.astype(np.float32)


def walk_images(evaluation: Evaluation, walks: np.ndarray, test_images: Images) -> np.ndarray:
    return evaluation.run(evaluation.view.decode, walks.reshape(-1, walks.shape[-1])[: len(test_images)])


def walk_blocks(evaluation: Evaluation, walk_images: np.ndarray, network: str) -> Blocks:
    return evaluation.features.extract(network, to_uint8(walk_images))


def walk_features(evaluation: Evaluation, protocol: str, features: str = "classifier") -> np.ndarray:
    return evaluation.get("walk_blocks", {"protocol": protocol, "network": NETWORK_OF[features]})[features]


# Edits of attributes


def class_codes(evaluation: Evaluation, train_labels: Labels, train_bits: np.ndarray) -> np.ndarray:
    classes, size = len(evaluation.data.classes), train_bits.shape[1]
    marks = train_labels.T > 0 if train_labels.ndim > 1 else np.arange(classes)[:, None] == train_labels
    return np.stack([train_bits[mark].mean(0) if mark.any() else np.zeros(size) for mark in marks])


def edited(class_codes: np.ndarray, bits: np.ndarray, classes: np.ndarray, threshold: float) -> np.ndarray:
    """Return codes [B, L] edited towards a class each [B], as Eq. 17 of LBAE does it; class_codes [k, L]."""
    means = torch.from_numpy(class_codes[classes]).float()
    return edit_attribute(torch.from_numpy(bits).float(), means, threshold).numpy()


def edit_targets(evaluation: Evaluation, test_labels: Labels) -> np.ndarray:
    """Return for each of the first test images another class than its own, drawn at random."""
    labels = test_labels[:EDITED]
    if labels.ndim > 1:
        raise Blank("labels are attributes, not classes")
    classes, rng = len(evaluation.data.classes), np.random.default_rng(evaluation.number("edits"))
    return (labels + rng.integers(1, classes, len(labels))) % classes


def edited_classes(
    evaluation: Evaluation, edit_targets: np.ndarray, class_codes: np.ndarray, test_bits: np.ndarray, threshold: str
) -> np.ndarray:
    codes = edited(class_codes, test_bits[: len(edit_targets)], edit_targets, float(threshold))
    images = to_uint8(evaluation.run(evaluation.view.decode, codes))
    return evaluation.features.classes(evaluation.features.extract("classifier", images)["classifier"])
