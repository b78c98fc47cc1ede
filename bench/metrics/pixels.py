"""Pixel-wise likeness of two sets of images."""

import numpy as np

from bench.data.eight_bit import to_unit
from bench.metrics.averages import mean
from bench.metrics.types import Blank, Measured

SSIM_WINDOW, ROWS_AT_ONCE = 11, 1000
_C1, _C2 = 0.01**2, 0.03**2


def psnr(images: np.ndarray, others: np.ndarray) -> Measured:
    """Return the mean over images of the peak signal-to-noise ratio in dB, data range 1.

    PSNR(x, y) = -10 log10( mean_pixels (x - y)^2 )

    images, others: [N, C, H, W], floats in [0, 1] or uint8. A pair without any error has an infinite ratio and is left
    out, n says how many were kept; raises Blank where all pairs are of that kind.
    """
    squared = _mean_squared_errors(images, others)
    squared = squared[squared != 0.0]
    if not len(squared):
        raise Blank("every image is reproduced without error, so the ratio is infinite")
    return mean(-10.0 * np.log10(squared))


def mse(images: np.ndarray, others: np.ndarray) -> Measured:
    """Return the mean over images of the mean squared difference of pixels in [0, 1], or of points' coordinates.

    images, others: [N, C, H, W], floats or uint8.
    """
    return mean(_mean_squared_errors(images, others))


def ssim(images: np.ndarray, others: np.ndarray) -> Measured:
    """Return the mean over images of the structural similarity (Wang et al. 2004), averaged over channels.

    SSIM = (2 mu_x mu_y + c1)(2 s_xy + c2) / ((mu_x^2 + mu_y^2 + c1)(s_x^2 + s_y^2 + c2)), c1 = 0.01^2, c2 = 0.03^2

    under an 11 x 11 Gaussian window of sigma 1.5, population covariances, data range 1; as scikit-image computes it.
    images, others: [N, C, H, W], floats in [0, 1] or uint8. Raises Blank for images smaller than the window.
    """
    height, width = images.shape[2:]
    if min(height, width) < SSIM_WINDOW:
        raise Blank(f"images of {height} x {width} pixels are smaller than the {SSIM_WINDOW} x {SSIM_WINDOW} window")
    rows, columns = _windows(height), _windows(width).T

    def means(a: np.ndarray) -> np.ndarray:
        return rows @ a @ columns

    likeness = []
    for start in range(0, len(images), ROWS_AT_ONCE):
        x, y = (to_unit(a[start : start + ROWS_AT_ONCE]).astype(np.float64) for a in (images, others))
        mu_x, mu_y = means(x), means(y)
        squares, products = mu_x**2 + mu_y**2, mu_x * mu_y
        variances, covariance = means(x * x + y * y) - squares, means(x * y) - products
        local = (2 * products + _C1) * (2 * covariance + _C2) / ((squares + _C1) * (variances + _C2))
        likeness.append(local.mean(axis=(1, 2, 3)))
    return mean(np.concatenate(likeness))


def _windows(n: int) -> np.ndarray:
    """Return the weighted means over the windows along an axis of n pixels, as a matrix [n - 10, n]."""
    offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * 1.5**2))
    matrix = np.zeros((n - SSIM_WINDOW + 1, n))
    for row in range(len(matrix)):
        matrix[row, row : row + SSIM_WINDOW] = weights / weights.sum()
    return matrix


def _mean_squared_errors(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the mean over pixels of the squared difference in float64: [N, C, H, W] -> [N]."""
    found = []
    for start in range(0, len(images), ROWS_AT_ONCE):
        x, y = (a[start : start + ROWS_AT_ONCE] for a in (images, others))
        difference = to_unit(x).astype(np.float64) - to_unit(y)
        found.append(np.square(difference).reshape(len(x), -1).mean(axis=1))
    return np.concatenate(found)
