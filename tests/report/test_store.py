"""Reading results folders that are whole, partial or corrupt."""

import csv
import io
from pathlib import Path

import pytest
from fake_results import blank, ok, write_digest, write_full, write_suite

from report import write
from report.store import COLUMNS, NoResults, measurements, read_suite
from report.tables.assemble import make_table
from report.tables.formats.csv_text import to_measurements


def test_measurements_have_the_columns_of_the_csv(tmp_path: Path) -> None:
    frame = measurements(read_suite(write_full(tmp_path, ["VAE"], (0,))))
    assert tuple(frame.columns) == COLUMNS
    key = [c for c in COLUMNS if c not in ("value", "se", "n", "status", "reason", "path")]
    assert not frame.duplicated(key).any()
    assert set(frame["path"]) == {f"runs/VAE-{v}-0-3" for v in ("unidirectional", "bidirectional", "control", "stock")}


@pytest.mark.parametrize("text", ["{", "[]", '{"id": "x"}', '{"measurements": [{"value": 1}]}', "null"])
def test_corrupt_digest_is_one_line_and_the_rest_is_kept(tmp_path: Path, text: str) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    (write_digest(tmp_path, "VAE", "bidirectional", 0, []) / "digest.json").write_text(text)
    suite = read_suite(tmp_path)
    assert [d.variant for d in suite.digests] == ["unidirectional"]
    assert len(suite.problems) == 1
    assert "\n" not in suite.problems[0]
    assert "is left out" in suite.problems[0]


def test_folder_without_digest_is_one_line(tmp_path: Path) -> None:
    write_full(tmp_path, ["VAE"], (0,))
    (tmp_path / "digests" / "empty").mkdir()
    assert [p.endswith("is left out: no such file") for p in read_suite(tmp_path).problems] == [True]


def test_other_presets_do_not_mix(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"], preset="paper")
    write_digest(tmp_path, "VAE", "unidirectional", 0, [], preset="small")
    write_digest(tmp_path, "VAE", "unidirectional", 1, [], preset="paper")
    suite = read_suite(tmp_path)
    assert [d.seed for d in suite.digests] == [1]
    assert "runs of preset small are left out" in suite.problems[0]


def test_values_of_two_versions_of_a_metric_never_share_a_table(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    newer = [ok("nll", "", 80.0) | {"version": 2}, ok("ssim", "reconstruction=mean", 0.5) | {"version": 1}]
    write_digest(tmp_path, "VAE", "unidirectional", 0, newer)
    older = [ok("nll", "", 90.0), ok("ssim", "reconstruction=mean", 0.7)]  # as stored before there were versions
    write_digest(tmp_path, "VAE", "unidirectional", 1, older)
    write_digest(tmp_path, "VAE", "bidirectional", 0, [*older, blank("fid", "", "no network") | {"version": 1}])
    suite = read_suite(tmp_path)
    found = {(d.variant, d.seed): d.values() for d in suite.digests}
    reason = "measured by version 1 of the metric, others by version 2"
    for run in (("unidirectional", 1), ("bidirectional", 0)):
        cell = found[run]["nll", ""]
        assert (cell["value"], cell["se"], cell["status"], cell["reason"]) == (None, None, "blank", reason)
        assert found[run]["ssim", "reconstruction=mean"]["value"] == 0.7
    assert found["unidirectional", 0]["nll", ""]["value"] == 80.0
    assert found["bidirectional", 0]["fid", ""]["reason"] == "no network"
    assert [p for p in suite.problems if "2 values of nll are left out" in p and "--force" in p]
    table = make_table(suite)
    (column,) = [i for i, c in enumerate(table.columns) if c.metric == "nll"]
    cells = {line.variant: line.cells[column] for line in table.lines}
    assert (cells["unidirectional"].value, cells["unidirectional"].n) == (80.0, 1)
    assert cells["bidirectional"].value is None
    assert reason in table.notes[cells["bidirectional"].note or 0]


@pytest.mark.parametrize("version", ["2", None, 1.5])
def test_a_version_that_is_no_whole_number_is_damage(tmp_path: Path, version: object) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("nll", "", 90.0) | {"version": version}])
    suite = read_suite(tmp_path)
    assert suite.digests == () and "measurements.0.version" in suite.problems[0]


def test_later_run_of_a_seed_replaces_the_earlier(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [])
    again = {"started": "2025-02-01T00:00:00"}
    run = write_digest(tmp_path, "VAE", "unidirectional", 0, [], id="another", provenance=again)
    run.rename(run.with_name("another"))
    write_digest(tmp_path, "VAE", "unidirectional", 0, [])
    suite = read_suite(tmp_path)
    assert [d.id for d in suite.digests] == ["another"]
    assert len(suite.problems) == 1


def test_only_the_runs_that_the_suite_lists_are_kept(tmp_path: Path) -> None:
    write_suite(
        tmp_path, ["VAE"], runs={"VAE/unidirectional/0": "VAE-unidirectional-0-3", "VAE/bidirectional/0": "gone"}
    )
    write_digest(tmp_path, "VAE", "unidirectional", 0, [])
    write_digest(tmp_path, "VAE", "unidirectional", 1, [])
    suite = read_suite(tmp_path)
    assert [d.seed for d in suite.digests] == [0]
    assert suite.problems == (f"{tmp_path}: 1 of 2 runs have not finished: VAE/bidirectional/0",)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"suite": "x"}', "3"])
def test_unreadable_suite_is_one_clear_line(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "suite.json").write_text(text)
    with pytest.raises(NoResults, match=r"suite\.json .*vae-bench run") as caught:
        read_suite(tmp_path)
    assert "\n" not in str(caught.value)


def test_measurements_csv_is_rebuilt_from_the_digests_alone(tmp_path: Path) -> None:
    folder = write_full(tmp_path / "digits", ["VAE", "IWAE"], (1, 0))
    suite = read_suite(folder)
    lines = list(csv.DictReader(io.StringIO(to_measurements(suite))))
    keys = [tuple(line[key] for key in ("path", "metric", "setting")) for line in lines]
    assert len(set(keys)) == len(keys) == sum(len(digest.facts["measurements"]) for digest in suite.digests)
    stored = {(f"runs/{d.id}", *key): m for d in suite.digests for key, m in d.values().items()}
    for key, line in zip(keys, lines, strict=True):
        value = stored[key]["value"]
        assert line["value"] == ("" if value is None else repr(value))
    write(folder)
    assert (folder / "measurements.csv").read_text() == to_measurements(suite)
