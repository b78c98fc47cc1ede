"""Small runs of good and faulty models, and what became of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import plugins
from bench.executors import Resources, Work, resolve
from bench.storage import store
from bench.study import suite
from bench.study.run import Run

SHAPE = (1, 8, 8)
SETTINGS = (
    *("epochs=3", "train_images=128", "network.channels=[4]", "network.strides=[2]", "controls=[]"),
    *('evaluation.metrics=["parameters", "neg_elbo"]', "evaluation.images=20", "evaluation.tsne_images=0"),
)
TIMES = ("seconds_per_epoch",)


def runs_of(models: Iterable[str], folder: Path, *overrides: str, seeds: Iterable[int] = (0,)) -> list[Run]:
    """Return one run a model and seed, of the digits."""
    plugins.load(["faulty_models"])
    rows = ", ".join(f'{{ row = "{m}", model = "{m}", variants = ["unidirectional"] }}' for m in models)
    path = folder / "faults.toml"
    path.write_text(f'title = "Faults"\nextends = "digits"\nrows = [{rows}]\nextra_rows = []\n')
    loaded = suite.load(str(path), "small", (*SETTINGS, *overrides))
    return suite.expand(loaded, "faults", "small", seeds=list(seeds), shape=SHAPE)


def work_of(folder: Path, token: str | None = None) -> Work:
    """Return the work in a folder of results."""
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    return Work(folder, plugins=("faulty_models",), token=token)


def carried_out(executor: str, jobs: Iterable[Iterable[Run]], folder: Path, **resources: Any) -> dict[str, str]:
    """Carry out jobs and return the statuses by row and seed."""
    jobs = [tuple(job) for job in jobs]
    names = {run.id: f"{run.row}/{run.seed}" for job in jobs for run in job}
    heard: dict[str, str] = {}
    found = resolve(executor)(
        jobs,
        work_of(folder),
        Resources(**resources),
        lambda *_: None,
        lambda run, status: heard.update({run.id: status}),
    )
    assert heard == found
    return {names[identity]: status for identity, status in found.items()}


def digest_of(folder: Path, run: Run) -> dict[str, Any]:
    """Return a run's stored digest."""
    return store.read_json(folder / "digests" / run.id / "digest.json")


def cells_of(folder: Path, run: Run) -> list[tuple[Any, ...]]:
    """Return a run's measurements, without those of time."""
    stored = digest_of(folder, run)["measurements"]
    return [(m["metric"], m["setting"], m["value"], m["status"]) for m in stored if m["metric"] not in TIMES]
