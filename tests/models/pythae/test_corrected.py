"""Corrections of gradients and laws: a claim that holds for ours and, in the same test, fails for the stock class.

Those of values are in `test_corrected_values.py`.
"""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from corrected_models import LATENT, SHAPE, build, gradient, images, output, trained
from pythae.models import BaseAE
from pythae.models.normalizing_flows import PlanarFlow, PlanarFlowConfig
from pythae.samplers import VAMPSampler
from pythae.trainers import AdversarialTrainer, CoupledOptimizerAdversarialTrainer, CoupledOptimizerTrainer
from torch import Tensor, nn

from models.distributions.flows import ConstrainedPlanarFlow
from models.objectives import total_correlation_terms

# The gradients that each network follows


@pytest.mark.parametrize(
    ("name", "trainer", "groups"),
    [
        ("StockFactorVAE", AdversarialTrainer, {"autoencoder": ["encoder", "decoder"], "discriminator": None}),
        ("StockAAE", AdversarialTrainer, {"autoencoder": ["encoder", "decoder"], "discriminator": None}),
        ("StockVAEGAN", CoupledOptimizerAdversarialTrainer, {"encoder": None, "decoder": None, "discriminator": None}),
        ("StockPIWAE", CoupledOptimizerTrainer, {"encoder": None, "decoder": None}),
    ],
)
def test_a_stock_model_follows_the_gradients_of_pythaes_trainer(name: str, trainer: Any, groups: Any) -> None:
    model = build(name)
    parts = [part for group, parts in groups.items() for part in (parts or [group])]
    ours = {part: trained(model, getattr(model, part)) for part in parts}
    optimisers = {
        f"{group}_optimizer": torch.optim.SGD(
            [p for part in (parts or [group]) for p in getattr(model, part).parameters()], lr=0.0
        )
        for group, parts in groups.items()
    }
    trainer._optimizers_step(SimpleNamespace(**optimisers), output(model))
    for part, found in ours.items():
        theirs = torch.cat([p.grad.flatten() for p in getattr(model, part).parameters()])
        assert torch.allclose(found, theirs, rtol=1e-4, atol=1e-6 * float(theirs.abs().max())), part


def coefficient(model: Any, scale: float) -> float:
    """The weight of the discriminator's gradient in the decoder's, which minimises (1 - scale) L_rec as well."""
    out = output(model)
    reconstruction, adversarial = (gradient(loss, model.decoder) for loss in (out.recon_loss, out.discriminator_loss))
    rest = trained(model, model.decoder) - (1 - scale) * reconstruction
    return float(rest @ adversarial / adversarial.square().sum())


@pytest.mark.parametrize("scale", [0.1, 0.5, 0.8])
def test_the_decoder_of_vaegan_deceives_the_discriminator(scale: float) -> None:
    stock, corrected = (build(f"{form}VAEGAN", adversarial_loss_scale=scale) for form in ("Stock", "Corrected"))
    assert coefficient(corrected, scale) == pytest.approx(-scale, abs=0.01)
    assert coefficient(stock, scale) == pytest.approx(1 - scale, abs=0.01)


@pytest.mark.parametrize(("name", "loss"), [("VAEGAN", "encoder_loss"), ("FactorVAE", "autoencoder_loss")])
def test_the_encoder_follows_its_own_loss_alone(name: str, loss: str) -> None:
    for form, own in (("Corrected", True), ("Stock", False)):
        model = build(form + name)
        if name == "FactorVAE":  # a discriminator that is sure of itself leaks more than an untrained one
            with torch.no_grad():
                model.discriminator.layers[-1].weight.mul_(30)
        wanted = gradient(output(model)[loss], model.encoder)
        found = trained(model, model.encoder)
        assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max())) == own, form


def test_factorvae_embeds_every_image_in_its_place() -> None:
    stock, corrected = (build(f"{form}FactorVAE").eval() for form in ("Stock", "Corrected"))
    x = images(10)
    own = corrected.encoder(x).embedding
    assert torch.equal(corrected.embed(x), own)
    pythaes = BaseAE.embed(stock, x)  # what Pythae's class itself gives
    assert pythaes.shape == (5, LATENT)


def test_piwaes_encoder_follows_its_own_bound_alone() -> None:
    for form, own in (("Corrected", True), ("Stock", False)):
        model = build(f"{form}PIWAE", number_gradient_estimates=2, number_samples=3)
        wanted, found = gradient(output(model).encoder_loss, model.encoder), trained(model, model.encoder)
        assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max())) == own, form


def test_piwaes_decoder_follows_the_bound_of_all_samples_alone() -> None:
    model = build("CorrectedPIWAE", number_gradient_estimates=2, number_samples=3)
    found = trained(model, model.decoder)
    wanted, other = (gradient(output(model)[loss], model.decoder) for loss in ("decoder_loss", "encoder_loss"))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))
    assert not torch.allclose(wanted, other, rtol=1e-2)


# Laws


