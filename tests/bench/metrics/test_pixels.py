"""PSNR, SSIM, active units, averages and cost against values worked out by hand."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from bench.metrics.averages import mean, only
from bench.metrics.cost import parameter_mib
from bench.metrics.pixels import psnr, ssim
from bench.metrics.types import Blank
from bench.metrics.units import active_units


def constant(value: float, *, n: int = 3, channels: int = 1, side: int = 16) -> np.ndarray:
    return np.full((n, channels, side, side), value, dtype=np.float32)


@pytest.mark.parametrize(("error", "decibel"), [(1.0, 0.0), (0.1, 20.0), (0.01, 40.0)])
def test_psnr_of_known_mse(error: float, decibel: float) -> None:
    measured = psnr(constant(0.0), constant(error))
    assert measured.value == pytest.approx(decibel, abs=1e-5)
    assert measured.se == pytest.approx(0.0, abs=1e-9)
    assert measured.n == 3


def test_psnr_averages_decibels_not_errors() -> None:
    others = np.concatenate([constant(0.1, n=1), constant(0.01, n=1)])
    measured = psnr(constant(0.0, n=2), others)
    assert measured.value == pytest.approx(30.0, abs=1e-5)
    assert measured.se == pytest.approx(10.0, abs=1e-5)  # deviation 20 / sqrt(2), over sqrt(2)


def test_psnr_leaves_out_exact_images_and_is_blank_where_all_are() -> None:
    others = np.concatenate([constant(0.0, n=2), constant(0.1, n=1)])
    measured = psnr(constant(0.0), others)
    assert (measured.value, measured.n, measured.se) == (pytest.approx(20.0, abs=1e-5), 1, None)
    with pytest.raises(Blank, match="without error"):
        psnr(constant(0.5), constant(0.5))


def test_pixels_that_are_not_finite_are_no_measurement() -> None:
    with pytest.raises(ValueError, match="nan"):
        psnr(constant(0.5), constant(np.nan))


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_of_identical_images_is_one(channels: int) -> None:
    images = np.random.default_rng(1).random((4, channels, 11, 11), dtype=np.float32)
    measured = ssim(images, images.copy())
    assert measured.value == pytest.approx(1.0, abs=1e-6)
    assert measured.n == 4


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.8), (0.0, 1.0), (0.5, 0.6)])
def test_ssim_of_constant_images_compares_means_only(a: float, b: float) -> None:
    c1 = 0.01**2
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    assert ssim(constant(a), constant(b)).value == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 28, 28), (3, 11, 17)])
def test_ssim_is_that_of_scikit_image(channels: int, height: int, width: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (5, channels, height, width), dtype=np.uint8)
    x[:, :, 5:] //= 16  # dark and light, flat and not
    y = np.clip(x / 255 + rng.normal(0, 0.1, x.shape), 0, 1)
    options = {"channel_axis": 0, "data_range": 1.0, "gaussian_weights": True, "use_sample_covariance": False}
    expected = [structural_similarity(a / 255, b, **options) for a, b in zip(x, y, strict=True)]
    assert ssim(x, y).value == pytest.approx(np.mean(expected), abs=1e-7)


def test_ssim_of_one_window_is_the_formula_with_gaussian_weights() -> None:
    x, y = np.random.default_rng(2).random((2, 11, 11))
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    weights = np.outer(line, line) / line.sum() ** 2
    mu_x, mu_y = (weights * x).sum(), (weights * y).sum()
    s_x, s_y = (weights * x * x).sum() - mu_x**2, (weights * y * y).sum() - mu_y**2
    s_xy = (weights * x * y).sum() - mu_x * mu_y
    c1, c2 = 0.01**2, 0.03**2
    expected = (2 * mu_x * mu_y + c1) * (2 * s_xy + c2) / ((mu_x**2 + mu_y**2 + c1) * (s_x + s_y + c2))
    assert ssim(x[None, None], y[None, None]).value == pytest.approx(expected, abs=1e-9)


def test_ssim_is_blank_below_its_window() -> None:
    with pytest.raises(Blank, match="8 x 8 pixels are smaller than the 11 x 11 window"):
        ssim(constant(0.1, side=8), constant(0.2, side=8))


def test_active_units_counts_population_variances_from_one_hundredth_on() -> None:
    signs = np.array([1.0, -1.0] * 50)[:, None]  # population variance of s * signs is s^2 exactly
    scales = np.array([0.0, 0.0999, 0.1001, 1.0])
    measured = active_units(signs * scales + 7.0)
    assert (measured.value, measured.n) == (2.0, 100)
    below_by_n_above_by_n_minus_1 = np.array([[0.0995], [-0.0995]] * 5)  # 0.0099 with 1/n, 0.011 with 1/(n - 1)
    assert active_units(below_by_n_above_by_n_minus_1).value == 0.0


def test_a_variance_at_the_threshold_is_active(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.metrics.units.THRESHOLD", 0.25)  # 0.01 is no sum of powers of two, this is
    means = np.array([[0.0, 0.0], [1.0, 0.9375]])
    assert means.var(axis=0).tolist() == [0.25, 0.2197265625]
    assert active_units(means).value == 1.0


def test_mean_nats_and_its_standard_error() -> None:
    measured = mean(np.array([1.0, 2.0, 3.0, 4.0]))
    assert (measured.value, measured.n) == (2.5, 4)
    assert measured.se == pytest.approx(np.sqrt(5.0 / 3.0) / 2.0)
    with pytest.raises(ValueError, match="no values"):
        mean(np.array([]))


def test_cost_in_parameters_mebibytes_and_seconds() -> None:
    assert only(np.array([11_059_392])).value == 11_059_392
    assert parameter_mib(np.array([2**18])).value == 1.0
    assert parameter_mib(np.array([11_059_392])).value == pytest.approx(42.19, abs=0.005)
    assert only(np.array([1.5])).value == 1.5


def test_eight_bit_images_are_their_floats_in_chunks_of_any_length() -> None:
    rng = np.random.default_rng(8)
    images = rng.integers(0, 256, size=(2300, 1, 4, 4), dtype=np.uint8)
    others = rng.random(images.shape, dtype=np.float32)
    exact = -10 * np.log10(np.square(images / 255 - others).mean(axis=(1, 2, 3)))
    found = psnr(images, others)
    assert found.value == pytest.approx(exact.mean(), rel=1e-6)
    assert found.n == 2300
    large = rng.integers(0, 256, size=(3, 1, 12, 12), dtype=np.uint8)
    unit = large.astype(np.float32) / 255
    assert ssim(large, unit[::-1]) == ssim(unit, unit[::-1])
