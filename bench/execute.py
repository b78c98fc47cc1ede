"""Carry out one run: build, train, evaluate, and write its folder and its digest."""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from pythae.models import BaseAE
from pythae.trainers.training_callbacks import TrainingCallback

from bench import data as datasets
from bench import provenance, store
from bench.data.places import cache_folder
from bench.data.types import ImageDataset
from bench.engine import Diverged, ImageTensors, Trainer, TrainerConfig
from bench.evaluate import Evaluation, measure, unmeasured
from bench.metrics.classifier import SmallClassifier, cached_classifier
from bench.metrics.inception import Inception
from bench.metrics.types import Blank
from bench.schema import explain
from bench.suite import Run
from bench.tiles import save_tiles
from models import MODELS, load_model

CLASSIFIER_SEED = 0
Progress = Callable[[Run, str], None]  # (run, what it is doing now)


@lru_cache(maxsize=1)
def load_data(name: str, data_dir: Path | None, settings: tuple[tuple[str, str], ...]) -> ImageDataset:
    """Return a data set, kept for the next run on the same one."""
    return datasets.load(name, data_dir=data_dir, settings=dict(settings))


@lru_cache(maxsize=1)
def load_classifier(data: ImageDataset, device: str) -> tuple[SmallClassifier, float]:
    """Return the suite's classifier for a data set and its accuracy on the test set."""
    train, test = data.train, data.test
    outputs = len(data.classes)
    classifier = cached_classifier(cache_folder(), train.images, train.labels, outputs, CLASSIFIER_SEED, device)
    return classifier, classifier.accuracy(test.images, test.labels)


@lru_cache(maxsize=1)
def load_inception(weights: Path, device: str) -> Inception:
    """Return pytorch-fid's network with weights from a file."""
    return Inception(weights, device)


class FeatureNetworks:
    """The feature networks that Fréchet distances are taken in."""

    def __init__(self, data: ImageDataset, fid_weights: Path | None, device: str):
        self.data, self.fid_weights, self.device = data, fid_weights, device

    def __call__(self, name: str, images: np.ndarray) -> np.ndarray:
        """Return features [N, F] of images in network `name`."""
        if name == "classifier":
            return load_classifier(self.data, self.device)[0].features(images)
        if self.fid_weights is None:
            raise Blank("no Inception weights: pass --fid-weights FILE")
        return load_inception(self.fid_weights, self.device).features(images)[name]

    def provenance(self) -> dict[str, Any]:
        """Return what the feature networks were: the classifier's seed and test accuracy, Inception's weights."""
        classifier = {"seed": CLASSIFIER_SEED, "test_accuracy": load_classifier(self.data, self.device)[1]}
        inception = load_inception(self.fid_weights, self.device).provenance if self.fid_weights else None
        return {"classifier": classifier, "inception": inception}


class _Announce(TrainingCallback):
    """Tells the progress display of each epoch."""

    def __init__(self, run: Run, progress: Progress):
        self.run, self.progress = run, progress

    def on_log(self, training_config: Any, logs: Mapping[str, Any], **kwargs: Any) -> None:
        shown = logs["eval_epoch_loss"] if logs["eval_epoch_loss"] is not None else logs["train_epoch_loss"]
        epochs = training_config.num_epochs
        self.progress(self.run, f"epoch {logs['epoch']}/{epochs}  loss {shown:.2f}  {logs['seconds']:.1f} s")


def configure(run: Run, shape: tuple[int, ...]) -> Any:
    """Return the configuration of a run's model; raises BadInput for an option that it does not have."""
    kind = MODELS[run.model].resolve().config_class
    options = {"reconstruction_loss": run.likelihood, "network": run.network, **run.options}
    try:
        return kind(input_dim=tuple(shape), latent_dim=run.latent_dim, **options)
    except ValidationError as error:
        raise explain(error, f"options of {run.model}", (f.name for f in fields(kind))) from None


def build(run: Run, shape: tuple[int, ...]) -> BaseAE:
    """Return the untrained model of a run; the seed is set before any weight is drawn."""
    torch.manual_seed(run.seed)
    return MODELS[run.model].resolve()(configure(run, shape))


def train(run: Run, data: ImageDataset, progress: Progress) -> tuple[BaseAE, dict[str, list[float]]]:
    """Return the trained model and its curves; raises Diverged."""
    settings = run.training
    config = TrainerConfig(
        num_epochs=settings["epochs"],
        per_device_train_batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        optimizer_params={"weight_decay": settings["weight_decay"]},
        scheduler_params={"pct_start": settings["pct_start"]},
        seed=run.seed,
    )
    limit = settings["train_images"]
    training = ImageTensors(torch.from_numpy(data.train.images[:limit]), torch.from_numpy(data.train.labels[:limit]))
    validation = ImageTensors(torch.from_numpy(data.validation.images), torch.from_numpy(data.validation.labels))
    trainer = Trainer(build(run, data.shape), training, validation, config, [_Announce(run, progress)])
    trainer.train()
    return trainer.model, trainer.history


def execute(run: Run, suite_folder: Path, data_dir: Path | None, fid_weights: Path | None, progress: Progress) -> str:
    """Do what of a run is not done yet, write its folder and digest, and return its status.

    A failure or divergence ends this run alone: its status and reason are stored, nothing is raised but interrupts.
    """
    folder = suite_folder / "runs" / run.id
    folder.mkdir(parents=True, exist_ok=True)
    store.write_json(folder / "run.json", run.to_dict())
    started = time.time()
    record: dict[str, Any] = {"status": "done", "reason": None}
    try:
        data = load_data(run.dataset, data_dir, tuple(sorted(run.data.items())))
        record |= _train_and_evaluate(run, folder, data, fid_weights, progress)
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


def _train_and_evaluate(
    run: Run, folder: Path, data: ImageDataset, fid_weights: Path | None, progress: Progress
) -> dict[str, Any]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if not store.is_trained(folder):
        progress(run, "training")
        began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        model, curves = train(run, data, progress)
        model.save(str(folder / "model"))
        made = provenance.collect(torch.get_num_threads(), device) | {"started": began, "data": _describe(data)}
        store.write_json(folder / "trained.json", {"curves": curves, "provenance": made})
    trained = store.read_json(folder / "trained.json")
    model = load_model(folder).to(device)
    progress(run, "evaluating")
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


def _describe(data: ImageDataset) -> dict[str, Any]:
    sizes = {name: len(getattr(data, name)) for name in ("train", "validation", "test")}
    about = {"name": data.name, "sha256": data.sha256, "split_seed": data.split_seed, "note": data.note}
    return about | {"settings": dict(data.settings), "images": sizes}


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
