"""The 3-simplex as points with weights, for integrals."""

import torch
from torch import Tensor


def simplex_grid(n: int = 400) -> tuple[Tensor, Tensor]:
    """Points of the 3-simplex [n * n, 3] and their weights, whose sum is its area, 1/2.

    y_1 = u and y_2 = (1 - u) v map the unit square to it with Jacobian 1 - u; u = s^2 (3 - 2 s) with midpoints s, and
    v likewise, puts points near the edges, where the density may be infinite.
    """
    s = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    points, weights = s**2 * (3 - 2 * s), 6 * s * (1 - s) / n
    u, v = torch.meshgrid(points, points, indexing="ij")
    y = torch.stack([u, (1 - u) * v, (1 - u) * (1 - v)], -1)
    return y.reshape(-1, 3), (torch.outer(weights, weights) * (1 - u)).flatten()
