"""Pictures of models that make an image from a compressed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.data.eight_bit import to_unit
from bench.evaluation.arrays.levels import enlarged
from bench.metrics.registry.levels import MODES

if TYPE_CHECKING:
    from bench.evaluation.arrays.evaluation import Evaluation

IMAGES, COLUMNS, DRAWN = 4, 10, 4


def modes(evaluation: Evaluation) -> np.ndarray:
    """Return test images as each kind of reconstruction shows them, a kind a row: [6, 10, C, H, W] (Figures 11, 13)."""
    return np.stack([_mode(evaluation, mode) for mode in MODES])


def variations(evaluation: Evaluation) -> np.ndarray:
    """Return rows of a test image and images with its u and other z: [4, 10, C, H, W] (Figure 12, selfVAE)."""
    x = _first(evaluation, IMAGES)
    with torch.no_grad():
        made = evaluation.view.vary_z(x, COLUMNS - 1, evaluation.generator("variations"))
    return torch.cat([x[:, None], made], 1).cpu().numpy()


def super_resolution(evaluation: Evaluation) -> np.ndarray:
    """Return rows of a compressed test image, four images drawn given it alone, the image: [4, 6, C, H, W]."""
    x = _first(evaluation, IMAGES)
    with torch.no_grad():
        compressed = evaluation.view.levels(x)[-1]
        made = evaluation.view.super_resolve(compressed, DRAWN, evaluation.generator("super-resolution"))
    given = enlarged(compressed, evaluation.data.shape, "nearest")
    return torch.cat([given[:, None], made, x[:, None]], 1).cpu().numpy()


def between(evaluation: Evaluation, sources: np.ndarray, targets: np.ndarray, steps: int) -> np.ndarray:
    """Return rows of source, `steps` images along the line between the u of both, target: [N, steps + 2, C, H, W]."""
    x0, x1 = (torch.from_numpy(images).to(evaluation.device) for images in (sources, targets))
    with torch.no_grad():
        made = evaluation.view.interpolate_u(x0, x1, steps)
    return torch.cat([x0[:, None], made, x1[:, None]], 1).cpu().numpy()


def _mode(evaluation: Evaluation, mode: str) -> np.ndarray:
    """Return the first test images in one kind of reconstruction; the compressed image with its own pixels visible."""
    if mode == "OG":
        return _first(evaluation, COLUMNS).cpu().numpy()
    if mode == "CM":
        compressed = evaluation.view.levels(_first(evaluation, COLUMNS))[-1]
        return enlarged(compressed, evaluation.data.shape, "nearest").cpu().numpy()
    return evaluation.get("shown", {"mode": mode})[:COLUMNS]


def _first(evaluation: Evaluation, n: int) -> torch.Tensor:
    """Return the first test images: [n, C, H, W] in [0, 1]."""
    return torch.from_numpy(to_unit(evaluation.get("test_images")[:n])).to(evaluation.device)
