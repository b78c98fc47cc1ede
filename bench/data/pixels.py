"""Image files to one uint8 array: decoding, scaling to a square, and a cache beside the user's data."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from bench.data.places import Progress, cache_folder
from bench.data.types import Images
from bench.errors import BadInput

Mode = Literal["L", "RGB"]
_BLOCK = 1024
_VERSION = 1  # part of the cache key: raise it when the same files give other pixels


def decode(
    files: Sequence[Path],
    mode: Mode,
    size: int,
    square: Callable[[Image.Image, int], Image.Image],
    label: str,
    progress: Progress,
) -> Images:
    """Return uint8 [N, C, size, size]: each file decoded to `mode` and made square by `square`, in the order given.

    Cached by names, sizes and times of the files and by the conversion; the next call maps that cache from disk.
    Raises BadInput for a file that is no image.
    """
    facts = ((path.parent.name, path.name, path.stat()) for path in files)
    listing = [(folder, name, stat.st_size, stat.st_mtime_ns) for folder, name, stat in facts]
    key = sha256(repr((_VERSION, mode, size, square.__name__, listing)).encode()).hexdigest()[:24]
    cached = cache_folder() / "decoded" / f"{label}-{key}.npy"
    shape = (len(files), 1 if mode == "L" else 3, size, size)
    with suppress(OSError, ValueError):  # absent or damaged: decode anew
        stored = np.load(cached, mmap_mode="c", allow_pickle=False).view(np.ndarray)
        if stored.shape == shape and stored.dtype == np.uint8:
            return stored

    def one(path: Path) -> Images:
        pixels = np.asarray(square(open_image(path, mode), size))
        return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)

    images = np.empty(shape, np.uint8)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(files), _BLOCK):
            block = files[start : start + _BLOCK]
            for index, image in enumerate(pool.map(one, block), start):
                images[index] = image
            progress(f"decoding {label}", start + len(block), len(files))
    _store(cached, images)
    return images


def _store(path: Path, images: Images) -> None:
    """Write an array whole or not at all; a full or read-only cache only costs decoding again."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            np.save(stream, images)
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def open_image(path: Path, mode: Mode) -> Image.Image:
    """Return an upright image in 8-bit `mode`.

    16-bit grey keeps its upper 8 bits, transparency is laid on white, CMYK and palettes are converted, EXIF
    orientation is applied. Raises BadInput naming a file that cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I"):
            upright = Image.fromarray((np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8))
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
        return upright.convert(mode)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(f"{path} cannot be decoded as an image ({error}); replace or remove it") from error


def stretch(image: Image.Image, size: int) -> Image.Image:
    """Return the image resized to size x size, its aspect given up (BVAE's CelebA)."""
    return image.resize((size, size), Image.Resampling.BILINEAR)


def center_crop(image: Image.Image, size: int) -> Image.Image:
    """Return the central square after the short side was resized to `size` (LBAE's CelebA: 178 x 218 -> 64 x 78)."""
    short = min(image.size)
    width, height = (size * side // short for side in image.size)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return image.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + size, top + size))


def crop148(image: Image.Image, size: int) -> Image.Image:
    """Return the 148 x 148 square at top 40, left 15, resized (selfVAE's CelebA); BadInput if the image is smaller."""
    if image.width < 15 + 148 or image.height < 40 + 148:
        raise BadInput(f"preprocess=crop148 needs aligned 178 x 218 images, not {image.width} x {image.height}")
    return image.crop((15, 40, 163, 188)).resize((size, size), Image.Resampling.BILINEAR)
