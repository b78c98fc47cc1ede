"""Pixels as eight bits and as numbers in [0, 1], each conversion written once."""

import numpy as np


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Return images [N, C, H, W] as uint8: round(255 x) clipped to 0..255; uint8 passes unchanged.

    Real and generated images go through this before any feature network. Raises ValueError for pixels that are not
    finite.
    """
    if images.dtype == np.uint8:
        return images
    if not np.isfinite(images).all():
        raise ValueError("the images have pixels that are not finite")
    return np.clip(np.rint(images * 255.0), 0, 255).astype(np.uint8)


def to_unit(images: np.ndarray) -> np.ndarray:
    """Return images [N, C, H, W] as floats in [0, 1]: uint8 becomes float32 and is divided by 255, floats pass."""
    return images.astype(np.float32) / 255 if images.dtype == np.uint8 else images
