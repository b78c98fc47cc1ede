"""Density and coverage in closed form, and our distances beside those of other packages."""

import numpy as np
import pytest
import torch

from bench.evaluation.features.inception import import_torchvision
from bench.metrics.coverage import NEIGHBOURS, coverage, density
from bench.metrics.inception_score import inception_score
from bench.metrics.kernel import kd, unbiased_mmd
from bench.metrics.prd import curve_of_histograms, f_beta
from bench.metrics.types import Blank

RNG = np.random.default_rng(0)


def test_on_a_line_the_neighbourhoods_can_be_counted() -> None:
    x = np.arange(20.0)[:, None]  # the fifth nearest lies 3 away, at the ends 4 and 5
    assert density(x, np.full((7, 1), 9.5)).value == pytest.approx(6 / NEIGHBOURS)  # |x - 9.5| < 3: 7 to 12
    assert coverage(x, np.full((7, 1), 9.5)).value == pytest.approx(6 / 20)
    assert density(x, np.full((7, 1), 1000.0)).value == coverage(x, np.full((7, 1), 1000.0)).value == 0
    assert coverage(x, x).value == 1


def test_of_equal_laws_the_density_is_one_and_the_coverage_that_of_a_race() -> None:
    x, y = RNG.normal(size=(2000, 4)), RNG.normal(size=(2000, 4))
    assert density(x, y).value == pytest.approx(1, abs=0.05)
    assert coverage(x, y).value == pytest.approx(1 - 2.0**-NEIGHBOURS, abs=0.02)  # Eq. 9 of Naeem et al. 2020, M = N


def test_too_few_images_have_no_neighbourhood() -> None:
    with pytest.raises(Blank, match="more than 5"):
        density(np.zeros((5, 2)), np.zeros((9, 2)))


def test_density_and_coverage_are_those_of_prdc() -> None:
    prdc = pytest.importorskip("prdc")
    x, y = RNG.normal(size=(300, 6)), 1.3 * RNG.normal(size=(200, 6)) + 0.2
    theirs = prdc.compute_prdc(real_features=x, fake_features=y, nearest_k=NEIGHBOURS)
    assert density(x, y).value == pytest.approx(theirs["density"], rel=1e-12)
    assert coverage(x, y).value == pytest.approx(theirs["coverage"], rel=1e-12)


def test_kernel_distances_are_those_of_torch_fidelity() -> None:
    import_torchvision()
    metric = pytest.importorskip("torch_fidelity.metric_kid")
    x, y = RNG.normal(size=(120, 16)), RNG.normal(size=(120, 16)) + 0.3
    k = [metric.polynomial_kernel(a, b, degree=3, gamma=None, coef0=1) for a, b in ((x, x), (x, y), (y, y))]
    theirs = metric.mmd2(*k)
    assert unbiased_mmd(x, y) == pytest.approx(theirs, rel=1e-10)
    assert kd(x, y, rng=RNG).value == pytest.approx(1000 * theirs, rel=1e-10)


def test_inception_scores_are_those_of_torch_fidelity() -> None:
    import_torchvision()
    metric = pytest.importorskip("torch_fidelity.metric_isc")
    logits = torch.from_numpy(RNG.normal(size=(500, 12)) * 2)
    theirs = metric.isc_features_to_metric(logits, splits=10, shuffle=False)
    found = inception_score(logits.softmax(1).numpy())
    assert found.value == pytest.approx(theirs["inception_score_mean"], rel=1e-10)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_the_curve_of_a_part_of_the_modes_has_a_closed_form(share: float) -> None:
    """Samples uniform over a share of 20 equal modes: alpha = min(lambda share, 1), beta = alpha / lambda."""
    modes = np.full(20, 1 / 20)
    part = np.where(np.arange(20) < 20 * share, 1 / (20 * share), 0.0)
    precision, recall = curve_of_histograms(modes, part)
    slopes = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, 1001))
    np.testing.assert_allclose(precision, np.minimum(slopes * share, 1), atol=1e-12)
    np.testing.assert_allclose(recall, np.minimum(share, 1 / slopes), rtol=1e-9)
    best = max(65 * p * r / (64 * p + r) for p, r in zip(precision, recall, strict=True) if p + r > 0)
    assert f_beta(np.stack([precision, recall]), 8.0) == pytest.approx(best)
