"""The kinds of network between an image and a flat code, as data: each kind is a type that holds what it reads."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_args, get_type_hints

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")


def _positive(size: int) -> int:
    if size < 1:
        raise ValueError(f"{size} is not positive")
    return size


Size = Annotated[int, AfterValidator(_positive)]
Norm = Literal["batch", "bias", "gain", "weight", "start"]
Finite = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class NetworkConfig:
    """Of every kind: `width` scales every hidden size (the parameter-matched controls use it)."""

    kind: str
    width: float = Field(default=1.0, gt=0, allow_inf_nan=False)

    def scaled(self, size: int) -> int:
        """Return a hidden size times the width, at least 1."""
        return max(1, round(size * self.width))

    def identity(self) -> dict[str, JsonValue]:
        """Return the fields with those of `UNREAD`: what the folder of a run follows from, as it did from the first."""
        return UNREAD | asdict(self)


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class Layers(NetworkConfig):
    """Fully connected layers before the latent heads.

    hidden  their sizes
    norm    "batch": batch normalisation, one a direction; "bias": none; of the others each direction has its own scale:
            "gain": a learned factor for each output; "weight": weight normalisation; "start": at the start alone, by
            the size of the random weights (`Junction` in `models/networks/layers.py`)
    """

    hidden: tuple[Size, ...] = (256,)
    norm: Norm = "bias"


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class Perceptron(Layers):
    """`hidden` layers of tanh units alone."""

    kind: Literal["perceptron"] = "perceptron"

    def __post_init__(self) -> None:
        if not self.hidden:
            raise ValueError("a perceptron needs hidden layers")


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class Convolutions(Layers):
    """Convolutions before the fully connected layers.

    channels  of each stage
    strides   one a convolution
    pool      mean over the remaining pixels before the linear layers, instead of flattening
    """

    stems: ClassVar[int] = 0  # convolutions before the stages

    channels: tuple[Size, ...] = (32, 64, 128)
    strides: tuple[Size, ...] = (2, 2, 2)
    pool: bool = False

    def __post_init__(self) -> None:
        stages, expected = len(self.channels), len(self.channels) + self.stems
        if not stages and self.kind not in ("convolutional", "svae"):
            raise ValueError(f"a {self.kind} network needs at least one stage of channels")
        if len(self.strides) != expected:
            raise ValueError(f"a {self.kind} network of {stages} stages needs {expected} strides")


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class SVAEConvolutions(Convolutions):
    """5 x 5 convolutions and ReLU (`models/svae/networks.py`)."""

    kind: Literal["svae"] = "svae"


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class GNoVaConvolutions(Convolutions):
    """Convolutions with the activation G-NoVa of `alpha` and `beta`."""

    alpha: Finite = 0.2
    beta: Finite = 1.0


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class Convolutional(GNoVaConvolutions):
    """One 3 x 3 convolution a stage."""

    kind: Literal["convolutional"] = "convolutional"


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class Residual(GNoVaConvolutions):
    """A 3 x 3 stem of the first stage's channels, then `blocks` residual blocks a stage; a stride for the stem too."""

    stems: ClassVar[int] = 1

    kind: Literal["residual"] = "residual"
    blocks: Size = 2


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class LBAEConvolutions(GNoVaConvolutions):
    """The network of LBAE (`models/networks/lbae.py`).

    "lbae": its decoder is the mirror of its encoder, as the paper says; "lbae-code": a decoder of its own starts from
    one map on grey images and from the last but one stage's number of maps on colour images, as in the paper's code.
    """

    kind: Literal["lbae", "lbae-code"] = "lbae"


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class Dense(NetworkConfig):
    """The densely connected networks of selfVAE, one way each (`models/networks/dense_vae.py`).

    strides  2 for each halving of the image
    encoder  growth at the pixels and steps a group
    decoder  growth at the code and steps a group
    attention, batch_norm, pooling, subpixel  whether groups end in channel attention, layers are normalised by batches
             and not by their weights, sides are halved by means of 2 x 2 before a convolution and not by its stride,
             and doubled by a sub-pixel convolution and not a transposed one: what Section A.2 of selfVAE chooses, and
             what it chooses them against
    """

    kind: Literal["dense"] = "dense"
    strides: tuple[Literal[2], ...] = (2, 2, 2)
    encoder: tuple[Size, Size]
    decoder: tuple[Size, Size]
    attention: bool = True
    batch_norm: bool = False
    pooling: bool = False
    subpixel: bool = False

    def identity(self) -> dict[str, JsonValue]:
        """Return the same without the choices of Section A.2 that are the paper's."""
        own, paper = super().identity(), {"attention": True, "batch_norm": False, "pooling": False, "subpixel": False}
        return {key: value for key, value in own.items() if key not in paper or value != paper[key]}


# What stands in an identity, and in a model stored before kinds were types, of the fields that a kind does not read.
UNREAD: dict[str, JsonValue] = {
    "channels": [], "strides": [], "blocks": 2, "pool": False, "hidden": [], "norm": "bias", "alpha": 0.2, "beta": 1.0,
}  # fmt: skip
_Kinds = Convolutional | Residual | LBAEConvolutions | SVAEConvolutions | Perceptron | Dense
KINDS = {name: kind for kind in get_args(_Kinds) for name in get_args(get_type_hints(kind)["kind"])}


def _with_its_kind(settings: object) -> object:
    """Name the kind where none is; of a network stored before kinds were types, drop what its own does not read."""
    if not isinstance(settings, dict):
        return settings
    named = {"kind": "convolutional"} | settings
    if named.keys() >= UNREAD.keys() and (kind := KINDS.get(str(named["kind"]))):
        read = {field.name for field in fields(kind)}
        return {key: value for key, value in named.items() if key in read}
    return named


Network = Annotated[_Kinds, Field(discriminator="kind"), BeforeValidator(_with_its_kind)]


def fitting(network: Network, shape: tuple[int, ...]) -> Network:
    """Return a network for inputs of a shape: the default of images is a perceptron for others than [C, H, W].

    Raises ValueError where a network of convolutions is named for those.
    """
    if len(shape) == 3 or isinstance(network, Perceptron):
        return network
    if network == Convolutional():
        return Perceptron()
    raise ValueError(f"a {network.kind} network takes images [C, H, W], not {tuple(shape)}: name a perceptron")


def network_types(config_class: type) -> tuple[type, ...]:
    """Return the types that the field `network` of a model's configuration takes."""
    hint = get_type_hints(config_class)["network"]
    return get_args(hint) or (hint,)


@cache
def _adapter(config_class: type) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(config_class, include_extras=True)["network"])


def network_of(config_class: type, settings: Mapping[str, JsonValue]) -> Any:
    """Return the network of a model's configuration with these fields; raises pydantic's ValidationError."""
    return _adapter(config_class).validate_python(dict(settings))
