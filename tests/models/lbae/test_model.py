"""LBAE: straight-through bits, its network and margin, its loss, what a stored model keeps, Pythae's interfaces."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench import data
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS, load_model
from models.lbae.hyperplane import BIT_SAMPLERS, second_moments
from models.lbae.model import LBAE, BidirectionalLBAE, binarise
from models.lbae.pythae_sampler import BernoulliSampler, BernoulliSamplerConfig
from models.networks.kinds import LBAEConvolutions
from models.networks.lbae import even_margin
from models.networks.linear import BiConv2d, BiLinear
from models.networks.two_way import BidirectionalNetwork, count_parameters

SMALL = {"kind": "lbae", "channels": (4, 8, 8), "strides": (1, 2, 2), "hidden": (), "norm": "batch"}
BOTH = pytest.mark.parametrize("kind", [LBAE, BidirectionalLBAE])
MNIST = ((1, 28, 28), (64, 64, 128, 256), (1, 2, 2, 2))
CIFAR = ((3, 32, 32), (64, 64, 128, 256), (1, 2, 2, 2))
CELEBA = ((3, 64, 64), (64, 64, 128, 256, 256), (1, 2, 2, 2, 2))


def build(kind: Any = LBAE, shape: tuple[int, ...] = (1, 8, 8), bits: int = 6, **fields: Any) -> Any:
    torch.manual_seed(0)
    return kind(kind.config_class(input_dim=shape, latent_dim=bits, network=SMALL, **fields))


def images(n: int, shape: tuple[int, ...] = (1, 8, 8)) -> Tensor:
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(0))


def test_bits_are_exact_and_zero_is_positive() -> None:
    t = torch.tensor([-1.0, -1e-30, 0.0, 0.3, 1.0])
    assert binarise(t).tolist() == [-1, -1, 1, 1, 1]


def test_straight_through_gradient_is_the_derivative_of_tanh() -> None:
    z = torch.linspace(-3, 3, 25, dtype=torch.float64, requires_grad=True)
    upstream = torch.linspace(1, 2, 25, dtype=torch.float64)
    (binarise(z.tanh()) * upstream).sum().backward()
    assert z.grad is not None
    assert torch.allclose(z.grad, upstream * (1 - z.detach().tanh() ** 2))


def test_without_the_tanh_the_bits_are_the_same_and_the_gradient_is_one() -> None:
    with_it, without = build(tanh=True).eval(), build(tanh=False).eval()
    assert torch.equal(with_it.embed(images(5)), without.embed(images(5)))
    weight = "network.mean.linear.weight"
    gradients = []
    for model in (with_it, without):
        with torch.no_grad():
            model.encoder.get_parameter(weight).mul_(500)  # at the start, all z are near 0
        z = model.encoder.network.point(images(5))
        upstream = torch.arange(z.numel(), dtype=z.dtype).view_as(z)
        parameter = model.encoder.get_parameter(weight)
        (found,) = torch.autograd.grad((model.encoder(images(5)).embedding * upstream).sum(), parameter)
        slope = 1 - z.tanh().square() if model is with_it else torch.ones_like(z)
        (expected,) = torch.autograd.grad((z * (upstream * slope).detach()).sum(), parameter)
        torch.testing.assert_close(found, expected)
        gradients.append(found)
    assert not torch.allclose(*gradients)


@BOTH
def test_the_encoder_is_trained_through_the_bits_by_that_gradient(kind: Any) -> None:
    """The gradient at the pre-activation is the decoder's gradient at the bits, times tanh'."""
    model = build(kind).eval()
    z = model.encoder.network.point(images(5)).detach().requires_grad_()
    bits = binarise(z.tanh())
    bits.retain_grad()
    model._distortion(images(5), model._canvas(bits)).sum().backward()
    assert z.grad is not None and bits.grad is not None
    assert torch.allclose(z.grad, bits.grad * (1 - z.detach().tanh() ** 2), rtol=1e-5)


@pytest.mark.parametrize(
    ("size", "bits", "floats", "lbae", "vae"),
    [(MNIST, 200, 16, 2.48, 1.79), (CIFAR, 600, 128, 5.61, 3.24), (CELEBA, 1500, 64, 18.94, 7.44)],
)
def test_parameters_are_those_of_the_papers_code(size: Any, bits: int, floats: int, lbae: float, vae: float) -> None:
    shape, channels, strides = size
    config = LBAEConvolutions(kind="lbae-code", channels=channels, strides=strides, hidden=(), norm="batch")

    def millions(latent: int, log_variance: bool) -> float:
        with torch.device("meta"):
            encoder = BidirectionalNetwork(config, shape, latent, "forward", log_variance)
            decoder = BidirectionalNetwork(config, shape, latent, "reverse")
        return (count_parameters(encoder) + count_parameters(decoder)) / 1e6

    assert millions(bits, False) == pytest.approx(lbae, abs=0.005)
    assert millions(floats, True) == pytest.approx(vae, abs=0.005)


@pytest.mark.parametrize(("size", "bits"), [(MNIST, 200), (CIFAR, 600), (CELEBA, 1500)])
def test_the_bidirectional_form_has_half_the_parameters_of_the_mirrored_one(size: Any, bits: int) -> None:
    shape, channels, strides = size
    config = LBAEConvolutions(channels=channels, strides=strides, hidden=(), norm="batch")
    with torch.device("meta"):
        one, *two = (BidirectionalNetwork(config, shape, bits, way, False) for way in ("both", "forward", "reverse"))
    assert count_parameters(one) == pytest.approx(sum(map(count_parameters, two)) / 2, rel=0.01)


def test_the_reverse_of_the_linear_network_is_its_transpose() -> None:
    """Without biases and activations the decoder is the transposed Jacobian of the encoder, units included."""
    config = LBAEConvolutions(**{**SMALL, "norm": "bias"})  # type: ignore[arg-type]
    network = BidirectionalNetwork(config, (1, 8, 8), 3, "both", False).double()
    for module in network.modules():
        if hasattr(module, "activation"):
            module.activation = nn.Identity()
    jacobian = torch.autograd.functional.jacobian(network.point, torch.zeros(1, 1, 8, 8).double()).reshape(3, 64)
    assert torch.allclose(network.reverse(torch.eye(3).double()).reshape(3, 64), jacobian, atol=1e-10)


@pytest.mark.parametrize(
    ("shape", "strides", "padded"),
    [
        ((1, 28, 28), (1, 2, 2, 2), (1, 32, 32)),
        ((1, 28, 28), (2, 2, 2), (1, 32, 32)),
        ((3, 32, 32), (1, 2, 2, 2), (3, 32, 32)),
        ((3, 13, 10), (2, 2), (3, 16, 12)),
    ],
)
def test_padding_and_cropping_invert(shape: Any, strides: Any, padded: Any) -> None:
    margin = even_margin(shape, strides)
    x = images(2, shape)
    wide = margin.pad(x)
    assert margin.around(shape) == wide.shape[1:] == padded
    assert torch.equal(margin.crop(wide), x)
    assert float(wide.sum()) == pytest.approx(float(x.sum()))


def test_mnist_gets_two_pixels_on_every_side_and_loses_them_again() -> None:
    assert tuple(even_margin((1, 28, 28), (1, 2, 2, 2))) == (2, 2, 2, 2)
    config = LBAEConvolutions(**{**SMALL, "channels": (4, 8, 8, 8), "strides": (1, 2, 2, 2)})  # type: ignore[arg-type]
    network = BidirectionalNetwork(config, (1, 28, 28), 5, "both", False).eval()
    z = network.point(images(3, (1, 28, 28)))
    canvas = network.reverse(z, crop=False)
    assert canvas.shape == (3, 1, 32, 32)
    assert torch.equal(network.reverse(z), canvas[:, :, 2:30, 2:30])


@pytest.mark.parametrize("likelihood", ["bce", "mse"])
def test_the_loss_is_summed_over_the_image_and_its_margin(likelihood: str) -> None:
    model = build(shape=(1, 6, 7), reconstruction_loss=likelihood)
    x = images(4, (1, 6, 7))
    flat = torch.zeros(4, 1, 8, 8)  # logits of 1/2
    expected = {
        "bce": torch.full((4,), 64 * math.log(2)),
        "mse": (x - 0.5).square().flatten(1).sum(1) + 0.25 * (64 - 42),
    }[likelihood]
    assert torch.allclose(model._distortion(x, flat), expected)


@BOTH
def test_training_loss_and_selection_loss_are_one_in_evaluation_mode(kind: Any) -> None:
    from models.training import Batch

    model = build(kind).eval()
    terms = model.terms(Batch(images(5)))
    assert torch.equal(terms.losses["distortion"], model.selection_loss(images(5)))
    assert torch.equal(terms.p_x.mean, model.reconstruct(images(5)))


@BOTH
def test_bits_moments_and_samples_survive_save_and_load(kind: Any, tmp_path: Path) -> None:
    model = build(kind).eval().fit_sampler(images(50))
    model.save(str(tmp_path))
    loaded: Any = load_model(tmp_path)
    assert torch.equal(loaded.embed(images(9)), model.embed(images(9)))
    assert torch.equal(loaded.moments, model.moments)
    draws = [m.sample(7, torch.Generator().manual_seed(3)) for m in (model, loaded)]
    assert torch.equal(*draws)


def test_a_model_without_moments_says_how_to_get_them(tmp_path: Path) -> None:
    model = build().eval()
    model.save(str(tmp_path))
    for one in (model, load_model(tmp_path)):
        with pytest.raises(ValueError, match="call fit_sampler"):
            one.sample(1)  # type: ignore[operator]
        with pytest.raises(ValueError, match="call fit_sampler"):
            one.interpolate(images(1), images(1))


def test_moments_are_those_of_evaluation_mode_and_of_all_images() -> None:
    model = build()
    pixels = (images(1200) * 255).to(torch.uint8)  # more than one batch
    moments = model.train().fit_sampler(pixels).moments
    assert model.training
    expected = second_moments(model.eval().embed(pixels.float() / 255)).float()
    assert torch.equal(moments, expected)


def test_interpolation_decodes_codes_of_bits() -> None:
    model = build().eval().fit_sampler(images(50))
    path = model.interpolate(images(3), images(3).flip(0), granularity=10)
    assert path.shape == (3, 10, 1, 8, 8)
    assert 0 <= float(path.detach().min()) <= float(path.detach().max()) <= 1


@pytest.mark.parametrize("method", BIT_SAMPLERS)
def test_pythaes_sampler_interface(method: Any, tmp_path: Path) -> None:
    model = build().eval()
    sampler = BernoulliSampler(model, BernoulliSamplerConfig(method=method))
    with pytest.raises(ValueError, match="call fit"):
        sampler.sample(2)
    sampler.fit(images(40))
    made = sampler.sample(5, batch_size=2, output_dir=str(tmp_path), save_sampler_config=True)
    assert made is not None and made.shape == (5, 1, 8, 8)
    assert len(list(tmp_path.glob("*.png"))) == 5
    assert (tmp_path / "sampler_config.json").is_file()
    one, same = (sampler.sample(5, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    assert one is not None and same is not None
    assert torch.equal(one, same)


def test_networks_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="BitEncoder"):
        LBAE(LBAE.config_class(input_dim=(1, 8, 8), latent_dim=2, network=SMALL), encoder=nn.Identity())


def test_the_sampler_refuses_a_model_without_bits() -> None:
    vae = MODELS["VAE"].resolve()
    with pytest.raises(TypeError, match="needs a model of bits"):
        BernoulliSampler(vae(vae.config_class(input_dim=(1, 8, 8), latent_dim=2, network=SMALL)))


def test_rae_weighs_its_decoder_in_the_loss() -> None:
    """The gradient of the added term is Pythae's weight decay on the decoder: lambda theta."""
    rae = MODELS["StockRAE"].resolve()

    def gradients(weight: float) -> dict[str, Tensor]:
        torch.manual_seed(0)
        config = rae.config_class(input_dim=(1, 8, 8), latent_dim=2, network=SMALL, reg_weight=weight)
        model = rae(config).train()
        model({"data": images(5)}).loss.backward()
        values.update({name: p.detach() for name, p in model.named_parameters()})
        return {name: p.grad for name, p in model.named_parameters()}

    values: dict[str, Tensor] = {}
    without, with_decay = gradients(0.0), gradients(0.25)
    for name, value in values.items():
        expected = 0.25 * value if name.startswith("decoder") else torch.zeros_like(value)
        assert torch.allclose(with_decay[name] - without[name], expected, atol=1e-4), name


