"""The second stage of a two-stage VAE, a VAE of another's codes, trained by our engine: Pythae's, and corrected."""

import math

import torch
from pythae.models import VAE, BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.samplers import TwoStageVAESampler, TwoStageVAESamplerConfig
from torch import Tensor, nn

from bench.errors import Blank
from bench.samplers.code_models import fit, seeded
from bench.samplers.trained import Trained
from models.distributions.densities import kl_to_standard_normal

WIDTH, EPOCHS = 256, 60
START = 0.5  # of the decoder's deviation
LEAST_VARIANCE = 1e-12  # of a direction of codes, by which it is divided


def stock_second_stage(trained: Trained, n: int) -> Tensor:
    r"""Draw n codes of a two-stage VAE as Pythae has it: [n, L].

    .. math:: u \sim N(0, I), \quad z \sim p_2(z|u)

    Source: Dai and Wipf 2019, in the form of Pythae's TwoStageVAESampler: a second VAE, here with two hidden layers of
    256, trained on one posterior sample of each image that the Gaussian mixture is fitted to. Its samples are not
    spread as the codes are: its loss is that of a unit variance, under which the deviation that it draws with trains
    away (`second_stage` is without that fault). Pythae's own `fit` trains it with Pythae's trainer and reads its
    pickles back; here our engine trains it, 60 epochs in batches of 128, OneCycle up to 1e-3. Raises Blank for a model
    that is not one of Pythae's VAEs.
    """
    if not isinstance(trained.model, VAE):
        raise Blank("Pythae's two-stage sampler takes its VAE classes alone")
    codes = torch.from_numpy(trained.get("train_codes")).to(trained.device)  # [M, L]
    with seeded(trained, "two-stage") as seed:
        config = TwoStageVAESamplerConfig(second_stage_depth=2, second_layers_dim=WIDTH)
        second = TwoStageVAESampler(trained.model, config).second_vae
        fit(second, codes, seed, EPOCHS)
        with torch.no_grad():  # the decoder adds its learned deviation by the global generator
            return second.eval().decoder(torch.randn(n, codes.shape[1], device=trained.device)).reconstruction


class Skipping(nn.Module):
    """A perceptron of two hidden layers, whose last layer also sees the input: [B, inputs] -> [B, outputs]."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU())
        self.last = nn.Linear(inputs + WIDTH, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.cat([x, self.hidden(x)], 1))


class SecondStage(nn.Module):
    r"""A VAE of codes of mean 0 and covariance I, the decoder's deviation trained with it.

    .. math:: \frac{||z - m(u)||^2}{2 \gamma^2} + L \ln \gamma + KL(q(u|z) || N(0, I)), \quad u \sim q(u|z)

    Source: Section 3 of Dai and Wipf 2019; the layers that skip to the last are those of their code. It starts
    as the standard normal, :math:`m(u) = (1 - \gamma^2)^{1/2} u` with :math:`\gamma = 1/2` and the exact posterior.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.model_name, self.model_config = "SecondStage", BaseAEConfig(latent_dim=dim)  # which the trainer notes
        self.encoder, self.decoder = Skipping(dim, 2 * dim), Skipping(dim, dim)
        self.log_deviation = nn.Parameter(torch.zeros(()))
        with torch.no_grad():
            self.log_deviation.fill_(math.log(START))
            for network in (self.encoder, self.decoder):
                nn.init.zeros_(network.last.weight)
                nn.init.zeros_(network.last.bias)
                network.last.weight[:dim, :dim].fill_diagonal_(math.sqrt(1 - START**2))
            self.encoder.last.bias[dim:].fill_(2 * math.log(START))

    def forward(self, inputs: dict[str, Tensor], **kwargs: object) -> ModelOutput:
        """Return the mean `loss` of codes `{"data": z}`, z [B, L]."""
        z = inputs["data"]
        mean, log_variance = self.encoder(z).chunk(2, 1)
        u = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        error = (z - self.decoder(u)).square().sum(1) / 2 * (-2 * self.log_deviation).exp()
        loss = error + z.shape[1] * self.log_deviation + kl_to_standard_normal(mean, log_variance)
        return ModelOutput(loss=loss.mean())

    def sample(self, u: Tensor) -> Tensor:
        """Return z ~ p(z|u): [n, L] -> the same."""
        mean = self.decoder(u)
        return mean + self.log_deviation.exp() * torch.randn_like(mean)


def second_stage(trained: Trained, n: int) -> Tensor:
    """Draw n codes of a `SecondStage` [n, L], trained as Pythae's is here, on whitened codes of any model's."""
    codes = torch.from_numpy(trained.get("train_codes")).to(trained.device)  # [M, L]
    centre = codes.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(codes.T.double()).reshape(codes.shape[1], -1))
    spread = values.clamp_min(LEAST_VARIANCE).sqrt()
    with seeded(trained, "two-stage-corrected") as seed:
        second = SecondStage(codes.shape[1]).to(trained.device)
        fit(second, (codes - centre) @ (vectors / spread).float(), seed, EPOCHS)
        with torch.no_grad():
            drawn = second.eval().sample(torch.randn(n, codes.shape[1], device=trained.device))
            return centre + drawn @ (vectors * spread).T.float()
