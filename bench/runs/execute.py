"""Carry out a job: train its runs, alone or together, evaluate each, and write their folders and digests."""

import io
import logging
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pythae.models import BaseAE

from bench import data as datasets
from bench.data.types import ImageDataset
from bench.errors import BadInput, Blank
from bench.evaluation.evaluate import Evaluation, measure, unmeasured
from bench.evaluation.features.networks import FeatureNetworks
from bench.evaluation.pictures.plots import plots
from bench.evaluation.pictures.tiles import save_tiles, why
from bench.runs.tracking import Tracking
from bench.runs.train import about_data, train_alone, try_together
from bench.runs.work import Listener, Work
from bench.storage import store
from bench.storage.data_version import sha256_of
from bench.study.suite import Run
from bench.system import accelerator, provenance
from bench.system.files import write_whole
from bench.system.memory import out_of_memory
from bench.training.checkpoint import Checkpoints
from bench.training.trainer import Diverged
from models import load_model

log = logging.getLogger("bench")
LEAST_EMBEDDED = 4  # test images
ALIKE = 1e-5  # of the largest code: differences below are rounding
CRASH = "crash.txt"  # in a run's folder: where its threads were, if a worker dies of a signal that lets it say so


@lru_cache(maxsize=1)
def load_data(name: str, data_dir: Path | None, settings: tuple[tuple[str, str], ...]) -> ImageDataset:
    """Return a data set, kept for the next run on the same one."""
    return datasets.load(name, data_dir=data_dir, settings=dict(settings))


def execute(job: Sequence[Run], work: Work, listener: Listener) -> dict[str, str]:
    """Do what of a job's runs is not done yet; return the statuses, by id, of those that were not.

    A failure or divergence ends its run alone: status and reason are stored, nothing is raised but interrupts. Where
    training together fails as a whole, each run is tried alone. The listener hears of each run as it goes on and ends,
    the trackers named by `work.track` of what it does.
    """
    accelerator.exact_float32()
    diverged = {}
    if len(job) > 1:
        diverged = try_together(job, work.suite_folder, partial(_data_of, job[0], work), listener.progress)
    statuses = {}
    for run in job:
        if not store.is_done(work.suite_folder, run):
            statuses[run.id] = _finish(run, work, listener, diverged.get(run.id))
            listener.finished(run, statuses[run.id])
    return statuses


def _data_of(run: Run, work: Work) -> ImageDataset:
    return load_data(run.dataset, work.data_dir, tuple(sorted(run.data.items())))


def _finish(run: Run, work: Work, listener: Listener, diverged: str | None) -> str:
    """Train a run unless it is trained, evaluate it, write its record and digest, and return its status."""
    folder = work.suite_folder / "runs" / run.id
    folder.mkdir(parents=True, exist_ok=True)
    store.write_json(folder / "run.json", run.to_dict())
    started = time.time()
    record: dict[str, Any] = {"status": "done", "reason": None}
    (folder / "traceback.txt").unlink(missing_ok=True)
    tracking = Tracking(work.track, run, folder)
    try:
        if diverged:
            raise Diverged(diverged)
        data = _data_of(run, work)
        if store.is_trained(folder):
            if sha256_of(folder) not in (None, data.sha256):
                raise BadInput(f"{folder} was trained on other images; --force trains it anew")
            Checkpoints(folder / "states").clear()  # one that was killed between the two
        else:
            train_alone(run, work.suite_folder, data, listener.progress, tracking)
        listener.progress(run, "evaluating")
        model = load_model(folder, work.trust_pickle)
        record |= _evaluate(run, folder, model, data, work, tracking)
    except Diverged as error:
        about = {"data": about_data(_data_of(run, work))}
        record |= {"status": "diverged", "reason": str(error), "provenance": about}
    except (Exception, SystemExit) as error:  # a plug-in that ends the process ends its run
        write_whole(folder / "traceback.txt", traceback.format_exc().encode("utf-8", "replace"), durable=False)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        if out_of_memory(error):
            record |= {"status": "oom", "reason": f"{reason}; {smaller(run, trained=store.is_trained(folder))}"}
        else:
            record |= {"status": "failed", "reason": reason}
    finally:
        tracking.close()
    record["seconds"] = round(time.time() - started, 1)
    listener.progress(run, "storing")
    return _store(run, work.suite_folder, record)


