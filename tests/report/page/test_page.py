"""The results page: what it shows, how it says what is missing, and that no text from results can do harm."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fake_results import NO_WEIGHTS, blank, fake_tsne, noise, ok, with_files, write_digest, write_full, write_suite
from scipy.stats import t as student

from report.__main__ import main
from report.build import write_page
from report.commands import command
from report.figures.registry import FIGURES
from report.page.curves import POINTS, curve
from report.page.figures import TITLES
from report.page.payload import to_script
from report.page.thumbnails import thumbnails
from report.store import read_suite

HARMFUL = "<script>alert(1)</script>_&%$"
VOID = {"meta", "link", "br", "img", "input"}


class Outline(HTMLParser):
    """Elements with their attributes, all text outside scripts and styles, and whether every element is closed."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.text).split())


def page_of(results: Path) -> tuple[str, Outline, dict[str, Any]]:
    """Return the page of a results folder as text, as an outline, and the data of its scripts."""
    text = write_page(results)[0].read_text(encoding="utf-8")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert data
    return text, Outline(text), json.loads(data[1])


def test_every_row_figure_and_download_of_every_suite_is_there(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with_files(write_full(tmp_path / name, ["VAE", "IWAE"], (0, 1)))
    _, outline, data = page_of(tmp_path)
    labels = [b["data-label"] for b in outline.all("tbody") if "data-label" in b]
    assert labels == 2 * [r["label"] for r in data["suites"][0]["rows"]] and len(labels) == 16
    linked = {a["href"] for a in outline.all("a")}
    for name in ("a", "b"):
        files = {f"{name}/{path.name}" for path in (tmp_path / name).iterdir() if path.is_file()}
        assert len(files) == 8 and files - {f"{name}/suite.json"} <= linked
    assert all(image["alt"] for image in outline.all("img"))


def test_every_figure_has_words_for_readers_who_do_not_see_it() -> None:
    assert set(FIGURES) <= set(TITLES)


def test_links_lead_to_files_and_sections_that_exist(tmp_path: Path) -> None:
    with_files(write_full(tmp_path / "a", ["VAE"], (0,)))
    _, outline, data = page_of(tmp_path)
    ids = {attributes["id"] for _, attributes in outline.elements if "id" in attributes}
    for link in outline.all("a"):
        target = link["href"] or ""
        assert target[1:] in ids if target.startswith("#") else (tmp_path / target).exists(), target
    for row in data["suites"][0]["rows"]:
        assert all((tmp_path / run["link"]).is_dir() for run in row["runs"])
        assert all((tmp_path / path).is_file() for _, path in row["tiles"].values())


def test_page_loads_nothing_and_runs_nothing_but_its_own_script(tmp_path: Path) -> None:
    with_files(write_full(tmp_path / "a", ["VAE"], (0,)))
    text, outline, _ = page_of(tmp_path)
    assert all((image["src"] or "").startswith("data:") for image in outline.all("img"))
    assert not outline.all("iframe") and all("src" not in script for script in outline.all("script"))
    assert not any(name.startswith("on") or name == "style" for _, found in outline.elements for name in found)
    (policy,) = (m["content"] for m in outline.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert re.fullmatch(
        r"default-src 'none'; img-src data: file: 'self'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'", policy
    )
    assert "//" not in re.sub(r"data:image/[^\"]*|http://www.w3.org/2000/svg|//[^\n]*", "", text)


def test_same_digests_give_the_same_page(tmp_path: Path) -> None:
    with_files(write_full(tmp_path / "a", ["VAE"], (0, 1)))
    assert write_page(tmp_path)[0].read_bytes() == write_page(tmp_path)[0].read_bytes()


def test_harmful_names_are_shown_as_text(tmp_path: Path) -> None:
    folder = write_suite(tmp_path / "a", [HARMFUL], title=HARMFUL, note=HARMFUL, suite=HARMFUL, dataset=HARMFUL)
    measured = [ok("nll", "", 90.0), blank("psnr", "reconstruction=sample", HARMFUL)]
    provenance = {"git": HARMFUL, "hardware": {"processor": HARMFUL}}
    for seed, status in ((0, "done"), (1, HARMFUL)):
        write_digest(
            folder,
            HARMFUL,
            "unidirectional",
            seed,
            measured,
            status=status,
            reason=HARMFUL,
            provenance=provenance,
            run={"model": HARMFUL, "options": {HARMFUL: HARMFUL}},
            path=HARMFUL,
            tsne=fake_tsne(0),
            classes=[HARMFUL],
        )
    (folder / "digests" / f"broken {HARMFUL.replace('/', '')}").mkdir()
    text, outline, data = page_of(tmp_path)
    assert "alert(1)</script>" not in text
    assert len(outline.all("script")) == 2
    assert outline.said.count(HARMFUL) > 5
    assert data["suites"][0]["name"] == data["suites"][0]["rows"][0]["label"] == HARMFUL


@pytest.mark.parametrize("text", ["</script><!--", "<!--<script>", "a\u2028b\u2029c", "&lt;", "\\u003c"])
def test_script_data_survives_the_parser_and_returns_as_it_was(text: str) -> None:
    written = to_script({text: [text]})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {text: [text]}


def test_blank_cells_carry_their_reason(tmp_path: Path) -> None:
    folder = write_suite(tmp_path / "a", ["VAE"])
    write_digest(folder, "VAE", "unidirectional", 0, [ok("nll", "", 90.0), ok("psnr", "reconstruction=sample", 20.0)])
    measured = [ok("nll", "", 91.0), blank("psnr", "reconstruction=sample", NO_WEIGHTS)]
    write_digest(folder, "VAE", "bidirectional", 0, measured)
    _, outline, data = page_of(tmp_path)
    assert NO_WEIGHTS in outline.said
    assert data["suites"][0]["rows"][1]["notes"][1] == [f"Blank: {NO_WEIGHTS}"]


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_statuses_are_shown_as_such(tmp_path: Path, status: str) -> None:
    folder = write_suite(tmp_path / "a", ["VAE"])
    write_digest(folder, "VAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    unmeasured = {"metric": "nll", "setting": "", "value": None, "status": status, "reason": "loss is nan"}
    write_digest(folder, "VAE", "bidirectional", 0, [unmeasured], status=status, reason="loss is nan in epoch 3")
    text, outline, data = page_of(tmp_path)
    assert f'<span class="status {status}">{status}</span></td>' in text
    assert "loss is nan in epoch 3" in outline.said
    assert data["suites"][0]["rows"][1]["notes"] == [["Blank: loss is nan"]]


def test_seed_values_quantiles_and_costs_are_what_was_stored(tmp_path: Path) -> None:
    folder = write_suite(tmp_path / "a", ["VAE"], metrics={"peak": {"label": "Peak", "unit": "MiB"}})
    for seed in range(4):
        write_digest(folder, "VAE", "unidirectional", seed, [ok("nll", "", 90.5 + seed), ok("peak", "", 300.0 + seed)])
    _, outline, data = page_of(tmp_path)
    assert data["t"] == pytest.approx([student.ppf(0.975, df) for df in (1, 2, 3)], rel=1e-10)
    (row,) = data["suites"][0]["rows"]
    assert row["values"][0] == {str(seed): 90.5 + seed for seed in range(4)}
    assert "Peak, MiB" in outline.said and "301.50" in outline.said


def test_published_values_stand_beside_with_difference_and_settings(tmp_path: Path) -> None:
    folder = write_suite(tmp_path / "a", ["VAE"], dataset="mnist", published={"paper": "BVAE", "table": "I"})
    write_digest(folder, "VAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    _, _, data = page_of(tmp_path)
    labels = [column["label"] for column in data["suites"][0]["columns"]]
    notes = " ".join(data["suites"][0]["rows"][0]["notes"][labels.index("NLL")])
    assert "Published: 86.72" in notes and "Measured − published: +3.28; settings differ" in notes


def test_a_row_that_only_the_paper_has_shows_no_run_and_no_command(tmp_path: Path) -> None:
    folder = write_suite(
        tmp_path / "a", ["sVAE"], dataset="mnist", table="svae", published={"paper": "sVAE", "table": "1"}
    )
    write_digest(folder, "sVAE", "unidirectional", 0, [ok("inception_score", "", 6.0)])
    _, page, data = page_of(tmp_path)
    rows = {row["label"]: row for row in data["suites"][0]["rows"]}
    assert not rows["GAN, as printed"]["runs"] and rows["sVAE"]["runs"]
    assert page.said.count("make it again") == 1 and "not run here" in page.said


def test_command_makes_exactly_the_row_again(tmp_path: Path) -> None:
    given = ["--suite", "my suite.toml", "--set", "epochs=2"]
    folder = write_suite(tmp_path / "a", ["VAE"], arguments=given)
    write_digest(folder, "a,b [x]", "control", 3, [])
    suite = read_suite(folder)
    assert command(suite, "a,b [x]", "control", [3]) == (
        "vae-bench run 'my suite.toml' --set epochs=2 --preset small --models 'a?b [[]x]/control' --seeds 3"
    )
    assert command(read_suite(write_suite(tmp_path / "b", []))) == "vae-bench run b --preset small"


def test_curve_is_the_mean_and_range_over_seeds_against_elapsed_time(tmp_path: Path) -> None:
    folder = write_suite(tmp_path / "a", ["VAE"])
    for seed in (0, 1):
        curves = {"epoch": [1, 2, 3], "validation_loss": [9.0, 5.0 + 2 * seed, None], "seconds": [2.0, 3.0, 4.0]}
        write_digest(folder, "VAE", "unidirectional", seed, [], curves=curves)
    found = curve(tuple(read_suite(folder).digests))
    expected = {"epoch": [1, 2], "seconds": [2, 5], "mean": [9, 6], "least": [9, 5], "most": [9, 7]}
    assert found == {"loss": ["validation_loss"], **expected}


def test_long_curves_are_thinned_and_keep_their_ends(tmp_path: Path) -> None:
    epochs = list(range(1, 1001))
    curves = {"epoch": epochs, "train_loss": [1000.0 - e for e in epochs], "validation_loss": [None] * 1000}
    write_digest(write_suite(tmp_path, ["VAE"]), "VAE", "unidirectional", 0, [], curves=curves)
    found = curve(read_suite(tmp_path).digests)
    assert found and found["loss"] == ["train_loss"] and len(found["epoch"]) <= POINTS + 1
    assert (found["epoch"][0], found["epoch"][-1]) == (1, 1000)


def test_suite_without_any_run_says_how_to_make_it(tmp_path: Path) -> None:
    write_suite(tmp_path / "a", ["VAE"])
    assert main(["--results", str(tmp_path), "--page-only"]) == 0
    _, outline, _ = page_of(tmp_path)
    assert "no run has finished yet" in outline.said
    assert "vae-bench run a --preset small" in outline.said


@pytest.mark.parametrize(
    "part",
    [
        {"curves": [1]},
        {"curves": {"epoch": 3}},
        {"tsne": {"x": [1], "y": [1, 2], "label": [0]}},
        {"tsne": {"x": ["a"], "y": [1], "label": [0]}},
        {"run": "VAE"},
        {"run": {"training": 3}},
        {"provenance": {"data": []}},
        {"measurements": [{"metric": "nll", "setting": "", "status": "ok"}]},
        {"measurements": [{"metric": "nll", "setting": "", "status": "ok", "value": "low"}]},
        {"measurements": [{"metric": "nll", "setting": [1], "status": "ok", "value": 1.0}]},
    ],
    ids=str,
)
def test_damaged_digest_is_one_line_and_the_rest_is_shown(
    tmp_path: Path, part: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_full(tmp_path / "a", ["VAE"], (0,))
    path = next((folder / "digests").glob("*bidirectional*/digest.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | part))
    assert main(["--results", str(tmp_path), "--page-only"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and f"{path} is left out" in said[0]
    _, outline, data = page_of(tmp_path)
    assert "is left out" in outline.said
    assert len(data["suites"][0]["rows"]) == 3


def test_damaged_suites_and_files_leave_the_others(tmp_path: Path) -> None:
    write_full(tmp_path / "good", ["VAE"], (0,))
    for name, text in (("torn", "{"), ("odd", '{"suite": "x", "dataset": 1, "preset": 2, "rows": 3}')):
        (write_suite(tmp_path / name, []) / "suite.json").write_text(text)
    (tmp_path / "lost" / "digests").mkdir(parents=True)
    (tmp_path / "perf").mkdir()
    (tmp_path / "perf" / "suite.json").write_text("{}")
    (tmp_path / "published.csv").write_text("\x00\x01")
    assert main(["--results", str(tmp_path), "--page-only"]) == 0
    _, outline, data = page_of(tmp_path)
    assert [suite["name"] for suite in data["suites"]] == ["good"]
    assert all(f"{name}/suite.json" in outline.said for name in ("torn", "odd", "lost"))
    assert not re.search(r"\bperf\b", outline.said)


def test_damaged_picture_is_one_line_and_not_shown(tmp_path: Path) -> None:
    folder = with_files(write_full(tmp_path / "a", ["VAE"], (0,)))
    for name in ("samples", "tsne"):  # one that tiles of its rows are shown for, and one that is shown
        (folder / f"{name}.png").write_bytes(b"not a picture")
    tile = next((folder / "digests").glob("*/samples.png"))
    tile.write_bytes(tile.read_bytes()[:60])
    _, outline, data = page_of(tmp_path)
    assert f"{tile.parent.name}/samples.png cannot be read" in outline.said
    for name in ("samples", "tsne"):
        assert f"a/{name}.png cannot be read" in outline.said
        assert f"a/{name}.png" not in {a["href"] for a in outline.all("a")}
    assert all("samples" not in r["tiles"] for r in data["suites"][0]["rows"] if tile.parent.name == r["runs"][0]["id"])


def test_folder_without_suites_gets_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--results", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "index.html").exists()


def test_thumbnails_are_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [noise(tmp_path / f"{i}.png", (400, 300)) for i in range(2)]
    limits, keep = {path: 20_000 for path in paths}, tmp_path / "kept.json"
    found = thumbnails(limits, 60_000, keep)
    with monkeypatch.context() as patch:
        patch.setattr("report.page.thumbnails._thumbnail", None)
        assert thumbnails(limits, 60_000, keep) == found
    noise(paths[0], (300, 400))
    again = thumbnails(limits, 60_000, keep)
    assert again[paths[0]] != found[paths[0]] and again[paths[1]] == found[paths[1]]


def test_thumbnails_keep_to_their_limits_and_the_budget(tmp_path: Path) -> None:
    paths = [noise(tmp_path / f"{i}.png", (400, 300)) for i in range(6)]
    found = thumbnails({path: 20_000 for path in paths}, budget=60_000)
    assert list(found) == paths and all(found.values())
    assert sum(len(uri or "") for uri in found.values()) <= 60_000 + 6 * 30
    assert thumbnails({paths[0]: 100}, budget=60_000) == {paths[0]: None}


def test_small_pictures_are_inlined_as_they_are(tmp_path: Path) -> None:
    path = noise(tmp_path / "small.png", (20, 20))
    uri = thumbnails({path: 20_000}, budget=60_000)[path]
    assert uri and base64.b64decode(uri.partition(",")[2]) == path.read_bytes()
