"""Tables built from invented runs with known means, intervals and gaps."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from fake_results import NO_WEIGHTS, blank, full_measurements, ok, write_digest, write_full, write_suite

from report.names import PAIR
from report.published import Printed, cells_of, read_published
from report.store import NoResults, read_suite
from report.tables.assemble import make_table
from report.tables.cells import Cell, Table
from report.tables.formats.csv_text import to_csv


def _pair(folder: Path, uni: list[float], bi: list[float], metric: str = "nll", setting: str = "") -> Table:
    write_suite(folder, ["VAE"])
    for variant, values in (("unidirectional", uni), ("bidirectional", bi)):
        for seed, value in enumerate(values):
            write_digest(folder, "VAE", variant, seed, [ok(metric, setting, value, 0.5)])
    return make_table(read_suite(folder))


def _cell(table: Table, variant: str, key: str, row: str = "VAE") -> Cell:
    line = next(line for line in table.lines if (line.row, line.variant) == (row, variant))
    return line.cells[[column.key for column in table.columns].index(key)]


def test_mean_and_half_width_over_seeds(tmp_path: Path) -> None:
    cell = _cell(_pair(tmp_path, [1.0, 2.0, 3.0], [9.0]), "unidirectional", "nll")
    assert cell.display == "2.00 ± 2.48"
    assert cell.n == 3


def test_bold_where_the_paired_interval_excludes_zero(tmp_path: Path) -> None:
    table = _pair(tmp_path, [97.0, 98.0, 99.0], [96.0, 96.9, 98.1])  # differences -1, -1.1, -0.9: resolved
    assert _cell(table, "bidirectional", "nll").best
    assert not _cell(table, "unidirectional", "nll").best


def test_no_bold_where_the_paired_interval_holds_zero(tmp_path: Path) -> None:
    table = _pair(tmp_path, [97.0, 98.0, 99.0], [95.0, 98.5, 97.0])  # better on average, differences straddle
    assert not any(cell.best for line in table.lines for cell in line.cells)


def test_direction_decides_who_is_better(tmp_path: Path) -> None:
    psnr = "psnr", "reconstruction=sample"
    table = _pair(tmp_path, [21.0, 22.0, 23.0], [20.0, 20.9, 22.1], *psnr)
    assert _cell(table, "unidirectional", "psnr[reconstruction=sample]").best
    assert table.arrows == ("↑",)


def test_one_seed_is_never_bold_and_shows_its_error_over_images(tmp_path: Path) -> None:
    table = _pair(tmp_path, [99.0], [50.0])
    cell = _cell(table, "bidirectional", "nll")
    assert not cell.best
    assert cell.display == "50.00 ± 0.50 SE"
    assert "SE is the standard error over images" in table.caption
    assert "no difference is marked" in table.caption


def test_deterministic_metric_is_never_bold(tmp_path: Path) -> None:
    table = _pair(tmp_path, [2e6, 2e6, 2e6], [1e6, 1e6, 1e6], "parameters")
    assert [line.cells[0].display for line in table.lines] == ["2.00M", "1.00M"]
    assert not any(line.cells[0].best for line in table.lines)
    table = _pair(tmp_path / "nll", [2.0, 2.0, 2.0], [1.0, 1.0, 1.0])  # of a column that can be bold, without a spread
    assert [line.cells[0].display for line in table.lines] == ["2.00 ± 0.00", "1.00 ± 0.00"]
    assert not any(line.cells[0].best for line in table.lines)


@pytest.mark.parametrize("metric", ["parameters", "seconds_per_epoch"])
def test_a_cost_is_never_bold_however_well_resolved(tmp_path: Path, metric: str) -> None:
    table = _pair(tmp_path, [31.0, 31.1, 30.9], [19.0, 19.2, 18.9], metric)
    assert table.arrows == ("↓",)
    assert not any(line.cells[0].best for line in table.lines)
    assert not any("±" in line.cells[0].display for line in table.lines)


def test_one_seed_shows_no_error_over_images_where_the_column_has_none(tmp_path: Path) -> None:
    table = _pair(tmp_path, [21.0], [22.0], "psnr", "reconstruction=sample")
    assert [line.cells[0].display for line in table.lines] == ["21.00", "22.00"]
    assert "SE is the standard error" not in table.caption


def test_blank_cell_carries_its_reason_as_a_note(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("rfd_classifier", "", 3.0)])
    write_digest(tmp_path, "VAE", "bidirectional", 0, [blank("rfd_classifier", "", "cannot reconstruct")])
    table = make_table(read_suite(tmp_path))
    cell = _cell(table, "bidirectional", "rfd_classifier")
    assert cell.display == "–"
    assert cell.note is not None
    assert table.notes[cell.note] == "cannot reconstruct"


def test_column_blank_everywhere_is_left_out_with_its_reason(tmp_path: Path) -> None:
    table = make_table(read_suite(write_full(tmp_path, ["VAE"], (0,))))
    assert not any("fid" in column.key for column in table.columns)
    assert any(r.startswith("Left out: FID-64 N(0, I), ") and NO_WEIGHTS in r for r in table.remarks)


def test_diverged_run_is_called_so_and_its_reason_is_told(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    gone: dict[str, Any] = {"status": "diverged", "reason": "loss is NaN in epoch 4"}
    write_digest(tmp_path, "VAE", "bidirectional", 0, [blank("nll", "", "diverged")], **gone)
    table = make_table(read_suite(tmp_path))
    assert _cell(table, "bidirectional", "nll").display == "diverged"
    assert "Bidirectional VAE, seed 0, diverged: loss is NaN in epoch 4." in table.remarks


def test_mean_of_the_seeds_that_finished(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    write_digest(tmp_path, "VAE", "unidirectional", 1, [ok("nll", "", 92.0)])
    write_digest(tmp_path, "VAE", "unidirectional", 2, [], status="failed", reason="no memory")
    cell = _cell(make_table(read_suite(tmp_path)), "unidirectional", "nll")
    assert (cell.value, cell.n) == (91.0, 2)


def test_rows_follow_the_suite_and_variants_the_paper(tmp_path: Path) -> None:
    table = make_table(read_suite(write_full(tmp_path, ["IWAE", "VAE"], (0,))))
    variants = ["unidirectional", "bidirectional", "control", "stock"]
    assert [(line.row, line.variant) for line in table.lines] == [(r, v) for r in ("IWAE", "VAE") for v in variants]


def test_missing_half_of_a_pair_is_named(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    assert "Not run: Bidirectional VAE." in make_table(read_suite(tmp_path)).remarks


def test_caption_tells_data_preset_seeds_and_k(tmp_path: Path) -> None:
    caption = make_table(read_suite(write_full(tmp_path, ["VAE"], (0, 1)))).caption
    assert "Digits (8 × 8); preset small (not the paper's sizes); seeds 0, 1; NLL with K = 100" in caption


def test_paper_preset_is_not_called_small(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"], preset="paper")
    write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("nll", "", 90.0)], preset="paper")
    assert "not the paper's" not in make_table(read_suite(tmp_path)).caption


def test_printed_values_stand_beside_pairs_and_stock(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"dataset": "mnist", "published": {"paper": "BVAE", "table": "I"}}
    suite = read_suite(write_full(tmp_path, ["VAE"], (0, 1, 2), **facts))
    frame = read_published(tmp_path)
    assert frame is not None
    table = make_table(suite, cells_of(frame, suite.facts["published"]))
    printed = {line.variant: _cell(table, line.variant, "nll").printed for line in table.lines}
    assert printed == {"unidirectional": "86.72", "bidirectional": "86.69", "control": "", "stock": "86.72"}
    accuracy = _cell(table, "bidirectional", "probe_accuracy[probe=linear]")
    assert accuracy.display.endswith("% (95.26%)")
    assert accuracy.printed_value == 95.26
    assert "In italics and parentheses: as printed in BVAE, Table I" in table.caption


def test_printed_fid_stands_beside_one_column_only(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    settings = [f"features={f};sampler={s}" for f in ("inception64", "inception2048") for s in ("normal", "gmm")]
    write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("fid", s, 3.0) for s in settings])
    printed = {("VAE", "unidirectional", "fid", ""): Printed("4.340", 4.34, "", "sampler not stated")}
    table = make_table(read_suite(tmp_path), printed)
    assert [cell.display for cell in table.lines[0].cells] == ["3.000 (4.340)", "3.000", "3.000", "3.000"]
    assert "On the printed values: FID-64: sampler not stated." in table.remarks


def test_csv_holds_what_the_digests_hold(tmp_path: Path) -> None:
    suite = read_suite(write_full(tmp_path, ["VAE", "beta-VAE 0.5"], (7,)))
    for line in csv.DictReader(io.StringIO(to_csv(make_table(suite)))):
        assert (line["preset"], line["n_seeds"], line["seeds"]) == ("small", "1", "7")
        for m in full_measurements(line["row"], line["variant"], 7):
            key = f"{m['metric']}[{m['setting']}]" if m["setting"] else m["metric"]
            if key in line:
                assert float(line[key]) == m["value"]
                assert line[f"{key}_n"] == "1"


def test_unknown_kind_of_table_is_one_clear_line(tmp_path: Path) -> None:
    suite = read_suite(write_suite(tmp_path, ["VAE"], table="bvea"))
    with pytest.raises(NoResults, match="unknown table 'bvea'; known: bvae"):
        make_table(suite)


def test_suite_without_runs_gives_an_empty_table(tmp_path: Path) -> None:
    table = make_table(read_suite(write_suite(tmp_path, ["VAE"])))
    assert table.lines == ()
    assert "Not run: VAE, Bidirectional VAE." in table.remarks


def test_caption_says_how_many_images_there_were(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    run = {"evaluation": {"nll_samples": 2, "nll_images": 360}, "training": {"train_images": 5000}}
    provenance = {"data": {"images": {"train": 24, "validation": 3, "test": 3}}}
    write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("nll", "", 1.0)], run=run, provenance=provenance)
    caption = make_table(read_suite(tmp_path)).caption
    assert "on the first 3 test images" in caption and "360" not in caption
    assert "trained on 24 images" in caption and "5000" not in caption


def _captioned(folder: Path, metric: str, setting: str, version: int, table: str, **run: Any) -> str:
    write_suite(folder, ["VAE"], table=table)
    write_digest(folder, "VAE", "unidirectional", 0, [ok(metric, setting, 1.0) | {"version": version}], **run)
    return make_table(read_suite(folder)).caption


@pytest.mark.parametrize(
    ("metric", "table", "heading"),
    [("nll", "bvae", "NLL"), ("nll", "svae", "NLL (IW)"), ("bits_per_dim", "priors", "Bits/dim")],
)
def test_caption_says_on_which_side_a_likelihood_errs_and_what_it_is_of(
    tmp_path: Path, metric: str, table: str, heading: str
) -> None:
    first, second = (_captioned(tmp_path / str(v), metric, "", v, table) for v in (1, 2))
    for said in (first, second):
        assert f" {heading}: in expectation an upper bound of the exact value, which tightens" in said
        assert "number of importance samples (K = 100)." in said
    assert "carried to all of them by regression on their -ELBO." in second and "regression" not in first
    assert "importance samples (K" not in _captioned(tmp_path / "psnr", "psnr", "reconstruction=mean", 1, "priors")
    assert "importance samples (K" not in _captioned(tmp_path / "none", metric, "", 2, table, run={})


def test_caption_says_what_kernel_distances_in_classifier_features_are_divided_by(tmp_path: Path) -> None:
    first, second = (_captioned(tmp_path / str(v), "kd_classifier", "sampler=own", v, "all") for v in (1, 2))
    assert "divided by their root mean square over the training images, which is not KID" in second
    assert "root mean square" not in first  # numbers of undivided features


def test_caption_counts_the_comparisons_behind_bold(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE", "IWAE", "alone"])
    for row, variants in (("VAE", PAIR), ("IWAE", PAIR), ("alone", PAIR[:1])):
        for variant in variants:
            for seed in (0, 1):
                # two that are compared, one without a better side, one of which no spread is shown
                values = [ok(m, "", 1.0 + seed) for m in ("nll", "rfd_classifier", "parameters")]
                values.append(ok("psnr", "reconstruction=sample", 1.0 + seed))
                write_digest(tmp_path, row, variant, seed, values)
    facts = json.loads((tmp_path / "suite.json").read_text())
    facts["metrics"]["psnr"]["direction"] = "none"
    (tmp_path / "suite.json").write_text(json.dumps(facts))
    assert "excludes zero; uncorrected over 4 comparisons." in make_table(read_suite(tmp_path)).caption
