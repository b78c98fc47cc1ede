"""Carry out a job: train its runs, alone or together, evaluate each, and write their folders and digests."""

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench import data as datasets
from bench import provenance, store
from bench.data.types import ImageDataset
from bench.engine import Diverged
from bench.evaluate import Evaluation, measure, unmeasured
from bench.features import FeatureNetworks
from bench.suite import Run
from bench.tiles import save_tiles
from bench.train import Progress, train_alone, train_together
from models import load_model


@lru_cache(maxsize=1)
def load_data(name: str, data_dir: Path | None, settings: tuple[tuple[str, str], ...]) -> ImageDataset:
    """Return a data set, kept for the next run on the same one."""
    return datasets.load(name, data_dir=data_dir, settings=dict(settings))


def execute(
    job: Sequence[Run],
    suite_folder: Path,
    data_dir: Path | None,
    fid_weights: Path | None,
    progress: Progress,
    finished: Callable[[Run, str], None],
) -> dict[str, str]:
    """Do what of a job's runs is not done yet; return the statuses, by id, of those that were not.

    A failure or divergence ends its run alone: status and reason are stored, nothing is raised but interrupts. Where
    training together fails as a whole, each run is tried alone. `finished` hears of each run as it ends.
    """
    diverged: dict[str, str] = {}
    if len(job) > 1:
        with suppress(Exception):  # what is wrong comes up again, and is stored, when the run is tried alone
            diverged = train_together(job, suite_folder, _data_of(job[0], data_dir), progress)
    statuses = {}
    for run in job:
        if not store.is_done(suite_folder, run):
            statuses[run.id] = _finish(run, suite_folder, data_dir, fid_weights, progress, diverged.get(run.id))
            finished(run, statuses[run.id])
    return statuses


def _data_of(run: Run, data_dir: Path | None) -> ImageDataset:
    return load_data(run.dataset, data_dir, tuple(sorted(run.data.items())))


def _finish(
    run: Run,
    suite_folder: Path,
    data_dir: Path | None,
    fid_weights: Path | None,
    progress: Progress,
    diverged: str | None,
) -> str:
    """Train a run unless it is trained, evaluate it, write its record and digest, and return its status."""
    folder = suite_folder / "runs" / run.id
    folder.mkdir(parents=True, exist_ok=True)
    store.write_json(folder / "run.json", run.to_dict())
    started = time.time()
    record: dict[str, Any] = {"status": "done", "reason": None}
    try:
        if diverged:
            raise Diverged(diverged)
        data = _data_of(run, data_dir)
        if not store.is_trained(folder):
            train_alone(run, suite_folder, data, progress)
        progress(run, "evaluating")
        record |= _evaluate(run, folder, data, fid_weights)
    except Diverged as error:
        record |= {"status": "diverged", "reason": str(error)}
    except Exception as error:
        (folder / "traceback.txt").write_text(traceback.format_exc())
        record |= {"status": "failed", "reason": f"{type(error).__name__}: {' '.join(str(error).split())}"}
    if record["status"] != "done":
        record["measurements"] = [asdict(m) for m in unmeasured(run.evaluation, record["status"], record["reason"])]
        record["evaluation_id"] = run.evaluation_id
    record["seconds"] = round(time.time() - started, 1)
    store.write_json(folder / "record.json", record)
    store.write_digest(suite_folder, run, record)
    return str(record["status"])


def _evaluate(run: Run, folder: Path, data: ImageDataset, fid_weights: Path | None) -> dict[str, Any]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trained = store.read_json(folder / "trained.json")
    model = load_model(folder).to(device)
    seconds = float(np.median(trained["curves"]["seconds"]))
    networks = FeatureNetworks(data, fid_weights, device)
    evaluation = Evaluation(model, data, run.evaluation, run.seed, networks, seconds)
    measurements = measure(evaluation)
    save_tiles(folder, evaluation, backwards=run.variant != "bidirectional" and hasattr(model.encoder, "network"))
    kept = evaluation.already("nll_nats", "test_mean")
    np.savez_compressed(folder / "arrays.npz", **kept)  # type: ignore[arg-type]
    trained["provenance"] |= networks.provenance() | {"evaluated_by": provenance.git_revision()}
    return trained | {
        "evaluation_id": run.evaluation_id,
        "measurements": [asdict(m) for m in measurements],
        "tsne": _embedding(run, evaluation),
        "classes": list(data.classes),
    }


def _embedding(run: Run, evaluation: Evaluation) -> dict[str, Any] | None:
    """Return t-SNE coordinates of the test images' posterior means, for the pairs and the seeds that show them."""
    settings, labels = run.evaluation, evaluation.get("test_labels")
    n = min(settings["tsne_images"], len(labels))
    shown = run.variant in ("unidirectional", "bidirectional") and run.seed in settings["tsne_seeds"]
    if not shown or n < 2 or labels.ndim > 1:
        return None
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (n - 1) / 3)
    embedding = TSNE(perplexity=perplexity, init="pca", random_state=run.seed)
    xy = [[round(float(v), 1) for v in axis] for axis in embedding.fit_transform(evaluation.get("test_mean")[:n]).T]
    return {"x": xy[0], "y": xy[1], "label": labels[:n].tolist(), "perplexity": perplexity, "seed": run.seed}
