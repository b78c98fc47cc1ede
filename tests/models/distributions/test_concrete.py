"""Densities of M2 and Untapped: they integrate to one, their samples follow them; the flow; judged pixels."""

import math

import pytest
import torch
from simplex import simplex_grid

from models.distributions.concrete import (
    concrete_log_prob,
    concrete_rsample,
    hard_bernoulli,
    relaxed_bernoulli,
    straight_through_bernoulli,
)
from models.distributions.densities import Bernoulli
from models.distributions.uniform_box import BoxedGaussian, UniformBox, from_box, log_det, to_box
from models.kernels.bernoulli import log_likelihood_and_error


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_the_concrete_density_of_three_classes_integrates_to_one(temperature: float) -> None:
    log_probs = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log()
    y, weights = simplex_grid()
    density = concrete_log_prob(y.log(), log_probs, temperature).exp()
    assert float((density * weights).sum()) == pytest.approx(1, abs=1e-3)


def test_the_concrete_density_of_two_equal_classes_is_uniform() -> None:
    # k = 2, p = (1/2, 1/2), tau = 1: y is uniform, since a logistic variable through the sigmoid is
    y = torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.7, 0.3]], dtype=torch.float64)
    log_p = concrete_log_prob(y.log(), torch.zeros(2, dtype=torch.float64), 1.0)
    torch.testing.assert_close(log_p, torch.zeros(3, dtype=torch.float64))


def test_the_density_does_not_change_with_unnormalised_probabilities() -> None:
    log_y, log_p = torch.randn(5, 4).log_softmax(-1), torch.randn(5, 4)
    torch.testing.assert_close(concrete_log_prob(log_y, log_p, 0.8), concrete_log_prob(log_y, log_p + 3, 0.8))


def test_samples_follow_the_density() -> None:
    """E[f(y)] by samples and by the integral, and the largest element is class i with probability p_i."""
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    n = 50_000
    generator = torch.Generator().manual_seed(0)
    drawn = concrete_rsample(p.log().expand(n, 3).float(), 0.8, generator).exp().double()
    torch.testing.assert_close(drawn.sum(1), torch.ones(n, dtype=torch.float64))
    grid, weights = simplex_grid()
    weight = concrete_log_prob(grid.log(), p.log(), 0.8).exp() * weights
    for moment in (lambda y: y, lambda y: y.square()):
        error = moment(drawn).std(0) / n**0.5
        assert ((moment(drawn).mean(0) - (weight[:, None] * moment(grid)).sum(0)).abs() < 5 * error + 1e-3).all()
    shares = torch.bincount(drawn.argmax(1), minlength=3) / n
    assert ((shares - p).abs() < 5 * (p * (1 - p) / n).sqrt()).all()


def test_a_relaxed_bernoulli_rounds_to_the_hard_one_and_carries_a_gradient() -> None:
    logits = torch.tensor([-2.0, 0.0, 1.5]).repeat(100_000, 1).requires_grad_()
    relaxed = relaxed_bernoulli(logits, 2 / 3, torch.Generator().manual_seed(0))
    hard = hard_bernoulli(logits, torch.Generator().manual_seed(0))
    p = logits[0].detach().sigmoid()
    error = 5 * (p * (1 - p) / len(logits)).sqrt()
    assert (((relaxed > 0.5).float().mean(0) - p).abs() < error).all()
    assert ((hard.mean(0) - p).abs() < error).all()
    assert not hard.requires_grad
    (gradient,) = torch.autograd.grad(relaxed.sum(), logits)
    torch.testing.assert_close(gradient, relaxed.detach() * (1 - relaxed.detach()) * 1.5)


