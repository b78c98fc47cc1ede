"""How well pixels are explained by Bernoulli laws, in fewer passes over memory than torch's own functions take."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from models.kernels.context import Context

_VALUES_AT_ONCE = 1 << 18  # pixels, a MiB: what lies in the cache between two passes


def log_prob_of_means(p: Tensor, x: Tensor) -> Tensor:
    r"""Return :math:`\sum_i x_i \ln p_i + (1 - x_i) \ln (1 - p_i)`, each log at least -100: p, x [..., D] -> [...]."""
    return (plain_log_prob_of_means if p.requires_grad else fast_log_prob_of_means)(p, x)


def plain_log_prob_of_means(p: Tensor, x: Tensor) -> Tensor:
    """Return the same by torch's own, whose gradient is finite where p is 0 or 1."""
    return -F.binary_cross_entropy(p, x, reduction="none").sum(-1)


def fast_log_prob_of_means(p: Tensor, x: Tensor) -> Tensor:
    """Return the same, five times as fast on a processor; without a gradient where p is 0 or 1."""
    return torch.lerp(torch.log1p(-p).clamp_(min=-100), p.log().clamp_(min=-100), x).sum(-1)


def log_likelihood_and_error(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    r"""Return :math:`\ln p(x)` of a Bernoulli and the squared error of its mean: logits, x [B, ...] -> [B], [B].

    .. math:: \ln p(x) = \sum_i x_i l_i - \ln(1 + e^{l_i}), \quad e = \sum_i (x_i - \sigma(l_i))^2

    Both have gradients in x as well.
    """
    way = plain_log_likelihood_and_error if logits.numel() <= _VALUES_AT_ONCE else fast_log_likelihood_and_error
    return way(logits.flatten(1), x.flatten(1))


def plain_log_likelihood_and_error(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same by torch's own: logits, x [B, D]."""
    log_p = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    return log_p, (x - logits.sigmoid()).square().sum(1)


def fast_log_likelihood_and_error(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same in blocks that the cache holds: logits, x [B, D]."""
    return _LogLikelihood.apply(logits, x)


def _parts(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Cut tensors [B, D] alike into blocks of rows."""
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
    def setup_context(ctx: Context, inputs: tuple[Tensor, Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Context, to_log_p: Tensor, to_error: Tensor) -> tuple[Tensor | None, Tensor | None]:
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
