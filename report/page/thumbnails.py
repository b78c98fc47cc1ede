"""Small copies of pictures as data URIs, so that one page holds them all within a budget of bytes."""

import base64
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

import numpy as np
from PIL import Image
from PIL import __version__ as pillow

from report.files import read_bytes, write_whole
from report.store import Tile, log

WIDTH = 760  # pixels: a wider picture is shrunk to this
HEIGHT = 120  # pixels of a row's picture that are shown
_LADDER = ((1.0, 65), (0.75, 50), (0.5, 45), (0.35, 40), (0.25, 30))  # scale and WebP quality, best first
_MADE = f"{pillow} {WIDTH} {_LADDER}"
_THREADS = 4  # Pillow decodes and encodes outside the interpreter's lock


def thumbnails(
    limits: Mapping[Path | Tile, int], budget: int, keep: Path | None = None
) -> dict[Path | Tile, str | None]:
    """Return a data URI for each picture of `limits` (what -> most bytes it may take); None where none is small enough.

    Where the limits sum to more than `budget` characters, all shrink by the same factor. A picture that cannot be read
    is logged in one line and left out. The file `keep` has those of the last call.
    """
    encoded = sum(limits.values()) * 4 / 3  # base64
    factor = min(1.0, budget / encoded) if encoded else 1.0
    known, used = _known(keep) if keep else {}, dict[str, str | None]()

    def made(what: Path | Tile, limit: int) -> tuple[bool, str | None]:
        try:
            name = f"{hashlib.sha256(what.read_bytes()).hexdigest()} {limit}"
        except OSError:
            return _thumbnail(what, limit)  # which says so
        readable, uri = (True, known[name]) if name in known else _thumbnail(what, limit)
        if readable:
            used[name] = uri
        return readable, uri

    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda item: made(item[0], int(item[1] * factor)), limits.items())
        small = {path: uri for path, (readable, uri) in zip(limits, found, strict=True) if readable}
    if keep and used and used != known:
        with suppress(OSError):
            write_whole(keep, json.dumps({"made": _MADE, "pictures": dict(sorted(used.items()))}))
    return small


def _known(keep: Path) -> Mapping[str, str | None]:
    """Return the URIs that an earlier call kept, by the picture's SHA-256 and limit; {} of another encoder."""
    try:
        found = json.loads(read_bytes(keep))
        return dict(found["pictures"]) if found["made"] == _MADE else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def in_whole_pixels(tiles: Iterable[Tile], limit: int) -> dict[Path | Tile, str | None]:
    """Return a data URI for each tile, pixel for pixel: its first `HEIGHT` pixels, cut where a row of images ends.

    One that is longer than `limit` bytes even so is shrunk; one that cannot be read is logged in one line and left out.
    """
    wanted = list(tiles)
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda tile: _cut(tile, limit), wanted)
        return {tile: uri for tile, (readable, uri) in zip(wanted, found, strict=True) if readable}


def readable(path: Path) -> bool:
    """Whether a picture that is linked and not shown is whole; one that is not is logged in one line."""
    try:
        with Image.open(path) as opened:
            opened.verify()
    except (OSError, ValueError, SyntaxError) as error:
        log.warning("%s is left out: %s", path, " ".join(str(error).split()))
        return False
    return True


def _cut(tile: Tile, limit: int) -> tuple[bool, str | None]:
    try:
        stored = tile.read_bytes()
        with Image.open(io.BytesIO(stored)) as opened:
            opened.load()
            top = opened.crop((0, 0, opened.width, min(HEIGHT + 1, opened.height))).convert("L")
            ends = np.flatnonzero((np.asarray(top) == 255).all(axis=1))  # white lines between images
            if opened.height > HEIGHT and ends.size:
                buffer = io.BytesIO()
                opened.crop((0, 0, opened.width, int(ends[-1]))).save(buffer, "PNG")
                stored = buffer.getvalue()
    except (OSError, ValueError, SyntaxError):
        return _thumbnail(tile, limit)
    return (True, _uri("png", stored)) if len(stored) <= limit else _thumbnail(tile, limit)


def _thumbnail(path: Path | Tile, limit: int) -> tuple[bool, str | None]:
    try:
        stored = path.read_bytes()
        with Image.open(io.BytesIO(stored)) as opened:
            opened.load()
            if opened.format == "PNG" and len(stored) <= limit:
                return True, _uri("png", stored)
            whole = opened if opened.mode in ("L", "RGB", "RGBA") else opened.convert("RGB")
            picture = _shrunk(whole, min(1.0, WIDTH / whole.width)).convert("L" if whole.mode == "L" else "RGB")
    except (OSError, ValueError, SyntaxError) as error:  # SyntaxError is how the PNG reader names broken files
        log.warning("%s is left out: %s", path, " ".join(str(error).split()))
        return False, None
    fitting = list(takewhile(lambda data: len(data) <= limit, _larger(picture)))
    return True, _uri("webp", fitting[-1]) if fitting else None


def _larger(picture: Image.Image) -> Iterator[bytes]:
    """Yield ever larger encodings of a picture: the small ones, which most limits ask for, take the least time."""
    for scale, quality in reversed(_LADDER):
        buffer = io.BytesIO()
        _shrunk(picture, scale).save(buffer, "WEBP", quality=quality, method=1)
        yield buffer.getvalue()


def _shrunk(picture: Image.Image, scale: float) -> Image.Image:
    if scale >= 1:
        return picture
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.BOX, reducing_gap=1.0)


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
