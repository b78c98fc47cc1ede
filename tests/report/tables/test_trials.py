"""Tables that list every trial, and the figures of what a model draws for every label, from invented runs."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_results import ok, write_digest, write_full, write_suite
from matplotlib import image
from PIL import Image

from report.build import write
from report.figures.registry import draw_figures
from report.store import read_suite
from report.tables.assemble import make_table
from report.tables.trials import write_trials

ENTROPY = "assignment=paper"
METRICS = {"unseen_cross_entropy": {"label": "Cross-entropy", "unit": "nats", "direction": "lower"}}
TRIALS = {"M2": [2.5, 2.25, 2.75], "Untapped": [2.0, 2.1, 1.9]}


def write_untapped(folder: Path, **facts: Any) -> Path:
    write_suite(folder, TRIALS, table="untapped", metrics=METRICS, **facts)
    for row, values in TRIALS.items():
        for seed, value in enumerate(values):
            measured = [ok("unseen_cross_entropy", ENTROPY, value), ok("parameters", "", 572_000)]
            plots = {"canonical_classes": [0, 1, 2, 3, 4, 8, 6, 5, 9, 7]}
            run = write_digest(folder, row, "unidirectional", seed, measured, plots=plots)
            Image.fromarray(np.full((8, 89), 40 * seed, np.uint8)).save(run / "canonical.png")
            if seed == 0:
                Image.fromarray(np.full((44, 449), 128, np.uint8)).save(run / "label-walks.png")
    return folder


def test_csv_lists_every_trial_unrounded(tmp_path: Path) -> None:
    csv_path, _ = write_trials(read_suite(write_untapped(tmp_path)))
    with csv_path.open() as file:
        lines = list(csv.DictReader(file))
    found = {(line["row"], line["seed"]): float(line[f"unseen_cross_entropy[{ENTROPY}]"]) for line in lines}
    assert found == {(row, str(seed)): v for row, values in TRIALS.items() for seed, v in enumerate(values)}
    assert "parameters" not in lines[0]  # the same in every trial


def test_markdown_ends_each_line_with_the_tables_mean_and_interval(tmp_path: Path) -> None:
    suite = read_suite(write_untapped(tmp_path))
    text = write_trials(suite)[1].read_text()
    (line,) = (x for x in text.splitlines() if x.startswith("| M2 "))
    assert line == "| M2 | 2.50 | 2.25 | 2.75 | 2.50 ± 0.62 |"
    cells = {x.row: x.cells for x in make_table(suite).lines}
    assert cells["M2"][1].display == "2.50 ± 0.62"


def test_a_trial_that_failed_is_a_dash_and_leaves_the_others(tmp_path: Path) -> None:
    folder = write_untapped(tmp_path)
    write_digest(folder, "M2", "unidirectional", 3, [], status="diverged")
    csv_path, md_path = write_trials(read_suite(folder))
    assert "| M2 | 2.50 | 2.25 | 2.75 | – | 2.50 ± 0.62 |" in md_path.read_text()
    assert "M2,unidirectional,3,diverged," in csv_path.read_text()


def test_other_tables_list_no_trials(tmp_path: Path) -> None:
    assert not {"trials.csv", "trials.md"} & {path.name for path in write(write_full(tmp_path, ["VAE"]))}


def test_report_writes_trials_and_both_figures(tmp_path: Path) -> None:
    written = {path.name for path in write(write_untapped(tmp_path))}
    assert {"table.md", "trials.csv", "trials.md", "canonical.png", "label-walks.png"} <= written


def test_canonical_images_of_every_trial_are_shown(tmp_path: Path) -> None:
    (path,) = (p for p in draw_figures(read_suite(write_untapped(tmp_path))) if p.name == "canonical.png")
    pixels = (image.imread(path)[..., :3] if image.imread(path).ndim == 3 else image.imread(path)[..., None]) * 255
    counts = [(pixels.round() == 40 * seed).all(axis=-1).sum() for seed in range(3)]
    scale = round(360 / 89)
    assert counts[1:] == pytest.approx([2 * 8 * 89 * scale**2] * 2, rel=0.02)  # two models; letters have greys too


def test_walks_are_one_panel_a_label(tmp_path: Path) -> None:
    (path,) = (p for p in draw_figures(read_suite(write_untapped(tmp_path))) if p.name == "label-walks.png")
    pixels = image.imread(path)
    grey = (np.abs(pixels[..., :3] if pixels.ndim == 3 else pixels[..., None]) * 255).round()
    scale = round(160 / 44)
    assert ((grey == 128).all(axis=-1)).sum() == pytest.approx(2 * 10 * 44 * 44 * scale**2, rel=0.001)


def test_suites_without_labels_have_neither_figure(tmp_path: Path) -> None:
    drawn = {path.name for path in draw_figures(read_suite(write_full(tmp_path, ["VAE"])))}
    assert not {"canonical.png", "label-walks.png"} & drawn


def test_what_a_suite_never_planned_is_not_said_to_be_missing(tmp_path: Path) -> None:
    planned = {f"{row}/unidirectional/{seed}": "" for row in TRIALS for seed in range(3)}
    suite = read_suite(write_untapped(tmp_path))
    for runs, missing in ((planned | {"M2/bidirectional/0": ""}, ["Not run: Bidirectional M2."]), (planned, [])):
        suite.facts["runs"] = runs
        assert [x for x in make_table(suite).remarks if x.startswith("Not run")] == missing


def test_caption_tells_no_setting_of_a_likelihood_that_is_not_measured(tmp_path: Path) -> None:
    folder = write_untapped(tmp_path)
    assert "NLL with K = 100" in make_table(read_suite(folder)).caption
    for path in folder.glob("digests/*/digest.json"):
        path.write_text(path.read_text().replace('"nll_samples": 100', '"nll_samples": 100, "metrics": ["test_error"]'))
    assert "NLL" not in make_table(read_suite(folder)).caption
