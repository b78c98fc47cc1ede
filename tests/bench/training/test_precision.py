"""Networks in bfloat16: everything outside them is float32, and a real run ends where float32 does."""

import warnings

import pytest
import torch
from pythae import models as pythae

from bench import data
from bench.likelihood import nll
from bench.training.precision import chosen, set_precision, times_as_long
from bench.training.settings import StepSettings
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS
from models.training import Batch

SHAPE = (1, 8, 8)


def test_auto_is_bfloat16_on_an_accelerator_alone() -> None:
    assert chosen("auto", "cuda") == chosen("bfloat16", "cpu") == torch.bfloat16
    assert chosen("auto", "cpu") is None and chosen("float32", "cuda") is None


@pytest.mark.parametrize("ratio", [0.4, 9.04])
def test_bfloat16_is_warned_of_with_the_ratio_where_it_is_slower(ratio: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.training.precision.times_as_long", lambda: ratio)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for asked in (("bfloat16", "cpu"), ("auto", "cpu"), ("float32", "cpu"), ("bfloat16", "cuda")):
            chosen(*asked)
    assert ["takes 9.0 times as long" in str(warning.message) for warning in caught] == [True] * (ratio > 1)


def test_the_ratio_is_measured_and_moves_no_draw() -> None:
    before = torch.get_rng_state()
    assert 0.05 < times_as_long() < 200
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["VAE", "BidirectionalBetaTCVAE", "IWAE"])
def test_terms_codes_and_gradients_are_float32(name: str) -> None:
    kind = MODELS[name].resolve()
    model = kind(kind.config_class(input_dim=SHAPE, latent_dim=3))
    set_precision(model, torch.bfloat16)
    terms = model.terms(Batch(torch.rand(4, *SHAPE), dataset_size=4))
    assert terms.z.dtype == terms.p_x.mean.dtype == torch.float32
    assert {term.dtype for term in terms.losses.values()} == {torch.float32}
    model.loss(terms.losses).backward()
    assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}


def test_a_stock_models_networks_compute_in_bfloat16_and_its_loss_does_not() -> None:
    torch.manual_seed(0)
    model = pythae.VAE(pythae.VAEConfig(input_dim=SHAPE, latent_dim=2, reconstruction_loss="bce"))
    x = torch.rand(4, *SHAPE)
    exact = model.encoder(x).embedding
    set_precision(model, torch.bfloat16)
    rounded = model.encoder(x).embedding
    assert rounded.dtype == torch.float32 and not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.05)
    assert model({"data": x}).loss.dtype == torch.float32
    set_precision(model, None)
    assert torch.equal(model.encoder(x).embedding, exact)


def test_linear_networks_are_cast_too() -> None:
    linear = pythae.VAE(pythae.VAEConfig(input_dim=SHAPE, latent_dim=2))
    set_precision(linear, torch.bfloat16)
    seen = []
    layer = next(module for module in linear.encoder.modules() if isinstance(module, torch.nn.Linear))
    layer.register_forward_hook(lambda _module, _inputs, out: seen.append(out.dtype))
    linear({"data": torch.rand(2, *SHAPE)})
    assert seen == [torch.bfloat16]


@pytest.mark.slow
def test_bfloat16_ends_within_a_tenth_of_a_nat_of_float32() -> None:
    found = data.load("digits")
    training, validation = (
        ImageTensors(torch.from_numpy(s.images), torch.from_numpy(s.labels)) for s in (found.train, found.validation)
    )
    test = torch.from_numpy(found.test.images)
    values = []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        kind = MODELS["BidirectionalVAE"].resolve()
        network = {"channels": (16, 32), "strides": (2, 2), "hidden": (64,)}
        model = kind(kind.config_class(input_dim=SHAPE, latent_dim=16, reconstruction_loss="bce", network=network))
        settings = TrainerConfig(
            num_epochs=60,
            per_device_train_batch_size=64,
            learning_rate=4e-3,
            no_cuda=True,
            steps=StepSettings(precision=precision),
        )
        trainer = Trainer(model, training, validation, settings)
        trainer.train()
        values.append(nll(trainer.model, test, 100, generator=torch.Generator().manual_seed(0)).mean().item())
    assert abs(values[0] - values[1]) < 0.1
    assert values[0] != values[1]
