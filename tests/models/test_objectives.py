"""Objectives against closed forms, exhaustive enumeration and an exactly known aggregated posterior."""

from itertools import permutations
from typing import Any

import pytest
import torch
from pythae.models import BetaTCVAE, BetaTCVAEConfig

from models import MODELS, objectives
from models.distributions.densities import (
    Bernoulli,
    BernoulliMeans,
    Gaussian,
    StandardNormal,
    UnitGaussian,
    gaussian_log_prob,
    kl_to_standard_normal,
    log_mean_exp,
    standard_normal_log_prob,
)
from models.objectives import (
    aggregated_posterior,
    elbo_terms,
    importance_weighted_terms,
    stratified_log_weights,
    total_correlation_terms,
)
from models.training import Batch


def test_densities_agree_with_torch() -> None:
    mean, log_variance, z = torch.randn(3, 5, 4).unbind()
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    assert torch.allclose(gaussian_log_prob(z, mean, log_variance), normal.log_prob(z).sum(-1), atol=1e-5)
    unit = torch.distributions.Normal(torch.zeros(4), torch.ones(4))
    assert torch.allclose(standard_normal_log_prob(z), unit.log_prob(z).sum(-1), atol=1e-5)
    assert torch.allclose(
        kl_to_standard_normal(mean, log_variance), torch.distributions.kl_divergence(normal, unit).sum(-1), atol=1e-5
    )
    assert torch.allclose(StandardNormal(4).log_prob(z), standard_normal_log_prob(z))


def test_bernoulli_probabilities_of_all_binary_images_sum_to_one() -> None:
    logits = torch.randn(1, 3).double()
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * 3)  # [8, 3]
    log_p = Bernoulli(logits.expand(8, 3)).log_prob(images)
    assert log_p.exp().sum() == pytest.approx(1.0)
    assert torch.allclose(BernoulliMeans(logits.sigmoid().expand(8, 3)).log_prob(images), log_p)


def test_unit_gaussian_integrates_to_one() -> None:
    x = torch.linspace(-12, 12, 4001).double()[:, None]
    density = UnitGaussian(torch.full((4001, 1), 0.7).double()).log_prob(x).exp()
    assert torch.trapezoid(density, x[:, 0]) == pytest.approx(1.0, abs=1e-9)


def test_log_mean_exp_does_not_overflow() -> None:
    assert log_mean_exp(torch.tensor([[1000.0, 1000.0], [-1000.0, -1000.0]]), 1).tolist() == [1000.0, -1000.0]


def test_posterior_samples_have_the_posteriors_moments_and_honour_the_generator() -> None:
    q = Gaussian(torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, 1.0]]))
    z = q.rsample(40_000, torch.Generator().manual_seed(0))[0]
    assert torch.allclose(z.mean(0), q.mean[0], atol=0.03)
    assert torch.allclose(z.var(0), q.log_variance.exp()[0], rtol=0.03)
    again = q.rsample(40_000, torch.Generator().manual_seed(0))[0]
    assert torch.equal(z, again)


def test_stratified_weights_sum_to_one_with_the_own_sample_on_the_diagonal() -> None:
    weights = stratified_log_weights(5, 100).exp()
    assert torch.allclose(weights.sum(1), torch.ones(5))
    assert torch.allclose(weights.diagonal(), torch.full((5,), 0.01))


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("own", range(5))
def test_stratified_estimate_of_the_aggregated_density_is_unbiased(own: int, place: int) -> None:
    """For any own sample at any place of a batch of 3 of 5, the mean over every choice of the others is q(z) itself."""
    torch.manual_seed(0)
    mean, log_variance = torch.randn(5, 2).double(), torch.randn(5, 2).double()
    z = torch.randn(2).double()
    density = gaussian_log_prob(z, mean, log_variance).exp()
    weights = stratified_log_weights(3, 5)[place].exp().double()
    estimates = []
    for others in permutations([n for n in range(5) if n != own], 2):
        batch = list(others)
        batch.insert(place, own)
        estimates.append((weights * density[batch]).sum())
    assert torch.stack(estimates).mean() == pytest.approx(float(density.mean()), rel=1e-6)


