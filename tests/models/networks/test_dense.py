"""Densely connected networks: the paper's sizes, what a block does, and the start from the first batch."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor, nn

from bench.training.engine import initialise
from bench.training.loader import Loader
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS
from models.networks.dense import ChannelAttention, DenseGroup, DenseStep, Style, dense_down, dense_flat, dense_up
from models.networks.dense_vae import DenseDecoder, DenseEncoder
from models.networks.kinds import UNREAD, Dense, network_of
from models.networks.two_way import count_parameters, shapes_alone
from models.networks.weight_norm import SPREAD, normed, start_from_data, starts_from_data

SHAPE, LATENT = (1, 8, 8), 16
DENSE = {"kind": "dense", "strides": (2, 2), "encoder": (4, 2), "decoder": (8, 2)}
SELF = {"p_y": (4, 1), "p_x": (4, 1, 1), "p_x_code": (4, 1), "q_u": (4, 1), "p_z_image": (4, 1)}
TAKES_DENSE = [
    "VAE", "BetaVAE", "BetaTCVAE", "IWAE", "BetaIWAE", "StockAE", "StockSVAE", "CorrectedVAMP", "LBAE",
]  # fmt: skip


def model_of(name: str = "VAE", seed: Any = 0, **fields: Any) -> Any:
    torch.manual_seed(seed)
    kind = MODELS[name].resolve()
    settings = {"input_dim": SHAPE, "latent_dim": LATENT, "network": SELF if name == "SelfVAE" else DENSE, **fields}
    return kind(kind.config_class(**settings))


def images(n: int, seed: int = 0) -> ImageTensors:
    pixels = torch.randint(0, 256, (n, *SHAPE), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return ImageTensors(pixels, torch.zeros(n, dtype=torch.long))


def trainer_of(name: str, states: Path | None = None, seed: int = 0) -> Trainer:
    settings = TrainerConfig(num_epochs=2, per_device_train_batch_size=10, no_cuda=True, seed=seed)
    return Trainer(model_of(name, seed), images(30), images(8, seed=1), settings, checkpoints=states)


def outputs(model: nn.Module, forward: Any) -> list[Tensor]:
    """What each weight-normalised layer gives, the first time that it is used."""
    seen: dict[int, Tensor] = {}

    def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
        seen.setdefault(id(module), output)

    layers = [m for m in model.modules() if nn.utils.parametrize.is_parametrized(m, "weight")]
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    with torch.no_grad():
        forward()
    for hook in hooks:
        hook.remove()
    assert len(seen) == len(layers)
    return list(seen.values())


# The paper's sizes


@pytest.mark.parametrize(
    ("prior", "millions"),
    [({"kind": "standard"}, 22.86), ({"kind": "mixture", "components": 1000}, 24.91)],
)
def test_the_vae_has_the_parameters_of_the_released_code(prior: dict[str, Any], millions: float) -> None:
    network = DENSE | {"encoder": (16, 8), "decoder": (128, 6)}
    settings = {"input_dim": (3, 32, 32), "latent_dim": 1024, "reconstruction_loss": "logistic-mixture"}
    with torch.device("meta"):
        model = model_of("VAE", network=network, prior=prior, **settings)
    assert count_parameters(model) / 1e6 == pytest.approx(millions, abs=0.006)


def test_the_two_level_model_has_the_parameters_of_the_released_code() -> None:
    network = {"q_u": (64, 3), "p_y": (128, 4), "q_z": (16, 4), "p_z_image": (32, 5), "p_z_code": (64, 3, 3)}
    network |= {"p_z": (64, 3, 3), "p_x_code": (64, 8), "p_x": (64, 5, 3)}
    settings = {"input_dim": (3, 32, 32), "latent_dim": 1024, "reconstruction_loss": "logistic-mixture"}
    with torch.device("meta"):
        assert count_parameters(model_of("SelfVAE", network=network, **settings)) / 1e6 == pytest.approx(27.9, abs=0.05)


def test_widths_of_the_papers_networks() -> None:
    def widths(network: nn.Sequential) -> list[int]:
        flat: list[Any] = [layer for part in network for layer in (part if type(part) is nn.Sequential else [part])]
        return [layer.out_channels for layer in flat]

    with torch.device("meta"):
        assert widths(dense_down(3, 32, (16, 8), 2)) == [131, 262, 518, 1036, 1548, 32]
        assert widths(dense_up(16, 100, (128, 6), 2)) == [784, 392, 776, 388, 100]
        assert widths(dense_flat(16, 8, 64, 3, groups=3)) == [208, 400, 592, 8]


# Blocks


def test_a_step_keeps_what_it_saw_under_one_activation() -> None:
    step: Any = DenseStep(5, 3)
    h = torch.randn(2, 5, 4, 4)
    with torch.no_grad():
        made = step(h)
        assert torch.allclose(made[:, :5], F.elu(h))
        assert torch.allclose(made[:, 5:], F.elu(step.wide(step.narrow(h))))
        assert torch.allclose(step.wide(step.narrow(2 * h)), 2 * step.wide(step.narrow(h)), atol=1e-5)  # linear
    assert step.narrow.weight.shape == (12, 5, 1, 1)


def test_attention_gates_channels_by_their_means() -> None:
    gate: Any = ChannelAttention(16)
    h = torch.randn(2, 16, 4, 4)
    first, second = (layer.weight[:, :, 0, 0] for layer in (gate.squeeze, gate.excite))
    assert first.shape == (2, 16)
    expected = h * (h.mean((2, 3)) @ first.T @ second.T).sigmoid()[:, :, None, None]
    assert torch.allclose(gate(h), expected, atol=1e-6)


def test_a_group_grows_and_scales_change_sides() -> None:
    x = torch.rand(2, 3, 8, 12)
    assert DenseGroup(3, 4, 2)(x).shape == (2, 11, 8, 12)
    assert dense_down(3, 6, (4, 2), 2)(x).shape == (2, 6, 2, 3)
    assert dense_down(3, 6, (4, 2), 0)(x).shape == (2, 6, 8, 12)
    assert dense_up(3, 6, (4, 2), 2)(x).shape == (2, 6, 32, 48)
    assert dense_up(3, 6, (4, 2), 0)(x).shape == (2, 6, 8, 12)


def test_sides_can_be_halved_by_means_and_doubled_by_pixels_of_channels() -> None:
    style, h = Style(pooling=True, subpixel=True), torch.randn(2, 5, 4, 6)
    down: Any = style.down(5)
    means = h.unflatten(3, (3, 2)).unflatten(2, (2, 2)).mean((3, 5))
    assert torch.allclose(down(h), F.conv2d(means, down[1].weight, down[1].bias, padding=1), atol=1e-6)
    up: Any = style.up(5)
    four, made = up[0](h), up(h)
    assert torch.allclose(four, F.conv2d(h, up[0].weight, up[0].bias, padding=1), atol=1e-6)
    assert (down(h).shape, made.shape) == ((2, 10, 2, 3), (2, 2, 8, 12))
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):  # channel 4 c + 2 i + j is pixel (i, j) of every field of 2 x 2
        assert torch.equal(made[:, :, i::2, j::2], four[:, 2 * i + j :: 4])


def test_pooling_costs_no_parameters_less_and_sub_pixels_four_times_as_many() -> None:
    plain, other = Style(), Style(pooling=True, subpixel=True)
    assert count_parameters(plain.down(6)) == count_parameters(other.down(6))
    weights = [6 * 3 * 9, 6 * 12 * 9]  # and a gain and a bias for each channel that comes out
    assert [count_parameters(style.up(6)) for style in (plain, other)] == [weights[0] + 6, weights[1] + 24]


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_a_gain_is_the_norm_of_an_output_channels_weights(kind: Any) -> None:
    layer: Any = normed(kind(5, 7, 3))
    gain = layer.parametrizations.weight.original0
    with torch.no_grad():
        gain.copy_(torch.rand(gain.shape) + 0.5)
    axis = 0 if kind is nn.Conv2d else 1
    norms = layer.weight.transpose(0, axis).flatten(1).norm(dim=1)
    assert torch.allclose(norms, gain.flatten(), atol=1e-6)
    assert len(norms) == 7


# The start from data


@pytest.mark.parametrize("name", ["VAE", "SelfVAE"])
def test_the_first_batch_gives_every_layer_mean_0_and_the_stated_deviation(name: str) -> None:
    """In every channel of every layer, seen through the trainer, with the same draws."""
    trainer = trainer_of(name)
    trainer.prepare_training()
    loader = Loader(images(30), "cpu", 10, 0)
    batch = loader.batch(loader.epoch()[0])
    seen = outputs(trainer.model, lambda: trainer.model.terms(batch, torch.Generator().manual_seed(0)))
    for output in seen:
        variance, mean = torch.var_mean(output.double(), (0, 2, 3), correction=0)
        assert float(mean.abs().max()) < 1e-4 * SPREAD + 1e-6
        varies = variance > 0.5 * SPREAD**2  # all but units that see one value alone
        assert torch.allclose(variance[varies].sqrt(), torch.tensor(SPREAD).double(), rtol=0.02)
        assert varies.float().mean() > 0.9


def test_gains_and_biases_alone_are_set_and_the_first_use_counts() -> None:
    layer: Any = normed(nn.Conv2d(2, 3, 1))
    before = {name: p.clone() for name, p in layer.named_parameters()}
    x = 3 + 5 * torch.randn(50, 2, 4, 4)

    def twice() -> None:
        layer(x)
        layer(100 * x)

    start_from_data(layer, twice)
    made = layer(x)
    assert torch.allclose(made.mean((0, 2, 3)), torch.zeros(3), atol=1e-6)
    assert torch.allclose(made.std((0, 2, 3)), torch.full((3,), SPREAD), rtol=1e-3)
    changed = [name for name, p in layer.named_parameters() if not torch.equal(p, before[name])]
    assert changed == ["bias", "parametrizations.weight.original0"]


def test_a_model_without_such_layers_and_the_order_of_images_are_left_alone() -> None:
    plain, dense = model_of(network={"channels": (4,), "strides": (2,), "hidden": (8,)}), model_of()
    assert starts_from_data(dense)
    assert not starts_from_data(plain)
    before = {name: p.clone() for name, p in plain.state_dict().items()}
    loader, other = (Loader(images(30), "cpu", 10, 0) for _ in range(2))
    noise = torch.get_rng_state()
    for model in (plain, dense):
        initialise(model, loader, seed=0)
    assert all(torch.equal(p, before[name]) for name, p in plain.state_dict().items())
    assert torch.equal(torch.get_rng_state(), noise)
    assert all(torch.equal(a, b) for a, b in zip(loader.epoch(), other.epoch(), strict=True))


@pytest.mark.parametrize("name", ["VAE", "SelfVAE"])
def test_training_broken_off_and_resumed_ends_with_the_same_weights(name: str, tmp_path: Path) -> None:
    whole = trainer_of(name)
    whole.train()
    broken = trainer_of(name, tmp_path)
    broken.checkpoints.due = lambda *, epoch_ended: True  # type: ignore[union-attr,method-assign]
    train_epoch = broken._train_epoch

    def first_epoch_only(epoch: int) -> None:
        if epoch == 2:
            raise KeyboardInterrupt
        train_epoch(epoch)

    broken._train_epoch = first_epoch_only  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    resumed = trainer_of(name, tmp_path)
    resumed.train()
    for key, tensor in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[key], tensor), key


# As the networks of models


@pytest.mark.parametrize("name", TAKES_DENSE)
def test_unidirectional_models_take_dense_networks(name: str) -> None:
    model = model_of(name)
    x = images(6).data / 255
    out = model({"data": x, "labels": torch.zeros(6)}, epoch=1, dataset_size=30, uses_ddp=False)
    out.loss.backward()
    assert torch.isfinite(out.loss)
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    assert model.decode(model.embed(x)).shape == x.shape


def test_a_width_scales_the_growth() -> None:
    wide, narrow = (model_of(network=DENSE | {"width": width}) for width in (1.0, 0.5))
    halved = model_of(network=DENSE | {"encoder": (2, 2), "decoder": (4, 2)})
    assert count_parameters(narrow) == count_parameters(halved) < count_parameters(wide)


def test_a_dense_network_runs_one_way_alone() -> None:
    with pytest.raises(ValueError, match="runs one way"):
        model_of("BidirectionalVAE")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"encoder": None}, "dense.encoder\n.*valid tuple"),
        ({"decoder": (0, 1)}, "dense.decoder.0\n.*not positive"),
        ({"strides": (1, 2)}, "dense.strides.0\n.*should be 2"),
        ({"hidden": (8,)}, "dense.hidden\n.*Unexpected"),
        ({"kind": "convolutional", "channels": (4, 4)}, "convolutional.encoder\n.*Unexpected"),
    ],
)
def test_bad_sizes_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises((ValidationError, ValueError), match=message):
        network_of(MODELS["VAE"].resolve().config_class, DENSE | fields)


def test_a_code_is_a_whole_number_of_maps() -> None:
    with pytest.raises(ValueError, match="no maps of 2 x 2"):
        model_of(latent_dim=6)


def test_what_the_paper_chooses_can_be_left_out_and_its_own_choice_has_the_identity_that_it_had() -> None:
    sizes = {"kind": "dense", "strides": (2,), "encoder": (4, 1), "decoder": (8, 2)}
    others = {"attention": False, "batch_norm": True, "pooling": True, "subpixel": True}
    plain, bare = Dense(**sizes), Dense(**sizes, **others)
    assert plain.identity().keys() == UNREAD.keys() | {"width", "encoder", "decoder", "kind", "strides"}
    assert bare.identity() == plain.identity() | others
    with_it, without = (DenseEncoder(config, (1, 8, 8), 16) for config in (plain, bare))
    kinds = [{type(module).__name__ for module in network.modules()} for network in (with_it, without)]
    assert "ChannelAttention" in kinds[0] and "BatchNorm2d" not in kinds[0] and starts_from_data(with_it)
    assert "AvgPool2d" not in kinds[0] and "AvgPool2d" in kinds[1]
    assert "ChannelAttention" not in kinds[1] and "BatchNorm2d" in kinds[1] and not starts_from_data(without)
    assert without(torch.rand(3, 1, 8, 8))[0].shape == (3, 16)
    code = torch.rand(3, 16)
    assert DenseDecoder(bare, (1, 8, 8), 16, 2).reverse(code).shape == (3, 2, 8, 8)


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_without_memory_weights_have_the_shapes_that_they_have_with_it(kind: type[nn.Conv2d]) -> None:
    real = normed(kind(3, 5, 3)).state_dict()
    with shapes_alone():
        alone = normed(kind(3, 5, 3)).state_dict()
    assert all(tensor.is_meta for tensor in alone.values())
    assert {key: (x.shape, x.dtype) for key, x in alone.items()} == {key: (x.shape, x.dtype) for key, x in real.items()}
