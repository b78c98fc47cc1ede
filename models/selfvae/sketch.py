"""A pencil sketch of an image, by edge-preserving filtering."""

import math

import torch
from torch import Tensor

# Of the filter: its width in pixels, the grey levels (of 1) that it takes for an edge, its passes. Ours, for images of
# 32 to 64 pixels; the paper gives none.
WIDTH, EDGE, PASSES = 4.0, 0.5, 3
LEVEL = 1 / 255


def edge_preserving_blur(g: Tensor, width: float = WIDTH, edge: float = EDGE, passes: int = PASSES) -> Tensor:
    r"""Smooth grey images along rows and columns in turn, the less the more grey levels change: [N, 1, H, W], the same.

    .. math::
        J_n = (1 - a_p^{d_n}) I_n + a_p^{d_n} J_{n-1}, \quad d_n = 1 + \tfrac{\sigma_s}{\sigma_r} |I_n - I_{n-1}|,
        \quad a_p = e^{-\sqrt2 / \sigma_p}, \quad \sigma_p = \sigma_s \sqrt3 \frac{2^{P-p}}{\sqrt{4^P - 1}}

    forth, then back. Source: Eqs. 11, 14 and 21 of Gastal and Oliveira 2011 (the recursive domain transform), distances
    being those of the image that is given; sigma_s is `width` in pixels, sigma_r `edge`, P `passes`.
    """
    across, down = (1 + width / edge * g.diff(dim=axis).abs() for axis in (3, 2))
    for p in range(1, passes + 1):
        spread = width * math.sqrt(3) * 2 ** (passes - p) / math.sqrt(4**passes - 1)
        decay = math.exp(-math.sqrt(2) / spread)
        g = _recursive(g, decay**across)
        g = _recursive(g.mT, decay**down.mT).mT
    return g


def _recursive(g: Tensor, weights: Tensor) -> Tensor:
    """Filter rows forth and back; `weights` [N, 1, H, W - 1] are what each pixel takes of its neighbour."""
    return _forth(_forth(g, weights).flip(3), weights.flip(3)).flip(3)


def _forth(g: Tensor, weights: Tensor) -> Tensor:
    columns = list(g.unbind(3))
    for n, weight in enumerate(weights.unbind(3)):
        columns[n + 1] = torch.lerp(columns[n + 1], columns[n], weight)
    return torch.stack(columns, 3)


def sketch(g: Tensor) -> Tensor:
    r"""Return the sketch of grey images in [0, 1]: [N, 1, H, W], the same.

    .. math:: y = \min(1, (g + \tfrac1{255}) / (1 - blur(1 - g) + \tfrac1{255}))

    Source: Section A.3, selfVAE: dodging blends the grey image with its blurred inverse. White where the image is even,
    dark where it is darker than what is around it. The grey level added to both is ours: without it black is 0 / 0.
    """
    return ((g + LEVEL) / (1 - edge_preserving_blur(1 - g) + LEVEL)).clamp(0, 1)
