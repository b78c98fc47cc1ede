"""What a suite file may hold: strict keys, typed values, and one clear line for what is wrong."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from bench.errors import BadInput, unknown
from bench.metrics import METRICS
from bench.samplers import SAMPLERS
from bench.study.combinations import size

Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Count = Annotated[int, Field(ge=1, le=10**6, strict=True)]  # of what time and memory grow with: above is a slip


Setting = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Row(_Strict):
    """One row of the paper's table in its variants; `options` are fields of the model's configuration.

    `latent_dim` and `network` take the place of the preset's, settings in `data` that of the suite's of that name.
    """

    row: str = Field(min_length=1)
    model: str
    variants: tuple[str, ...] = Field(default=("unidirectional", "bidirectional", "control", "stock"), min_length=1)
    options: dict[str, Any] = {}
    latent_dim: Count | None = None
    network: dict[str, Any] | None = Field(default=None, exclude_if=lambda network: network is None)
    data: dict[str, Setting] = Field(default={}, exclude_if=lambda data: not data)


class Annealing(_Strict):
    """How ln p(x) is annealed (`bench.evaluation.annealing.Schedule`), on how many images; published defaults."""

    images: Count = 100
    distributions: int = Field(default=10_000, ge=2, le=10**6, strict=True)
    chains: Count = 16
    leapfrog: Count = 10
    first_step: float = Field(default=0.01, gt=0)


class Evaluation(_Strict):
    """How a trained model is measured. Numbers of images are of the test set, from its first on.

    `samplers` are the ways of drawing codes that samples are made by, each where the model can serve it. `extras` are
    measured on top of what always is: kernel distances, precision and recall for distributions, spread over classes,
    the study of codes (ways between them; for bits also what their moments give back), what a model makes of labels,
    what it is as a density, the gradients that a critic gives it, and its bound level by level. Of all these `metrics`
    keeps the named ones, all where it is empty.
    `fid_weights` is the SHA-256 of the Inception weights, which the command line fills in; `score_classifier` how the
    classifier behind inception scores is trained (`bench/evaluation/features/score_classifier.py`).
    """

    nll_samples: Count = 100
    nll_images: int = Field(default=1000, ge=1)
    images: int = Field(default=10_000, ge=2)
    probes: tuple[Literal["linear", "mlp100", "mlp256"], ...] = Field(default=("linear",), min_length=1)
    samplers: tuple[str, ...] = Field(default=("normal", "gmm"), min_length=1)
    extras: tuple[
        Literal["kernel", "prd", "classes", "codes", "labels", "densities", "scores", "annealing", "critic", "levels"],
        ...,
    ] = ()
    metrics: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)
    gmm_components: Count = 10
    gmm_images: int = Field(default=10_000, ge=2)
    tsne_images: int = Field(default=1000, ge=0)
    tsne_seeds: tuple[Seed, ...] = (0,)
    fid_weights: str | None = None
    annealing: Annealing | None = Field(default=None, exclude_if=lambda annealing: annealing is None)
    score_classifier: Literal["small", "paper"] = Field(default="small", exclude_if=lambda recipe: recipe == "small")

    @field_validator("metrics")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in METRICS:
                raise unknown("metric", name, METRICS)
        return names

    @field_validator("samplers")
    @classmethod
    def _drawn(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in SAMPLERS:
                raise unknown("sampler", name, SAMPLERS)
        return names


class Preset(_Strict):
    """Sizes and training settings; `controls` names the rows that get a parameter-matched control. By model, `options`
    are more of its configuration, and `networks` take the place of `network`.

    With `labelled_batch_size`, a batch is that many labelled images and `batch_size` unlabelled ones (label -1), and an
    epoch passes once over the latter. Gradients are shortened to `clip_norm`, then clipped to `clip_value`.
    With a `grid`, each seed takes one combination of its values (`bench/study/combinations.py`), and a suite that names
    no seeds has one for each.
    """

    latent_dim: Count
    network: dict[str, Any]
    epochs: Count
    batch_size: int = Field(default=128, ge=2, le=10**6, strict=True)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    pct_start: float = Field(default=0.3, gt=0, lt=1)
    schedule: Literal["onecycle", "constant", "burda"] = "onecycle"
    adam_epsilon: float = Field(default=1e-8, gt=0)
    adam_beta1: float = Field(default=0.9, ge=0, lt=1, exclude_if=lambda beta: beta == 0.9)
    clip_norm: float | None = Field(default=None, gt=0)
    clip_value: float | None = Field(default=None, gt=0)
    labelled_batch_size: int | None = Field(default=None, ge=1)
    train_images: int | None = Field(default=None, ge=2)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    capture: bool = False
    controls: tuple[str, ...] | Literal["all"] = "all"
    options: dict[str, dict[str, Any]] = {}
    networks: dict[str, dict[str, Any]] = Field(default={}, exclude_if=lambda networks: not networks)
    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(
        default={}, exclude_if=lambda grid: not grid
    )
    evaluation: Evaluation = Evaluation()


class Published(_Strict):
    """Where the printed numbers of a suite stand."""

    paper: str
    table: str


class Suite(_Strict):
    """A study: rows x variants x seeds on one data set, at one of its presets; extra rows are for figures alone.

    `stack` says whether runs of one architecture train as one batched model (`bench/runs/groups.py`): false is for
    suites that compare times; by default three or more do, of models so small that a step costs more to call for than
    to compute.
    """

    title: str
    dataset: str
    data: dict[str, Setting] = {}
    table: str = "bvae"
    published: Published | None = None
    likelihood: str = "bce"
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    note: str | None = None
    stack: bool | None = None
    rows: tuple[Row, ...] = Field(min_length=1)
    extra_rows: tuple[Row, ...] = ()
    presets: dict[Literal["small", "paper", "code"], Preset]

    @field_validator("likelihood")
    @classmethod
    def _known_likelihood(cls, name: str) -> str:
        from models.distributions.likelihoods import LIKELIHOODS

        if name not in LIKELIHOODS:
            raise unknown("likelihood", name, LIKELIHOODS)
        return name

    def seeds_of(self, preset: str) -> Sequence[int]:
        """Return the seeds; one for each combination of the preset's grid, where none are named."""
        return self.seeds if "seeds" in self.model_fields_set else range(size(self.presets[preset].grid))  # type: ignore[index]


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
