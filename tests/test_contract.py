"""What every entry of MODELS, METRICS and DATASETS keeps to; an addition tests itself here."""

from copy import deepcopy
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import torch
from pydantic import ValidationError
from pythae.samplers import GaussianMixtureSampler, GaussianMixtureSamplerConfig, NormalSampler
from torch import Tensor

from bench import data
from bench.errors import BadInput
from bench.metrics import METRICS
from models import MODELS, load_model
from models.capabilities import CAPABILITIES, capable
from models.networks import count_parameters

SHAPE, LATENT, N = (1, 8, 8), 4, 6
NETWORKS = {
    "convolutional": {"channels": (8, 16), "strides": (2, 2), "hidden": (32,)},
    "residual": {
        "kind": "residual",
        "channels": (4, 8),
        "strides": (1, 1, 2),
        "blocks": 1,
        "pool": True,
        "hidden": (),
        "norm": "batch",
    },
    "lbae": {"kind": "lbae", "channels": (4, 4, 8), "strides": (1, 2, 2), "hidden": (), "norm": "batch"},
}
EVERY_NETWORK = pytest.mark.parametrize("network", NETWORKS)
EVERY_MODEL = pytest.mark.parametrize("name", MODELS)


def likelihoods(name: str) -> tuple[str, ...]:
    """The values of `reconstruction_loss` that a model takes."""
    return get_args(get_type_hints(MODELS[name].resolve().config_class)["reconstruction_loss"])


def build(name: str, network: str = "convolutional", **fields: Any) -> Any:
    torch.manual_seed(0)
    model_class = MODELS[name].resolve()
    settings = {"reconstruction_loss": likelihoods(name)[0], "network": NETWORKS[network], **fields}
    return model_class(model_class.config_class(input_dim=SHAPE, latent_dim=LATENT, **settings))


def ready(name: str) -> Any:
    """The model in evaluation mode, able to sample."""
    model = build(name).eval()
    return model.fit_sampler(images(20)) if "bits" in model.capabilities else model


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


@EVERY_NETWORK
@EVERY_MODEL
def test_forward_has_a_finite_loss_that_reaches_every_parameter(name: str, network: str) -> None:
    model = build(name, network).train()
    inputs = {"data": images(), "labels": torch.zeros(N, dtype=torch.long)}
    out = model(inputs, epoch=1, dataset_size=100, uses_ddp=False)
    assert out.loss.ndim == 0
    assert torch.isfinite(out.loss)
    out.loss.backward()
    unreached = [key for key, p in model.named_parameters() if p.grad is None]
    assert not unreached
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@EVERY_NETWORK
@EVERY_MODEL
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
            assert torch.equal(model.posterior(images()).log_variance, loaded.posterior(images()).log_variance)


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
    assert first.shape == (N, LATENT)
    assert torch.equal(first, second)


@EVERY_MODEL
def test_samples_and_reconstructions_are_images(name: str) -> None:
    model = ready(name)
    with torch.no_grad():
        mean, sample = (model.reconstruct(images(), how) for how in ("mean", "sample"))
        for made in (mean, sample, model.sample(N) if hasattr(model, "sample") else mean):
            assert made.shape == (N, *SHAPE)
            assert 0 <= float(made.min()) <= float(made.max()) <= 1
    assert torch.equal(mean, sample) == ("posterior" not in model.capabilities)


@EVERY_MODEL
def test_draws_are_functions_of_the_generator(name: str) -> None:
    model = ready(name)
    drawing = "posterior" in model.capabilities  # a point code draws nothing

    def drawn(seed: int) -> list[tuple[Tensor, bool]]:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            x = images()
            samples = [(model.sample(8, generator), True)] if hasattr(model, "sample") else []
            loss = model.selection_loss(x, generator)
            return [*samples, (model.reconstruct(x, "sample", generator), drawing), (loss, drawing)]

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
            assert z.shape == (N, 2, LATENT)
            assert q.log_prob(z).shape == (N, 2)
        if "prior" in view.capabilities:
            assert view.prior.log_prob(z).shape == z.shape[:2]
            assert view.prior.sample(3).shape == (3, LATENT)
        if "likelihood" in view.capabilities:
            assert view.log_likelihood(x, z[:, 0]).shape == (N,)
        if "bits" in view.capabilities:
            assert torch.equal(z.abs(), torch.ones_like(z))
        assert view.decode(z[:, 0]).shape == x.shape
        assert view.selection_loss(x).shape == (N,)


@EVERY_MODEL
def test_its_likelihoods_train_and_others_are_refused(name: str) -> None:
    assert set(likelihoods(name)) <= {"bce", "mse"}
    for likelihood in likelihoods(name):
        model = build(name, reconstruction_loss=likelihood)
        assert torch.isfinite(model({"data": images(), "labels": None}, epoch=1, dataset_size=100).loss)
    with pytest.raises(ValidationError, match="reconstruction_loss"):
        build(name, reconstruction_loss="mae")


def test_every_title_has_both_directions_and_the_bidirectional_has_about_half_the_parameters() -> None:
    paired = [name for name in MODELS if MODELS[name].variant == "bidirectional"]
    assert paired
    for name in paired:
        other = name.removeprefix("Bidirectional")
        assert MODELS[other].title == MODELS[name].title
        assert MODELS[other].variant in ("unidirectional", "stock")
        assert count_parameters(build(name)) < 0.6 * count_parameters(build(other)), name


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


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_resolves_and_states_itself(name: str) -> None:
    metric = METRICS[name]
    assert callable(metric.function())
    assert metric.direction in ("lower", "higher", "none")
    assert metric.needs <= CAPABILITIES
    assert metric.label and metric.description and metric.inputs
    assert len({tuple(sorted(s.items())) for s in metric.settings}) == len(metric.settings)


@pytest.mark.parametrize("name", data.DATASETS)
def test_every_data_set_has_a_shape_before_it_is_read(name: str) -> None:
    channels, height, width = data.image_shape(name)
    assert channels in (1, 3)
    assert height >= 8 and width >= 8
    with pytest.raises(BadInput):
        data.image_shape(name, {"no such setting": "x"})