def _decomposition(batch: int, sharpness: float = 2.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return exact and estimated (MI, TC, dimension-wise KL) on 2,000 known posteriors of 4 correlated units."""
    generator = torch.Generator().manual_seed(1)
    n, mixing = 2000, torch.tensor([[1.0, 0.7, 0, 0], [0, 1, 0.7, 0], [0, 0, 1, 0.7], [0, 0, 0, 1]])
    mean = torch.randn(n, 4, generator=generator) @ mixing / 1.2
    log_variance = torch.full((n, 4), -sharpness)
    z = mean + torch.randn(n, 4, generator=generator) * torch.exp(0.5 * log_variance)
    log_q = -0.5 * (
        ((z[:, None] - mean) ** 2) / log_variance.exp() + log_variance + torch.log(torch.tensor(2 * torch.pi))
    )
    log_n = torch.log(torch.tensor(float(n)))
    log_q_z = torch.logsumexp(log_q.sum(-1), 1) - log_n
    log_product = (torch.logsumexp(log_q, 1) - log_n).sum(-1)
    own = gaussian_log_prob(z, mean, log_variance)
    exact = torch.stack([own - log_q_z, log_q_z - log_product, log_product - standard_normal_log_prob(z)]).mean(1)
    estimates = []
    for part in torch.randperm(n, generator=generator).split(batch):
        if len(part) < batch:
            continue
        terms = total_correlation_terms(torch.zeros(batch), z[part], mean[part], log_variance[part], n)
        estimates.append(torch.stack([terms[k] for k in ("mutual_information", "total_correlation", "dimension_kl")]))
    return exact, torch.cat(estimates, 1).mean(1)


def test_decomposition_approaches_the_exactly_known_aggregated_posterior() -> None:
    exact, estimate = _decomposition(500)
    assert torch.allclose(estimate.sum(), exact.sum(), atol=0.02)
    assert torch.allclose(estimate, exact, atol=0.2), (exact, estimate)
    _, coarse = _decomposition(50)
    assert (estimate - exact).abs().sum() < (coarse - exact).abs().sum()


def test_stock_weights_overestimate_the_total_correlation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pythae puts 1/N into the first column instead of on the diagonal: on the same batches its TC is farther off."""
    exact, ours = _decomposition(100, sharpness=4)
    stock = BetaTCVAE(BetaTCVAEConfig(input_dim=(2,), latent_dim=4))
    theirs = stock._log_importance_weight_matrix(100, 2000)
    assert torch.allclose(theirs[:98, 0].exp(), torch.full((98,), 1 / 2000))  # the misplaced weight
    monkeypatch.setattr(objectives, "stratified_log_weights", lambda *_: theirs)
    _, of_stock = _decomposition(100, sharpness=4)
    assert of_stock[1] - exact[1] > 2 * (ours[1] - exact[1]).abs()


def test_elbo_terms_are_distortion_and_kl() -> None:
    mean, log_variance, log_p = torch.randn(6, 3), torch.randn(6, 3), torch.randn(6)
    terms = elbo_terms(log_p, mean, log_variance)
    assert torch.equal(terms["distortion"], -log_p)
    assert torch.equal(terms["kl"], kl_to_standard_normal(mean, log_variance))


def test_decomposition_terms_add_up_to_the_kl_of_the_sample() -> None:
    mean, log_variance, z = torch.randn(3, 8, 4).unbind()
    terms = total_correlation_terms(torch.zeros(8), z, mean, log_variance, 100)
    total = terms["mutual_information"] + terms["total_correlation"] + terms["dimension_kl"]
    expected = gaussian_log_prob(z, mean, log_variance) - standard_normal_log_prob(z)
    assert torch.allclose(total, expected, atol=1e-4)


def test_a_batch_of_one_has_no_total_correlation() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        aggregated_posterior(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 2), 10)


def test_importance_weighted_bound_at_one_sample_is_the_sampled_elbo_and_beta_weighs_the_ratio() -> None:
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    z, log_p = torch.randn(5, 1, 3), torch.randn(5, 1)
    ratio = gaussian_log_prob(z[:, 0], mean, log_variance) - standard_normal_log_prob(z[:, 0])
    for beta in (1.0, 0.1):
        bound = importance_weighted_terms(log_p, z, mean, log_variance, beta)["negative_bound"]
        assert torch.allclose(bound, beta * ratio - log_p[:, 0], atol=1e-5)


