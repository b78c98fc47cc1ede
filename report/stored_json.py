"""What is stored of a suite and of a run, as JSON: its types, and one clear line where a file is otherwise."""

import json
from collections.abc import Mapping
from typing import Any, NotRequired, cast

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # typing's own is known to pydantic from Python 3.12 on

Number = int | float


class Measurement(TypedDict):
    """One metric at one setting; the value is None where it is blank or failed."""

    metric: str
    status: str  # ok | blank | failed
    value: Number | None
    setting: NotRequired[str | None]
    se: NotRequired[Number | None]  # standard error over images
    n: NotRequired[Number | None]  # images
    reason: NotRequired[str | None]
    version: NotRequired[int]  # of the metric; 1 where it is absent


class Training(TypedDict, total=False):
    """What the report reads of how a run was trained."""

    epochs: Number | None
    train_images: Number | None


class Evaluation(TypedDict, total=False):
    """What the report reads of how a run was measured."""

    nll_samples: Number | None
    nll_images: Number | None
    metrics: list[str]


class Run(TypedDict, total=False):
    """The configuration of a run."""

    training: Training | None
    evaluation: Evaluation | None
    options: dict[str, object] | None
    data: dict[str, object] | None


class Images(TypedDict, total=False):
    """How many images a data set has."""

    train: Number
    test: Number


class Data(TypedDict, total=False):
    """Which data a run saw."""

    name: str | None
    sha256: str | None
    split_seed: object
    settings: object
    images: Images | None
    note: str | None


class Classifier(TypedDict, total=False):
    """The suite's own classifier."""

    test_accuracy: Number | None  # a share


class Provenance(TypedDict, total=False):
    """What a run was made with, on and from."""

    started: str | None
    git: object
    python: object
    versions: object
    hardware: dict[str, object] | None
    data: Data | None
    classifier: Classifier | None


class Embedding(TypedDict):
    """Points of the plane and their classes, [N] each."""

    x: list[Number]
    y: list[Number]
    label: list[Number]


class DigestFacts(TypedDict):
    """A digest: all that is kept of one run in text."""

    id: str
    row: str
    variant: str
    seed: int
    status: str
    measurements: list[Measurement]
    preset: str | None
    dataset: str | None
    path: str | None
    reason: str | None
    seconds: Number | None
    run: Run
    provenance: Provenance
    curves: dict[str, list[Number | None]]
    tsne: Embedding | None
    classes: list[str]
    plots: dict[str, Any]  # what its figure reads
    pictures: dict[str, str]  # of a packed digest: name -> member of pictures.zip


class MetricFacts(TypedDict, total=False):
    """How a metric is shown."""

    label: str
    unit: str
    direction: str  # higher | lower | none
    column: bool  # whether it has a column of its own: a plug-in's


class Source(TypedDict):
    """A table of a paper."""

    paper: str
    table: str


class Tuning(TypedDict):
    """How a row was tuned: the criterion, all configurations with their values, and the place of the chosen one.

    The first configuration is the row's own; a value is None where a training failed.
    """

    criterion: str  # a metric on validation images, "metric[key=value]" at a setting
    keys: list[str]
    points: list[list[object]]
    values: list[Number | None]
    chosen: int


class SuiteFacts(TypedDict):
    """suite.json."""

    suite: str
    dataset: str
    preset: str
    rows: list[str]
    title: str
    table: str
    published: Source | None
    metrics: dict[str, MetricFacts]
    note: str | None
    runs: dict[str, str] | None  # "row/variant/seed" -> id of the run; None: all
    arguments: list[str] | None  # of the command that ran it
    tuning: dict[str, Tuning]  # by "row/variant"; empty where rows were not tuned


_DIGEST, _SUITE = TypeAdapter(DigestFacts), TypeAdapter(SuiteFacts)
_EMPTY = ("run", "provenance", "curves", "plots", "pictures")  # parts of a digest that are {} where absent or null
_ABSENT = ("preset", "dataset", "path", "reason", "seconds", "tsne")  # those that are None


def digest_facts(text: bytes) -> DigestFacts:
    """Return a digest with its optional parts filled in. Raises ValueError, one line, for anything else."""
    given = _object(text)
    facts = dict.fromkeys(_ABSENT) | {name: {} for name in _EMPTY} | {"classes": []}
    facts |= {name: value for name, value in given.items() if value is not None or name not in facts}
    _check(_DIGEST, facts)
    digest = cast(DigestFacts, facts)
    if (tsne := digest["tsne"]) and len({len(tsne["x"]), len(tsne["y"]), len(tsne["label"])}) != 1:
        raise ValueError("x, y and label of tsne differ in length")
    return digest


def suite_facts(text: bytes) -> SuiteFacts:
    """Return suite.json with its optional parts filled in. Raises ValueError, one line, for anything else."""
    given = _object(text)
    facts = {"title": given.get("suite"), "table": "bvae", "published": None, "metrics": {}, "note": None}
    facts |= {"runs": None, "arguments": None, "tuning": {}} | given
    _check(_SUITE, facts)
    suite = cast(SuiteFacts, facts)
    for of, tuning in suite["tuning"].items():
        lengths = {len(point) for point in tuning["points"]}
        same = len(tuning["points"]) == len(tuning["values"]) and lengths == {len(tuning["keys"])}
        if not same or not 0 <= tuning["chosen"] < len(tuning["values"]):
            raise ValueError(f"tuning of {of!r}: keys, points and values do not fit")
    return suite


def _object(text: bytes) -> dict[str, object]:
    """Return the object that JSON holds, halves of surrogate pairs replaced, which no file and no font can hold."""
    try:
        facts = json.loads(text)
        if b"\\ud" in text.lower():
            facts = json.loads(json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(facts, dict):
        raise ValueError("it is no object")
    return facts


def _check(kind: TypeAdapter[Any], facts: Mapping[str, object]) -> None:
    try:
        kind.validate_python(facts, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = f"it lacks {where!r}" if first["type"] == "missing" else f"{where}: {first['msg']}"
        raise ValueError(said) from None
