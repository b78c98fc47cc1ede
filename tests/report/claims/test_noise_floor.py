"""The noise of the papers' own tables, by hand for Table I and for a table made up."""

import math
from pathlib import Path

import pytest

from report.claims.noise_floor import BY_NOISE, noise_floors, share
from report.published import PrintedLine, read_published


def _table(cells: dict[tuple[str, str], float]) -> list[PrintedLine]:
    return [
        {"paper": "BVAE", "table": "I", "dataset": "mnist", "metric": "nll", "setting": ""}
        | {"row": row, "variant": variant, "value": str(value)}
        for (row, variant), value in cells.items()
    ]


def _pair(row: str, unidirectional: float, bidirectional: float) -> dict[tuple[str, str], float]:
    return {(row, "unidirectional"): unidirectional, (row, "bidirectional"): bidirectional}


def test_floor_is_the_root_mean_square_of_both_gaps() -> None:
    cells = _pair("VAE", 10.0, 20.0) | _pair("beta-TCVAE 1", 13.0, 16.0) | _pair("IWAE", 5.0, 1.5)
    (floor,) = noise_floors(_table(cells))
    assert floor.gaps == (3.0, -4.0)
    assert floor.floor == pytest.approx(math.sqrt((9 + 16) / 2))
    assert floor.differences == (10.0, 3.0, -3.5)
    assert floor.exceeding == 1  # 10 > 3.54; 3.5 is below it


def test_table_without_both_rows_has_no_floor() -> None:
    assert noise_floors(_table(_pair("VAE", 1.0, 2.0))) == []
    assert noise_floors(None) == []


def test_floors_of_the_paper() -> None:
    floors = noise_floors(read_published(Path("nowhere")))
    assert {f.table for f in floors} == {"I", "II", "III"}  # Table IV has no beta of 1
    assert len(floors) == 3 * 7
    fid = next(f for f in floors if (f.table, f.metric) == ("I", "fid"))
    assert fid.gaps == pytest.approx((3.544 - 4.340, 3.419 - 3.370))
    nll = next(f for f in floors if (f.table, f.metric) == ("III", "nll"))
    assert nll.gaps == pytest.approx((2.6, -0.1))
    assert -2.9 in nll.differences
    exceeding, cells = share(floors)
    assert cells == 3 * 7 * 7
    assert 0 < exceeding < cells


def test_share_expected_of_noise_alone_is_students() -> None:
    """A difference over the floor of two others is Student's t with two degrees of freedom: 1 - 1 / sqrt(3)."""
    assert pytest.approx(1 - 1 / math.sqrt(3), abs=1e-4) == BY_NOISE
