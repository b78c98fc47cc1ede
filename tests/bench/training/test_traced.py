"""Steps traced, recorded or compiled, on a processor: the same training as without, or a warning that says why not."""

import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from every_model import EVERY_MODEL, SHAPE, build
from pythae.models import VAE, VAEConfig
from pythae.trainers.training_callbacks import TrainingCallback

from bench.training import recorded, traced
from bench.training.settings import StepSettings
from bench.training.single import Single
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS

REFUSED = {  # what a stock model does that no trace can hold, and with it the models of its class
    "DisentangledBetaVAE": "depends on the epoch",
    "VAMP": "convert all Tensors to FakeTensors",  # an input of its own that is no buffer
    "RHVAE": "data-dependent",
    "VAEGAN": "data-dependent",
    "SVAE": "data-dependent",
    "PoincareVAE": "allclose",
}
# Parameters have a gradient of rounding alone, of which Adam makes a step unless told not to.
NO_GRADIENT = {"GAN", "WGAN", "SelfVAE"}
PREFIX = re.compile("^(Stock|Corrected|Bidirectional)")
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler, g++")


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run traces as they are, operation by operation."""
    monkeypatch.setattr(traced, "machine_code", lambda graph, arguments, options: graph)


def trained(model: Any, folder: Path | None = None, callbacks: Any = (), **settings: Any) -> tuple[Any, list[str]]:
    """Return a model after two epochs, in batches of 16, 16 and 8, and the warnings."""
    labels = torch.arange(40) % 10
    if "class_codes" in getattr(model, "capabilities", ()):
        labels[10:] = -1
        settings["labelled_batch_size"] = 4
    pixels = torch.randint(0, 256, (40, *SHAPE), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    steps = StepSettings(**settings)
    rate = {"optimizer_params": {"eps": 1e-2}} if model.model_name in NO_GRADIENT else {}
    config = TrainerConfig(num_epochs=2, per_device_train_batch_size=16, no_cuda=True, steps=steps, **rate)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        Trainer(model, ImageTensors(pixels, labels), None, config, list(callbacks), folder).train()
    return model, [str(w.message) for w in heard if "not compiled" in str(w.message)]


def same(one: Any, other: Any, **tolerance: float) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.allclose(a, b, **tolerance) for a, b in pairs)


def stock(**options: Any) -> VAE:
    torch.manual_seed(0)
    return VAE(VAEConfig(input_dim=SHAPE, latent_dim=2, **options))


@EVERY_MODEL
@pytest.mark.usefixtures("uncompiled")
def test_a_traced_training_is_the_training(name: str) -> None:
    model, said = trained(build(name), capture=True)
    assert same(model, trained(build(name))[0], rtol=0.0, atol=1e-6)
    reason = REFUSED.get(PREFIX.sub("", name))
    assert len(said) == (reason is not None)
    assert reason is None or reason in said[0]


@EVERY_MODEL
def test_a_recorded_training_is_the_training_to_the_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[traced.Traced] = []
    take = traced.Traced.__call__

    def noted(self: Any, step: Any, index: Any) -> Any:
        steps.append(self)
        return take(self, step, index)

    monkeypatch.setattr(traced.Traced, "__call__", noted)
    plain, _ = trained(build(name))
    assert not steps  # two epochs are over sooner
    monkeypatch.setattr(recorded, "WORTH", 0)
    model, _ = trained(build(name))
    assert same(model, plain, rtol=0.0, atol=0.0)
    used = all(step._program is not None for step in steps)
    if PREFIX.sub("", name) in {"VQVAE", *REFUSED}:
        assert not used
    elif name in ("VAE", "StockVAE", "BidirectionalVAE"):  # where last bits differ, others may run as they are
        assert used


def test_convolutions_of_a_few_pixels_are_one_operation_of_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def note(graph: Any, arguments: Any, options: Any) -> Any:
        seen.extend(str(node.target) for node in graph.graph.nodes if "models.tiny" in str(node.target))
        return graph

    monkeypatch.setattr(traced, "machine_code", note)
    network = {"channels": (128, 128), "strides": (2, 2), "hidden": ()}  # the second layer sees 4 x 4 pixels

    def model() -> Any:
        torch.manual_seed(0)
        kind = MODELS["BidirectionalVAE"].resolve()
        return kind(kind.config_class(input_dim=SHAPE, latent_dim=2, network=network))

    ended, said = trained(model(), capture=True)
    assert not said
    assert sorted(seen) == [
        *["models.tiny_adjoint.default"] * 2,  # to decode, and the gradient of what the encoder's saw
        *["models.tiny_convolve.default"] * 2,
        *["models.tiny_weight_gradient.default"] * 2,
    ]
    assert same(ended, trained(model())[0], rtol=0.0, atol=1e-6)


@needs_compiler
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_compiled_training_ends_as_the_training(precision: str) -> None:
    model, said = trained(stock(), capture=True, precision=precision)
    assert not said
    tolerance = {"float32": 1e-5, "bfloat16": 2e-2}[precision]
    assert same(model, trained(stock(), precision=precision)[0], rtol=0.0, atol=tolerance)
    assert not same(model, stock())


@pytest.mark.slow
@needs_compiler
def test_a_compiled_step_keeps_running_statistics() -> None:
    model, said = trained(build("BidirectionalVAE", "lbae"), capture=True)
    assert not said
    assert same(model, trained(build("BidirectionalVAE", "lbae"))[0], rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("uncompiled")
def test_a_compiled_training_that_is_interrupted_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    class Stop(TrainingCallback):
        def on_epoch_end(self, training_config: Any, **_: Any) -> None:
            raise KeyboardInterrupt

    whole, _ = trained(build("BidirectionalIWAE"), capture=True)
    with pytest.raises(KeyboardInterrupt):
        trained(build("BidirectionalIWAE"), tmp_path, [Stop()], capture=True)
    rest, _ = trained(build("BidirectionalIWAE"), tmp_path, capture=True)
    assert same(rest, whole, rtol=0.0, atol=0.0)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("labelled", [None, 4])
def test_the_program_is_of_whole_batches_whichever_comes_first(labelled: int | None) -> None:
    """As after an interruption before an epoch's last batch."""
    model = stock() if labelled is None else build("M2")
    labels = torch.arange(40) % 10
    labels[10:] = -1
    data = ImageTensors(torch.zeros(40, *SHAPE, dtype=torch.uint8), labels)
    steps = StepSettings(labelled_batch_size=labelled, capture=True)
    config = TrainerConfig(per_device_train_batch_size=16, no_cuda=True, steps=steps)
    trainer = Trainer(model, data, None, config)
    trainer.prepare_training()
    engine = trainer.engine
    assert isinstance(engine, Single)
    engine.begin(1)
    *_, whole, rest = engine.batches()
    engine.step(rest)
    assert engine._traced[0]._program is None
    engine.step(whole)
    assert engine._traced[0]._program is not None and whole.shape[1] == 16 + (labelled or 0) > rest.shape[1]


