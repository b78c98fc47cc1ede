"""Grids of images as small PNG files, in native pixels: what the figures are composed of."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from bench.arrays import Evaluation
from bench.metrics.images import to_uint8, to_unit

STEPS, PAIRS, COLUMNS = 10, 4, 10


def grid(images: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Lay images [N, C, H, W] in [0, 1] out in rows of `columns`: uint8 [H', W'] or [H', W', 3], white gaps."""
    pixels = to_uint8(images)
    n, channels, height, width = pixels.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8)
    for i, image in enumerate(pixels):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return sheet[:, :, 0] if channels == 1 else sheet


def save_grid(path: Path, images: np.ndarray, limit: int, *, drop: int) -> None:
    """Write images [rows, columns, C, H, W] as a PNG of at most `limit` bytes.

    Where needed colours are reduced to a palette of 64, then rows (drop=0) or columns (drop=1) are left out.
    """
    for keep in range(images.shape[drop], 0, -1):
        kept = images.take(range(keep), axis=drop)
        picture = Image.fromarray(grid(kept.reshape(-1, *images.shape[2:]), kept.shape[1]))
        for candidate in (picture, picture.quantize(64)) if picture.mode == "RGB" else (picture,):
            buffer = io.BytesIO()
            candidate.save(buffer, "PNG", optimize=True)
            if buffer.tell() <= limit:
                break
        if buffer.tell() <= limit:
            break
    path.write_bytes(buffer.getvalue())


def save_tiles(folder: Path, evaluation: Evaluation, *, backwards: bool) -> None:
    """Write samples, reconstructions and interpolations of a model, and what its encoder gives run backwards.

    Samples are of the first sampler that the model can serve. Reconstructions decode a posterior sample.
    Interpolations are convex mixes of two test images in ten steps, each encoded and decoded through the posterior
    mean (Section IV.B.4, BVAE), between the two images themselves.
    """
    images, can = to_unit(evaluation.get("test_images")[: max(COLUMNS, 2 * PAIRS)]), evaluation.view.capabilities
    if samplers := evaluation.samplers():
        samples = evaluation.get("samples", {"sampler": samplers[0]})[:64]
        columns = min(8, len(samples))
        samples = samples[: len(samples) // columns * columns].reshape(-1, columns, *images.shape[1:])
        save_grid(folder / "samples.png", samples, 28_000, drop=0)
    if "reconstruct" in can:
        decoded = evaluation.get("reconstructions", {"reconstruction": "sample"})
        save_grid(folder / "reconstructions.png", np.stack([images[:COLUMNS], decoded[:COLUMNS]]), 12_000, drop=1)
        save_grid(folder / "interpolations.png", _interpolations(evaluation, images), 22_000, drop=0)
    if backwards:
        noise = evaluation.get("backwards")
        save_grid(folder / "backwards.png", np.stack([images[:COLUMNS], noise[:COLUMNS]]), 10_000, drop=1)


def _interpolations(evaluation: Evaluation, images: np.ndarray) -> np.ndarray:
    """Return rows of source, ten decoded steps, target: [PAIRS, 12, C, H, W]."""
    mix = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None, None, None]
    rows = []
    for i in range(min(PAIRS, len(images) // 2)):
        source, target = images[2 * i], images[2 * i + 1]
        decoded = evaluation.run(evaluation.view.reconstruct, (1 - mix) * source + mix * target)
        rows.append(np.concatenate([source[None], decoded, target[None]]))
    return np.stack(rows)
