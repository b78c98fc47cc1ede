"""Tracking: what trackers hear of a run, in which order, and that a run is the same with and without them."""

import logging
import re
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import MagicMock

import pytest
import torch
from pythae.trainers.training_callbacks import TrainingCallback
from toy_evaluation import build_model, evaluation

from bench.data import load
from bench.errors import BadInput
from bench.evaluation.arrays.evaluation import setting_text
from bench.evaluation.evaluate import Measurement
from bench.metrics import METRICS
from bench.run import main
from bench.runs import tracking
from bench.runs.tracking import SHOWN, TRACKERS, Tracker, Tracking, require
from bench.runs.train import build, settings_of
from bench.study.suite import Run, expand
from bench.study.suite import load as load_suite
from bench.training.trainer import ImageTensors, Trainer

MEASURED = [
    Measurement("psnr", "reconstruction=mean", 20.5),
    Measurement("fid", "features=inception64;sampler=gmm", None, status="blank", reason="no weights"),
    Measurement("nll", "", 90.25),
]


class Heard(TrainingCallback):
    """A tracker that writes down what it hears."""

    events: ClassVar[list[tuple[str, Any]]] = []

    def setup(self, training_config: Any, model_config: Any = None, **names: Any) -> None:
        self.events.append(("setup", names | {"epochs": training_config.num_epochs}))

    def on_log(self, training_config: Any, logs: Any, **kwargs: Any) -> None:
        self.events.append(("on_log", dict(logs) | {"step": kwargs["global_step"]}))

    def on_prediction_step(self, training_config: Any, **kwargs: Any) -> None:
        self.events.append(("on_prediction_step", kwargs))

    def on_train_end(self, training_config: Any, **kwargs: Any) -> None:
        self.events.append(("on_train_end", None))


class Broken(Heard):
    """A tracker that cannot be reached."""

    def on_log(self, training_config: Any, logs: Any, **kwargs: Any) -> None:
        raise ConnectionError("no route to host")


