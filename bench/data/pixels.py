"""Image files to one uint8 array: decoding, scaling to a square, and a cache of what was decoded."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench.data.places import Progress, cache_folder
from bench.data.types import Images
from bench.errors import BadInput
from bench.system.cache import kept

Mode = Literal["L", "RGB"]
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # Pillow's names; PPM stands for all netpbm ones
_TURNS = {  # EXIF orientation -> what makes the image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MOST = 1 << 26  # pixels of an image; eight are decoded at once
_LONGEST = 1 << 28  # pixels after the short side was resized
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

    Cached by the contents of the files and by the conversion; the next call maps that cache from disk.
    Raises BadInput, naming the file, for one that is no image or that changes meanwhile.
    """
    shape = (len(files), 1 if mode == "L" else 3, size, size)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        sums = list(pool.map(_checksum, files))
        about = f"{_VERSION} {mode} {size} {square.__name__} ".encode()
        cached = cache_folder() / "decoded" / f"{label}-{sha256(about + b''.join(sums)).hexdigest()[:24]}.npy"

        def made() -> Images:
            images = np.empty(shape, np.uint8)
            for start in range(0, len(files), _BLOCK):
                block = slice(start, start + _BLOCK)
                decoded = pool.map(
                    lambda path, known: _pixels(path, known, mode, size, square), files[block], sums[block]
                )
                for index, image in enumerate(decoded, start):
                    images[index] = image
                progress(f"decoding {label}", min(start + _BLOCK, len(files)), len(files))
            return images

        header = _npy_header(shape)

        def read(data: memoryview) -> Images:
            if data[: len(header)] != header:
                raise ValueError("another shape")
            return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)

        return kept(cached, made, read, lambda images: [header, images.data])


def _checksum(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").digest()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}); replace or remove it") from None


def _pixels(
    path: Path, known: bytes, mode: Mode, size: int, square: Callable[[Image.Image, int], Image.Image]
) -> np.ndarray:
    contents = path.read_bytes()
    if sha256(contents).digest() != known:
        raise BadInput(f"{path} changed while it was read; try again when it is at rest")
    with _named(path):
        pixels = np.asarray(square(_opened(io.BytesIO(contents), mode), size))
    return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)


def _npy_header(shape: tuple[int, ...]) -> bytes:
    """Return the first bytes of an .npy file of uint8 in this shape."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def open_image(path: Path, mode: Mode) -> Image.Image:
    """Return an upright image in 8-bit `mode`; of several frames the first.

    16-bit grey keeps its upper 8 bits, transparency is laid on white, CMYK and palettes are converted, EXIF
    orientation is applied. Raises BadInput naming a file that cannot be decoded, or holds more than 16 bits a pixel.
    """
    with _named(path):
        return _opened(path, mode)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises, of half a dozen unrelated types, into one line that names the file."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{path} cannot be decoded as an image ({reason}); replace or remove it") from error


def _opened(source: Path | io.BytesIO, mode: Mode) -> Image.Image:
    try:
        opened = Image.open(source, formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError(f"it is none of {', '.join(FORMATS)}") from None
    with opened as image:
        if image.width * image.height > _MOST:
            raise ValueError(f"it has {image.width} x {image.height} pixels; {_MOST:,} at most")
        image.load()
        if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
            raise ValueError(f"{'floating-point' if image.mode == 'F' else '32-bit'} pixels; give 8 or 16 bits a pixel")
        turn = _TURNS.get(_orientation(image))
        upright = image if turn is None else image.transpose(turn)
        if upright.mode.startswith("I"):
            upright = _eight_bit(upright)
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
        return upright.convert(mode)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation; 1, upright, where there is none, or where EXIF is damaged (as viewers do)."""
    with suppress(Exception):
        return int(image.getexif().get(0x0112, 1))
    return 1


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return the upper 8 bits of a 16-bit grey image; the value that is called transparent becomes white."""
    deep = np.asarray(image).astype(np.uint32)
    grey = (deep >> 8).astype(np.uint8)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[deep == transparent] = 255
    return Image.fromarray(grey)


def stretch(image: Image.Image, size: int) -> Image.Image:
    """Return the image resized to size x size, its aspect given up (BVAE's CelebA)."""
    return image.resize((size, size), Image.Resampling.BILINEAR)


def center_crop(image: Image.Image, size: int) -> Image.Image:
    """Return the central square after the short side was resized to `size` (LBAE's CelebA: 178 x 218 -> 64 x 78)."""
    short = min(image.size)
    width, height = (size * side // short for side in image.size)
    if width * height > _LONGEST:
        raise ValueError(f"its sides {image.width} and {image.height} are too different")
    left, top = round((width - size) / 2), round((height - size) / 2)
    return image.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + size, top + size))


def crop148(image: Image.Image, size: int) -> Image.Image:
    """Return the 148 x 148 square at top 40, left 15, resized (selfVAE's CelebA). Raises ValueError."""
    if image.width < 15 + 148 or image.height < 40 + 148:
        raise ValueError(f"preprocess=crop148 needs aligned 178 x 218 images, not {image.width} x {image.height}")
    return image.crop((15, 40, 163, 188)).resize((size, size), Image.Resampling.BILINEAR)
