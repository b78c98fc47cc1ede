"""The keys that Pythae's own classes give in `forward`, for those models that have them under other names."""

import torch
from pythae.models import BaseAE
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor


@torch.no_grad()
def complete(model: BaseAE, out: ModelOutput, x: Tensor) -> ModelOutput:
    """Return an output for images x [B, C, H, W] with `recon_loss`, `reg_loss` and `reconstruction` where it has none.

    A loss without a reconstruction error of its own name is one (AE), or has -ln p(x|z) in it (HVAE, RHVAE); what else
    a loss has is `reg_loss`.
    """
    if "recon_loss" not in out:
        log_p_x = getattr(model, "_log_p_x_given_z", None)
        out.recon_loss = out.loss.detach() if log_p_x is None else -log_p_x(out.recon_x, x).mean()
    if "reg_loss" not in out:
        out.reg_loss = out.loss.detach() - out.recon_loss.detach()
    out.reconstruction = out.recon_x
    return out
