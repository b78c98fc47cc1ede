"""Results are of the images that they were made of: other images under the same settings are noticed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import run
from bench.runs import remaining
from bench.storage import store
from bench.storage.data_version import data_key, of_other_data, sha256_of

SUITE = """
title = "Mine"
dataset = "imagefolder"
data = { size = "8", colour = "grey" }
seeds = [0, 1]
[[rows]]
row = "first"
model = "VAE"
variants = ["unidirectional"]
[[rows]]
row = "second"
model = "BetaVAE"
variants = ["unidirectional"]
[presets.small]
latent_dim = 2
epochs = 1
network = { channels = [4], strides = [2], hidden = [8] }
evaluation = { nll_samples = 2, tsne_images = 0, metrics = ["nll"] }
"""


def images(folder: Path, seed: int, count: int = 15) -> None:
    rng = np.random.default_rng(seed)
    for name in "xy":
        (folder / "train" / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(folder / "train" / name / f"{i:02}.png")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    """Run the command line on one of two folders of images; return the exit code and the last line of its errors."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(SUITE)
    images(tmp_path / "a", 0)
    images(tmp_path / "b", 1)

    def call(data: str, *more: str) -> tuple[int, str]:
        arguments = ["--suite", "mine.toml", "--preset", "small", "--jobs", "1", "--results", "r", "--data-dir", data]
        code = run.main([*arguments, *more])
        return code, capsys.readouterr().err.strip().rpartition("\n")[2]

    return call


def shas(results: Path) -> set[str]:
    found = [json.loads(path.read_text()) for path in results.glob("mine/digests/*/digest.json")]
    return {facts["provenance"]["data"]["sha256"] for facts in found}


def test_other_images_are_refused_before_anything_is_skipped_measured_or_added(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    one = ("--models", "first", "--seeds", "0")
    assert bench("a", *one)[0] == 0
    for more in (
        one,  # finished: would be skipped
        (*one, "--set", "evaluation.nll_samples=3"),  # would be measured on b
        ("--models", "second", "--seeds", "0"),  # another row of the same table
        ("--models", "first", "--seeds", "1"),  # another seed of the same row
        ("--models", "second", "--seeds", "0", "--force"),  # would leave the first as it is
    ):
        code, said = bench("b", *more)
        assert code == 2 and "made of other images" in said and "\n" not in said, more
    assert len(shas(tmp_path / "r")) == 1
    assert bench("b", *one, "--force")[0] == 0  # all of them anew
    assert bench("b", "--models", "second", "--seeds", "0")[0] == 0 and len(shas(tmp_path / "r")) == 1
    shutil.rmtree(tmp_path / "r" / "mine" / "runs")  # what is committed: packed digests alone
    shutil.rmtree(tmp_path / "r" / "mine" / "digests")
    code, said = bench("a", *one)
    assert code == 2 and "made of other images" in said


def test_one_changed_pixel_is_other_images_a_moved_folder_is_not_and_a_lost_one_is_said(  # type: ignore[no-untyped-def]
    bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = ("--models", "first", "--seeds", "0")
    assert bench("a", *one)[0] == 0
    (tmp_path / "a").rename(tmp_path / "c")
    assert bench("c", *one)[0] == 0
    path = tmp_path / "c" / "train" / "x" / "00.png"
    pixels = np.array(Image.open(path))
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    assert bench("c", *one)[0] == 2
    code, said = bench("a", *one)  # finished runs are kept where the images are gone
    assert code == 0 and "1 of 1 runs done" in said and "not compared with the data" in caplog.text
    assert bench("a", "--models", "first")[0] == 2  # the other seed needs them


def test_a_training_that_was_begun_is_known_by_its_states(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "first"
    key = data_key("imagefolder", {"size": "8", "colour": "grey"})
    (folder / "states").mkdir(parents=True)
    (folder / "states" / "000001.pt").touch()
    about = {"before": [], "version": "", "sources": {}, "data": [key, "known"]}
    store.write_json(folder / "states" / "code.json", about)
    for _ in range(2):
        assert of_other_data(tmp_path, ["first"], {key: "other"}) == ["first"]
        for now in ({key: "known"}, {}, {data_key("digits", {}): "other"}):
            assert of_other_data(tmp_path, ["first"], now) == []
        if (folder / "states").is_dir():  # of a group
            shutil.move(folder / "states", tmp_path / "runs" / "together-x")
            store.write_json(tmp_path / "runs" / "together-x" / "members.json", ["first"])
    (tmp_path / "runs" / "together-x" / "000001.pt").unlink()  # nothing to go on with
    assert of_other_data(tmp_path, ["first"], {key: "other"}) == []


def test_a_diverged_run_says_of_which_images(tmp_path: Path) -> None:
    store.write_json(tmp_path / "record.json", {"status": "diverged", "provenance": {"data": {"sha256": "x"}}})
    assert sha256_of(tmp_path) == "x"
    store.write_json(tmp_path / "record.json", {"status": "failed", "provenance": None})
    assert sha256_of(tmp_path) is None


def test_a_suite_on_other_data_has_a_folder_and_a_title_of_its_own(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    more = ("--models", "VAE/unidirectional", "--set", "epochs=1", "--set", "evaluation.tsne_images=0")
    quick = (*more, "--set", "evaluation.nll_samples=2", "--set", 'evaluation.metrics=["nll"]')
    assert bench("a", "--suite", "digits", *quick, "--set", "dataset=imagefolder", "--set", "data.size=8")[0] == 0
    assert [p.name for p in (tmp_path / "r").iterdir() if p.is_dir()] == ["digits-imagefolder"]
    table = (tmp_path / "r" / "digits-imagefolder" / "table.md").read_text()
    assert "The rows of digits on imagefolder" in table and "scikit-learn" not in table.partition("\n")[0]


@pytest.mark.parametrize("setting", ["data.size=64", "data.size='64'", 'data.size="64"', "data.labels_per_class=100"])
def test_settings_of_data_are_taken_with_and_without_quotes(bench, tmp_path: Path, setting: str) -> None:  # type: ignore[no-untyped-def]
    images(tmp_path / "a", 0, 150)
    more = ("--suite", "digits", "--set", "dataset=imagefolder", "--set", setting, "--dry-run")
    assert bench("a", *more)[0] == 0
    assert bench("a", *more[:-2], "data.size=true", "--dry-run")[0] == 2


def test_data_that_no_run_is_left_for_are_not_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[bool] = []

    class Found:
        sha256 = "x"

    def load(name: str, *, data_dir: object, settings: object, download: bool) -> Found:
        asked.append(download)
        return Found()

    class Run:
        dataset, data = "mnist", {}  # noqa: RUF012

    monkeypatch.setattr(remaining.data, "load", load)
    for todo in ([], [Run()]):
        assert remaining.data_now([Run()], todo, None) == {data_key("mnist", {}): "x"}  # type: ignore[list-item, arg-type]
    assert asked == [False, True]
