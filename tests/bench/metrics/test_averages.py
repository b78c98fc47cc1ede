"""The mean NLL of all images from that of a few, on a model whose log p(x) is known and on numbers."""

import math

import numpy as np
import pytest
import torch
from linear_vae import D, linear_vae

from bench.likelihood import neg_elbo, nll
from bench.metrics.averages import mean, mean_nll


def drawn(wider: float, sets: int, images: int, of_them: int, k: int) -> tuple[np.ndarray, np.ndarray, float]:
    """NLL [sets, of_them] and -ELBO [sets, images] of images that the model draws, and the true mean of -ln p(x)."""
    model, _, _ = linear_vae(wider)
    weight, offset = model.decoder.weight, model.decoder.offset
    covariance = weight @ weight.T + torch.eye(D, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(sets * images, D, generator=generator, dtype=torch.float64)
    x = (offset + noise @ torch.linalg.cholesky(covariance).T).reshape(sets, images, 1, D, 1)
    bound = neg_elbo(model, x.flatten(0, 1), generator=generator).reshape(sets, images)
    some = nll(model, x[:, :of_them].flatten(0, 1), k, generator=generator).reshape(sets, of_them)
    entropy = 0.5 * (D * math.log(2 * math.pi * math.e) + float(torch.logdet(covariance)))
    return some.numpy(), bound.numpy(), entropy


def test_a_bound_whose_gap_is_on_a_line_gives_the_mean_of_all_images() -> None:
    exact = drawn(0.0, sets=1, images=300, of_them=300, k=1)[0][0]
    found, every = mean_nll(exact[:20], 2 * exact + 3), mean(exact)
    assert found.value == pytest.approx(every.value, rel=1e-9)
    assert found.se == pytest.approx(every.se, rel=1e-6)
    assert found.n == 20


@pytest.mark.parametrize(("images", "of_them"), [(400, 60), (60, 50), (300, 25)])
def test_it_is_unbiased_and_nearer_than_the_plain_mean_with_an_error_that_says_so(images: int, of_them: int) -> None:
    some, bound, exact = drawn(0.5, sets=400, images=images, of_them=of_them, k=50)
    found = [mean_nll(y, e) for y, e in zip(some, bound, strict=True)]
    values, errors = np.array([f.value for f in found]), np.array([f.se or 0.0 for f in found])
    assert abs(values.mean() - exact) < 4 * values.std() / 20
    assert values.std() == pytest.approx(math.sqrt(np.mean(errors**2)), rel=0.15)
    assert 0.90 <= np.mean(np.abs(values - exact) < 1.96 * errors) <= 0.99
    plain = [mean(y) for y in some]
    assert values.std() < np.std([p.value for p in plain])
    if of_them < images / 2:
        assert np.mean(errors) < 0.8 * np.mean([p.se for p in plain])


def test_a_bound_that_says_little_costs_little() -> None:
    rng = np.random.default_rng(0)
    sets = [(rng.normal(size=50), rng.normal(size=1000)) for _ in range(300)]
    found = [mean_nll(y, e) for y, e in sets]
    assert np.std([f.value for f in found]) < 1.05 * np.std([y.mean() for y, _ in sets])
    assert 0.90 <= np.mean([abs(f.value) < 1.96 * (f.se or 0.0) for f in found]) <= 0.99


def test_by_hand() -> None:
    found = mean_nll(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0, 6.0]))
    # the line has slope 3/2 through (2, 7/3); residuals 1/6, -1/3, 1/6; the mean of all is 3
    assert found.value == pytest.approx(7 / 3 + 1.5)
    assert found.se == pytest.approx(math.sqrt((1 / 3 + 1 / 2) * (1 / 6) + 1.5**2 * (14 / 3) / 4))
    assert found.n == 3


@pytest.mark.parametrize(
    ("nll_nats", "neg_elbo_nats"),
    [
        ([1.0, 2.0, 4.0], [2.0, 2.5, 5.0]),  # every image has both
        ([1.0, 2.0], [2.0, 2.5, 5.0]),  # too few for a line and its error
        ([1.0], [2.0, 2.5]),
        ([1.0, 2.0, 4.0], [2.0, 2.0, 2.0, 5.0]),  # no slope
        ([1.0, 2.0, 4.0], [2.0, 2.5, 5.0, math.inf]),
        ([1.0, 2.0, 4.0], [math.nan, 2.5, 5.0, 6.0]),
    ],
)
def test_where_the_bound_tells_nothing_it_is_the_plain_mean(nll_nats: list[float], neg_elbo_nats: list[float]) -> None:
    assert mean_nll(np.array(nll_nats), np.array(neg_elbo_nats)) == mean(np.array(nll_nats))


def test_no_estimate_has_no_mean() -> None:
    with pytest.raises(ValueError, match="no values"):
        mean_nll(np.array([]), np.array([1.0]))
