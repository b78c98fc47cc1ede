"""What a loader must return, checked for every data set before anything is trained on it."""

import numpy as np

from bench.data.types import ImageDataset, Split
from bench.errors import BadInput


def check(found: object, name: str, shape: tuple[int, int, int], *, points: bool = False) -> ImageDataset:
    """Return the data set of a loader; raises BadInput where it is not what `bench.data.types` says."""
    if not isinstance(found, ImageDataset):
        raise BadInput(f"data set {name!r}: its loader returned a {type(found).__name__}, no ImageDataset")
    for part in ("train", "validation", "test"):
        if problem := _problem(getattr(found, part), shape, len(found.classes), np.float32 if points else np.uint8):
            raise BadInput(f"data set {name!r}: the {part} split {problem}")
    for factor, values in found.factors.items():
        if values.dtype not in (np.int64, np.float64) or values.shape != (len(found.test),):
            said = f"{values.dtype} {list(values.shape)} for {len(found.test)} test images; give int64 or float64 [N]"
            raise BadInput(f"data set {name!r}: its factor {factor!r} is {said}")
    if len(found.train) < 2:
        raise BadInput(f"data set {name!r}: one training image is not enough; give at least 2")
    return found


def _problem(split: Split, shape: tuple[int, int, int], classes: int, kind: type) -> str | None:
    images, labels = np.asarray(split.images), np.asarray(split.labels)
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        return f"holds NaN or infinite pixels; a loader returns {kind.__name__} images [N, C, H, W]"
    if images.dtype != kind or images.ndim != 4:
        return f"is {images.dtype} {list(images.shape)}; a loader returns {kind.__name__} images [N, C, H, W]"
    if images.shape[1:] != shape:
        return f"has images {list(images.shape[1:])} where its entry says {list(shape)}"
    if not len(images):
        return "has no images"
    if labels.dtype.kind not in "iu" or labels.ndim not in (1, 2) or len(labels) != len(images):
        return f"has {labels.dtype} labels {list(labels.shape)} for {len(images)} images; give int64 [N]"
    least, most = int(labels.min()), int(labels.max())
    bound = classes if labels.ndim == 1 else 2
    if least < -1 or most >= bound:
        return f"has labels from {least} to {most} where {bound} classes are named"
    return None
