"""What every entry of MODELS, METRICS and DATASETS keeps to; an addition tests itself here."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from every_model import EVERY_MODEL, EVERY_MODEL_AND_NETWORK, LATENT, SHAPE, N, build, likelihoods
from pydantic import ValidationError
from pythae.samplers import GaussianMixtureSampler, GaussianMixtureSamplerConfig, NormalSampler
from torch import Tensor

from bench import data
from bench.command import plugin_check
from bench.metrics import METRICS
from models import MODELS, NO_TWIN, load_model
from models.capabilities import CAPABILITIES, capable
from models.distributions.likelihoods import LIKELIHOODS
from models.networks.two_way import count_parameters
from models.networks.weight_norm import starts_from_data
from models.training import Batch


def ready(name: str) -> Any:
    """The model in evaluation mode, started from data where it does so, able to sample."""
    model = build(name).eval()
    if starts_from_data(model):
        model.initialise_from_data(Batch(images()), torch.Generator().manual_seed(0))
    return model.fit_sampler(images(20)) if "bits" in model.capabilities else model


def code_size(model: Any) -> int:
    """The length of a model's codes: of a labelled one, the label's row comes first; a chain says its own."""
    if hasattr(model, "code_size"):
        return model.code_size
    return LATENT + (model.model_config.classes if "class_codes" in model.capabilities else 0)


def images(n: int = N) -> Tensor:
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(0))


@EVERY_MODEL
def test_the_class_and_its_configuration_are_named_as_the_entry(name: str) -> None:
    model = build(name)
    assert type(model).__name__ == model.model_name == name
    assert model.model_config.name == f"{name}Config"
    assert MODELS[name].variant in ("unidirectional", "bidirectional", "stock", "corrected")


@EVERY_MODEL
def test_an_unknown_configuration_key_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="betta"):
        build(name, betta=1.0)


@EVERY_MODEL_AND_NETWORK
def test_forward_has_a_finite_loss_that_reaches_every_parameter(name: str, network: str) -> None:
    model = build(name, network).train()
    inputs = {"data": images(), "labels": torch.zeros(N, dtype=torch.long)}
    out = model(inputs, epoch=1, dataset_size=100, uses_ddp=False)
    assert out.loss.ndim == 0
    assert torch.isfinite(out.loss)
    out.loss.backward()
    unreached = [key for key, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not unreached
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@EVERY_MODEL_AND_NETWORK
def test_a_stored_model_comes_back_equal_and_without_pickles(name: str, network: str, tmp_path: Path) -> None:
    model = build(name, network).eval()
    model.save(str(tmp_path / "model"))
    loaded: Any = load_model(tmp_path)
    assert type(loaded) is type(model)
    assert not loaded.training
    assert count_parameters(loaded) == count_parameters(model)
    assert not list(tmp_path.rglob("*.pkl"))
    with torch.no_grad():
        z = model.embed(images())
        assert torch.equal(z, loaded.embed(images()))
        assert torch.equal(model.decode(z), loaded.decode(z))
        if "posterior" in model.capabilities:
            densities = [m.posterior(images()).log_prob(z[:, None]) for m in (model, loaded)]
            assert torch.equal(*densities)


@EVERY_MODEL
def test_a_copy_and_a_stored_model_are_tied_as_the_model_is(name: str, tmp_path: Path) -> None:
    model = build(name)
    model.save(str(tmp_path))
    for twin in (deepcopy(model), load_model(tmp_path)):
        assert count_parameters(twin) == count_parameters(model)
        shared = {id(p) for p in twin.encoder.parameters()} & {id(p) for p in twin.decoder.parameters()}
        assert bool(shared) == (MODELS[name].variant == "bidirectional")
        assert not {id(p) for p in twin.parameters()} & {id(p) for p in model.parameters()}


@EVERY_MODEL
def test_embedding_is_deterministic_and_one_code_an_image(name: str) -> None:
    model = build(name).eval()
    first, second = model.embed(images()), model.embed(images())
    assert first.shape == (N, code_size(model))
    assert torch.equal(first, second)


@EVERY_MODEL
def test_samples_and_reconstructions_are_images(name: str) -> None:
    model = ready(name)
    with torch.no_grad():
        mean, sample = (model.reconstruct(images(), how) for how in ("mean", "sample"))
        for made in (mean, sample, model.sample(N) if hasattr(model, "sample") else mean):
            assert made.shape == (N, *SHAPE)
            assert "points" in model.capabilities or 0 <= float(made.min()) <= float(made.max()) <= 1
    assert torch.equal(mean, sample) == model.capabilities.isdisjoint(("posterior", "noise"))


@EVERY_MODEL
def test_draws_are_functions_of_the_generator(name: str) -> None:
    model = ready(name)
    drawing = not model.capabilities.isdisjoint(("posterior", "noise"))  # a point code draws nothing

    def drawn(seed: int) -> list[tuple[Tensor, bool]]:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            x = images()
            samples = [(model.sample(8, generator), True)] if hasattr(model, "sample") else []
            loss = model.selection_loss(x, generator)
            criterion = [] if loss is None else [(loss, drawing)]
            return [*samples, (model.reconstruct(x, "sample", generator), drawing), *criterion]

    for (one, random), (same, _), (other, _) in zip(drawn(0), drawn(0), drawn(1), strict=True):
        assert torch.equal(one, same)
        assert torch.equal(one, other) != random


@EVERY_MODEL
def test_capabilities_are_known_and_every_one_works(name: str) -> None:
    view = capable(build(name).eval())
    assert view.capabilities <= CAPABILITIES
    assert {"encode", "reconstruct", "generate"} <= view.capabilities
    x = images()
    with torch.no_grad():
        z = view.embed(x)[:, None]  # [N, 1, L]
        if "posterior" in view.capabilities:
            q = view.posterior(x)
            z = q.rsample(2)
            assert z.shape == (N, 2, code_size(view))
            assert q.log_prob(z).shape == (N, 2)
        if "prior" in view.capabilities:
            assert view.prior.log_prob(z).shape == z.shape[:2]
            assert view.prior.sample(3).shape == (3, code_size(view))
        if "likelihood" in view.capabilities:
            assert view.log_likelihood(x, z[:, 0]).shape == (N,)
        if "bits" in view.capabilities:
            assert torch.equal(z.abs(), torch.ones_like(z))
        assert view.decode(z[:, 0]).shape == x.shape
        if "classify" in view.capabilities:
            log_probs = view.label_log_probs(x)
            assert torch.allclose(log_probs.exp().sum(1), torch.ones(N))
            assert torch.equal(view.predict_label(x), log_probs.argmax(1))
        if "class_codes" in view.capabilities:
            y = torch.eye(view.model_config.classes)[:N]
            latent = view.latent_given(x, y)
            assert latent.shape == (N, LATENT)
            assert view.decode_given(y, latent).shape == x.shape
        criterion = view.selection_loss(x)
        assert criterion is None or criterion.shape == (N,)


@EVERY_MODEL
def test_its_likelihoods_train_and_others_are_refused(name: str) -> None:
    assert set(likelihoods(name)) <= set(LIKELIHOODS)
    for likelihood in likelihoods(name):
        model = build(name, reconstruction_loss=likelihood)
        inputs = {"data": images(), "labels": torch.zeros(N, dtype=torch.long)}
        assert torch.isfinite(model(inputs, epoch=1, dataset_size=100).loss)
    with pytest.raises(ValidationError, match="reconstruction_loss"):
        build(name, reconstruction_loss="mae")


def of_two_networks(name: str) -> str:
    """The model of the same loss as a bidirectional one, with an encoder and a decoder."""
    title = name.removeprefix("Bidirectional")
    return next(prefix + title for prefix in ("", "Corrected", "Stock") if prefix + title in MODELS)


def test_a_bidirectional_model_has_about_half_the_parameters_of_its_two_networks() -> None:
    paired = [name for name in MODELS if MODELS[name].variant == "bidirectional"]
    assert paired
    for name in paired:
        other = of_two_networks(name)
        assert MODELS[other].title == MODELS[name].title
        assert MODELS[other].variant in ("unidirectional", "corrected", "stock")
        one, two = (torch.nn.ModuleList([m.encoder, m.decoder]) for m in (build(name), build(other)))
        assert count_parameters(one) < 0.6 * count_parameters(two), name


def test_every_stock_model_has_a_bidirectional_form_or_a_reason_why_not() -> None:
    stock = {name.removeprefix("Stock") for name in MODELS if MODELS[name].variant == "stock"}
    assert len(stock) == 25
    assert {name for name in stock if f"Bidirectional{name}" not in MODELS} == set(NO_TWIN)


@pytest.mark.parametrize("name", ["VAE", "BidirectionalVAE"])
def test_pythaes_samplers_work(name: str) -> None:
    model = build(name).eval()
    model.device = "cpu"
    normal = NormalSampler(model).sample(num_samples=5, return_gen=True)
    mixture = GaussianMixtureSampler(model, GaussianMixtureSamplerConfig(n_components=2))
    x = images(20)
    mixture.fit(x / x.max())  # Pythae wants data that reach 1
    for made in (normal, mixture.sample(num_samples=5, return_gen=True)):
        assert made.shape == (5, *SHAPE)
        assert 0 <= float(made.min()) <= float(made.max()) <= 1


def test_load_model_refuses_what_it_cannot_vouch_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="not a stored model"):
        load_model(tmp_path)
    (tmp_path / "model_config.json").write_text('{"name": "EvilConfig"}')
    with pytest.raises(ValueError, match="not in the registry"):
        load_model(tmp_path)
    (tmp_path / "encoder.pkl").write_bytes(b"")
    with pytest.raises(ValueError, match="would run code"):
        load_model(tmp_path)


# What is asked of the entries of plug-ins too


@EVERY_MODEL
def test_every_model_keeps_the_contract(name: str) -> None:
    assert plugin_check.model_problems(name) == []


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_keeps_the_contract(name: str) -> None:
    assert plugin_check.metric_problems(name) == []


@pytest.mark.parametrize("name", data.DATASETS)
def test_every_data_set_keeps_the_contract(name: str) -> None:
    assert plugin_check.dataset_problems(name) == []
