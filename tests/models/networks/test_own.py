"""Networks of the user's own that run both ways: taken where they are what they say, else one line says what is not."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from every_model import LATENT, SHAPE, N
from pythae import models as pythae
from torch import Tensor, nn

from models import MODELS, load_model
from models.bidirectional import with_networks
from models.bvae import _VAE
from models.networks.layers import BiLayer
from models.networks.linear import BiConv2d, BiLinear, Flatten, TwoWay
from models.networks.own import checked
from models.networks.two_way import shapes_alone

BIDIRECTIONAL = [name for name in MODELS if MODELS[name].variant == "bidirectional"]


class Patches(TwoWay):
    """Patches of 4 x 4 pixels, one matrix for all."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.in_shape, self.out_shape = shape, (8, *(side // 4 for side in shape[1:]))
        self.weight = nn.Parameter(torch.randn(8, shape[0], 4, 4) / 4)
        self.bias, self.pixel_bias = nn.Parameter(torch.ones(8)), nn.Parameter(torch.ones(shape[0]))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, stride=4)

    def reverse(self, y: Tensor) -> Tensor:
        return F.conv_transpose2d(y, self.weight, self.pixel_bias, stride=4)


class Own(TwoWay):
    def __init__(self, shape: tuple[int, ...] = SHAPE):
        super().__init__()
        self.patches = Patches(shape)
        self.in_shape, self.out_shape = shape, self.patches.out_shape

    def forward(self, x: Tensor) -> Tensor:
        return self.patches(x).tanh()

    def reverse(self, y: Tensor) -> Tensor:
        return self.patches.reverse(y)


def data() -> dict[str, Tensor]:
    x = torch.rand(N, *SHAPE, generator=torch.Generator().manual_seed(1))
    return {"data": x, "labels": torch.arange(N) % 3}


@pytest.mark.parametrize("name", BIDIRECTIONAL)
def test_every_bidirectional_model_takes_one_network(name: str, tmp_path: Path) -> None:
    kind = MODELS[name].resolve()
    own = Own()
    before = own.patches.weight.detach().clone()
    model: Any = kind(kind.config_class(input_dim=SHAPE, latent_dim=LATENT), encoder=own)
    assert torch.equal(own.patches.weight, before)
    of_encoder, of_decoder = ({id(p) for p in part.parameters()} for part in (model.encoder, model.decoder))
    assert {id(p) for p in own.parameters()} <= of_encoder & of_decoder
    model.train()(data()).loss.backward()
    assert own.patches.weight.grad is not None
    assert model.encoder.own is own
    model.eval().save(str(tmp_path))
    with pytest.raises(ValueError, match="encoder.pkl, which would run code"):
        load_model(tmp_path)
    again: Any = load_model(tmp_path, trust_pickle=True)
    assert type(again) is kind
    assert type(again.encoder.own).__name__ == "Own"
    for twin in (again, copy.deepcopy(model)):
        assert {id(p) for p in twin.encoder.own.parameters()} <= {id(p) for p in twin.decoder.parameters()}
        assert torch.equal(twin.reconstruct(data()["data"]), model.reconstruct(data()["data"]))


def test_both_directions_are_those_of_the_network_and_of_the_heads() -> None:
    kind, own = MODELS["BidirectionalVAE"].resolve(), BiLinear(12, 5)
    config = kind.config_class(input_dim=(12,), latent_dim=3, network={"kind": "perceptron", "hidden": (9,)})
    model: Any = kind(config, encoder=own)
    x, z = torch.rand(4, 12), torch.randn(4, 3)
    both = model.encoder.network
    W, V = both.mean.linear.weight, both.log_variance.weight
    q = model.posterior(x)
    torch.testing.assert_close(q.mean, x @ own.weight.T @ W.T)
    torch.testing.assert_close(q.log_variance, x @ own.weight.T @ V.T)
    torch.testing.assert_close(model.decode(z), ((z @ W).tanh() @ own.weight).sigmoid())


def test_a_network_of_more_numbers_a_pixel_sees_zeros_there() -> None:
    kind = MODELS["BidirectionalVAE"].resolve()
    config = kind.config_class(input_dim=SHAPE, latent_dim=LATENT, reconstruction_loss="logistic")
    probe = kind(config)
    numbers = probe.decoder.logits(torch.zeros(1, LATENT)).shape[1]
    assert numbers > SHAPE[0]
    own = Own((numbers, *SHAPE[1:]))
    model: Any = kind(copy.deepcopy(config), encoder=own)
    x = data()["data"]
    padded = torch.cat([x, torch.zeros(N, numbers - 1, *SHAPE[1:])], 1)
    torch.testing.assert_close(model.encoder.network.trunk(padded), own(padded).flatten(1))
    torch.testing.assert_close(model.posterior(x).mean, model.encoder.network.mean(own(padded).flatten(1)))
    model.train()({"data": x}).loss.backward()


def test_a_class_of_a_plug_in_builds_its_network_and_stores_no_pickle(tmp_path: Path) -> None:
    kind = with_networks(_VAE, pythae.VAEConfig, "OwnTwin", __name__, shared=True, trunk=Own)
    model: Any = kind(kind.config_class(input_dim=SHAPE, latent_dim=LATENT)).eval()
    assert isinstance(model.encoder.own, Own)
    model.save(str(tmp_path))
    assert not list(tmp_path.glob("*.pkl"))
    again: Any = kind.load_from_folder(str(tmp_path)).eval()
    x = data()["data"]
    assert torch.equal(again.reconstruct(x), model.reconstruct(x))
    assert again.encoder.network is again.decoder.network