def total_correlation(model: Any, mean: Tensor, log_variance: Tensor, size: int) -> float:
    """A model's estimate of the total correlation of codes, from batches of 64."""
    found = []
    for start in range(0, size, 64):
        part = slice(start, start + 64)
        m, v = mean[part], log_variance[part]
        z = m + torch.randn_like(m) * (0.5 * v).exp()
        if model.model_name.startswith("Corrected"):
            found.append(total_correlation_terms(torch.zeros(len(z)), z, m, v, size)["total_correlation"].mean())
        else:  # the loss grows by the total correlation with beta
            x = torch.rand(len(z), *SHAPE)
            with_it, without = (stock_tc_loss(model, beta, x, m, v, z, size) for beta in (1.0, 0.0))
            found.append(with_it - without)
    return float(torch.stack(found).mean())


def stock_tc_loss(model: Any, beta: float, x: Tensor, m: Tensor, v: Tensor, z: Tensor, size: int) -> Tensor:
    model.alpha, model.beta, model.gamma = 0.0, beta, 0.0
    return model.loss_function(x, x, m, v, z, size)[0]


def test_the_total_correlation_of_betatcvae_is_that_of_its_codes() -> None:
    torch.manual_seed(0)
    size, dims = 1024, 4
    mixing = torch.linalg.cholesky(0.6 * torch.ones(dims, dims) + 0.4 * torch.eye(dims))
    mean = torch.randn(size, dims) @ mixing.T
    log_variance = torch.full_like(mean, -4.0)
    z = mean + torch.randn_like(mean) * math.exp(-2)
    log_q = torch.distributions.Normal(mean, math.exp(-2)).log_prob(z[:, None])  # [size, size, dims]: every posterior
    joint = torch.logsumexp(log_q.sum(-1), 1) - math.log(size)
    marginal = (torch.logsumexp(log_q, 1) - math.log(size)).sum(-1)
    exact = float((joint - marginal).mean())
    corrected = total_correlation(build("CorrectedBetaTCVAE"), mean, log_variance, size)
    stock = total_correlation(build("StockBetaTCVAE"), mean, log_variance, size)
    assert corrected == pytest.approx(exact, abs=0.4)
    assert stock > exact + 1.5


def test_vamp_is_sampled_from_its_own_prior() -> None:
    stock, corrected = (build(f"{form}VAMP", number_components=20).eval() for form in ("Stock", "Corrected"))
    for model in (stock, corrected):
        with torch.no_grad():
            model.encoder.network.log_variance.bias.fill_(2.0)  # tanh(2) is 0.96
            mean, log_variance = corrected.components
    expected = float((log_variance.exp() + mean.square()).mean() - mean.mean(0).square().mean())
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        ours, theirs = (model.prior.sample(20_000, generator).var(0).mean() for model in (corrected, stock))
    assert float(ours) == pytest.approx(expected, rel=0.05)
    assert float(theirs) < 0.5 * expected


def test_the_stock_row_of_vamp_is_sampled_as_by_pythaes_sampler() -> None:
    model = build("StockVAMP", number_components=20).eval()
    model.device = "cpu"
    torch.manual_seed(5)
    pythaes = VAMPSampler(model).sample(num_samples=30, batch_size=500)
    torch.manual_seed(5)  # its noise is drawn a round of components after another, as one draw of all is
    with torch.no_grad():
        assert torch.allclose(model.decode(model.prior.sample(20)), pythaes[:20], atol=1e-6)


def test_a_planar_flow_never_folds() -> None:
    torch.manual_seed(0)
    config = PlanarFlowConfig(input_dim=(4,), activation="tanh")
    stock, ours = ([kind(config) for _ in range(200)] for kind in (PlanarFlow, ConstrainedPlanarFlow))
    assert all(float(flow.w @ flow.u_hat.T) > -1 for flow in ours)
    for flow in ours:  # m(w u) = ln(1 + e^(w u)) - 1 along w; across it u stays
        along = torch.nn.functional.softplus(flow.w @ flow.u.T) - 1
        torch.testing.assert_close(flow.w @ flow.u_hat.T, along)
        across = [v - (v @ flow.w.T) * flow.w / flow.w.square().sum() for v in (flow.u, flow.u_hat)]
        torch.testing.assert_close(*across)
    assert sum(float(flow.w @ flow.u.T) < -1 for flow in stock) > 20

    def folds(flow: nn.Module) -> bool:
        """Whether the coordinate along w turns back somewhere."""
        steps = torch.linspace(-6, 6, 400)[:, None] * flow.w / flow.w.square().sum()
        heights = (flow(steps).out @ flow.w.T)[:, 0]
        return bool((heights.diff() < 0).any())

    with torch.no_grad():
        assert not any(map(folds, ours))
        assert sum(map(folds, stock)) > 20


def test_the_planar_flow_has_its_log_determinant_and_inverse() -> None:
    torch.manual_seed(0)
    for kind, right in ((ConstrainedPlanarFlow, True), (PlanarFlow, False)):
        flow = kind(PlanarFlowConfig(input_dim=(3,), activation="tanh")).double()
        z = torch.randn(5, 3).double()
        jacobian = torch.autograd.functional.jacobian(lambda x, flow=flow: flow(x).out.sum(0), z)  # [L, 5, L]
        exact = torch.linalg.slogdet(jacobian.transpose(0, 1))[1]
        assert torch.allclose(flow(z).log_abs_det_jac, exact, atol=1e-9) == right
        if right:
            assert torch.allclose(flow.undo(flow(z).out), z, atol=1e-9)
