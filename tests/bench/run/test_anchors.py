"""Training images, and noise, stand at the foot of a table whose columns compare samples."""

import csv
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.data import load
from bench.evaluation.features.networks import FeatureNetworks
from bench.metrics.frechet import frechet_distance, statistics
from bench.run import main, vae_bench
from bench.run.anchors import keep, stand_ins
from bench.run.train import _keep_anchors
from bench.runs.work import Work
from bench.storage import packed
from report.store import read_suite
from report.tables.assemble import make_table
from report.tables.formats.csv_text import to_csv

ROOT = Path(__file__).parents[3]
CALL = ["--suite", "digits", "--preset", "small", "--models", "VAE/stock", "--seeds", "0", "--jobs", "1"]
FEW = ["--set", "epochs=1", "--set", "evaluation.images=100", "--set", "evaluation.tsne_images=0"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of one row."""
    results = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("report.figures.registry.draw_figures", lambda *_: [])
        assert main([*CALL, *FEW, "--results", str(results)]) == 0
    return results / "digits"


def test_anchors_are_what_their_images_are_worth_and_stand_below_the_rows(ran: Path) -> None:
    table = make_table(read_suite(ran))
    assert [line.label for line in table.lines] == ["VAE, stock", "training images", "noise"]
    networks, data = FeatureNetworks(load("digits"), None, "cpu"), load("digits")
    test, train = (networks.extract("classifier", part.images[:100])["classifier"] for part in (data.test, data.train))
    exact = frechet_distance(*statistics(test), *statistics(train))
    shown = {c.key: cell for c, cell in zip(table.columns, table.lines[1].cells, strict=True)}
    for sampler in ("normal", "gmm"):  # which images that are given do not depend on
        assert shown[f"fd_classifier[sampler={sampler}]"].value == pytest.approx(exact, rel=1e-6)
    assert shown["nll"].value is None and shown["rfd_classifier"].display == ""
    assert table.remarks[-1].startswith("Training images, noise:")
    assert "training images" in (ran / "table.tex").read_text() and "training images" in (ran / "table.md").read_text()


def test_anchors_are_measured_once_for_the_same_settings(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(ran, tmp_path / "digits"))
    measured: list[object] = []
    monkeypatch.setattr("bench.run.anchors.measure", lambda evaluation: measured.append(evaluation) or [])
    run = json.loads((folder / "digests.jsonl").read_text())["run"]
    assert not keep(Work(folder), run, "bvae") and not measured
    assert keep(Work(folder), run | {"evaluation": run["evaluation"] | {"images": 50}}, "bvae")
    assert len(measured) == 2 == len((folder / "anchors.jsonl").read_text().splitlines())


def test_what_prevents_anchors_costs_them_alone(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.run.anchors.measure", lambda _: 1 / 0)
    run = json.loads((ran / "digests.jsonl").read_text())["run"]
    _keep_anchors(Work(tmp_path), SimpleNamespace(to_dict=lambda: run), "bvae")  # type: ignore[arg-type]
    assert "anchors are not measured (ZeroDivisionError" in capsys.readouterr().err


def test_damaged_anchors_are_left_out_and_named(ran: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ran, tmp_path / "digits"))
    text = (folder / "anchors.jsonl").read_text()
    (folder / "anchors.jsonl").write_text(text.replace('"n":100', '"n":101', 1))
    found = read_suite(folder)
    assert [anchor.row for anchor in found.anchors] == ["noise"]
    assert any("anchors.jsonl, line 1, is left out" in problem for problem in found.problems)


def test_anchors_of_another_version_of_a_metric_are_not_shown(ran: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ran, tmp_path / "digits"))
    lines = [json.loads(line) for line in (folder / "anchors.jsonl").read_text().splitlines()]
    for facts in lines:
        del facts["sha256"]
        for m in facts["measurements"]:
            m["version"] += 1
    (folder / "anchors.jsonl").write_text("".join(f"{packed.line(facts)}\n" for facts in lines))
    assert [line.label for line in make_table(read_suite(folder)).lines] == ["VAE, stock"]


def test_anchors_are_added_to_stored_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "digits"
    folder.mkdir()
    for name in ("suite.json", "digests.jsonl"):
        shutil.copy(ROOT / "results" / "digits" / name, folder)
    monkeypatch.setattr("report.figures.registry.draw_figures", lambda *_: [])
    before = make_table(read_suite(folder))
    assert vae_bench(["anchors", str(folder)]) == 0
    assert "table.md" in capsys.readouterr().err
    after = make_table(read_suite(folder))
    assert after.lines[:-2] == before.lines and [line.row for line in after.lines[-2:]] == ["training images", "noise"]
    *_, images, noise = csv.DictReader(to_csv(after).splitlines())
    key = "fd_classifier[sampler=normal]"
    assert images["status"] == "anchor" and 0 < float(images[key]) < float(noise[key])
    assert vae_bench(["anchors", str(folder)]) == 0
    assert "nothing to measure" in capsys.readouterr().err
    assert vae_bench(["anchors", str(tmp_path)]) == 2


def test_points_and_tables_without_samples_have_no_anchors(tmp_path: Path) -> None:
    assert stand_ins(load("toy-mixture"), 10, 0) == {}
    run = {"dataset": "digits", "data": {}, "evaluation": {"metrics": ["psnr"]}}
    assert not keep(Work(tmp_path), run, "bvae") and not list(tmp_path.iterdir())
    images = stand_ins(load("digits"), 50, 3)
    assert all(part.shape == (50, 1, 8, 8) and part.dtype == np.uint8 for part in images.values())