@pytest.mark.parametrize(
    "given", [{"encoder": nn.Linear(2, 2)}, {"decoder": nn.Linear(2, 2)}, {"encoder": Own(), "decoder": Own()}]
)
def test_one_network_is_no_pair(given: dict[str, nn.Module]) -> None:
    kind = MODELS["BidirectionalVAE"].resolve()
    with pytest.raises(ValueError, match="BidirectionalVAE is one network: one of your own is a TwoWay"):
        kind(kind.config_class(input_dim=SHAPE, latent_dim=LATENT), **given)


class Told(TwoWay):
    """A network of two functions on a weight [5, 12]."""

    def __init__(
        self,
        forward: Callable[[Tensor, Tensor], Tensor] = F.linear,
        back: Callable[[Tensor, Tensor], Tensor] = torch.mm,
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 12))
        self.ways, self.in_shape, self.out_shape = (forward, back), (12,), (5,)

    def forward(self, x: Tensor) -> Tensor:
        return self.ways[0](x, self.weight)

    def reverse(self, y: Tensor) -> Tensor:
        return self.ways[1](y, self.weight)


def failing(*_: Tensor) -> Tensor:
    raise RuntimeError("first line\nsecond line")


WRONG: dict[str, tuple[TwoWay, str]] = {
    "another matrix": (Told(back=lambda y, w: y @ w.flip(0)), "the reverse pass of Told is not the adjoint"),
    "the transpose's inverse": (Told(back=lambda y, w: y @ torch.linalg.pinv(w).T), "is not the adjoint"),
    "a scale": (Told(back=lambda y, w: 1.01 * (y @ w)), "is not the adjoint"),
    "an offset of another size": (Told(back=lambda y, w: (y + 1) @ w.abs()), "is not the adjoint"),
    "two weights": (Told(back=lambda y, w: y @ torch.ones(5, 12)), "weight of Told is not in its reverse pass"),
    "a constant code": (Told(forward=lambda x, w: x[:, :5].tanh()), "weight of Told is not in its forward pass"),
    "a shape forward": (Told(forward=lambda x, w: x), r"the forward pass of Told gives \(2, 12\).*not \(2, 5\)"),
    "a shape back": (Told(back=lambda y, w: y), r"the reverse pass of Told gives \(2, 5\).*not \(2, 12\)"),
    "no tensor": (Told(back=lambda y, w: (y, y)), "the reverse pass of Told gives tuple"),  # type: ignore[arg-type, return-value]
    "an error": (Told(back=failing), r"the reverse pass of Told fails for \(2, 5\): first line$"),
    "no gradient": (Told(back=lambda y, w: (y @ w).detach()), "the reverse pass of Told cuts the gradient"),
    "another input": (Own((2, 8, 8)), r"a network of inputs \(12,\), not \(2, 8, 8\)"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_a_network_lacks_is_one_line(what: str) -> None:
    network, message = WRONG[what]
    with pytest.raises(ValueError, match=message) as refused:
        checked(network, (12,))
    assert "\n" not in str(refused.value)


def test_a_part_inside_is_checked_too() -> None:
    class Turned(Patches):
        def reverse(self, y: Tensor) -> Tensor:
            return F.conv_transpose2d(y.flip(1), self.weight, stride=4)

    own = Own()
    own.patches = Turned(SHAPE)
    with pytest.raises(ValueError, match="the reverse pass of Turned is not the adjoint"):
        checked(own, SHAPE)


def test_a_network_without_shapes_says_so() -> None:
    own = Told()
    del own.out_shape
    with pytest.raises(ValueError, match="Told does not say its in_shape and out_shape"):
        checked(own, (12,))


RIGHT: dict[str, TwoWay] = {
    "affine": Told(lambda x, w: F.linear(x, w, torch.ones(5)), lambda y, w: y @ w - 3),
    "not affine": Told(lambda x, w: F.linear(x, w).relu(), lambda y, w: (y @ w).sin()),
    "in place": Told(lambda x, w: F.linear(x.mul_(2), w), lambda y, w: y.mul_(2) @ w),
    "without weights": Flatten((12,)),
    "a layer of ours": BiLayer(BiLinear(12, 5), "weight", nn.Tanh(), "both", ("forward", "reverse")),
    "normalised": BiLayer(BiLinear(12, 5), "batch", nn.Tanh(), "both"),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_network_is_taken_and_left_as_it_is(what: str) -> None:
    own = RIGHT[what]
    before, state = copy.deepcopy(own.state_dict()), torch.get_rng_state()
    assert checked(own, (12,)) is own
    assert torch.equal(torch.get_rng_state(), state)
    assert own.training
    assert all(p.grad is None for p in own.parameters())
    assert all(torch.equal(own.state_dict()[key], tensor) for key, tensor in before.items())


def test_a_network_without_memory_is_checked_for_its_shapes_and_weights() -> None:
    with shapes_alone():
        own = Told()
        assert checked(own, (12,)) is own
        with pytest.raises(ValueError, match="weight of Told is not in its reverse pass"):
            checked(Told(back=lambda y, w: y @ torch.ones(5, 12)), (12,))


def test_a_large_convolution_passes_for_rounding() -> None:
    conv = BiConv2d(16, 32, 3, 2, (33, 33))
    assert checked(conv, (16, 33, 33)) is conv
