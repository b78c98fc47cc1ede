"""Likelihoods: distributions of 8-bit pixels sum to one, densities integrate to one, means are what is said."""

from itertools import product
from typing import Any, get_args, get_type_hints

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from bench.study.schema import Suite
from models import MODELS
from models.distributions.likelihoods import (
    LIKELIHOODS,
    START,
    LearnedGaussian,
    Logistic,
    LogisticMixture,
    numbers_a_pixel,
)

LEVELS = torch.arange(256).double() / 255
DISCRETE = [name for name, entry in LIKELIHOODS.items() if entry.pixels == "8-bit"]


def numbers(name: str, channels: int, scale: float = 1.0, size: tuple[int, int] = (1, 1)) -> Tensor:
    """Random numbers of a decoder for one image: [1, P, H, W]."""
    generator = torch.Generator().manual_seed(0)
    return scale * torch.randn(1, numbers_a_pixel(name, channels), *size, generator=generator).double()


def log_prob(name: str, raw: Tensor, x: Tensor) -> Tensor:
    """The law's log-probability of each x [N, C, H, W] under the same numbers: [N]."""
    return LIKELIHOODS[name].law(raw.expand(len(x), *raw.shape[1:])).log_prob(x)


@pytest.mark.parametrize("scale", [0.3, 1.0, 8.0])
@pytest.mark.parametrize("name", DISCRETE)
def test_the_256_grey_levels_have_probability_one(name: str, scale: float) -> None:
    log_p = log_prob(name, numbers(name, 1, scale), LEVELS[:, None, None, None])
    assert log_p.exp().sum() == pytest.approx(1.0, abs=1e-9)
    assert torch.isfinite(log_p).all()


@pytest.mark.parametrize("name", DISCRETE)
def test_all_pairs_of_two_channels_have_probability_one(name: str) -> None:
    """65,536 pixels: the second channel's mean depends on the first in the mixture."""
    pixels = torch.cartesian_prod(LEVELS, LEVELS)[:, :, None, None]
    assert log_prob(name, numbers(name, 2), pixels).exp().sum() == pytest.approx(1.0, abs=1e-9)


def test_coupled_channels_are_a_chain_of_conditionals() -> None:
    """Three channels against the definition, component by component, with `torch.distributions`' logistic."""
    raw, x = numbers("logistic-mixture", 3), torch.tensor([0, 100, 255]).double() / 255
    means, log_scales = raw[0, :30, 0, 0].reshape(10, 3), (raw[0, 30:60, 0, 0] + START).reshape(10, 3)
    weights, a = raw[0, 60:70, 0, 0].softmax(0), raw[0, 70:, 0, 0].reshape(10, 3).tanh()
    total = 0.0
    for k in range(10):
        mean = [means[k, 0], means[k, 1] + a[k, 0] * x[0], means[k, 2] + a[k, 1] * x[0] + a[k, 2] * x[1]]
        p = weights[k]
        for c in range(3):
            upper, lower = ((x[c] + end - mean[c]) / log_scales[k, c].exp() for end in (1 / 510, -1 / 510))
            p = p * ((1.0 if c == 2 else upper.sigmoid()) - (0.0 if c == 0 else lower.sigmoid()))
        total = total + p
    assert log_prob("logistic-mixture", raw, x[None, :, None, None]).exp().item() == pytest.approx(float(total))


def test_no_digits_are_lost_in_a_tail() -> None:
    """At 40 scales from the mean both ends' F round to 1, and the bin has a probability all the same."""
    raw = torch.tensor([0.0, -4.0 - START])[None, :, None, None]  # float32: mean 0, scale e^-4
    x = torch.tensor([[[[200 / 255]]]])
    precision = torch.tensor(4.0).double().exp()
    ends = [(torch.tensor(200 / 255).double() + end) * precision for end in (-1 / 510, 1 / 510)]
    exact = torch.log(torch.sigmoid(-ends[0]) - torch.sigmoid(-ends[1]))
    assert Logistic(raw).log_prob(x).item() == pytest.approx(exact.item(), rel=1e-5)


