"""The forms of a model are attributes of its module, and can be copied and pickled, whole and without a side effect."""

import io
import itertools
import pickle
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from every_model import EVERY_MODEL, LATENT, NETWORKS, SHAPE, N, build
from pydantic import ValidationError
from pythae import models as pythae
from torch import Tensor

from models import MODELS
from models.bidirectional import with_networks
from models.bvae import _VAE
from models.networks.two_way import count_parameters
from models.svae.model import GAMES

DENSE = {"kind": "dense", "strides": (2,), "encoder": (4, 1), "decoder": (4, 1)}


def by_torch(model: Any) -> Any:
    stored = io.BytesIO()
    torch.save(model, stored)
    stored.seek(0)
    return torch.load(stored, weights_only=False)


WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": deepcopy,
    "torch.save": by_torch,
}


def images() -> Tensor:
    return torch.rand(N, *SHAPE, generator=torch.Generator().manual_seed(0))


def assert_twins(model: Any, twin: Any) -> None:
    """The same class, settings, tensors and ties, nothing of it shared, and the same results."""
    assert type(twin) is type(model)
    assert twin.model_config == model.model_config
    assert (twin.training, twin.model_name) == (model.training, model.model_name)
    assert count_parameters(twin) == count_parameters(model)
    assert list(twin.state_dict()) == list(model.state_dict())
    for key, tensor in model.state_dict().items():
        assert torch.equal(twin.state_dict()[key], tensor), key
    assert not {p.data_ptr() for p in twin.parameters()} & {p.data_ptr() for p in model.parameters() if p.numel()}
    inputs = {"data": images(), "labels": torch.zeros(N, dtype=torch.long)}
    losses = []
    for each in (model, twin):
        torch.manual_seed(1)
        losses.append(each(inputs, epoch=1, dataset_size=100, uses_ddp=False).loss)
    assert torch.equal(*losses)
    with torch.no_grad():
        assert torch.equal(model.eval().embed(images()), twin.eval().embed(images()))


@EVERY_MODEL
@pytest.mark.parametrize("way", WAYS)
def test_a_model_comes_back_from_a_copy_and_a_pickle(name: str, way: str) -> None:
    model = build(name).train()
    state = torch.get_rng_state()
    twin = WAYS[way](model)
    assert torch.equal(torch.get_rng_state(), state)
    assert_twins(model, twin)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "fields"),
    [("BetaVAE", {"network": DENSE, "latent_dim": 16}), ("StockRAE", {"spectral_norm": True}), ("StockRHVAE", {})],
)
def test_so_do_parametrised_layers_and_a_fitted_metric(name: str, fields: dict[str, Any], way: str) -> None:
    kind = MODELS[name].resolve()
    settings = {"input_dim": SHAPE, "latent_dim": LATENT, "network": NETWORKS["convolutional"], **fields}
    model = kind(kind.config_class(**settings)).train()
    if "metric" in model.capabilities:
        model({"data": images()})
        model.update()  # the end of an epoch of Pythae's trainers
        assert model.fitted
    assert_twins(model, WAYS[way](model))


def test_a_network_of_the_users_own_is_pickled_with_its_model() -> None:
    kind = MODELS["VAE"].resolve()
    encoder = build("VAE").encoder
    model = kind(kind.config_class(input_dim=SHAPE, latent_dim=LATENT), encoder)
    assert not model.model_config.uses_default_encoder
    assert_twins(model, WAYS["pickle"](model))
    assert next(model.encoder.parameters()) is next(encoder.parameters())


def test_the_metric_of_rhvae_is_pythaes_before_and_after_images() -> None:
    model, z = build("StockRHVAE").eval(), torch.randn(5, LATENT, generator=torch.Generator().manual_seed(0))
    theirs = pythae.RHVAE(pythae.RHVAEConfig(input_dim=SHAPE, latent_dim=LATENT))
    model.train()({"data": images()})
    with torch.no_grad():
        for law in ("G", "G_inv"):
            assert torch.equal(getattr(model, law)(z), getattr(theirs, law)(z))
        theirs.M, theirs.centroids = deepcopy(model.M), deepcopy(model.centroids)
        before = model.G(z)
        for each in (model, theirs):
            each.update()
        assert not torch.equal(model.G(z), before)
        for law in ("G", "G_inv"):
            assert torch.equal(getattr(model, law)(z), getattr(theirs, law)(z))
        twin, now = deepcopy(model), model.G(z)
        model.M_tens = 2 * model.M_tens
        assert torch.equal(twin.G(z), now)  # Pythae's copy has the metric of the model that it was copied from


def test_another_process_unpickles_a_form_by_its_name(tmp_path: Path) -> None:
    for name in ("BidirectionalVAE", "PlaneALICE", "BidirectionalM2", "SelfVAE"):
        (tmp_path / f"{name}.pickle").write_bytes(pickle.dumps(build(name)))
    code = (
        "import pathlib, pickle, sys\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.pickle')):\n"
        "    print(type(pickle.loads(path.read_bytes())).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split() == ["BidirectionalM2", "BidirectionalVAE", "PlaneALICE", "SelfVAE"]


@EVERY_MODEL
def test_a_form_and_its_configuration_are_attributes_of_their_module(name: str) -> None:
    kind = MODELS[name].resolve()
    assert kind is MODELS[name].resolve()
    for made in (kind, kind.config_class):
        assert getattr(import_module(made.__module__), made.__name__) is made
        assert made.__doc__
    assert kind.__module__ == MODELS[name].target.partition(":")[0]


@pytest.mark.parametrize("module", sorted({entry.target.partition(":")[0] for entry in MODELS.values()}))
def test_a_module_has_no_form_that_is_not_listed(module: str) -> None:
    for name in ("Nothing", "StockBetaIWAE", "Config"):
        with pytest.raises(AttributeError, match=name):
            getattr(import_module(module), name)


def test_a_class_of_a_plug_in_can_be_pickled() -> None:
    model = Twin(Twin.config_class(input_dim=SHAPE, latent_dim=LATENT, network=NETWORKS["convolutional"]))
    assert_twins(model, WAYS["pickle"](model))


@pytest.mark.parametrize("prefix", ["", "Plane", "Colour"])
def test_a_game_is_data_and_only_a_regularised_one_takes_a_weight(prefix: str) -> None:
    kinds = {name: MODELS[prefix + name].resolve() for name in GAMES if prefix + name in MODELS}
    assert kinds.keys() >= {"SymmetricVAE", "SymmetricVAER", "ALI", "ALICE"}
    assert {name: kind.game for name, kind in kinds.items()} == {name: GAMES[name] for name in kinds}
    assert len({kind.__bases__ for kind in kinds.values()}) == 1
    for name, other in itertools.product(kinds, kinds):  # those with the same terms train together
        same = GAMES[name]._replace(fools="ali") == GAMES[other]._replace(fools="ali")
        assert (kinds[name].family == kinds[other].family) == same
    for name in kinds:
        if GAMES[name].regularised:
            assert kinds[name].config_class(input_dim=SHAPE, latent_dim=2).reconstruction_weight == 0.1
        else:
            with pytest.raises(ValidationError, match="reconstruction_weight"):
                kinds[name].config_class(input_dim=SHAPE, latent_dim=2, reconstruction_weight=0.1)


Twin: Any = with_networks(_VAE, pythae.VAEConfig, "Twin", __name__, shared=True)
