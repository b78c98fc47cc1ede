"""The papers' networks: parameter counts by hand, shapes both ways, matched controls."""

from itertools import pairwise

import pytest
import torch
from pydantic import ValidationError

from bench.data import image_shape
from bench.study import suite, suite_files
from models import MODELS
from models.networks.kinds import Convolutional, Network, Perceptron, Residual, network_of
from models.networks.two_way import (
    BidirectionalNetwork,
    count_parameters,
    matched_width,
    unidirectional_parameters,
)

SMALL = Convolutional(channels=(8, 16), strides=(2, 2), hidden=(32,))


def of_suite(name: str, preset: str) -> tuple[Network, tuple[int, ...], int]:
    loaded = suite.load(name, preset)
    size = loaded.presets[preset]  # type: ignore[index]
    latent = loaded.rows[0].latent_dim or size.latent_dim
    return (
        network_of(MODELS["VAE"].resolve().config_class, size.network),
        image_shape(loaded.dataset, loaded.data),
        latent,
    )


def both_parameters(config: Network, shape: tuple[int, ...], latent: int) -> int:
    with torch.device("meta"):
        return count_parameters(BidirectionalNetwork(config, shape, latent, "both"))


@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_mnist_parameters_are_the_papers(name: str) -> None:
    config, shape, latent = of_suite(name, "paper")
    assert 11.05e6 <= both_parameters(config, shape, latent) <= 11.08e6  # 11.1 M in Tables I and II
    assert 22.05e6 <= unidirectional_parameters(config, shape, latent) <= 22.12e6  # 22.1 M


def test_mnist_parameters_are_the_layer_arithmetic() -> None:
    stages = [64, 128, 256, 512]
    convolutions = 9 * 64 + sum(9 * (a * b + 3 * b * b) for a, b in pairwise([64, *stages]))
    heads = 2 * 512 * 64
    forward_norms = 2 * (64 + sum(4 * c for c in stages))  # stem and four convolutions a stage, each two vectors
    reverse_norms = 2 * (sum(4 * c - c + p for p, c in pairwise([64, *stages])) + 512)  # inputs, and the head's
    biases = 64 + 64 + 1  # mean, log-variance, pixel logit
    expected = convolutions + heads + forward_norms + reverse_norms + biases
    assert both_parameters(*of_suite("mnist", "paper")) == expected


@pytest.mark.parametrize(
    ("name", "channels", "flat", "hidden"),
    [
        ("cifar10", [3, 64, 128, 256, 512, 1024, 2048], 2048, 1024),
        ("celeba", [3, 128, 128, 192, 256, 384, 512, 768, 1024, 1024], 4096, 2048),
    ],
)
def test_colour_networks_are_the_printed_layers(name: str, channels: list[int], flat: int, hidden: int) -> None:
    config, shape, latent = of_suite(name, "paper")
    weights = sum(9 * a * b for a, b in pairwise(channels)) + flat * hidden
    head = hidden * latent
    forward = weights + 2 * head + 2 * (sum(channels[1:]) + hidden) + 2 * latent
    reverse = weights + head + 2 * (sum(channels[1:-1]) + flat + hidden) + channels[0]
    assert latent == 256
    assert unidirectional_parameters(config, shape, latent) == forward + reverse
    assert both_parameters(config, shape, latent) == forward + reverse - weights - head


def with_controls() -> list[str]:
    """The suites that have parameter-matched controls."""
    return [n for n in suite_files.names() if any("control" in row.variants for row in suite.load(n, "small").rows)]


@pytest.mark.parametrize("name", with_controls())
@pytest.mark.parametrize("preset", ["small", "paper"])
def test_control_is_within_two_percent_and_pairs_halve(name: str, preset: str) -> None:
    config, shape, latent = of_suite(name, preset)
    both, two = both_parameters(config, shape, latent), unidirectional_parameters(config, shape, latent)
    assert 0.5 <= both / two <= (0.53 if suite.load(name, preset).table == "bvae" else 0.56)
    control = unidirectional_parameters(matched_width(config, shape, latent), shape, latent)
    assert control == pytest.approx(both, rel=0.02)


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        (SMALL, (1, 8, 8)),
        (SMALL, (3, 13, 10)),
        (
            Residual(channels=(4, 8), strides=(2, 1, 2), pool=True, hidden=(), norm="batch"),
            (1, 28, 28),
        ),
    ],
)
def test_shapes_both_ways(config: Network, shape: tuple[int, ...]) -> None:
    network = BidirectionalNetwork(config, shape, 5, "both")
    mean, log_variance = network(torch.rand(4, *shape))
    assert mean.shape == log_variance.shape == (4, 5)
    assert network.reverse(mean).shape == (4, *shape)


def test_the_reverse_of_a_linear_network_is_its_transpose() -> None:
    """Without biases and activations the decoder is the transposed Jacobian of the encoder's mean."""
    network = BidirectionalNetwork(SMALL, (1, 8, 8), 3, "both").double()
    for module in network.modules():
        if hasattr(module, "activation"):
            module.activation = None
    jacobian = torch.autograd.functional.jacobian(lambda x: network(x)[0], torch.zeros(1, 1, 8, 8).double())
    matrix = jacobian.reshape(3, 64)
    decoded = network.reverse(torch.eye(3).double()).reshape(3, 64)
    assert torch.allclose(decoded, matrix, atol=1e-10)


def test_a_one_way_network_can_run_backwards_without_parameters_of_its_own() -> None:
    for norm in ("bias", "batch"):
        config = Convolutional(channels=(8, 16), strides=(2, 2), hidden=(32,), norm=norm)
        network = BidirectionalNetwork(config, (1, 8, 8), 4, "forward")
        reverse = [p for name, p in network.named_parameters() if "after_reverse" in name]
        assert reverse == []
        assert network.reverse(torch.randn(6, 4)).isfinite().all()


def test_a_decoder_has_no_log_variance_head() -> None:
    network = BidirectionalNetwork(SMALL, (1, 8, 8), 4, "reverse")
    assert network.log_variance is None
    with pytest.raises(RuntimeError, match="log-variance"):
        network(torch.rand(1, 1, 8, 8))


def test_bad_configurations_are_refused() -> None:
    with pytest.raises((ValidationError, ValueError), match="strides"):
        Convolutional(channels=(8, 16), strides=(2,))
    with pytest.raises((ValidationError, TypeError)):
        Convolutional(chanels=(8,))  # type: ignore[call-arg]


def test_a_perceptron_is_two_layers_of_tanh_each_way() -> None:
    config = Perceptron(hidden=(20, 10))
    network = BidirectionalNetwork(config, (1, 8, 8), 4, "both")
    first, second = (layer.linear.weight for layer in network.trunk[1:])
    x, z = torch.rand(3, 1, 8, 8), torch.randn(3, 4)
    hidden = (x.flatten(1) @ first.T).tanh() @ second.T
    assert torch.allclose(network(x)[0], hidden.tanh() @ network.mean.linear.weight.T, atol=1e-6)
    decoded = ((z @ network.mean.linear.weight).tanh() @ second).tanh() @ first
    assert torch.allclose(network.reverse(z).flatten(1), decoded, atol=1e-6)
    with pytest.raises((ValidationError, ValueError), match="hidden layers"):
        Perceptron(hidden=())
