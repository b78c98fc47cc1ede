"""Training that is interrupted and goes on: to the bit, from any point, past damaged files."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_training import trainer_of
from torch import Tensor

from bench.training.checkpoint import Checkpoints, random_state, set_random_state
from bench.training.settings import StepSettings
from bench.training.trainer import Trainer
from models.training import Batch, Step


class Interrupted(Exception):
    """Stands for whatever ends a process."""


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}


def assert_equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def interrupt_after(trainer: Trainer, steps: int) -> None:
    """Train until this many optimiser steps were taken, then break off; a state is written at every chance."""
    taken = 0

    def count(*_: Any) -> None:
        nonlocal taken
        if taken == steps:
            raise Interrupted
        taken += 1

    assert trainer.checkpoints is not None
    trainer.checkpoints.due = lambda *, epoch_ended: True  # type: ignore[method-assign]
    prepare = trainer.prepare_training

    def prepared() -> None:
        prepare()
        for optimiser in trainer.engine.optimisers.values():
            optimiser.optimizer.register_step_pre_hook(count)

    trainer.prepare_training = prepared  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        trainer.train()


# Resuming


@pytest.mark.parametrize("name", ["VAE", "BidirectionalVAE", "IWAE", "StockVAE"])
@pytest.mark.parametrize("steps", [1, 5, 7, 19])  # of 5 an epoch: inside epochs, at their ends, before the last
def test_an_interrupted_training_ends_with_the_same_bits(name: str, steps: int, tmp_path: Path) -> None:
    whole = trainer_of(name, None)
    whole.train()
    interrupt_after(trainer_of(name, tmp_path), steps)
    torch.manual_seed(99)  # another process has other random states
    np.random.seed(99)
    resumed = trainer_of(name, tmp_path)
    resumed.train()
    assert_equal(weights(whole), weights(resumed))
    for key in ("epoch", "train_loss", "validation_loss", "learning_rate"):
        assert whole.history[key] == resumed.history[key]


def test_a_training_interrupted_again_and_again_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = trainer_of("BidirectionalVAE", None)
    whole.train()
    for _ in range(6):
        interrupt_after(trainer_of("BidirectionalVAE", tmp_path), 3)
    resumed = trainer_of("BidirectionalVAE", tmp_path)
    resumed.train()
    assert_equal(weights(whole), weights(resumed))


def test_two_streams_resume_in_the_middle_of_a_round(tmp_path: Path) -> None:
    streams: dict[str, Any] = {"labelled": 7, "steps": StepSettings(labelled_batch_size=4)}
    whole = trainer_of("VAE", None, **streams)
    whole.train()
    interrupt_after(trainer_of("VAE", tmp_path, **streams), 8)
    resumed = trainer_of("VAE", tmp_path, **streams)
    resumed.train()
    assert_equal(weights(whole), weights(resumed))


def test_alternating_optimisers_resume_with_their_own_states(tmp_path: Path) -> None:
    def alternating(states: Path | None) -> Trainer:
        trainer = trainer_of("VAE", states)
        model = trainer.model
        halves = list(model.encoder.parameters()), list(model.decoder.parameters())

        def loss(batch: Batch, generator: Any) -> Tensor:
            return model.loss(model.terms(batch, generator).losses)

        model.steps = lambda epoch: tuple(Step(n, p, loss) for n, p in zip(("encoder", "decoder"), halves, strict=True))
        return trainer

    whole = alternating(None)
    whole.train()
    interrupt_after(alternating(tmp_path), 9)  # between the two steps of a batch
    resumed = alternating(tmp_path)
    resumed.train()
    assert_equal(weights(whole), weights(resumed))


@pytest.mark.parametrize("schedule", [{"scheduler_cls": "ReduceLROnPlateau", "scheduler_params": {"patience": 0}}])
def test_a_schedule_by_epochs_resumes(schedule: dict[str, Any], tmp_path: Path) -> None:
    whole = trainer_of("VAE", None, **schedule)
    whole.train()
    interrupt_after(trainer_of("VAE", tmp_path, **schedule), 11)
    resumed = trainer_of("VAE", tmp_path, **schedule)
    resumed.train()
    assert_equal(weights(whole), weights(resumed))


def test_a_state_of_another_training_is_refused_by_what_differs(tmp_path: Path) -> None:
    interrupt_after(trainer_of("VAE", tmp_path), 6)
    with pytest.raises(ValueError, match="learning_rate differ"):
        trainer_of("VAE", tmp_path, learning_rate=0.5).train()


_CHILD = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}]
import bench.training.checkpoint
from small_training import trainer_of

save = bench.training.checkpoint.write_whole
def slow(path, data):
    if path.suffix == ".pt":  # the state is being written: half of it is there when the signal comes
        part = path.with_name(path.name + ".1.partial")
        part.write_bytes(bytes(data)[: len(data) // 2])
        print("writing", flush=True)
        import time
        time.sleep({pause})
    save(path, data)
bench.training.checkpoint.write_whole = slow
trainer = trainer_of("BidirectionalVAE", Path({states!r}), epochs=6)
trainer.checkpoints.due = lambda *, epoch_ended: True
trainer.train()
print("done", flush=True)
"""


