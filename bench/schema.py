"""What a suite file may hold: strict keys, typed values, and one clear line for what is wrong."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.errors import BadInput, unknown

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Row(_Strict):
    """One row of the paper's table in its variants; `options` are fields of the model's configuration."""

    row: str
    model: str
    variants: tuple[str, ...] = ("unidirectional", "bidirectional", "control", "stock")
    options: dict[str, Any] = {}
    latent_dim: int | None = None


class Evaluation(_Strict):
    """How a trained model is measured. Numbers of images are of the test set, from its first on.

    `samplers` are the ways of drawing codes that samples are made by, each where the model can serve it. `extras` are
    measured on top of what always is: kernel distances, precision and recall for distributions, spread over classes.
    `fid_weights` is the SHA-256 of the Inception weights, which the command line fills in.
    """

    nll_samples: int = Field(default=100, ge=1)
    nll_images: int = Field(default=1000, ge=1)
    images: int = Field(default=10_000, ge=2)
    probes: tuple[Literal["linear", "mlp100", "mlp256"], ...] = Field(default=("linear",), min_length=1)
    samplers: tuple[Literal["normal", "gmm", "hyperplane", "rounding", "coins"], ...] = Field(
        default=("normal", "gmm"), min_length=1
    )
    extras: tuple[Literal["kernel", "prd", "classes"], ...] = ()
    gmm_components: int = Field(default=10, ge=1)
    gmm_images: int = Field(default=10_000, ge=2)
    tsne_images: int = Field(default=1000, ge=0)
    tsne_seeds: tuple[Seed, ...] = (0,)
    fid_weights: str | None = None


class Preset(_Strict):
    """Sizes and training settings; `controls` names the rows that get a parameter-matched control."""

    latent_dim: int = Field(ge=1)
    network: dict[str, Any]
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    pct_start: float = Field(default=0.3, gt=0, lt=1)
    train_images: int | None = Field(default=None, ge=2)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    capture: bool = False
    controls: tuple[str, ...] | Literal["all"] = "all"
    options: dict[str, dict[str, Any]] = {}
    evaluation: Evaluation = Evaluation()


class Published(_Strict):
    """Where the printed numbers of a suite stand."""

    paper: str
    table: str


class Suite(_Strict):
    """A study: rows x variants x seeds on one data set, at one of its presets; extra rows are for figures alone."""

    title: str
    dataset: str
    data: dict[str, str] = {}
    table: str = "bvae"
    published: Published | None = None
    likelihood: Literal["bce", "mse"] = "bce"
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    note: str | None = None
    rows: tuple[Row, ...]
    extra_rows: tuple[Row, ...] = ()
    presets: dict[Literal["small", "paper"], Preset]


def explain(error: ValidationError, where: str, known: Iterable[str]) -> BadInput:
    """Turn the first validation error into one line, with the nearest of the `known` keys for a misspelt one."""
    misspelt = [e for e in error.errors() if e["type"] in ("extra_forbidden", "unexpected_keyword_argument")]
    first = (misspelt or error.errors())[0]
    path = ".".join(str(part) for part in first["loc"])
    if misspelt:
        inside = path.rpartition(".")[0]
        return unknown(f"key of {where}{f' ({inside})' if inside else ''}", str(first["loc"][-1]), known)
    message = first["msg"].removeprefix("Value error, ")
    return BadInput(f"{where}: {path}: {message}" if path else f"{where}: {message}")
