"""The second stage of a two-stage VAE: a VAE of the codes of another, trained by our engine."""

import torch
from pythae.models import VAE
from pythae.samplers import TwoStageVAESampler, TwoStageVAESamplerConfig
from torch import Tensor

from bench.errors import Blank
from bench.samplers.code_models import fit, seeded
from bench.samplers.trained import Trained

WIDTH, EPOCHS = 256, 60


def second_stage(trained: Trained, n: int) -> Tensor:
    r"""Draw n codes of a two-stage VAE: [n, L].

    .. math:: u \sim N(0, I), \quad z \sim p_2(z|u)

    Source: Dai and Wipf 2019, in the form of Pythae's TwoStageVAESampler: a second VAE, here with two hidden layers of
    256, trained on one posterior sample of each image that the Gaussian mixture is fitted to. Pythae's own `fit`
    trains it with Pythae's trainer and reads its pickles back; here our engine trains it, 60 epochs in batches of 128,
    OneCycle up to 1e-3. Raises Blank for a model that is not one of Pythae's VAEs.
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