# The models that call them: every argument with a case where it matters

SHAPE, NETWORK = (1, 8, 8), {"channels": (4,), "strides": (2,), "hidden": (8,)}
IMAGES = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(3))


def build(name: str, **options: Any) -> Any:
    torch.manual_seed(0)
    kind = MODELS[name].resolve()
    config = kind.config_class(input_dim=SHAPE, latent_dim=3, network=NETWORK, reconstruction_loss="bce", **options)
    return kind(config)


def terms_of(model: Any, size: int = 100, seed: int = 5) -> Any:
    return model.terms(Batch(IMAGES, dataset_size=size), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["BetaTCVAE", "BidirectionalBetaTCVAE", "CorrectedBetaTCVAE"])
def test_beta_tcvae_estimates_the_aggregated_posterior_of_the_whole_data_set(name: str) -> None:
    model = build(name, prior={"kind": "mixture", "components": 2})
    q, found = model.posterior(IMAGES), terms_of(model, 100)
    log_p_x, log_p_z = model.likelihood(found.z).log_prob(IMAGES), model.prior.log_prob(found.z)
    for size, same in ((100, True), (1000, False), (len(IMAGES), False)):
        wanted = total_correlation_terms(log_p_x, found.z, *q, size, log_p_z=log_p_z)
        for key in ("mutual_information", "total_correlation", "dimension_kl"):
            assert torch.allclose(found.losses[key], wanted[key], atol=1e-4) == same, (key, size)
    assert torch.allclose(found.losses["distortion"], -log_p_x, atol=1e-4)
    assert not torch.allclose(log_p_z, standard_normal_log_prob(found.z), atol=0.01)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("VAE", {}),
        ("BetaVAE", {}),
        ("BetaTCVAE", {}),
        ("IWAE", {"number_samples": 3}),
        ("BetaIWAE", {"number_samples": 3}),
        ("CorrectedIWAE", {"number_samples": 3}),
        ("CorrectedCIWAE", {"number_samples": 3}),
        ("CorrectedMIWAE", {"number_samples": 3, "number_gradient_estimates": 2}),
    ],
)
def test_the_image_beside_a_code_is_what_that_code_is_decoded_to(name: str, options: dict[str, int]) -> None:
    model = build(name, **options).eval()
    found = terms_of(model)
    assert found.z.shape == (6, 3)
    torch.testing.assert_close(found.p_x.mean, model.likelihood(found.z).mean)


def test_the_image_beside_a_code_is_that_codes_in_piwae_as_well() -> None:
    model = build("CorrectedPIWAE", number_samples=3, number_gradient_estimates=2).eval()
    out = model({"data": IMAGES})
    torch.testing.assert_close(out.recon_x, model.likelihood(out.z).mean)


@pytest.mark.parametrize(
    ("name", "options", "weights"),
    [
        ("BetaVAE", {"beta": 0.3}, {"kl": 0.3}),
        (
            "BetaTCVAE",
            {"alpha": 0.2, "beta": 0.3, "gamma": 0.4},
            {"mutual_information": 0.2, "total_correlation": 0.3, "dimension_kl": 0.4},
        ),
        ("CorrectedCIWAE", {"beta": 0.3}, {"neg_elbo": 0.3, "negative_bound": 0.7}),
    ],
)
def test_each_weight_is_that_of_its_own_term(name: str, options: dict[str, float], weights: dict[str, float]) -> None:
    assert build(name, **options).weights(1) == pytest.approx(weights)


def test_the_bound_of_several_samples_is_of_each_images_own_and_beta_weighs_its_ratio() -> None:
    for name, beta in (("IWAE", 1.0), ("BetaIWAE", 0.3)):
        model = build(name, number_samples=3, **({"beta": beta} if name == "BetaIWAE" else {}))
        q = model.posterior(IMAGES)
        z = q.rsample(3, torch.Generator().manual_seed(5))
        log_w = torch.stack(
            [
                model.likelihood(z[:, k]).log_prob(IMAGES)
                - beta * (gaussian_log_prob(z[:, k], *q) - standard_normal_log_prob(z[:, k]))
                for k in range(3)
            ],
            1,
        )
        torch.testing.assert_close(terms_of(model).losses["negative_bound"], -log_mean_exp(log_w, 1))
