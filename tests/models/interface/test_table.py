"""Every entry of the table of Pythae's tools is true: what it calls right works, and what it calls wrong is refused."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from every_model import EVERY_MODEL, LATENT, SHAPE, build
from pythae import models as pythae
from pythae import samplers, trainers
from pythae.data.datasets import BaseDataset
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor

from bench.likelihood import nll
from models import MODELS, AutoModel, load_model
from models.interface.table import TRAINERS, entries
from models.networks.linear import Flatten

N = 12


def images() -> Tensor:
    x = torch.rand(N, *SHAPE, generator=torch.Generator().manual_seed(1))
    x[0, 0, 0, :2] = torch.tensor([0.0, 1.0])  # Pythae's samplers want data that reach 1
    return x


class OwnEncoder(BaseEncoder):
    def forward(self, x: Tensor) -> ModelOutput:
        return ModelOutput(embedding=x.flatten(1)[:, :LATENT], log_covariance=x.flatten(1)[:, -LATENT:])


class OwnDecoder(BaseDecoder):
    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=z.sigmoid().mean(1)[:, None, None, None].expand(-1, *SHAPE))


def own_networks(model: Any) -> None:
    """A model of two networks takes another two; one of one network takes another one."""
    own = {"encoder": Flatten(SHAPE)} if model.shared else {"encoder": OwnEncoder(), "decoder": OwnDecoder()}
    type(model)(copy.deepcopy(model.model_config), **own)


def settings(folder: Path, **more: Any) -> BaseTrainerConfig:
    return BaseTrainerConfig(output_dir=str(folder), num_epochs=1, no_cuda=True, **more)


def fitted(name: str, folder: Path, **options: Any) -> Callable[[Any], None]:
    """A use of a sampler of Pythae's, fitted to images where it can be."""

    def use(model: Any) -> None:
        kind, config = getattr(samplers, name), getattr(samplers, f"{name}Config")(**options)
        trained = {} if name.startswith("Gaussian") else {"eval_data": images(), "training_config": settings(folder)}
        sampler = kind(model, config)
        if hasattr(sampler, "fit"):
            sampler.fit(images(), **trained)
        assert sampler.sample(3).shape == (3, *SHAPE)

    return use


def in_type(kind: torch.dtype) -> Callable[[Any], None]:
    """A step's gradients in another type."""

    def use(model: Any) -> None:
        labels = torch.arange(N) % 3
        model.to(kind).train()({"data": images().to(kind), "labels": labels}).loss.backward()

    return use


def uses(folder: Path) -> dict[str, Callable[[Any], Any]]:
    """What each column of the table, but for trainers, stands for."""

    def stored(load: Callable[[str], Any]) -> Callable[[Any], None]:
        def use(model: Any) -> None:
            model.save(str(folder / "model"))
            assert type(load(str(folder / "model"))) is type(model)

        return use

    def predict_steps(model: Any) -> None:
        data = BaseDataset(images(), torch.arange(N) % 3)
        BaseTrainer(model, data, data, settings(folder, steps_predict=1)).train()

    return {
        "save, load_model": stored(load_model),
        "models.AutoModel": stored(AutoModel.load_from_folder),
        "pythae's AutoModel": stored(pythae.AutoModel.load_from_folder),
        "steps_predict": predict_steps,
        "NormalSampler": lambda model: samplers.NormalSampler(model).sample(3),
        "GaussianMixtureSampler": fitted("GaussianMixtureSampler", folder, n_components=1),
        "MAFSampler": fitted("MAFSampler", folder, n_made_blocks=1),
        "IAFSampler": fitted("IAFSampler", folder, n_made_blocks=1),
        "HypersphereUniformSampler": fitted("HypersphereUniformSampler", folder),
        "VAMPSampler": fitted("VAMPSampler", folder),
        "PoincareDiskSampler": fitted("PoincareDiskSampler", folder),
        "RHVAESampler": fitted("RHVAESampler", folder, mcmc_steps_nbr=1, n_lf=1),
        "PixelCNNSampler": fitted("PixelCNNSampler", folder, n_layers=2),
        "TwoStageVAESampler": fitted("TwoStageVAESampler", folder, second_layers_dim=8),
        "get_nll": lambda model: model.get_nll(images(), n_samples=2),
        "own networks": own_networks,
        "double": in_type(torch.float64),
        "bfloat16": in_type(torch.bfloat16),
    }


FITTED = ("GaussianMixtureSampler", "MAFSampler", "IAFSampler", "TwoStageVAESampler", "PixelCNNSampler")
SLOW = (*FITTED, "steps_predict", "double", "bfloat16")


def hold(name: str, columns: tuple[str, ...], folder: Path) -> None:
    """Check entries of a model: what works is "yes", and what is not has a message."""
    wrong = {}
    for column in columns:
        model = build(name).eval()
        entry = entries(model)[column]
        try:
            uses(folder)[column](model)
        except Exception as error:
            assert str(error), (column, type(error))
            worked = False
        else:
            worked = True
        if worked != (entry == "yes"):
            wrong[column] = entry
    assert not wrong


@EVERY_MODEL
def test_what_the_table_says_of_a_model_is_so(name: str, tmp_path: Path) -> None:
    hold(name, tuple(column for column in uses(tmp_path) if column not in SLOW), tmp_path)


@pytest.mark.slow
@EVERY_MODEL
def test_what_the_table_says_of_samplers_and_types_is_so(name: str, tmp_path: Path) -> None:
    hold(name, SLOW, tmp_path)


