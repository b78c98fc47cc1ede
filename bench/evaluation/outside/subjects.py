"""What is to be measured, of whatever kind: a model, a module, a sampler, or images that were generated."""

import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from os import getcwd
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pythae.models import BaseAE
from torch import Tensor, nn

from bench.data.eight_bit import to_uint8
from bench.data.listing import images_below
from bench.data.pixels import Mode, center_crop, decode
from bench.data.places import terminal_bar
from bench.errors import BadInput
from bench.evaluation.outside.pythae_models import from_hub, open_pythae, with_capabilities

AT_ONCE = 500  # images that a sampler is asked for

Shape = tuple[int, ...]


class Given(nn.Module):
    """Images that were generated elsewhere, in the place of a model: uint8 [N, C, H, W]."""

    capabilities = frozenset({"generate", "given"})

    def __init__(self, images: np.ndarray):
        super().__init__()
        self.images = images

    def given(self, n: int, seed: int) -> np.ndarray:
        """Return the first n images, all where there are fewer."""
        return self.images[:n]


class Sampling(nn.Module):
    """A function that draws images, `f(n)` -> [n, C, H, W] in [0, 1] or uint8; or a module with more methods.

    Of a module, `sample(n)` draws, `embed(x)` gives codes [N, L], `reconstruct(x)` images, each where it is there.
    """

    def __init__(self, source: Callable[[int], Any] | nn.Module, shape: Shape):
        super().__init__()
        methods = {"given": "sample", "encode": "embed", "reconstruct": "reconstruct"}
        self.module: Any = source if isinstance(source, nn.Module) else None
        found = {name for name, method in methods.items() if self.module is not None and hasattr(source, method)}
        self.draw: Callable[[int], Any] = getattr(source, "sample", source) if "given" in found else source
        found |= {"given"} if self.module is None else set()
        if not found:
            raise BadInput(f"{type(source).__name__} has no sample(n), embed(x) or reconstruct(x): nothing to measure")
        self.capabilities = frozenset(found | ({"generate"} if "given" in found else set()))
        self.shape = shape

    @torch.no_grad()
    def given(self, n: int, seed: int) -> np.ndarray:
        """Return n images of it, uint8 [n, C, H, W], drawn with this seed of torch's and NumPy's generators."""
        np.random.seed(seed % 2**32)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            parts = [self.draw(min(AT_ONCE, n - start)) for start in range(0, n, AT_ONCE)]
        return np.concatenate([_as_images(part, self.shape, "the sampler") for part in parts])[:n]

    def embed(self, x: Tensor) -> Tensor:
        """Return codes: [N, C, H, W] -> [N, L]."""
        return self.module.embed(x).flatten(1)

    def reconstruct(self, x: Tensor, how: str = "mean", generator: object = None) -> Tensor:
        """Return images: [N, C, H, W] -> the same."""
        return self.module.reconstruct(x).reshape(x.shape)


def subject(what: object, shape: Shape, trust_pickle: bool = False) -> nn.Module:
    """Return what is to be measured on images of a shape (C, H, W), in evaluation mode.

    `what` is a module, a function f(n) that draws images, an array of images, a folder that Pythae or this project
    wrote, a folder or .npz of images, "module:function" that returns one of these, or a name on the Hugging Face hub.
    Raises BadInput for anything else.
    """
    if isinstance(what, BaseAE) or hasattr(what, "capabilities"):
        return with_capabilities(what)
    if isinstance(what, np.ndarray | Tensor):
        return Given(_as_images(what, shape, "the array"))
    if isinstance(what, nn.Module) or callable(what):
        return Sampling(what, shape).eval()
    text = str(what)
    path = Path(text).expanduser()
    if path.suffix == ".npz" and path.is_file():
        return Given(_of_archive(path, shape))
    if path.is_dir():
        if any(path.rglob("model_config.json")):
            return open_pythae(path, trust_pickle)
        return Given(_of_folder(path, shape))
    if ":" in text:
        return subject(_called(text), shape, trust_pickle)
    if text.count("/") == 1 and not text.startswith((".", "/", "~")) and not path.exists():
        return from_hub(text, trust_pickle)
    raise BadInput(f"{text}: no folder, no .npz of images, no module:function and no OWNER/NAME of the hub")


def _called(text: str) -> object:
    """Return what "module:function" gives, the module imported from the current folder or installed."""
    module, _, name = text.partition(":")
    if getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(getcwd())
    try:
        return getattr(import_module(module), name)()
    except Exception as error:  # code of the user's can raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"{text} cannot be called ({reason})") from error


def _of_archive(path: Path, shape: Shape) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = archive.files
            name = next((name for name in ("images", "arr_0") if name in names), names[0] if len(names) == 1 else None)
            if name is None:
                raise BadInput(f"{path} holds {', '.join(names) or 'nothing'}; name the array of images 'images'")
            return _as_images(archive[name], shape, str(path))
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path} is no .npz of images: {error}") from None


def _of_folder(path: Path, shape: Shape) -> np.ndarray:
    from PIL import Image

    files = images_below(path, Counter())
    if len(files) < 2:
        raise BadInput(f"{path}: {len(files)} images here, and no model; name a model's folder or one of images")
    with Image.open(files[0]) as first:
        size = first.size
    if size != (shape[2], shape[1]):
        raise BadInput(f"{path}: images of {size[0]} x {size[1]} pixels, the data's have {shape[2]} x {shape[1]}")
    mode: Mode = "L" if shape[0] == 1 else "RGB"
    return decode(files, mode, shape[1], center_crop, "generated", terminal_bar())


def _as_images(found: object, shape: Shape, where: str) -> np.ndarray:
    """Return images as uint8 [N, C, H, W]; given with the channels first or last, uint8 or in [0, 1]."""
    images = found.detach().cpu().numpy() if isinstance(found, Tensor) else np.asarray(found)
    if images.ndim == 3 and shape[0] == 1:
        images = images[:, None]
    last = (*shape[1:], shape[0])
    if images.shape[1:] == last != shape:
        images = images.transpose(0, 3, 1, 2)
    if images.shape[1:] != shape or not len(images):
        raise BadInput(f"{where} gives images {list(images.shape)}; the data's are [N, {', '.join(map(str, shape))}]")
    if images.dtype != np.uint8 and not (np.isfinite(images).all() and images.min() >= 0 and images.max() <= 1):
        raise BadInput(f"{where} gives numbers beyond [0, 1]; give such, or whole numbers as uint8")
    return to_uint8(images)