@pytest.mark.parametrize("name", DISCRETE)
def test_gradients_are_finite_at_the_ends_and_far_away(name: str) -> None:
    for scale, level in product((1.0, 100.0), (0.0, 0.5, 1.0)):
        raw = numbers(name, 1, scale).float().requires_grad_()
        LIKELIHOODS[name].law(raw).log_prob(torch.full((1, 1, 1, 1), level)).sum().backward()
        assert raw.grad is not None
        assert torch.isfinite(raw.grad).all()


def test_the_gaussian_integrates_to_one_and_its_scale_is_bounded() -> None:
    x = torch.linspace(-3, 3, 60_001).double()
    for log_scale in (-1.0, -50.0):
        raw = torch.tensor([0.4, log_scale - START]).double()[None, :, None, None]
        density = log_prob("gaussian", raw, x[:, None, None, None]).exp()
        assert torch.trapezoid(density, x) == pytest.approx(1.0, abs=1e-6)
    assert float(density.max()) == pytest.approx(255 / (2 * torch.pi) ** 0.5)


@pytest.mark.parametrize("name", ["gaussian", *DISCRETE])
@pytest.mark.parametrize("channels", [1, 3])
def test_k_rows_an_image_are_k_times_the_image(name: str, channels: int) -> None:
    x = torch.rand(2, channels, 2, 3).double()
    raw = torch.randn(6, numbers_a_pixel(name, channels), 2, 3).double()
    law = LIKELIHOODS[name].law
    assert torch.allclose(law(raw).log_prob(x), law(raw).log_prob(x.repeat_interleave(3, 0)))


def test_the_image_of_a_mixture_is_the_likeliest_components_mean() -> None:
    raw = torch.zeros(1, 100, 1, 1)
    raw[0, 12:15, 0, 0] = torch.tensor([0.5, 0.1, 0.9])  # m of component 4
    raw[0, 64] = 3.0  # its weight
    raw[0, 82:85, 0, 0] = torch.tensor([100.0, 0.0, -100.0])  # its a: tanh gives 1, 0, -1
    expected = torch.tensor([0.5, 0.1 + 0.5, 0.9 - 0.6])
    assert torch.allclose(LogisticMixture(raw).mean.flatten(), expected)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_first_numbers_of_a_pixel_are_its_mean(name: str, channels: int) -> None:
    """What a bidirectional network's own channels stand for: of the mixture, the first component's."""
    raw = torch.full((1, numbers_a_pixel(name, channels), 2, 2), 0.25)
    if name == "logistic-mixture":
        raw[:, 20 * channels] = 1.0  # the first weight
        raw[:, 20 * channels + 10 :] = 0.0  # couplings
    mean = LIKELIHOODS[name].law(raw).mean
    assert mean.shape == (1, channels, 2, 2)
    expected = torch.tensor(0.25).sigmoid() if name in ("bce", "mse") else torch.tensor(0.25)
    assert torch.allclose(mean, expected.expand_as(mean))


def test_images_are_within_their_range() -> None:
    for law, size in ((Logistic, 2), (LearnedGaussian, 2), (LogisticMixture, 30)):
        mean = law(100 * torch.randn(3, size, 2, 2)).mean
        assert 0 <= float(mean.min()) <= float(mean.max()) <= 1


def test_suites_and_models_know_the_same_names() -> None:
    row = {"row": "VAE", "model": "VAE", "variants": ["unidirectional"]}
    suite: dict[str, Any] = {"title": "t", "dataset": "digits", "rows": [row]}
    assert [Suite(**suite, presets={}, likelihood=name).likelihood for name in LIKELIHOODS] == list(LIKELIHOODS)
    with pytest.raises(ValidationError, match="unknown likelihood 'gausian'; did you mean 'gaussian'"):
        Suite(**suite, presets={}, likelihood="gausian")
    hints = get_type_hints(MODELS["BidirectionalIWAE"].resolve().config_class)
    assert set(get_args(hints["reconstruction_loss"])) == set(LIKELIHOODS)