def test_the_table_has_every_sampler_and_trainer_of_pythae() -> None:
    known = {name for module in (samplers, trainers) for name in module.__all__ if not name.endswith("Config")}
    assert known - {"BaseSampler"} <= entries(build("VAE")).keys()


@EVERY_MODEL
def test_what_is_tried_is_what_the_table_has(name: str, tmp_path: Path) -> None:
    tried = {*uses(tmp_path), *TRAINERS, "TrainingPipeline"}  # the latter in test_trainers.py
    assert tried == entries(build(name)).keys()


@EVERY_MODEL
def test_forward_has_pythaes_keys(name: str) -> None:
    out = build(name).train()({"data": images(), "labels": torch.arange(N) % 3})
    assert {"loss", "recon_loss", "reg_loss", "recon_x", "reconstruction", "z"} <= out.keys()
    assert copy.copy(out).keys() == out.keys()


@pytest.mark.parametrize("kind", ["standard", "mixture", "realnvp", "vamp"])
def test_get_nll_and_the_benchmarks_estimate_are_one_under_every_prior(kind: str) -> None:
    torch.manual_seed(0)
    settings = {"prior": {"kind": kind, "components": 3}, "reconstruction_loss": "bce"}
    vae = MODELS["VAE"].resolve()
    latent = 16 if kind == "realnvp" else LATENT  # the least that it takes
    model = vae(vae.config_class(input_dim=SHAPE, latent_dim=latent, **settings)).eval()
    found = model.get_nll(images(), n_samples=50, batch_size=100)
    assert found == pytest.approx(-float(nll(model, images(), 50).mean()), abs=0.5)
    if kind != "standard":
        with pytest.raises(ValueError, match=r"codes of VAE are not of N\(0, I\)"):
            samplers.NormalSampler(model).sample(2)


def test_gaussian_codes_are_no_bits() -> None:
    with pytest.raises(ValueError, match="a code of LBAE is of bits"):
        build("LBAE").decode(torch.randn(2, LATENT))


@pytest.mark.parametrize("likelihood", ["gaussian", "logistic", "logistic-mixture"])
def test_a_decoder_of_means_has_no_other_likelihood_than_its_own(likelihood: str) -> None:
    kind = MODELS["VAE"].resolve()
    config = kind.config_class(input_dim=SHAPE, latent_dim=LATENT, reconstruction_loss=likelihood)
    with pytest.raises(ValueError, match=f"{likelihood}.*bce or mse"):
        kind(config, decoder=OwnDecoder())


@pytest.mark.parametrize("name", ["StockVAE", "StockAE"])
def test_a_decoder_of_one_number_is_no_image(name: str) -> None:
    class One(BaseDecoder):
        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=z[:, :1])

    kind = MODELS[name].resolve()
    model: Any = kind(kind.config_class(input_dim=SHAPE, latent_dim=LATENT), decoder=One())
    with pytest.raises(ValueError, match=r"the decoder gives \(12, 1\) for images \(12, 1, 8, 8\)"):
        model({"data": images()})


def test_labels_of_pythaes_arrays_are_none() -> None:
    model = build("M2")
    ones = torch.ones(N)
    with pytest.raises(ValueError, match="learns from labels, and these images have none"):
        model.train()({"data": images(), "labels": ones})
    with torch.no_grad():
        assert model.eval()({"data": images(), "labels": ones}).forward_labelled == 0
        assert model({"data": images(), "labels": torch.arange(N).float() % 3}).forward_labelled != 0


@pytest.mark.parametrize("name", ["VAE", "BetaVAE", "BetaTCVAE", "IWAE"])
def test_a_name_of_ours_is_not_pythaes(name: str, tmp_path: Path) -> None:
    model = build(name)
    kind = type(model)
    own = kind(copy.deepcopy(model.model_config), encoder=OwnEncoder(), decoder=OwnDecoder())
    for place, saved in (("built", model), ("own", own)):
        saved.save(str(tmp_path / place))
        assert type(AutoModel.load_from_folder(str(tmp_path / place))) is kind
        if place == "own" and name in ("VAE", "BetaVAE"):  # which is Pythae's own, up to a constant
            assert type(pythae.AutoModel.load_from_folder(str(tmp_path / place))) is getattr(pythae, name)
        else:
            with pytest.raises(NameError):
                pythae.AutoModel.load_from_folder(str(tmp_path / place))


FLAT = [n for n in MODELS if MODELS[n].variant == "bidirectional" and "MSSSIM" not in n]


@pytest.mark.parametrize("name", FLAT)
def test_every_bidirectional_model_takes_vectors(name: str, tmp_path: Path) -> None:
    kind = MODELS[name].resolve()
    model = kind(kind.config_class(input_dim=(10,), latent_dim=LATENT)).train()
    x = torch.rand(N, 10)
    model({"data": x, "labels": torch.arange(N) % 3}).loss.backward()
    model.eval().save(str(tmp_path))
    again: Any = load_model(tmp_path)
    assert torch.equal(again.reconstruct(x), model.reconstruct(x))
    assert model.reconstruct(x).shape == x.shape


@pytest.mark.parametrize("shape", [None, (), (0, 8, 8)])
def test_an_input_without_a_shape_is_one_line(shape: tuple[int, ...] | None) -> None:
    for name in ("VAE", "BidirectionalVAE", "M2", "SelfVAE"):
        kind = MODELS[name].resolve()
        with pytest.raises(ValueError, match=f"input_dim of {name} must be"):
            kind(kind.config_class(input_dim=shape, latent_dim=LATENT))
