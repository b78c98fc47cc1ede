"""Priors: densities that integrate to one, samples with their moments, and VAEs that take any of them."""

from math import prod
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from bench.likelihood import nll
from bench.training.stacked import stackable
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS, load_model
from models.distributions.densities import (
    Gaussian,
    StandardNormal,
    gaussian_log_prob,
    kl_to_standard_normal,
    log_mean_exp,
)
from models.distributions.priors import PRIORS, MixturePrior, PriorConfig, PseudoInputs
from models.distributions.realnvp import RealNVP, convolutions
from models.distributions.vamp_prior import VampPrior
from models.networks.kinds import Convolutional, network_types
from models.objectives import total_correlation_terms
from models.training import Batch

SHAPE, LATENT = (1, 8, 8), 16
NETWORK = {"channels": (4,), "strides": (2,), "hidden": (8,)}
LEARNED = [kind for kind, build in PRIORS.items() if build]
CONFIGS = {name: MODELS[name].resolve().config_class for name in MODELS}
ANY_PRIOR = sorted(
    name for name, of in CONFIGS.items() if "prior" in get_type_hints(of) and Convolutional in network_types(of)
)


def vae(kind: str, name: str = "VAE", seed: int = 0, **fields: Any) -> Any:
    torch.manual_seed(seed)
    model_class = MODELS[name].resolve()
    prior = {"kind": kind, "components": 3, "hidden": 4}
    settings = {"reconstruction_loss": "logistic", "prior": prior, "network": NETWORK, **fields}
    return model_class(model_class.config_class(input_dim=SHAPE, latent_dim=LATENT, **settings))


def images(n: int) -> Tensor:
    return torch.randint(0, 256, (n, *SHAPE), generator=torch.Generator().manual_seed(0)) / 255