def give_up(run: Run, suite_folder: Path, reason: str) -> str:
    """Store that a run failed without an exception of its own: its worker died each time. Return its status."""
    folder = suite_folder / "runs" / run.id
    folder.mkdir(parents=True, exist_ok=True)
    store.write_json(folder / "run.json", run.to_dict())
    crash = folder / CRASH
    told = crash.read_text() if crash.is_file() else ""
    write_whole(folder / "traceback.txt", f"{told}{reason}\n".encode("utf-8", "replace"), durable=False)
    crash.unlink(missing_ok=True)
    return _store(run, suite_folder, {"status": "failed", "reason": reason, "seconds": None})


def smaller(run: Run, trained: bool) -> str:
    """Return what to try where a run needs more memory than there is."""
    if trained:
        return "the model is trained; measure it with --jobs 1, or with fewer --set evaluation.images"
    return f"try --set batch_size={max(1, run.training.batch_size // 2)}"


def _store(run: Run, suite_folder: Path, record: dict[str, Any]) -> str:
    """Write a run's digest and then its record, which says that it is at its end; return its status."""
    if record["status"] != "done":
        record["measurements"] = [asdict(m) for m in unmeasured(run.evaluation, record["status"], record["reason"])]
        record["evaluation_id"] = run.evaluation_id
    store.write_digest(suite_folder, run, record)
    store.seal(suite_folder / "runs" / run.id, "record.json", record, suite_folder / "digests" / run.id)
    return str(record["status"])


def _evaluate(
    run: Run, folder: Path, model: BaseAE, data: ImageDataset, work: Work, tracking: Tracking
) -> dict[str, Any]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trained = store.read_json(folder / "trained.json")
    model = model.to(device)
    seconds = float(np.median(trained["curves"]["seconds"]))
    networks = FeatureNetworks(data, work.fid_weights, device, work.feature_network)
    evaluation = Evaluation(model, data, run.evaluation, run.seed, networks, seconds)
    measurements = measure(evaluation)
    lost: dict[str, str] = {}  # what cannot be drawn costs itself alone: what was measured is kept
    save_tiles(folder, evaluation, lost)
    drawn, tsne = plots(evaluation, lost), None
    try:
        tsne = _embedding(run, evaluation)
    except Exception as error:
        lost["t-SNE"] = why(error)
    for name, reason in lost.items():
        log.warning("%s has no picture %s: %s", run.id, name, reason)
    with suppress(Exception):  # the measurements are worth more than what is told of them
        tracking.evaluated(evaluation, measurements)
    kept = evaluation.already("nll_nats", "test_mean")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **kept)  # type: ignore[arg-type]
    write_whole(folder / "arrays.npz", buffer.getbuffer(), durable=False)
    trained["provenance"] |= networks.provenance() | {"evaluated_by": provenance.git_revision()}
    return trained | {
        "evaluation_id": run.evaluation_id,
        "measurements": [asdict(m) for m in measurements],
        "tsne": tsne,
        "plots": drawn,
        "classes": list(data.classes),
        **({"lost": lost} if lost else {}),
    }


def _embedding(run: Run, evaluation: Evaluation) -> dict[str, Any] | None:
    """Return t-SNE coordinates of the test images' posterior means, for the pairs and the seeds that show them.

    Raises Blank for codes that t-SNE cannot place: too few, not finite, or all alike, which end the process.
    """
    settings, labels = run.evaluation, evaluation.get("test_labels")
    n = min(settings.tsne_images, len(labels))
    shown = run.variant in ("unidirectional", "bidirectional") and run.seed in settings.tsne_seeds
    if not shown or n < 2 or labels.ndim > 1:
        return None
    codes = evaluation.get("test_mean")[:n]
    if n < LEAST_EMBEDDED:
        raise Blank(f"{n} test images are too few to embed")
    if not np.isfinite(codes).all():
        raise Blank("some codes are not finite")
    if np.ptp(codes, axis=0).max() <= ALIKE * np.abs(codes).max():
        raise Blank("the codes are all alike")
    if codes.shape[1] == 1:  # PCA, from which the search starts, gives as many dimensions as there are
        codes = np.pad(codes, ((0, 0), (0, 1)))
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (n - 1) / 3)
    embedding = TSNE(perplexity=perplexity, init="pca", random_state=run.seed)
    xy = [[round(float(v), 1) for v in axis] for axis in embedding.fit_transform(codes).T]
    return {"x": xy[0], "y": xy[1], "label": labels[:n].tolist(), "perplexity": perplexity, "seed": run.seed}
