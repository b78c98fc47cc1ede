"""Bits per dimension, the bound's terms and generation times, from models whose numbers are known."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from bench.data.types import ImageDataset, cut
from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.evaluate import measure
from bench.metrics.averages import bits_per_dim, mean_nll
from bench.metrics.cost import generation_seconds
from bench.metrics.types import Blank
from bench.study.schema import Evaluation as Settings
from models import MODELS

SHAPE, N = (1, 8, 8), 6
ASKED = ("bits_per_dim", "reconstruction_nats", "kl_nats", "neg_elbo", "nll")
SETTINGS = Settings(
    images=N, nll_images=N, nll_samples=3, samplers=("normal",), extras=("densities",), metrics=ASKED, gmm_images=N,
    gmm_components=1,
)  # fmt: skip


def evaluation(likelihood: str, binary: bool = False, name: str = "VAE", kind: str = "standard") -> Evaluation:
    torch.manual_seed(0)
    model_class = MODELS[name].resolve()
    network = {"channels": (4,), "strides": (2,), "hidden": (8,)}
    prior = {"kind": kind, "components": 3, "hidden": 4}
    config = model_class.config_class(
        input_dim=SHAPE, latent_dim=16, reconstruction_loss=likelihood, network=network, prior=prior
    )
    pixels = np.random.default_rng(0).integers(0, 256, (3 * N, *SHAPE), dtype=np.uint8)
    pixels = np.where(pixels > 127, 255, 0).astype(np.uint8) if binary else pixels
    labels, parts = np.arange(3 * N) % 2, np.arange(3 * N).reshape(3, N)
    data = ImageDataset("toy", *cut(pixels, labels, tuple(parts)), ("0", "1"), {}, "made")
    features: Any = None
    return Evaluation(model_class(config), data, SETTINGS, 0, features, 1.0)


def test_bits_per_dim_of_a_fair_coin_a_pixel_and_of_uniform_grey_levels() -> None:
    coins = bits_per_dim(np.full(5, 64 * math.log(2)), np.arange(5.0), np.array([64]))
    assert (coins.value, coins.se, coins.n) == (pytest.approx(1.0), pytest.approx(0.0), 5)
    grey = bits_per_dim(np.array([3072 * math.log(256)]), np.array([9.0]), np.array([3072]))
    assert grey.value == pytest.approx(8.0)


def test_the_papers_own_terms_give_its_bits() -> None:
    """Table 2, selfVAE: 6675 + 1596 nats on 32 x 32 x 3 pixels are printed as 3.88."""
    assert round(bits_per_dim(np.array([6675.0 + 1596.0]), np.array([9e3]), np.array([3072])).value, 2) == 3.88


def test_bits_per_dim_are_the_nll_in_another_unit() -> None:
    rng = np.random.default_rng(0)
    neg_elbo = rng.normal(100, 10, 50)
    nll_nats = neg_elbo[:20] - rng.uniform(0, 2, 20)
    nats, bits = mean_nll(nll_nats, neg_elbo), bits_per_dim(nll_nats, neg_elbo, np.array([64]))
    assert nats.se is not None and bits.se is not None
    assert (64 * math.log(2) * bits.value, bits.n) == (pytest.approx(nats.value), 20)
    assert 64 * math.log(2) * bits.se == pytest.approx(nats.se)


@pytest.mark.parametrize(
    ("likelihood", "binary", "reason"),
    [
        ("logistic", False, None),
        ("logistic-mixture", True, None),
        ("bce", True, None),
        ("bce", False, "not a density of 8-bit pixels"),
        ("mse", False, "a density of real pixels"),
        ("gaussian", True, "a density of real pixels"),
    ],
)
def test_bits_per_dim_is_blank_where_the_likelihood_is_no_distribution_of_the_pixels(
    likelihood: str, binary: bool, reason: str | None
) -> None:
    found = {m.metric: m for m in measure(evaluation(likelihood, binary))}
    bits, nll = found["bits_per_dim"], found["nll"]
    assert nll.value is not None
    if reason is None:
        assert bits.value == pytest.approx(nll.value / (64 * math.log(2)), rel=1e-6)
    else:
        assert (bits.status, bits.value) == ("blank", None)
        assert reason in str(bits.reason)


@pytest.mark.parametrize("kind", ["standard", "mixture", "realnvp", "vamp"])
@pytest.mark.parametrize("name", ["VAE", "BidirectionalVAE"])
def test_re_and_kl_add_up_to_the_bound_under_every_prior(name: str, kind: str) -> None:
    found = {m.metric: m for m in measure(evaluation("logistic", name=name, kind=kind))}
    values = {name: float(m.value or 0.0) for name, m in found.items()}
    assert values["reconstruction_nats"] + values["kl_nats"] == pytest.approx(values["neg_elbo"], rel=1e-6)
    assert all(m.status == "ok" for m in found.values())


def test_generation_is_timed_as_the_median_of_a_hundred_runs() -> None:
    assert generation_seconds(np.array([5.0, 1.0, 2.0])).value == 2.0
    times = evaluation("logistic", kind="vamp").get("generation_seconds", {"images": "1"})
    assert times.shape == (100,)
    assert (times > 0).all()


def test_a_network_of_several_numbers_a_pixel_gives_no_image_backwards() -> None:
    assert evaluation("logistic").get("backwards").shape == (N, *SHAPE)
    with pytest.raises(Blank, match="parameters of p"):
        evaluation("logistic", name="BidirectionalVAE").get("backwards")