@pytest.mark.parametrize("fault", ["gradient", "compiler"])
def test_a_wrong_program_is_not_used(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def machine_code(graph: Any, arguments: Any, options: Any) -> Any:
        if fault == "compiler":
            raise OSError("no compiler here")

        def program(*tensors: Any) -> Any:
            loss, *gradients = graph(*tensors)
            return loss, 1.01 * gradients[0], *gradients[1:]

        return program

    monkeypatch.setattr(traced, "machine_code", machine_code)
    model, said = trained(stock(), capture=True)
    assert len(said) == 1 and {"gradient": "comes out differently", "compiler": "no compiler here"}[fault] in said[0]
    assert same(model, trained(stock())[0], rtol=0.0, atol=0.0)


@pytest.mark.usefixtures("uncompiled")
def test_a_model_that_keeps_tensors_from_call_to_call_is_not_traced() -> None:
    class Remembers(VAE):
        def forward(self, inputs: Any, **options: Any) -> Any:
            out = super().forward(inputs, **options)
            self.seen = [*getattr(self, "seen", []), out.z.detach()]
            return out

    torch.manual_seed(0)
    model, said = trained(Remembers(VAEConfig(input_dim=SHAPE, latent_dim=2)), capture=True)
    assert len(said) == 1 and "keeps tensors in the model" in said[0]
    assert len(model.seen) == 6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
@pytest.mark.parametrize("name", ["VAE", "BidirectionalIWAE"])
@pytest.mark.parametrize("norm", ["bias", "batch"])
def test_a_training_compiled_on_an_accelerator_ends_as_an_eager_one(name: str, norm: str) -> None:
    losses = []
    for capture in (False, True):
        torch.manual_seed(0)
        kind = MODELS[name].resolve()
        network = {"channels": (4,), "strides": (2,), "hidden": (8,), "norm": norm}
        model = kind(kind.config_class(input_dim=SHAPE, latent_dim=3, network=network))
        pixels = torch.randint(0, 256, (40, *SHAPE), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
        data = ImageTensors(pixels, torch.arange(40) % 10)
        steps = StepSettings(precision="float32", capture=capture)
        trainer = Trainer(model, data, data, TrainerConfig(num_epochs=3, per_device_train_batch_size=16, steps=steps))
        trainer.train()
        losses.append(trainer.history["validation_loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
