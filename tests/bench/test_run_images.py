"""Whole runs on colour images: CelebA's layout, generated, and real CIFAR-10 from a folder of JPEG files."""

import json
from pathlib import Path

import pytest
from celeba_layout import write_celeba

from bench.evaluation.features import classifier
from bench.run import main
from report.store import read_suite
from report.tables.assemble import make_table

PAIR = ["--models", "VAE/unidirectional,VAE/bidirectional", "--preset", "small", "--jobs", "1"]
SHORT = ["--set", "epochs=1", "--set", "evaluation.nll_samples=5", "--set", "evaluation.nll_images=50"]


def check(results: Path) -> dict[str, dict[str, float]]:
    """Return the values of each run, after checking what every finished pair has on disk."""
    digests = [json.loads(path.read_text()) for path in sorted(results.glob("digests/*/digest.json"))]
    assert [d["status"] for d in digests] == ["done", "done"]
    for folder in results.glob("digests/*"):
        assert (folder / "samples.png").is_file() and (folder / "interpolations.png").is_file()
        assert sum(file.stat().st_size for file in folder.iterdir()) <= 400_000  # 64 x 64 noise in full colour
    for name in ("table.csv", "table.md", "table.tex", "measurements.csv", "samples.png", "reconstructions.png"):
        assert (results / name).stat().st_size > 0
    return {
        d["variant"]: {m["metric"] + m["setting"]: m["value"] for m in d["measurements"] if m["status"] == "ok"}
        for d in digests
    }


def has_columns_of_efficientnet(results: Path) -> None:
    """Assert that the rows of a table have distances in its features, and so have the two that stand at its foot."""
    table = make_table(read_suite(results))
    at = [c.key for c in table.columns].index("fd[features=efficientnet-lite0;sampler=normal]")
    *rows, images, noise = table.lines
    assert len(rows) == 2 and (images.row, noise.row) == ("training images", "noise")
    found = [float(line.cells[at].value or 0) for line in table.lines]
    assert all(value > 0 for value in found) and found[-2] < found[-1]


def test_celeba_runs_on_a_folder_in_the_official_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(classifier, "LEAST_STEPS", 5)
    data, results = write_celeba(tmp_path / "data"), tmp_path / "results"
    assert main(["--suite", "celeba", *PAIR, *SHORT, "--data-dir", str(data), "--results", str(results)]) == 0
    values = check(results / "celeba")
    assert values["bidirectional"]["parameters"] < 0.53 * values["unidirectional"]["parameters"]
    assert 3_000 < values["bidirectional"]["nll"] < 12_000  # near 12,288 pixels x ln 2 after one epoch of 48 images
    has_columns_of_efficientnet(results / "celeba")


@pytest.mark.slow
def test_cifar_as_a_folder_of_jpegs_completes_a_shortened_pair(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    archive, results = real_data / "cifar10-jpeg.tar.gz", tmp_path / "results"
    short = [*SHORT, "--set", "dataset=imagefolder", "--set", "train_images=5000", "--set", "evaluation.images=200"]
    arguments = ["--suite", "cifar10", *PAIR, *short, "--data-dir", str(archive), "--results", str(results)]
    assert main(arguments) == 0
    values = check(results / "cifar10-imagefolder")
    for variant in values.values():
        assert 1_700 < variant["nll"] < 2_200  # nats of 3,072 sub-pixels; the paper's trained models are at 1,815
    assert "JPEG" in (results / "cifar10-imagefolder" / "table.md").read_text()
    has_columns_of_efficientnet(results / "cifar10-imagefolder")
