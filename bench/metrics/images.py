"""Images as eight-bit pixels: real and generated ones go through the same quantisation before any feature network."""

import numpy as np


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Return images [N, C, H, W] as uint8: round(255 x) clipped to 0..255; uint8 passes unchanged.

    Raises ValueError for pixels that are not finite.
    """
    if images.dtype == np.uint8:
        return images
    if not np.isfinite(images).all():
        raise ValueError("the images have pixels that are not finite")
    return np.clip(np.rint(images * 255.0), 0, 255).astype(np.uint8)