def shaken(prior: Any) -> Any:
    """A prior after some training: every parameter moved by noise."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return prior


def of_two_dimensions(kind: str) -> Any:
    torch.manual_seed(1)
    if kind == "standard":
        return StandardNormal(2)
    if kind == "mixture":
        return shaken(MixturePrior(5, 2))
    return VampPrior(Gaussian(torch.randn(5, 2), torch.randn(5, 2) - 1))


# Densities


@pytest.mark.parametrize("kind", ["standard", "mixture", "vamp"])
def test_the_density_integrates_to_one_and_samples_have_its_moments(kind: str) -> None:
    prior = of_two_dimensions(kind)
    axis = torch.linspace(-9, 9, 301)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1)  # [301, 301, 2]
    with torch.no_grad():
        mass = prior.log_prob(grid).exp().double() * (axis[1] - axis[0]).double() ** 2
        assert float(mass.sum()) == pytest.approx(1.0, abs=1e-4)
        z = prior.sample(40_000, torch.Generator().manual_seed(0)).double()
    mean = (mass[..., None] * grid).sum((0, 1))
    square = torch.einsum("ij,ija,ijb->ab", mass, grid.double(), grid.double())
    assert torch.allclose(z.mean(0), mean, atol=0.03)
    assert torch.allclose(z.T @ z / len(z), square, atol=0.06)


def test_the_flow_integrates_to_one_and_its_samples_have_its_moments() -> None:
    """In 16 dimensions, both by importance sampling from a wider Gaussian: five standard errors are allowed."""
    torch.manual_seed(0)
    prior, n, log_variance = shaken(RealNVP(16, convolutions(4))), 20_000, torch.full((16,), 0.3)
    for parameter in prior.parameters():
        parameter.requires_grad_(False).mul_(0.4)
    wide = torch.exp(0.5 * log_variance) * torch.randn(n, 16)
    ratio = prior.log_prob(wide) - gaussian_log_prob(wide, torch.zeros(16), log_variance)
    weights = ratio.double().exp()[:, None]

    def estimate(values: Tensor) -> tuple[Tensor, Tensor]:
        return values.double().mean(0), values.double().std(0) / n**0.5

    mass, error = estimate(weights)
    assert float(error) < 0.03
    assert float((mass - 1).abs()) < 5 * float(error)
    z = prior.sample(n, torch.Generator().manual_seed(0))
    for power in (1, 2):
        (weighed, one), (sampled, other) = estimate(weights * wide**power), estimate(z**power)
        assert ((weighed - sampled).abs() < 5 * (one + other)).all()
    assert float(z.mean(0).abs().max()) > 0.1  # it is no longer the standard normal


def test_the_mixture_is_the_definition_even_far_out_and_narrow() -> None:
    prior = MixturePrior(7, 6)
    with torch.no_grad():
        prior.log_variance.fill_(-9.0)
        prior.mean.mul_(4)
        prior.logits.normal_()
        z = prior.mean[2] + 0.01
        each = gaussian_log_prob(z.double(), prior.mean.double(), prior.log_variance.double())
        expected = torch.logsumexp(prior.logits.double().log_softmax(0) + each, 0)
        assert prior.log_prob(z).item() == pytest.approx(expected.item(), abs=1e-3)
    assert prior.log_prob(torch.zeros(2, 3, 6)).shape == (2, 3)


@pytest.mark.parametrize("components", [10, 1000])
def test_a_mixture_starts_with_about_the_standard_normals_moments(components: int) -> None:
    torch.manual_seed(0)
    prior = MixturePrior(components, 64)
    with torch.no_grad():
        z = prior.sample(20_000, torch.Generator().manual_seed(0))
    assert z.mean().abs() < 0.05
    assert z.var().item() == pytest.approx(1.0, abs=0.05)
    assert sum(p.numel() for p in prior.parameters()) == components * (2 * 64 + 1)


def test_the_vampprior_is_the_mean_of_the_encoders_posteriors() -> None:
    model = vae("vamp")
    assert isinstance(model.trained_prior, PseudoInputs)
    q, z = model.posterior(model.trained_prior.logits.sigmoid()), torch.randn(4, LATENT)
    expected = log_mean_exp(q.log_prob(z.expand(3, 4, LATENT)), 0)
    assert torch.allclose(model.prior.log_prob(z), expected, atol=1e-5)


# VAEs with a prior


def test_the_registry_and_the_configuration_know_the_same_kinds() -> None:
    assert set(get_args(get_type_hints(PriorConfig)["kind"])) == set(PRIORS)
    with pytest.raises(ValidationError, match="kind"):
        vae("gaussian")
    with pytest.raises(ValidationError, match="colour"):
        vae("mixture", prior={"colour": 1})


def test_the_vaes_of_the_suites_take_any_prior() -> None:
    families = {name.removeprefix("Bidirectional") for name in ANY_PRIOR}
    assert families >= {"VAE", "BetaVAE", "BetaTCVAE", "IWAE", "BetaIWAE"}
    assert {f"Bidirectional{name}" for name in ("VAE", "BetaVAE", "BetaTCVAE", "IWAE")} <= set(ANY_PRIOR)


@pytest.mark.parametrize("kind", LEARNED)
@pytest.mark.parametrize("name", ANY_PRIOR)
def test_a_loss_reaches_every_parameter_of_every_prior(name: str, kind: str) -> None:
    model = vae(kind, name)
    model({"data": images(6)}, dataset_size=100).loss.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert any(float(p.grad.abs().max()) > 0 for p in model.trained_prior.parameters())


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("name", ["VAE", "BidirectionalVAE"])
def test_a_stored_model_comes_back_with_its_prior(name: str, kind: str, tmp_path: Path) -> None:
    model = vae(kind, name).eval()
    if model.trained_prior is not None:
        shaken(model.trained_prior)
    model.save(str(tmp_path))
    loaded: Any = load_model(tmp_path)
    z = torch.randn(5, LATENT)
    with torch.no_grad():
        assert torch.equal(model.prior.log_prob(z), loaded.prior.log_prob(z))
        samples = [m.sample(3, torch.Generator().manual_seed(0)) for m in (model, loaded)]
    assert torch.equal(*samples)
    assert not list(tmp_path.glob("*.pkl"))


@pytest.mark.parametrize("name", ["VAE", "BidirectionalVAE"])
def test_a_seed_gives_the_networks_the_same_weights_under_every_prior(name: str) -> None:
    plain = vae("standard", name).state_dict()
    assert not [key for key in plain if "prior" in key]
    for kind in LEARNED:
        other = vae(kind, name).state_dict()
        assert all(torch.equal(plain[key], other[key]) for key in plain)
        assert other.keys() > plain.keys()


def test_the_estimated_kl_is_the_exact_one_in_expectation() -> None:
    """A flow that is still the identity is the standard normal, whose KL the other model computes exactly."""
    exact, estimated = vae("standard").eval(), vae("realnvp").eval()
    x, n = images(4), 3000
    with torch.no_grad():
        q = exact.posterior(x)
        z = q.rsample(n, torch.Generator().manual_seed(0))
        assert torch.equal(exact.divergence(q, z), kl_to_standard_normal(*q)[:, None].expand(4, n))
        sampled = estimated.divergence(q, z)
        error = 5 * sampled.std(1) / n**0.5
        assert ((sampled.mean(1) - kl_to_standard_normal(*q)).abs() < error).all()
        assert (sampled.std(1) > 0.1).all()  # it is an estimate
        terms = [m.terms(Batch(x), torch.Generator().manual_seed(0)).losses for m in (exact, estimated)]
        assert torch.equal(terms[0]["distortion"], terms[1]["distortion"])
        bounds = [nll(m, images(4), 50, generator=torch.Generator().manual_seed(0)) for m in (exact, estimated)]
        assert torch.allclose(*bounds, atol=1e-3)


@pytest.mark.parametrize("kind", PRIORS)
def test_the_bounds_terms_add_up_to_it_and_the_nll_is_below(kind: str) -> None:
    model, x = vae(kind).eval(), images(6)
    with torch.no_grad():
        terms = model.elbo_terms(x, torch.Generator().manual_seed(0))
        bound = model.neg_elbo(x, torch.Generator().manual_seed(0))
        assert torch.equal(terms["kl"] + terms["distortion"], bound)
        assert float(nll(model, x, 200, generator=torch.Generator().manual_seed(1)).mean()) < float(bound.mean())


def test_the_total_correlations_terms_add_up_to_the_kl_from_the_prior() -> None:
    prior = shaken(MixturePrior(4, 3))
    mean, log_variance, z = torch.randn(3, 8, 3).unbind()
    log_p_z = prior.log_prob(z)
    terms = total_correlation_terms(torch.zeros(8), z, mean, log_variance, 100, log_p_z)
    total = terms["mutual_information"] + terms["total_correlation"] + terms["dimension_kl"]
    assert torch.allclose(total, gaussian_log_prob(z, mean, log_variance) - log_p_z, atol=1e-4)


def test_training_moves_a_prior_towards_the_codes() -> None:
    """With the encoder held, the likeliest mixture of its codes is found: the KL falls below the standard normal's."""
    model = vae("mixture")
    with torch.no_grad():
        model.encoder.network.mean.after_forward.bias.add_(3.0)
    x, generator = images(32), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(model.trained_prior.parameters(), lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        model.terms(Batch(x), generator).losses["kl"].mean().backward()
        optimiser.step()
    with torch.no_grad():
        q = model.posterior(x)
        kl = model.divergence(q, q.rsample(200, generator)).mean()
    assert float(kl) < 0.5 * float(kl_to_standard_normal(*q).mean())


@pytest.mark.parametrize("kind", LEARNED)
@pytest.mark.parametrize("name", ["BidirectionalIWAE"])
def test_models_with_a_learned_prior_train_together_as_alone(name: str, kind: str) -> None:
    config = {"num_epochs": 1, "per_device_train_batch_size": 10, "no_cuda": True}
    data = ImageTensors((images(20) * 255).to(torch.uint8), torch.zeros(20, dtype=torch.long))
    group = Trainer([vae(kind, name, s) for s in (0, 1)], data, data, [TrainerConfig(**config, seed=s) for s in (0, 1)])
    group.train()
    assert stackable(vae(kind), vae(kind)) and not stackable(vae(kind), vae("standard"))
    for seed, model in enumerate(group.models):
        alone = Trainer(vae(kind, name, seed), data, data, TrainerConfig(**config, seed=seed))
        alone.train()
        for key, tensor in alone.model.state_dict().items():
            torch.testing.assert_close(model.state_dict()[key], tensor, rtol=0.0, atol=1e-4)


# Networks for likelihoods of several numbers a pixel


@pytest.mark.parametrize("kind", ["convolutional", "residual", "lbae"])
def test_a_bidirectional_networks_other_channels_are_zero_forward(kind: str) -> None:
    """The encoder of one network, given fewer channels than it has, is that of an image with channels of 0."""
    strides = (1, 2, 2) if kind == "residual" else (2, 2)
    network = {"kind": kind, "channels": (4, 8), "strides": strides, "hidden": (), "norm": "batch"}
    model = vae("standard", "BidirectionalVAE", network=network, reconstruction_loss="logistic-mixture").eval()
    x = images(3)
    padded = torch.cat([x, torch.zeros(3, 29, 8, 8)], 1)
    with torch.no_grad():
        assert torch.allclose(model.encoder.network(x)[0], model.encoder.network(padded)[0], atol=1e-5)
        assert model.decoder.logits(torch.randn(2, LATENT)).shape == (2, 30, 8, 8)
        assert model.sample(2).shape == (2, *SHAPE)


def test_the_first_layer_starts_as_if_the_image_were_alone() -> None:
    model = vae(
        "standard", "BidirectionalVAE", reconstruction_loss="logistic-mixture", network=NETWORK | {"channels": (64,)}
    )
    weight = model.encoder.network.trunk[0].linear.weight
    assert weight.shape[1] == 30
    assert weight[:, 0].var().item() == pytest.approx(2 / 9, rel=0.2)
    assert weight[:, 1:].var().item() == pytest.approx(2 / (9 * 30), rel=0.2)


@pytest.mark.parametrize("name", ["VAE", "BidirectionalVAE"])
def test_one_way_networks_have_no_more_numbers_than_they_use(name: str) -> None:
    plain, two = (vae("standard", name, reconstruction_loss=loss) for loss in ("bce", "logistic"))
    more = sum(p.numel() for p in two.parameters()) - sum(p.numel() for p in plain.parameters())
    assert more == prod((4, 9)) + 1  # a kernel for the log-scales and their bias
