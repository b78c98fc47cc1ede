"""A linear-Gaussian VAE, where log p(x) is known."""

import torch
from pythae import models as pythae
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor

D, L, N = 6, 2, 24


class LinearEncoder(BaseEncoder):
    """q(z|x) = N(A (x - b), diag(exp(log_variance)))."""

    def __init__(self, matrix: Tensor, offset: Tensor, log_variance: Tensor):
        super().__init__()
        self.matrix, self.offset, self.log_variance, self.calls = matrix, offset, log_variance, 0

    def forward(self, x: Tensor) -> ModelOutput:
        self.calls += len(x)
        mean = (x.flatten(1) - self.offset) @ self.matrix.T
        return ModelOutput(embedding=mean, log_covariance=self.log_variance.expand(len(x), -1))


class LinearDecoder(BaseDecoder):
    """p(x|z) = N(W z + b, I)."""

    def __init__(self, weight: Tensor, offset: Tensor):
        super().__init__()
        self.weight, self.offset, self.decoded = weight, offset, []

    def forward(self, z: Tensor) -> ModelOutput:
        self.decoded.append(len(z))
        return ModelOutput(reconstruction=(z @ self.weight.T + self.offset).reshape(len(z), 1, D, 1))


def linear_vae(wider: float = 0.0, kind: str = "VAE") -> tuple[pythae.VAE, Tensor, Tensor]:
    """Return a stock VAE with W of orthogonal columns, data drawn from it, and its exact -log p(x) [N].

    The true posterior is diagonal; the encoder's log-variance exceeds it by `wider`.
    """
    generator = torch.Generator().manual_seed(3)
    weight = torch.linalg.qr(torch.randn(D, L, generator=generator, dtype=torch.float64))[0] * torch.tensor([2.0, 1.2])
    offset = torch.full((D,), 0.5, dtype=torch.float64)
    precision = 1 + (weight**2).sum(0)  # diagonal of I + W^T W
    encoder = LinearEncoder(weight.T / precision[:, None], offset, -precision.log() + wider)
    config = getattr(pythae, f"{kind}Config")(input_dim=(1, D, 1), latent_dim=L, reconstruction_loss="mse")
    model = getattr(pythae, kind)(config, encoder, LinearDecoder(weight, offset))
    z = torch.randn(N, L, generator=generator, dtype=torch.float64)
    x = z @ weight.T + offset + torch.randn(N, D, generator=generator, dtype=torch.float64)
    marginal = torch.distributions.MultivariateNormal(offset, weight @ weight.T + torch.eye(D, dtype=torch.float64))
    return model, x.reshape(N, 1, D, 1), -marginal.log_prob(x)
