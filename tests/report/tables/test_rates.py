"""What kinds of reconstruction send and show: numbers from digests, tables and figures of them, none where none are."""

import csv
import math
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from fake_results import blank, ok, write_digest, write_suite

from report.build import write
from report.figures.levels import draw_modes, draw_rates
from report.store import Suite, read_suite
from report.tables.rates import MODES, OF_ONE_LEVEL, rates, write_rates

BITS = {"OG": 400.0, "CM": 100.0, "RS1": 10.0, "RS2": 30.0, "CG": 100.0, "conditional": 125.0}


def leveled(shift: float) -> list[dict[str, Any]]:
    sent = [ok("sent_bits", f"mode={mode}", bits + shift) for mode, bits in BITS.items()]
    near = [ok("mode_psnr", f"mode={mode}", 10 + i + shift) for i, mode in enumerate(list(BITS)[1:])]
    return sent + near + [blank("mode_ssim", f"mode={mode}", "small images") for mode in list(BITS)[1:]]


PLAIN = [ok("kl_nats", "", 20 * math.log(2)), ok("neg_elbo", "", 500 * math.log(2))]
PLAIN += [ok("psnr", "reconstruction=sample", 15.0), blank("sent_bits", "mode=RS1", "the model has no levels")]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    write_suite(tmp_path, ["VAE", "selfVAE-sketch"], table="selfvae")
    write_digest(tmp_path, "VAE", "unidirectional", 0, PLAIN)
    for seed, shift in ((0, 0.0), (1, 2.0)):
        run = write_digest(tmp_path, "selfVAE-sketch", "unidirectional", seed, leveled(shift))
        grey = np.random.default_rng(seed).integers(0, 256, (6 * 9 - 1, 10 * 9 - 1, 1), dtype=np.uint8).repeat(3, 2)
        matplotlib.image.imsave(run / "modes.png", grey)
    return read_suite(tmp_path)


def test_means_over_seeds_and_one_kind_for_a_model_of_one_level(suite: Suite) -> None:
    found = {(rate.row, rate.mode): rate for rate in rates(suite)}
    assert {mode for row, mode in found if row == "VAE"} == {"OG", OF_ONE_LEVEL}
    assert {mode for row, mode in found if row != "VAE"} == set(MODES)
    assert found["VAE", OF_ONE_LEVEL].bits[0] == pytest.approx(20)
    assert found["VAE", "OG"].bits[0] == pytest.approx(500)
    assert found["VAE", OF_ONE_LEVEL].psnr == (15.0, None)
    bits, half_width = found["selfVAE-sketch", "RS2"].bits
    assert (bits, found["selfVAE-sketch", "RS2"].seeds) == (31, (0, 1))
    assert half_width == pytest.approx(12.706, abs=1e-3)  # t of one degree of freedom, standard error 1
    assert found["selfVAE-sketch", "RS2"].ssim is None
    assert found["selfVAE-sketch", "OG"].psnr is None


def test_tables_hold_every_kind(suite: Suite) -> None:
    table, text = write_rates(suite)
    lines = list(csv.DictReader(table.read_text().splitlines()))
    assert [(line["row"], line["mode"]) for line in lines] == [(rate.row, rate.mode) for rate in rates(suite)]
    assert float(lines[-1]["psnr"]) == 15.0
    assert lines[0]["psnr"] == ""
    assert "| selfVAE-sketch | RS1 | u | 11.0 ± 12.7 | 12.00 ± 12.71 | – |" in text.read_text()


def test_figures_are_drawn_with_a_row_a_kind(suite: Suite) -> None:
    assert [path.name for path in draw_rates(suite)] == ["rate_distortion.png", "rate_distortion.pdf"]
    (path,) = draw_modes(suite)
    picture = matplotlib.image.imread(path)
    scale = round(560 / 89)
    run = suite.runs("selfVAE-sketch", "unidirectional")[0]
    stored = matplotlib.image.imread(run.place / "modes.png")[..., 0]
    pixels = np.repeat(np.repeat(stored, scale, 0), scale, 1)
    height, width = pixels.shape
    found = picture[-16 - height : -16, -16 - width : -16]
    np.testing.assert_allclose(found, pixels, atol=1e-6)
    left = picture[-16 - height : -16, : -16 - width]
    rows = np.array_split(left, 6)
    assert all((row < 0.5).any() for row in rows)  # each has its name beside it


def test_a_suite_without_levels_has_neither(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"], table="priors")
    write_digest(tmp_path, "VAE", "unidirectional", 0, PLAIN)
    plain = read_suite(tmp_path)
    assert rates(plain) == []
    assert [*write_rates(plain), *draw_rates(plain), *draw_modes(plain)] == []


def test_the_report_writes_them(suite: Suite) -> None:
    names = {path.name for path in write(suite.folder)}
    assert {"rate_distortion.csv", "rate_distortion.md", "rate_distortion.png", "modes.png"} <= names
