"""Corrections of values, against a model whose evidence is known: what holds for ours fails for the stock class."""

import math
from typing import Any

import pytest
import torch
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor, nn

from models import MODELS
from models.distributions.densities import LOG_2PI

# Values, against a model whose evidence is known: x = W z + noise, with a posterior that is much too wide


class LinearEncoder(BaseEncoder):
    def __init__(self, log_variance: float):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor([[0.3], [0.1]]))
        self.log_variance = log_variance

    def forward(self, x: Tensor) -> ModelOutput:
        mean = x.flatten(1) @ self.slope
        return ModelOutput(embedding=mean, log_covariance=torch.full_like(mean, self.log_variance))


class LinearDecoder(BaseDecoder):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[1.5, -0.7]]))

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=(z @ self.weight).view(-1, 1, 1, 2))


POINT = torch.tensor([0.9, -0.4])


def linear(name: str, log_variance: float = 1.5, **options: Any) -> Any:
    kind = MODELS[name].resolve()
    config = kind.config_class(input_dim=(1, 1, 2), latent_dim=1, reconstruction_loss="mse", **options)
    return kind(config, LinearEncoder(log_variance), LinearDecoder()).train()


def exact_nll(model: Any) -> float:
    """-ln p(x) without the constant of the Gaussian likelihood, which Pythae's losses leave out."""
    weight = model.decoder.weight.detach()
    covariance = weight.T @ weight + torch.eye(2)
    law = torch.distributions.MultivariateNormal(torch.zeros(2), covariance)
    return -float(law.log_prob(POINT)) - LOG_2PI


def losses(model: Any, name: str = "loss", n: int = 20_000) -> float:
    """The mean loss at one image, over many draws."""
    torch.manual_seed(0)
    with torch.no_grad():
        found = model({"data": POINT.view(1, 1, 1, 2).expand(n, -1, -1, -1)}, dataset_size=n)[name]
    constant = LOG_2PI if model.model_name.startswith("Corrected") else 0.0  # ours are densities
    return float(found) - constant


def neg_elbo(model: Any) -> float:
    """The exact negative ELBO."""
    w, s = model.decoder.weight[0], math.exp(1.5)
    m = float(POINT @ model.encoder.slope[:, 0])
    distortion = 0.5 * float((POINT - m * w).square().sum() + s * w.square().sum())
    return distortion + 0.5 * (m**2 + s - 1 - math.log(s))


@pytest.mark.parametrize(("name", "options"), [("IWAE", {}), ("CIWAE", {"beta": 0.05})])
def test_a_bound_is_never_below_the_exact_value(name: str, options: dict[str, float]) -> None:
    stock, corrected = (linear(f"{form}{name}", number_samples=50, **options) for form in ("Stock", "Corrected"))
    exact = exact_nll(stock)
    bound = options.get("beta", 0.0) * (neg_elbo(stock) - exact)  # CIWAE's share of the other bound
    assert exact + bound - 0.01 < losses(corrected) < exact + bound + 0.1
    assert losses(stock) < exact + bound - 0.4


def test_miwae_averages_over_m_and_is_importance_weighted_over_k() -> None:
    many_k = {"number_gradient_estimates": 1, "number_samples": 50}
    many_m = {"number_gradient_estimates": 50, "number_samples": 1}
    exact, elbo = exact_nll(linear("StockMIWAE")), neg_elbo(linear("StockMIWAE"))
    assert losses(linear("CorrectedMIWAE", **many_k)) == pytest.approx(exact, abs=0.1)
    assert losses(linear("CorrectedMIWAE", **many_m)) == pytest.approx(elbo, abs=0.05)
    assert losses(linear("StockMIWAE", **many_k)) == pytest.approx(elbo, abs=0.05)
    assert losses(linear("StockMIWAE", **many_m)) < exact - 0.4


def test_piwae_gives_the_encoder_the_bound_of_m_times_k() -> None:
    samples = {"number_gradient_estimates": 1, "number_samples": 50}
    exact, elbo = exact_nll(linear("StockPIWAE")), neg_elbo(linear("StockPIWAE"))
    assert losses(linear("CorrectedPIWAE", **samples), "encoder_loss") == pytest.approx(exact, abs=0.1)
    assert losses(linear("StockPIWAE", **samples), "encoder_loss") == pytest.approx(elbo, abs=0.05)


def weights_of(model: Any, n: int) -> Tensor:
    """ln w of many paths from one image: ln p(x, z_K) + ln p(rho_K) - ln of the density that the path is said to have,
    without the constant of the likelihood."""
    torch.manual_seed(0)
    x = POINT.view(1, 1, 1, 2).expand(n, -1, -1, -1)
    if model.model_name.startswith("Corrected"):
        return -model.bound(x)[0].detach() + LOG_2PI
    out = model({"data": x})
    start = 0.5 * (out.log_var + out.eps0.square() + out.gamma.square()).sum(1)
    end = 0.5 * (out.z.square() + out.rho.square()).sum(1)
    return (model._log_p_x_given_z(out.recon_x, x) - end + start).detach()


@pytest.mark.parametrize(("step", "temperature"), [(1e-6, 1.0), (0.25, 1.0), (0.25, 0.3)])
def test_the_importance_weights_of_hvae_average_to_the_evidence(step: float, temperature: float) -> None:
    """Whatever the step size and the temperature: E[w] = p(x), which needs scale, volume and tempering to be right."""
    options = {"n_lf": 3, "eps_lf": step, "beta_zero": temperature}
    stock, corrected = (linear(f"{form}HVAE", -0.8, **options) for form in ("Stock", "Corrected"))
    for model, right in ((corrected, True), (stock, False)):
        log_w = weights_of(model, 200_000)
        estimate = -float(torch.logsumexp(log_w, 0)) + math.log(len(log_w))
        assert (abs(estimate - exact_nll(model)) < 0.02) == right, model.model_name


def test_hvaes_slope_is_that_of_the_joint_density() -> None:
    model = linear("CorrectedHVAE", -0.8, n_lf=3, eps_lf=0.25, beta_zero=1.0).eval()
    x = POINT.view(1, 1, 1, 2).expand(4, -1, -1, -1)
    z = torch.tensor([[-2.0], [0.0], [0.5], [3.0]], requires_grad=True)
    energy = -model.log_likelihood(x, z) + 0.5 * z.square().sum(1)  # U = -ln p(x|z) p(z), up to a constant
    (expected,) = torch.autograd.grad(energy.sum(), z)
    torch.testing.assert_close(model._slope(z, x), expected)


def test_the_gradient_of_hvaes_bound_is_that_of_its_value() -> None:
    """A finite difference with the noise held fixed, by a decoder's weight, which the path itself depends on."""
    for form, right in (("Corrected", True), ("Stock", False)):
        model = linear(f"{form}HVAE", -0.8, n_lf=3, eps_lf=0.25, beta_zero=1.0).double()
        x = POINT.double().view(1, 1, 1, 2).expand(50, -1, -1, -1)

        def loss(model: Any = model, x: Tensor = x) -> Tensor:
            torch.manual_seed(3)
            return model({"data": x}).loss

        slope = torch.autograd.grad(loss(), model.decoder.weight)[0][0, 0]
        values = []
        for shift in (1e-5, -2e-5):
            model.decoder.weight.data[0, 0] += shift
            values.append(float(loss()))
        assert (abs((values[0] - values[1]) / 2e-5 - float(slope)) < 1e-5) == right, form
