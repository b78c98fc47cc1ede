"""The samplers: what each draws from, which models it serves, and why not."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_evaluation import build_model, evaluation

from bench.arrays import Evaluation
from bench.evaluate import measure
from bench.samplers import SAMPLERS
from models.capabilities import CAPABILITIES
from models.hyperplane import BIT_SAMPLERS, second_moments, sign

BITS = frozenset({"encode", "reconstruct", "generate", "bits"})


@pytest.fixture(scope="module")
def model() -> Any:
    return build_model()


@pytest.fixture
def bits(model: Any, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """An evaluation of the model as one of bits, the signs of its means."""
    embed = model.embed

    def as_bits(x: Tensor) -> Tensor:
        return sign(embed(x))

    monkeypatch.setattr(model, "embed", as_bits)
    monkeypatch.setattr(model, "capabilities", BITS, raising=False)
    return evaluation(model, samplers=tuple(SAMPLERS))


@pytest.mark.parametrize("name", SAMPLERS)
def test_entry_is_complete(name: str) -> None:
    sampler = SAMPLERS[name]
    assert sampler.label
    assert sampler.needs <= CAPABILITIES
    assert sampler.unless is None or sampler.unless in CAPABILITIES
    assert ("bits" in sampler.needs) == (name in BIT_SAMPLERS)


def test_a_gaussian_model_is_sampled_by_its_prior_and_a_mixture_a_model_of_bits_by_bits(
    model: Any, bits: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bits.samplers() == ["hyperplane", "rounding", "coins"]
    monkeypatch.undo()
    assert evaluation(model, samplers=("coins", "gmm", "normal")).samplers() == ["gmm", "normal"]


def test_a_sampler_that_the_model_cannot_serve_is_blank_with_the_reason(model: Any, bits: Evaluation) -> None:
    found = {m.setting: m for m in measure(bits) if m.metric == "fd_classifier"}
    assert {key.removeprefix("sampler="): (m.status, m.reason) for key, m in found.items()} == {
        "normal": ("blank", "the model has no prior"),
        "gmm": ("blank", "the model's codes are bits"),
        "hyperplane": ("ok", None),
        "rounding": ("ok", None),
        "coins": ("ok", None),
    }


def test_a_model_without_bits_says_so(model: Any) -> None:
    (found,) = [m for m in measure(evaluation(model, samplers=("hyperplane",))) if m.metric == "fd_classifier"]
    assert (found.status, found.reason) == ("blank", "the model has no bits")


@pytest.mark.parametrize("name", ["hyperplane", "rounding", "coins"])
def test_bits_are_drawn_by_the_moments_of_all_training_images(bits: Evaluation, name: str) -> None:
    trained = bits.get("train_bits")
    assert trained.shape == (30, 3)
    assert set(np.unique(trained)) <= {-1, 1}
    moments = second_moments(torch.from_numpy(trained))
    np.testing.assert_array_equal(bits.get("moments"), moments.numpy())
    drawn = SAMPLERS[name].draw(bits, 11)
    assert drawn.shape == (11, 3)
    expected = BIT_SAMPLERS[name]().fit_moments(moments).sample(11, bits.generator(name))
    assert torch.equal(drawn, expected)


def test_samples_are_the_decoded_codes_as_eight_bit_pixels(model: Any) -> None:
    given = evaluation(model)
    codes = model.prior.sample(22, given.generator("prior"))
    with torch.no_grad():
        exact = 255 * model.decode(codes).numpy()
    samples = given.get("samples", {"sampler": "normal"})
    assert samples.dtype == np.uint8
    assert np.abs(samples - exact).max() <= 0.5001


def test_a_mixture_of_one_component_has_the_moments_of_the_codes(model: Any) -> None:
    given = evaluation(model, gmm_components=1)
    codes = given.get("train_codes").astype(np.float64)
    drawn = SAMPLERS["gmm"].draw(given, 40_000).numpy()
    spread = codes.std(axis=0)
    np.testing.assert_allclose(drawn.mean(axis=0), codes.mean(axis=0), atol=0.03 * spread.max())
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(codes.T, bias=True), atol=0.05 * spread.max() ** 2)