@pytest.fixture(autouse=True)
def trackers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two trackers above, under their names."""
    Heard.events.clear()
    for kind in (Heard, Broken):
        monkeypatch.setitem(TRACKERS, kind.__name__.lower(), Tracker("json", f"{__name__}:{kind.__name__}"))


@pytest.fixture
def run() -> Run:
    """A run of two epochs of a small network."""
    overrides = ["epochs=2", "train_images=100", "network.channels=[4]", "network.strides=[2]", "controls=[]"]
    suite = load_suite("digits", "small", overrides)
    return expand(suite, "digits", "small", seeds=[0], shape=(1, 8, 8))[0]


def _trained(run: Run, *callbacks: TrainingCallback) -> Any:
    data = load("digits")
    images, more = (
        ImageTensors(torch.from_numpy(split.images[:100]), torch.from_numpy(split.labels[:100]))
        for split in (data.train, data.validation)
    )
    trainer = Trainer(build(run, data.shape), images, more, settings_of(run), list(callbacks))
    trainer.train()
    return trainer


def test_a_tracker_hears_of_the_epochs_then_of_measurements_and_pictures_then_of_the_end(
    run: Run, tmp_path: Path
) -> None:
    follower = Tracking(["heard"], run, tmp_path)
    history = _trained(run, follower).history
    follower.evaluated(evaluation(build_model()), MEASURED)
    follower.close()
    kinds = [kind for kind, _ in Heard.events]
    assert kinds == ["setup", "on_log", "on_log", "on_log", "on_prediction_step", "on_train_end"]
    begun, first, second, measured, pictures, _ = (what for _, what in Heard.events)
    assert (begun["project_name"], begun["run_name"], begun["epochs"]) == ("digits", run.id, 2)
    assert [first["step"], second["step"]] == history["epoch"] == [1, 2]
    assert [first["train_epoch_loss"], second["train_epoch_loss"]] == history["train_loss"]
    assert [first["eval_epoch_loss"], second["eval_epoch_loss"]] == history["validation_loss"]
    assert measured == {"eval_psnr/reconstruction-mean": 20.5, "eval_nll": 90.25, "step": 2}
    for name in ("true_data", "reconstructions", "generations"):
        assert len(pictures[name]) == SHOWN
        assert 0 <= float(pictures[name].min()) <= float(pictures[name].max()) <= 1


def test_a_run_that_was_trained_before_begins_with_its_measurements(run: Run, tmp_path: Path) -> None:
    follower = Tracking(["heard"], run, tmp_path)
    follower.evaluated(evaluation(build_model()), MEASURED)
    assert [kind for kind, _ in Heard.events] == ["setup", "on_log", "on_prediction_step"]


def test_a_run_that_did_not_begin_has_no_end(run: Run, tmp_path: Path) -> None:
    Tracking(["heard"], run, tmp_path).close()
    assert Heard.events == []


def test_a_followed_training_is_the_same_to_the_bit(run: Run, tmp_path: Path) -> None:
    alone, followed = _trained(run), _trained(run, Tracking(["heard"], run, tmp_path))
    weights = followed.model.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in alone.model.state_dict().items())


def test_a_tracker_that_raises_is_left_and_the_others_and_the_training_go_on(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    follower = Tracking(["broken", "heard"], run, tmp_path)
    with caplog.at_level(logging.WARNING, logger="bench"):
        assert len(_trained(run, follower).history["epoch"]) == 2
    assert caplog.messages == [f"{run.id} is no longer tracked by broken: ConnectionError: no route to host"]
    assert [kind for kind, _ in Heard.events] == ["setup", "setup", "on_log", "on_log"]


def test_every_measurement_has_a_name_that_every_tracker_takes() -> None:
    for name, metric in METRICS.items():
        for setting in metric.settings:
            written = tracking._name(Measurement(name, setting_text(setting), 1.0))
            assert re.fullmatch(r"[\w./ -]+", written), written
            assert not written.endswith("/")


def test_an_unknown_tracker_and_a_missing_package_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="tensorbaord.*tensorboard"):
        require(["tensorbaord"])
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"^--track tensorboard needs .*: pip install tensorboard$"):
        require(["tensorboard"])


def test_the_command_line_says_what_is_missing_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    assert main(["--track", "wandb", "--preset", "small", "--results", str(tmp_path / "results")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "results").exists()


def test_tensorboard_gives_back_curves_measurements_and_pictures(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed: pip install 'vae-bench[track]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    follower = Tracking(["tensorboard"], run, tmp_path)
    history = _trained(run, follower).history
    follower.evaluated(evaluation(build_model()), MEASURED)
    follower.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    curve = [(e.step, e.value) for e in events.Scalars("train/epoch_loss")]
    assert curve == [(i, pytest.approx(loss, rel=1e-6)) for i, loss in enumerate(history["train_loss"], start=1)]
    assert [e.step for e in events.Scalars("eval/epoch_loss")] == [1, 2]
    (psnr,) = events.Scalars("eval/psnr/reconstruction-mean")
    assert (psnr.step, psnr.value) == (2, 20.5)
    tags = events.Tags()["images"]
    assert {tag.partition("/")[0] for tag in tags} == {"true_data", "reconstructions", "generations"}


@pytest.mark.parametrize(("name", "package"), [("wandb", "wandb"), ("mlflow", "mlflow"), ("comet", "comet_ml")])
def test_pythaes_own_trackers_are_driven_to_their_end(
    name: str, package: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    library = MagicMock()
    library.__spec__ = ModuleSpec(package, None)
    monkeypatch.setitem(sys.modules, package, library)
    require([name])
    follower = Tracking([name], run, tmp_path)
    with caplog.at_level(logging.WARNING, logger="bench"):
        _trained(run, follower)
        follower.evaluated(evaluation(build_model()), MEASURED)
        follower.close()
    assert caplog.messages == []
    logged = str(library.mock_calls)
    assert "epoch_loss" in logged
    assert "psnr/reconstruction-mean" in logged
    ended = {
        "wandb": library.init().finish,
        "mlflow": library.end_run,
        "comet": library.config.get_global_experiment().end,
    }
    assert ended[name].called
