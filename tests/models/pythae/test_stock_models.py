"""The laws of Pythae's models that are not Gaussian: densities that integrate to one, and Pythae's own values."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pythae.models import SVAE, SVAEConfig
from pythae.models.pvae.pvae_utils import PoincareBall
from pythae.models.pvae.pvae_utils import WrappedNormal as PythaeWrappedNormal
from pythae.models.rhvae.rhvae_utils import create_inverse_metric
from pythae.samplers import RHVAESampler

from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS, NO_TWIN, load_model
from models.distributions.densities import gaussian_log_prob
from models.distributions.flows import FlowPosterior
from models.distributions.poincare_ball import BallPrior, WrappedNormal
from models.distributions.riemannian import Metric
from models.distributions.vamp_prior import VampPrior
from models.distributions.von_mises_fisher import UniformSphere, VonMisesFisher
from models.interface.routes import Route, routed
from models.pythae.latents import BallEncoder

SHAPE = (1, 8, 8)
NETWORK = {"channels": (4,), "strides": (2,), "hidden": (16,)}
STOCK = [name for name in MODELS if MODELS[name].variant in ("stock", "corrected")]


def build(name: str, latent_dim: int = 4, **options: Any) -> Any:
    torch.manual_seed(0)
    kind = MODELS[name].resolve()
    return kind(kind.config_class(input_dim=SHAPE, latent_dim=latent_dim, network=NETWORK, **options))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# Every model trains by the engine


@pytest.mark.parametrize("name", [*STOCK, "BidirectionalFactorVAE", "BidirectionalAAE", "BidirectionalHVAE"])
def test_the_engine_moves_every_parameter_and_improves_the_images(name: str) -> None:
    model = build(name)
    x = (torch.rand(4, *SHAPE, generator=generator()) > 0.5).to(torch.uint8).mul(255).repeat(32, 1, 1, 1)
    data = ImageTensors(x, torch.zeros(len(x), dtype=torch.long))
    settings = TrainerConfig(num_epochs=4, per_device_train_batch_size=32, learning_rate=1e-2)
    before = {key: p.detach().clone() for key, p in model.named_parameters()}

    def error() -> float:
        with torch.no_grad():
            return float((model.reconstruct(x[:4] / 255) - x[:4] / 255).square().mean())

    worst = error()
    Trainer(model, data, data, settings).train()
    moved = [key for key, p in model.named_parameters() if p.requires_grad and not torch.equal(p, before[key])]
    assert len(moved) == sum(p.requires_grad for p in model.parameters())
    assert error() < worst or "GAN" in name


def test_routed_parameters_follow_their_own_loss_alone() -> None:
    a, b, c = (torch.nn.Parameter(torch.tensor(value)) for value in (2.0, 3.0, 5.0))
    loss = routed([Route([a], a * b), Route([b, c], a * b**2)])
    loss.backward()
    assert float(loss) == pytest.approx(2 * 3 + 2 * 9)
    assert (float(a.grad), float(b.grad)) == (3.0, 12.0)  # type: ignore[arg-type]
    assert c.grad is None


# The sphere


def test_von_mises_fisher_integrates_to_one_and_has_its_mean() -> None:
    mean = torch.nn.functional.normalize(torch.tensor([[1.0, 2.0, -1.0], [0.0, 0.0, 1.0]]), dim=1)
    kappa = torch.tensor([[0.5], [8.0]])
    q, uniform = VonMisesFisher(mean, kappa), UniformSphere(3)
    z = uniform.sample(200_000, generator())
    assert torch.allclose(z.norm(dim=1), torch.ones(len(z)), atol=1e-5)
    ratio = (q.log_prob(z.expand(2, -1, -1)) - uniform.log_prob(z)).exp()
    assert torch.allclose(ratio.mean(1), torch.ones(2), atol=0.03)
    drawn = q.rsample(50_000, generator())
    along = (drawn * mean[:, None]).sum(-1).mean(1)
    assert torch.allclose(along, 1 / kappa[:, 0].tanh() - 1 / kappa[:, 0], atol=0.01)  # Langevin's function
    assert torch.allclose(drawn.mean(1), along[:, None] * mean, atol=0.01)


def test_the_divergence_of_von_mises_fisher_is_pythaes() -> None:
    q = VonMisesFisher(torch.nn.functional.normalize(torch.ones(1, 5), dim=1), torch.tensor([[3.0]]))
    z = q.rsample(100_000, generator())
    mean_log_ratio = float((q.log_prob(z) - UniformSphere(5).log_prob(z)).mean())
    exact = SVAE(SVAEConfig(input_dim=SHAPE, latent_dim=5))._compute_kl(5, torch.tensor([[3.0]]))
    assert mean_log_ratio == pytest.approx(float(exact), abs=0.01)


# The ball


def test_the_wrapped_normal_has_pythaes_density() -> None:
    mean, log_variance = torch.tensor([[0.3, -0.2, 0.1]]), torch.tensor([[-1.0, -0.5, 0.0]])
    q = WrappedNormal(mean, log_variance)
    z = q.rsample(6, generator())
    assert bool((z.norm(dim=-1) < 1).all())
    theirs = PythaeWrappedNormal(mean, (0.5 * log_variance).exp(), PoincareBall(3)).log_prob(z[0][:, None]).sum(-1)
    assert torch.allclose(q.log_prob(z)[0], theirs.flatten(), atol=1e-4)
    assert torch.isfinite(q.log_prob(mean[:, None])).all()  # where Pythae's is NaN


def test_the_wrapped_normal_integrates_to_one_over_the_disk() -> None:
    side = torch.linspace(-0.995, 0.995, 1200)
    grid = torch.cartesian_prod(side, side)
    grid = grid[grid.norm(dim=1) < 0.995]
    volume = (2 / (1 - grid.square().sum(1))).square() * float(side[1] - side[0]) ** 2
    for law in (WrappedNormal(torch.tensor([[0.3, -0.2]]), torch.tensor([[-1.0, -1.5]])), None):
        log_q = BallPrior(2, object).log_prob(grid) if law is None else law.log_prob(grid[None])[0]
        assert float((log_q.exp() * volume).sum()) == pytest.approx(1.0, abs=0.02)


def test_an_encoder_into_the_ball_stays_there() -> None:
    model = build("StockPoincareVAE")
    with torch.no_grad():
        model.encoder.network.mean.linear.weight.mul_(1e3)
    assert isinstance(model.encoder, BallEncoder)
    x = torch.rand(5, *SHAPE, generator=generator())
    assert bool((model.embed(x).norm(dim=1) < 1).all())
    assert torch.isfinite(model({"data": x}).loss)


# Flows and learned priors


@pytest.mark.parametrize("name", ["StockIAF", "CorrectedLinNF"])
def test_a_flows_density_is_the_same_drawn_or_pulled_back_and_integrates_to_one(name: str) -> None:
    model = build(name, latent_dim=2, reconstruction_loss="bce").eval()
    x = torch.rand(2, *SHAPE, generator=generator())
    with torch.no_grad():
        q: FlowPosterior = model.posterior(x)
        z = q.rsample(20, generator())
        assert torch.allclose(q.log_prob(z), q.log_prob(z.clone()), atol=1e-3)
        side = torch.linspace(-12, 12, 400)
        grid = torch.cartesian_prod(side, side)
        total = q.log_prob(grid.expand(2, -1, -1)).exp().sum(1) * float(side[1] - side[0]) ** 2
    assert torch.allclose(total, torch.ones(2), atol=0.02)


def test_the_vamp_prior_is_the_mean_of_its_components_and_pythaes() -> None:
    model = build("CorrectedVAMP", number_components=7, reconstruction_loss="bce").eval()
    z = torch.randn(5, 4, generator=generator())
    with torch.no_grad():
        prior: VampPrior = model.prior
        mean, log_variance = prior.components
        each = torch.stack([gaussian_log_prob(z, m, v) for m, v in zip(mean, log_variance, strict=True)])
        assert torch.allclose(prior.log_prob(z), each.exp().mean(0).log(), atol=1e-4)
        assert torch.allclose(prior.log_prob(z), model._log_p_z(z) - 2 * math.log(2 * math.pi), atol=1e-4)


def test_the_stock_hvae_starts_where_its_posterior_says() -> None:
    model = build("StockHVAE", reconstruction_loss="bce", n_lf=0)
    x = torch.rand(1, *SHAPE, generator=generator()).expand(20_000, -1, -1, -1)
    out, q = model({"data": x}), model.posterior(x[:1])
    assert torch.allclose(out.z0.var(0), q.log_variance[0].exp(), rtol=0.05)


def test_rhvaes_metric_is_pythaes_and_its_density_has_its_gradient() -> None:
    torch.manual_seed(0)
    factors = 0.3 * torch.randn(30, 3, 3)
    metric = Metric(torch.randn(30, 3), factors @ factors.mT + 0.1 * torch.eye(3), 1.5, 0.01)
    theirs = SimpleNamespace(M_tens=metric.matrices, centroids_tens=metric.centroids, latent_dim=3)
    theirs.temperature, theirs.lbd = torch.tensor([1.5]), torch.tensor([0.01])
    theirs.G_inv = create_inverse_metric(theirs)
    z = torch.randn(6, 3).requires_grad_()
    assert torch.allclose(metric.inverse(z)[0], theirs.G_inv(z), atol=1e-6)
    log_density = RHVAESampler.log_sqrt_det_G_inv(z, theirs)
    (slope,) = torch.autograd.grad(log_density.sum(), z)
    ours, gradient = metric.log_density(z.detach())
    assert torch.allclose(ours, log_density, atol=1e-4)
    assert torch.allclose(gradient, slope, atol=1e-4)


def test_rhvaes_chain_draws_from_the_volume_element() -> None:
    """One centroid on a line, far from which the volume element is flat: compared with its integral on a grid."""
    metric = Metric(torch.zeros(1, 1), torch.full((1, 1, 1), 100.0), 1.0, 1e-3)
    z = metric.sample(20_000, generator())[:, 0]
    grid = torch.linspace(-6, 6, 4001)
    density = metric.log_density(grid[:, None])[0].exp()
    near = float(density[grid.abs() < 0.5].sum() / density[grid.abs() < 1.5].sum())
    found = float((z.abs() < 0.5).sum() / (z.abs() < 1.5).sum())
    assert found == pytest.approx(near, abs=0.03)


def test_a_stored_rhvae_keeps_its_metric(tmp_path: Any) -> None:
    model = build("StockRHVAE", reconstruction_loss="bce").eval()
    model.fit_sampler(torch.randint(0, 256, (12, *SHAPE), dtype=torch.uint8))
    model.save(str(tmp_path))
    z = torch.randn(3, 4, generator=generator())
    loaded: Any = load_model(tmp_path)
    assert torch.equal(loaded.riemannian_metric.inverse(z)[0], model.riemannian_metric.inverse(z)[0])


# What a model is declared to have


def test_a_model_without_a_density_has_no_likelihood_or_no_posterior() -> None:
    lacking = {name.removeprefix("Stock"): {"likelihood", "posterior", "prior"} - build(name).capabilities for name in
               MODELS if MODELS[name].variant == "stock"}  # fmt: skip
    assert {name: missing for name, missing in lacking.items() if missing} == {
        "AE": {"likelihood", "posterior", "prior"},
        "WAE": {"likelihood", "posterior"},
        "VQVAE": {"likelihood", "posterior", "prior"},
        "RAE": {"likelihood", "posterior", "prior"},
        "RAEGP": {"likelihood", "posterior", "prior"},
        "VAEGAN": {"likelihood"},
        "MSSSIMVAE": {"likelihood"},
        "LinNF": {"posterior"},
    }


def test_a_codes_vectors_are_those_of_the_codebook() -> None:
    model = build("StockVQVAE", latent_dim=12, side=2, num_embeddings=5).eval()
    x = torch.rand(6, *SHAPE, generator=generator())
    with torch.no_grad():
        indices = model.indices(x)
        assert indices.shape == (6, 2, 2)
        assert torch.allclose(model.look_up(indices), model.embed(x), atol=1e-6)
    with pytest.raises(ValueError, match="no multiple of"):
        build("StockVQVAE", latent_dim=10, side=2)


def test_each_model_without_a_twin_has_its_own_reason() -> None:
    words = {"PIWAE": "different bounds", "VAEGAN": "discriminator", "RAE": "size of the decoder's weights"}
    assert NO_TWIN.keys() == words.keys()
    assert all(words[name] in reason for name, reason in NO_TWIN.items())
