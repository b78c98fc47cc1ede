"""Anchors of a table's distances: what training images, and noise, get in the place of samples."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench import plugins
from bench.command.options import Parser
from bench.command.streams import say
from bench.data.places import terminal_bar
from bench.data.types import ImageDataset
from bench.errors import BadInput
from bench.evaluation.evaluate import Evaluation, measure, wanted
from bench.evaluation.features.inception_weights import find_weights
from bench.evaluation.features.networks import FeatureNetworks
from bench.evaluation.outside.subjects import Given
from bench.metrics import METRICS
from bench.runs.execute import load_data
from bench.runs.train import about_data
from bench.runs.work import Work
from bench.storage import packed, stored
from bench.study.run import digest, slug
from bench.study.schema import Evaluation as Settings
from bench.system import provenance
from bench.system.files import write_whole
from report.tables.columns import TABLES


def stand_ins(data: ImageDataset, n: int, seed: int) -> dict[str, np.ndarray]:
    """Return training images, and noise, as many as the first n test images, uint8; nothing for points of a space."""
    test = data.test.images[:n]
    if test.dtype != np.uint8:
        return {}
    noise = np.random.default_rng(seed).integers(0, 256, test.shape, dtype=np.uint8)
    return {"training images": data.train.images[: len(test)], "noise": noise}


def keep(work: Work, run: Mapping[str, Any], table: str) -> bool:
    """Measure the anchors of a suite's table as a run of it was, unless they lie in its folder; return whether they did
    not.

    Of the metrics those that compare samples and have a column. `run` is a run's "dataset", "data" and "evaluation".
    Raises BadInput where the data cannot be had.
    """
    asked = Settings.model_validate(run["evaluation"])
    shown = {column.metric for column in TABLES[table].columns} | set(plugins.entries("METRICS"))
    names = sorted({name for name, _, setting in wanted(asked) if "sampler" in setting and name in shown})
    settings = asked.model_copy(update={"metrics": tuple(names), "samplers": ("normal",)})
    about = {"dataset": run["dataset"], "data": dict(run["data"]), "evaluation": settings.identity()}
    of, path = digest([about, [METRICS[name].version for name in names]]), work.suite_folder / packed.ANCHORS
    if not names or path.is_file() and f"-{of}" in path.read_text():
        return False
    data = load_data(run["dataset"], work.data_dir, tuple(sorted(run["data"].items())))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    networks = FeatureNetworks(data, work.fid_weights, device, work.feature_network)
    lines = []
    for name, images in stand_ins(data, settings.images, 0).items():
        measurements = measure(Evaluation(Given(images), data, settings, 0, networks, None))
        facts = {"id": f"{slug(name)}-{of}", "row": name, "variant": "", "seed": 0, "status": "done", "run": about}
        made = provenance.collect(torch.get_num_threads(), device) | networks.provenance()
        made |= {"data": about_data(data), "evaluated_by": provenance.git_revision()}
        facts |= {"measurements": [asdict(m) for m in measurements], "provenance": made, "pictures": {}}
        lines.append(packed.line(facts))
    write_whole(path, "".join(f"{line}\n" for line in lines).encode())
    return bool(lines)


def main(arguments: list[str]) -> int:
    """Measure the anchors of stored suites, and rebuild their tables; return 0."""
    from report.build import write

    parser = Parser(prog="vae-bench anchors", description="Measure training images and noise in the place of samples.")
    add = parser.add_argument
    add("folders", type=Path, nargs="+", metavar="FOLDER", help="a suite's folder of results")
    add("--data-dir", type=Path, help="folder that holds the data sets")
    add("--fid-weights", metavar="FILE", help="pytorch-fid's Inception weights, or 'download'")
    options = parser.parse_args(arguments, argparse.Namespace())
    weights = find_weights(options.fid_weights, terminal_bar())
    for folder in options.folders:
        about, found = stored.suite_facts(folder), packed.facts(folder)
        runs = (found[run] for run in (about["runs"].values() if about else ()) if run in found)
        first = next((facts["run"] for facts in runs if facts["status"] == "done"), None)
        if about is None or first is None:
            raise BadInput(f"{folder} holds no finished run of a suite")
        made = keep(Work(folder, options.data_dir, weights), first, about.get("table", "bvae"))
        if made:
            write(folder)
        say(f"wrote {folder / packed.ANCHORS}, {folder / 'table.md'}" if made else f"{folder}: nothing to measure")
    return 0