@pytest.mark.parametrize("writes", [1, 4, 13])
def test_kill_9_during_the_writing_of_a_state_loses_nothing(writes: int, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    code = _CHILD.format(root=str(root), tests=str(root / "tests" / "helpers"), states=str(tmp_path), pause=0.05)
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}  # which the bits depend on
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    for _ in range(writes):
        assert child.stdout.readline() == "writing\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert len(list(tmp_path.glob("*.sha256"))) == min(writes - 1, 2)
    resumed, whole = trainer_of("BidirectionalVAE", tmp_path, epochs=6), trainer_of("BidirectionalVAE", None, epochs=6)
    resumed.train()
    whole.train()
    assert_equal(weights(whole), weights(resumed))


# Files


def state(value: int) -> dict[str, Any]:
    return {"value": value, "tensor": torch.full((1000,), float(value))}


def test_the_newest_state_and_the_one_before_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for value in (1, 2, 3):
        checkpoints.save(state(value))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["000002.pt", "000002.sha256", "000003.pt", "000003.sha256"]
    loaded = Checkpoints(tmp_path).load()
    assert loaded is not None and loaded["value"] == 3 and torch.equal(loaded["tensor"], state(3)["tensor"])


@pytest.mark.parametrize("place", [0, 100, 2000, -1])
def test_one_flipped_bit_is_found_and_the_state_before_is_used(place: int, tmp_path: Path) -> None:
    for value in (1, 2):
        Checkpoints(tmp_path).save(state(value))
    path = tmp_path / "000002.pt"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))
    loaded = Checkpoints(tmp_path).load()
    assert loaded is not None and loaded["value"] == 1


@pytest.mark.parametrize("length", [0, 1, 500])
def test_a_truncated_state_is_found_and_the_state_before_is_used(length: int, tmp_path: Path) -> None:
    for value in (1, 2):
        Checkpoints(tmp_path).save(state(value))
    path = tmp_path / "000002.pt"
    path.write_bytes(path.read_bytes()[:length])
    loaded = Checkpoints(tmp_path).load()
    assert loaded is not None and loaded["value"] == 1


def test_a_state_without_its_checksum_is_passed_over_and_never_overwritten(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for value in (1, 2):
        checkpoints.save(state(value))
    (tmp_path / "000002.sha256").unlink()
    loaded = checkpoints.load()
    assert loaded is not None and loaded["value"] == 1
    checkpoints.save(state(3))
    loaded = checkpoints.load()
    assert loaded is not None and loaded["value"] == 3


def test_no_whole_state_is_no_state(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "absent").load() is None
    Checkpoints(tmp_path).save(state(1))
    (tmp_path / "000001.pt").write_bytes(b"")
    assert Checkpoints(tmp_path).load() is None


def test_states_are_read_without_pickles_arbitrary_code(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return os.system, ("true",)

    Checkpoints(tmp_path).save({"value": Harm()})
    with pytest.raises(Exception, match="[Ww]eights.only"):
        Checkpoints(tmp_path).load()


def test_writing_takes_a_twentieth_of_the_time_at_most() -> None:
    checkpoints = Checkpoints(Path("unused"))
    checkpoints._cost, checkpoints._written = 2.0, time.monotonic() - 39
    assert not checkpoints.due(epoch_ended=True)
    checkpoints._written = time.monotonic() - 41
    assert checkpoints.due(epoch_ended=True) and not checkpoints.due(epoch_ended=False)
    checkpoints._written = time.monotonic() - 61
    assert checkpoints.due(epoch_ended=False)


def test_random_states_come_back() -> None:
    def draws() -> tuple[float, float, float, float]:
        return float(torch.rand(())), np.random.rand(), random.random(), np.random.normal()

    np.random.normal()  # leaves a second normal in store
    before = random_state()
    first = draws()
    set_random_state(before)
    assert draws() == first
