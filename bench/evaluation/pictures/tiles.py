"""Grids of images as small PNG files, in native pixels: what the figures are composed of."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.data.eight_bit import to_uint8, to_unit
from bench.evaluation.arrays.codes import edited
from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.pictures.level_tiles import between, modes, super_resolution, variations
from bench.evaluation.pictures.traversals import traversals
from bench.metrics.bit_codes import paths
from bench.metrics.types import Blank
from bench.system.files import write_whole

STEPS, PAIRS, COLUMNS = 10, 4, 10
EDIT, EDITED_ATTRIBUTES = 0.1, ("Eyeglasses", "Goatee")


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


def save_grid(path: Path, images: np.ndarray) -> None:
    """Write images [rows, columns, C, H, W] in [0, 1] as a PNG: every pixel and every colour as it is."""
    picture, buffer = Image.fromarray(grid(images.reshape(-1, *images.shape[2:]), images.shape[1])), io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    write_whole(path, buffer.getbuffer(), durable=False)


@dataclass(frozen=True)
class Tile:
    """A picture of a model: the function that returns its images [rows, columns, C, H, W], or None where it has none;
    the capabilities that it needs, and the extra of the evaluation that asks for it (None: always drawn)."""

    images: Callable[[Evaluation], np.ndarray | None]
    needs: frozenset[str] = frozenset({"reconstruct"})
    extra: str | None = None


def save_tiles(folder: Path, evaluation: Evaluation, lost: dict[str, str] | None = None) -> None:
    """Write every tile of TILES that the evaluation asks for and the model can serve; of points there is none.

    Why a tile cannot be made is added to `lost` by name; without `lost` it is raised.
    """
    if "points" in evaluation.view.capabilities:
        return
    for name, tile in TILES.items():
        asked = tile.extra is None or tile.extra in evaluation.settings.extras
        try:
            if asked and tile.needs <= evaluation.view.capabilities and (images := tile.images(evaluation)) is not None:
                save_grid(folder / f"{name}.png", images)
        except Blank:  # the table's cell says why
            continue
        except Exception as error:
            if lost is None:
                raise
            lost[name] = why(error)


def why(error: Exception) -> str:
    """Return in one line why a picture cannot be made."""
    return str(error) if isinstance(error, Blank) else f"{type(error).__name__}: {' '.join(str(error).split())}"


def _first_images(evaluation: Evaluation, n: int) -> np.ndarray:
    return to_unit(evaluation.get("test_images")[:n])


def _samples(evaluation: Evaluation) -> np.ndarray | None:
    """Return samples of the first sampler that the model can serve, in rows of eight."""
    samplers = evaluation.samplers()
    return _rows_of_samples(evaluation, samplers[0], 64) if samplers else None


def _coins(evaluation: Evaluation) -> np.ndarray | None:
    """Return what codes of fair and independent bits decode to (Figure 5, LBAE)."""
    return _rows_of_samples(evaluation, "coins", 32) if "coins" in evaluation.samplers() else None


def _rows_of_samples(evaluation: Evaluation, sampler: str, n: int) -> np.ndarray:
    samples = evaluation.get("samples", {"sampler": sampler})[:n]
    columns = min(8, len(samples))
    return samples[: len(samples) // columns * columns].reshape(-1, columns, *samples.shape[1:])


def _reconstructions(evaluation: Evaluation) -> np.ndarray:
    """Return test images above their reconstructions from a posterior sample: of colour images two rows of either.

    Figures 8, 10 and 11 of the symmetric VAE's paper have two rows of images above two rows of reconstructions.
    """
    images = _first_images(evaluation, 2 * COLUMNS if evaluation.data.shape[0] == 3 else COLUMNS)
    columns = min(COLUMNS, len(images))
    n = len(images) // columns * columns
    decoded = evaluation.get("reconstructions", {"reconstruction": "sample"})
    return np.concatenate([images[:n], decoded[:n]]).reshape(-1, columns, *images.shape[1:])


def _backwards(evaluation: Evaluation) -> np.ndarray | None:
    """Return test images above what the encoder of two networks gives run backwards from their posterior means."""
    encoder, decoder = (getattr(part, "network", None) for part in (evaluation.model.encoder, evaluation.model.decoder))
    if encoder is None or encoder is decoder:
        return None
    return np.stack([_first_images(evaluation, COLUMNS), evaluation.get("backwards")[:COLUMNS]])


def _interpolations(evaluation: Evaluation) -> np.ndarray:
    """Return rows of source, ten decoded steps, target: [PAIRS, 12, C, H, W].

    The steps are convex mixes of two test images, each encoded and decoded through the posterior mean (Section
    IV.B.4, BVAE).
    """
    images = _first_images(evaluation, 2 * PAIRS)
    mix = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None, None, None]
    rows = []
    for i in range(len(images) // 2):
        source, target = images[2 * i], images[2 * i + 1]
        decoded = evaluation.run(evaluation.view.reconstruct, (1 - mix) * source + mix * target)
        rows.append(np.concatenate([source[None], decoded, target[None]]))
    return np.stack(rows)


def _latent_interpolations(evaluation: Evaluation) -> np.ndarray:
    """Return rows of source, ten decoded steps, target: [PAIRS, 12, C, H, W].

    The steps are linear between the posterior means of two test images (Figure 9, selfVAE); where images are made level
    by level, between those of u (its Figure 12).
    """
    images, view = _first_images(evaluation, 2 * PAIRS), evaluation.view
    sources, targets = images[: len(images) // 2 * 2 : 2], images[1::2]
    if "levels" in view.capabilities:
        return between(evaluation, sources, targets, STEPS)
    first, last = (evaluation.run(view.embed, ends) for ends in (sources, targets))
    t = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None]
    codes = (1 - t) * first[:, None] + t * last[:, None]  # [P, STEPS, L]
    decoded = evaluation.run(view.decode, codes.reshape(-1, codes.shape[-1])).reshape(
        *codes.shape[:2], *images.shape[1:]
    )
    return np.concatenate([sources[:, None], decoded, targets[:, None]], axis=1)


def _walks(evaluation: Evaluation) -> np.ndarray:
    """Return the images along the ways between the codes of test images, both ends included (Figure 10, LBAE)."""
    codes = evaluation.get("walks", {"protocol": "figure"})[:PAIRS]
    images = evaluation.run(evaluation.view.decode, codes.reshape(-1, codes.shape[-1]))
    return images.reshape(*codes.shape[:2], *images.shape[1:])


def _edits(evaluation: Evaluation) -> np.ndarray:
    """Return what edits of the codes of test images decode to (Figure 11, LBAE; D = 0.1).

    A row is an image's reconstruction, then its code edited towards each class; where labels are attributes, one row
    an attribute, and the ten steps of the way to the edited code.
    """
    labels, codes = evaluation.get("test_labels"), evaluation.get("test_bits")
    means = evaluation.get("class_codes")
    if labels.ndim == 1:
        classes = np.arange(len(evaluation.data.classes))
        rows = [
            np.concatenate([code[None], edited(means, np.stack([code] * len(classes)), classes, EDIT)])
            for code in codes[:6]
        ]
    else:
        names = [name for name in EDITED_ATTRIBUTES if name in evaluation.data.classes]
        rows = []
        for index in (evaluation.data.classes.index(name) for name in names):
            bare = codes[labels[:, index] <= 0][:2]
            wearing = edited(means, bare, np.full(len(bare), index), EDIT).astype(np.int8)
            steps = paths(evaluation.get("moments"), bare, wearing, "paper")
            rows += list(np.concatenate([bare[:, None], steps, wearing[:, None]], axis=1))
    flat = np.stack(rows).astype(np.float32)
    images = evaluation.run(evaluation.view.decode, flat.reshape(-1, flat.shape[-1]))
    return images.reshape(*flat.shape[:2], *images.shape[1:])


def _canonical(evaluation: Evaluation) -> np.ndarray:
    """Return the canonical image of every one-hot y in a row (Figure 2, Untapped)."""
    return evaluation.get("canonical_images")[None]


def _label_walks(evaluation: Evaluation) -> np.ndarray | None:
    """Return a grid of the two latent variables for every class, the classes side by side, in 16 greys; of one seed."""
    if evaluation.seed not in evaluation.settings.tsne_seeds or len(evaluation.get("mean_z")) != 2:
        return None
    walks = evaluation.get("label_walks")  # [k, 5, 5, C, H, W]
    return np.round(15 * walks.swapaxes(0, 1).reshape(walks.shape[1], -1, *walks.shape[3:])) / 15


_BITS, _LABELS, _LEVELS = frozenset({"bits"}), frozenset({"class_codes"}), frozenset({"levels"})
TILES: dict[str, Tile] = {
    "samples": Tile(_samples, needs=frozenset({"generate"})),
    "reconstructions": Tile(_reconstructions),
    "interpolations": Tile(_interpolations),
    "latent-interpolations": Tile(
        _latent_interpolations, needs=frozenset({"encode", "reconstruct"}), extra="densities"
    ),
    "backwards": Tile(_backwards, needs=frozenset({"encode"})),
    "coins": Tile(_coins, needs=_BITS, extra="codes"),
    "walks": Tile(_walks, extra="codes"),
    "edits": Tile(_edits, needs=_BITS, extra="codes"),
    "canonical": Tile(_canonical, needs=_LABELS, extra="labels"),
    "label-walks": Tile(_label_walks, needs=_LABELS, extra="labels"),
    "modes": Tile(modes, needs=_LEVELS, extra="levels"),
    "variations": Tile(variations, needs=_LEVELS, extra="levels"),
    "super-resolution": Tile(super_resolution, needs=_LEVELS, extra="levels"),
    "traversals": Tile(traversals, needs=frozenset({"encode", "reconstruct"}), extra="factors"),
}