def test_rae_with_spectral_norm_bounds_its_decoder_and_comes_back(tmp_path: Path) -> None:
    rae = MODELS["StockRAE"].resolve()
    torch.manual_seed(0)
    model = rae(rae.config_class(input_dim=(1, 8, 8), latent_dim=2, network=SMALL, spectral_norm=True)).train()
    for _ in range(30):  # each pass takes a step of the power iteration
        model({"data": images(5)})
    model.eval()
    weights = [m.weight for m in model.decoder.modules() if isinstance(m, BiConv2d | BiLinear)]
    assert len(weights) == 6
    assert all(float(torch.linalg.matrix_norm(w.detach().flatten(1), 2)) == pytest.approx(1, abs=0.05) for w in weights)
    model.save(str(tmp_path))
    assert torch.equal(load_model(tmp_path).reconstruct(images(3)), model.reconstruct(images(3)))


@BOTH
def test_training_on_digits_lowers_the_loss(kind: Any) -> None:
    digits = data.load("digits", data_dir=None, settings={})
    train, validation = (
        ImageTensors(torch.from_numpy(part.images), torch.from_numpy(part.labels))
        for part in (digits.train, digits.validation)
    )
    config = TrainerConfig(num_epochs=4, per_device_train_batch_size=64, learning_rate=4e-3)
    trainer = Trainer(build(kind, bits=32), train, validation, config)

    def error() -> float:
        with torch.no_grad():
            return float(trainer.model.eval().selection_loss(validation.data / 255).mean())

    before = error()
    trainer.train()
    after = error()
    assert after == pytest.approx(min(trainer.history["validation_loss"]), rel=1e-3)
    assert after < 0.7 * before
