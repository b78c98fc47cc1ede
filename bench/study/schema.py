"""What a suite file may hold: strict keys, typed values, and one clear line for what is wrong."""

from collections.abc import Iterable, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from bench.errors import BadInput, unknown
from bench.metrics import METRICS
from bench.samplers import SAMPLERS
from bench.study import PresetName
from bench.study.combinations import size
from bench.training.settings import Count, Training

Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Table = dict[str, JsonValue]
GridKey = Annotated[str, Field(pattern=r"^(network\.)?\w+$")]


Number = Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True)]
Setting = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if not 0 < ends[0] < ends[1]:
        raise ValueError(f"a range is of two positive ends, the lower first, not {list(ends)}")
    return ends


Range = Annotated[tuple[Number, Number], AfterValidator(_rising)]  # drawn from evenly in the logarithm


def _measured(criterion: str) -> str:
    if (name := criterion.partition("[")[0]) not in METRICS:
        raise unknown("metric in criterion", name, METRICS)
    return criterion


Criterion = Annotated[str, AfterValidator(_measured)]


class Drawn(_Strict):
    """How many configurations of every model a search trains, at one `seed`: the row's own one, and draws.

    `sobol` is the seed of the draws; `learning_rate` the range of all rows without one of their own.
    """

    configurations: int = Field(default=8, ge=2, le=1024)
    sobol: Seed = 0
    seed: Seed = 0
    learning_rate: Range


class Row(_Strict):
    """One row of the paper's table in its variants; `options` are fields of the model's configuration.

    `latent_dim` and `network` take the place of the preset's, each setting in `training` that of the preset's, and in
    `data` that of the suite's. `blank` names metrics that have no number here, with the reason.

    Where the preset has a `search`, the row's configuration is drawn from `ranges` of settings of its training and of
    its options ("prior.components" is one inside another; whole ends draw whole numbers), and chosen by `criterion`: a
    metric on validation images, "metric[key=value]" at a setting; a variant without that metric has one in `criteria`.
    """

    row: str = Field(min_length=1)
    model: str
    variants: tuple[str, ...] = Field(default=("unidirectional", "bidirectional", "control", "stock"), min_length=1)
    options: Table = {}
    latent_dim: Count | None = None
    network: Table | None = None
    training: Table = {}
    data: dict[str, Setting] = {}
    blank: dict[str, str] = {}
    ranges: dict[str, Range] = {}
    criterion: Criterion = "neg_elbo"
    criteria: dict[str, Criterion] = {}


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
    what it is as a density, the gradients that a critic gives it, its bound level by level, distances in the
    features of EfficientNet-Lite0 or of a network of the user's own, and how disentangled its codes are. Of all these
    `metrics` keeps the named ones, all where it is empty.
    The command line fills in `fid_weights`, the SHA-256 of the Inception weights, `feature_network`, the name and the
    SHA-256 of the user's own, which asks for the extra "own", and `plugin_metrics`, those of plug-ins.
    `score_classifier` is how the classifier behind inception scores is trained
    (`bench/evaluation/features/score_classifier.py`). `blank` names metrics that have no number, with the reason.
    """

    nll_samples: Count = 100
    nll_images: int = Field(default=1000, ge=1)
    images: int = Field(default=10_000, ge=2)
    probes: tuple[Literal["linear", "mlp100", "mlp256"], ...] = Field(default=("linear",), min_length=1)
    samplers: tuple[str, ...] = Field(default=("normal", "gmm"), min_length=1)
    extras: tuple[
        Literal[
            "kernel",
            "prd",
            "classes",
            "codes",
            "labels",
            "densities",
            "scores",
            "annealing",
            "critic",
            "levels",
            "efficientnet",
            "own",
            "factors",
        ],
        ...,
    ] = ()
    metrics: tuple[str, ...] = ()
    gmm_components: Count = 10
    gmm_images: int = Field(default=10_000, ge=2)
    tsne_images: int = Field(default=1000, ge=0)
    tsne_seeds: tuple[Seed, ...] = (0,)
    fid_weights: str | None = None
    feature_network: str | None = None
    annealing: Annealing | None = None
    score_classifier: Literal["small", "paper"] = "small"
    blank: dict[str, str] = {}
    plugin_metrics: tuple[str, ...] = ()

    ALWAYS: ClassVar[frozenset[str]] = frozenset(
        {"nll_samples", "nll_images", "images", "probes", "samplers", "extras", "gmm_components", "gmm_images"}
        | {"tsne_images", "tsne_seeds", "fid_weights"}
    )

    def identity(self) -> Table:
        """Return what decides whether a run is measured anew: the settings of `ALWAYS`, others if not the default."""
        chosen = self.model_dump(exclude_defaults=True).keys() | self.ALWAYS
        return self.model_dump(mode="json", include=set(chosen))

    @model_validator(mode="after")
    def _read(self) -> Self:
        """Refuse names that are not known, and settings of an extra that is not asked for."""
        for field, names, known in (
            ("metrics", self.metrics, METRICS),
            ("samplers", self.samplers, SAMPLERS),
            ("blank", self.blank, METRICS),
        ):
            if absent := set(names) - known.keys():
                raise unknown(f"name in {field}", min(absent), known)
        needed = {f"metric {name}": METRICS[name].extra for name in self.metrics}
        needed |= {"annealing": "annealing"} if self.annealing else {}
        needed |= {"score_classifier": "scores"} if self.score_classifier != "small" else {}
        for setting, extra in needed.items():
            if extra not in (None, *self.extras):
                raise ValueError(f"{setting} is of the extra {extra!r}, which extras do not name")
        return self


class Preset(Training):
    """Sizes and training settings; `controls` names the rows that get a parameter-matched control. By model, `options`
    are more of its configuration, and `networks` take the place of `network`; by row, `row_options` go over the row's.
    `pixels` takes the place of the suite's setting of data of that name.

    With a `grid`, each seed takes one combination of its values (`bench/study/combinations.py`), and a suite that names
    no seeds has one for each. With a `search`, the configuration of every form of every row is chosen on validation
    images first (`bench/study/search.py`).
    """

    latent_dim: Count
    network: Table
    controls: tuple[str, ...] | Literal["all"] = "all"
    options: dict[str, Table] = {}
    row_options: dict[str, Table] = {}
    pixels: str | None = None
    networks: dict[str, Table] = {}
    grid: dict[GridKey, Annotated[tuple[JsonValue, ...], Field(min_length=1)]] = {}
    search: Drawn | None = None
    evaluation: Evaluation = Evaluation()

    def training(self, row: Row) -> Training:
        """Return the training settings alone, those of a row over the preset's."""
        return Training(**{name: getattr(self, name) for name in Training.model_fields} | row.training)


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
    presets: dict[PresetName, Preset]

    @field_validator("likelihood")
    @classmethod
    def _known_likelihood(cls, name: str) -> str:
        from models.distributions.likelihoods import LIKELIHOODS

        if name not in LIKELIHOODS:
            raise unknown("likelihood", name, LIKELIHOODS)
        return name

    def seeds_of(self, preset: PresetName) -> Sequence[int]:
        """Return the seeds; one for each combination of the preset's grid, where none are named."""
        return self.seeds if "seeds" in self.model_fields_set else range(size(self.presets[preset].grid))


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
