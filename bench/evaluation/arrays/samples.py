"""Arrays of samples and reconstructions, in the features of networks and beside the test images."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch

from bench.data.eight_bit import to_uint8
from bench.data.types import Images
from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.features.networks import NETWORK_OF
from bench.metrics import prd
from bench.samplers import SAMPLERS

SCALED_BY = 1000  # training images; a large network takes an hour for all of them
Blocks = Mapping[str, np.ndarray]  # the features [N, F] that one pass of a network gives, by name


@torch.no_grad()
def samples(evaluation: Evaluation, test_images: Images, sampler: str) -> Images:
    """Return as many samples as there are test images; of images that are given, those."""
    if "given" in evaluation.view.capabilities:
        return evaluation.view.given(len(test_images), evaluation.number("given"))
    codes = SAMPLERS[sampler].draw(evaluation, len(test_images)).to(evaluation.device)
    decode = evaluation.view.decode
    if "noise" in evaluation.view.capabilities:  # a draw of p(x|z) is more than the decoder's image of z
        decode = partial(evaluation.view.decode_drawn, generator=evaluation.generator(f"decoder:{sampler}"))
    return np.concatenate([to_uint8(decode(z).cpu().numpy()) for z in codes.split(evaluation.rows)])


def sample_blocks(evaluation: Evaluation, samples: Images, network: str) -> Blocks:
    return evaluation.features.extract(network, samples)


def sample_features(evaluation: Evaluation, sampler: str, features: str = "classifier") -> np.ndarray:
    return evaluation.get("sample_blocks", {"sampler": sampler, "network": NETWORK_OF[features]})[features]


def sample_classes(evaluation: Evaluation, sampler: str) -> np.ndarray:
    return evaluation.features.classes(evaluation.get("sample_features", {"sampler": sampler}))


def reconstruction_blocks(evaluation: Evaluation, drawn_reconstructions: np.ndarray, network: str) -> Blocks:
    return evaluation.features.extract(network, drawn_reconstructions)


def reconstruction_features(evaluation: Evaluation, features: str = "classifier") -> np.ndarray:
    return evaluation.get("reconstruction_blocks", {"network": NETWORK_OF[features]})[features]


def reference_features(evaluation: Evaluation, test_images: Images, features: str = "classifier") -> np.ndarray:
    return evaluation.features.kept(features, test_images)


def feature_scale(evaluation: Evaluation, features: str = "classifier") -> np.ndarray:
    images = evaluation.data.train.images
    return evaluation.features.scale(features, images if features == "classifier" else images[:SCALED_BY])


def reference_statistics(evaluation: Evaluation, test_images: Images, features: str = "classifier") -> Blocks:
    return evaluation.features.statistics(features, test_images)


def reference_mean(reference_statistics: Blocks) -> np.ndarray:
    return reference_statistics["mean"]


def reference_covariance(reference_statistics: Blocks) -> np.ndarray:
    return reference_statistics["covariance"]


def reference_classes(evaluation: Evaluation) -> np.ndarray:
    return evaluation.features.classes(evaluation.get("reference_features"))


def sample_names(evaluation: Evaluation, sampler: str) -> np.ndarray:
    features = {"sampler": sampler, "features": "efficientnet-lite0"}
    return evaluation.features.named(evaluation.get("sample_features", features))


def prd_curve(
    evaluation: Evaluation,
    sample_features: np.ndarray,
    reference_features: np.ndarray,
    sampler: str,
    features: str = "classifier",
) -> np.ndarray:
    rng = np.random.default_rng(evaluation.number(f"prd:{sampler}:{features}"))
    return prd.prd_curve(reference_features, sample_features, rng)