def test_a_straight_through_draw_is_the_hard_one_with_the_gradient_of_its_mean() -> None:
    logits = torch.tensor([-90.0, -2.0, 0.0, 1.5, 90.0]).repeat(1000, 1).requires_grad_()
    drawn = straight_through_bernoulli(logits, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, hard_bernoulli(logits, torch.Generator().manual_seed(0)))
    (gradient,) = torch.autograd.grad(drawn.sum(), logits)
    p = logits.detach().sigmoid()
    torch.testing.assert_close(gradient, p * (1 - p))


def test_the_entropy_is_the_mean_of_minus_log_p_over_all_images() -> None:
    logits = torch.tensor([[-3.0, 0.4, 1.0], [0.0, 0.0, 0.0], [-80.0, 80.0, 2.0]], dtype=torch.float64)
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 3)
    log_p = torch.stack([Bernoulli(logits).log_prob(x.expand(3, 3)) for x in images])
    torch.testing.assert_close(Bernoulli(logits).entropy(), -(log_p.exp() * log_p).sum(0))
    assert float(Bernoulli(logits).entropy()[1]) == pytest.approx(3 * math.log(2))


def test_pixels_are_judged_as_by_the_distribution_and_its_mean() -> None:
    """In blocks and at once, with gradients in logits and images, at logits that saturate too."""
    logits = torch.tensor([[-90.0, -2.0, 0.3], [4.0, 90.0, -0.1]], dtype=torch.float64).repeat(50_000, 1)
    x = torch.tensor([[0.0, 1.0, 0.4], [1.0, 1.0, 0.0]], dtype=torch.float64).repeat(50_000, 1)
    ways = []
    for judge in (log_likelihood_and_error, lambda a, b: (Bernoulli(a).log_prob(b), (b - a.sigmoid()).square().sum(1))):
        leaves = logits.clone().requires_grad_(), x.clone().requires_grad_()
        log_p, error = judge(*leaves)
        ways.append([log_p, error, *torch.autograd.grad((log_p - 0.3 * error**2).sum(), leaves)])
    torch.testing.assert_close(*ways)


def test_the_flows_log_determinant_is_that_of_its_jacobian() -> None:
    z_tilde = torch.randn(6, 3, dtype=torch.float64) * 2
    for row in z_tilde:
        jacobian = torch.autograd.functional.jacobian(lambda v: to_box(v, 1.5), row)
        torch.testing.assert_close(log_det(row, 1.5), torch.linalg.slogdet(jacobian)[1])


def test_the_flow_and_its_inverse() -> None:
    z_tilde = torch.randn(100, 2, dtype=torch.float64) * 3
    z = to_box(z_tilde, math.pi / 2)
    assert float(z.abs().max()) < math.pi / 2
    torch.testing.assert_close(from_box(z, math.pi / 2), z_tilde)
    assert torch.isfinite(from_box(torch.tensor([-1.5, 1.5]), 1.5)).all()


def test_the_density_on_the_box_integrates_to_one_and_belongs_to_the_samples() -> None:
    location, scale = torch.tensor([[0.3, -1.0]], dtype=torch.float64), torch.tensor([[0.7, 1.2]], dtype=torch.float64)
    q = BoxedGaussian(location, scale, 1.5)
    t = ((torch.arange(600, dtype=torch.float64) + 0.5) / 600 * 2 - 1) * 1.5
    grid = torch.cartesian_prod(t, t)
    assert float(q.log_prob(grid).exp().sum() * (3 / 600) ** 2) == pytest.approx(1, abs=1e-3)
    z, log_q = q.rsample(torch.Generator().manual_seed(0))
    torch.testing.assert_close(q.log_prob(z), log_q)
    torch.testing.assert_close(q.mean, to_box(location, 1.5))


def test_the_uniform_box() -> None:
    box = UniformBox(2, 1.5)
    z = box.sample(10_000, torch.Generator().manual_seed(0))
    assert float(z.abs().max()) <= 1.5
    assert z.mean(0).abs().max() < 5 * 1.5 / 3**0.5 / 100
    torch.testing.assert_close(box.log_prob(z), torch.full((10_000,), -2 * math.log(3)))
