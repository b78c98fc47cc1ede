"""How well pixel logits explain an image, in few passes over memory: for batches whose images outgrow the cache."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

_VALUES_AT_ONCE = 1 << 18  # pixels, a MiB: what lies in the cache between two passes


def log_likelihood_and_error(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    r"""Return :math:`\ln p(x)` of a Bernoulli and the squared error of its mean: logits, x [B, ...] -> [B], [B].

    .. math:: \ln p(x) = \sum_i x_i l_i - \ln(1 + e^{l_i}), \quad e = \sum_i (x_i - \sigma(l_i))^2

    The first is `models.distributions.densities.Bernoulli.log_prob`, of which both have the gradients, in x as well.
    """
    return _LogLikelihood.apply(logits.flatten(1), x.flatten(1))


def _parts(*tensors: Tensor) -> Any:
    """Cut tensors [B, D] alike into blocks of rows that the cache holds."""
    rows = max(1, _VALUES_AT_ONCE // tensors[0].shape[1])
    return zip(*(tensor.split(rows) for tensor in tensors), strict=True)


class _LogLikelihood(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        log_p, error = [], []
        for part, pixels in _parts(logits, x):
            log_p.append((pixels * part).add_(F.logsigmoid(-part)).sum(1))
            error.append((pixels - part.sigmoid()).square().sum(1))
        return torch.cat(log_p), torch.cat(error)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, to_log_p: Tensor, to_error: Tensor) -> tuple[Tensor | None, Tensor | None]:
        logits, x = ctx.saved_tensors
        in_logits, in_x = [], []
        for part, pixels, g, e in _parts(logits, x, to_log_p[:, None], to_error[:, None]):
            p = part.sigmoid()
            left = pixels - p
            if ctx.needs_input_grad[1]:
                in_x.append(torch.addcmul(part * g, left, e, value=2))
            p = torch.addcmul(p, p, p, value=-1)  # p (1 - p)
            in_logits.append(left.mul_(torch.addcmul(g, p, e, value=-2)))
        return torch.cat(in_logits), torch.cat(in_x) if in_x else None
