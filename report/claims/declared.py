"""The papers' statements as data: claims.toml, read strictly; one claim for each statement and data set."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Kind = Literal["exact", "superior", "non-inferior", "equivalent"]
CLAIMS = Path(__file__).parents[1] / "claims.toml"
MEAN = "mean"  # the primary comparison that is the mean over rows


@dataclass(frozen=True)
class Side:
    """One of the two things compared: a row and variant of a suite, and what is measured of it."""

    row: str
    variant: str
    metric: str
    setting: str


@dataclass(frozen=True)
class Pair:
    """Two sides that are compared seed by seed; `second` is a number where a claim is about a constant."""

    row: str  # the name of the comparison
    first: Side
    second: Side | float


@dataclass(frozen=True)
class Claim:
    """One statement of a paper on one data set, as it is frozen in `claims.toml`.

    Its statistic is that of its primary comparison: first - second seed by seed, first / second where it is exact or
    `relative` (there less 1); of the primary row, or its mean over the rows.
    """

    id: str
    paper: str
    source: str  # table, figure or section
    text: str
    kind: Kind
    headline: bool
    dataset: str
    suites: tuple[str, ...]  # that it is judged on, the nearest to the paper first
    elsewhere: tuple[str, ...]  # suites of other data, shown and not judged
    pairs: tuple[Pair, ...]  # of the primary comparison
    also: tuple[Pair, ...]  # shown beside
    primary: str  # "mean", or a row
    claimed: str  # "higher" or "lower": where `first` is claimed to be; "" for kinds without a side
    margin: float
    margin_from: str
    ratio: float
    relative: bool
    hours: float  # that the command takes two cores, about, where the data are not at hand; 0: not said
    constant_of: str  # the printed model whose number the constant is; "" for a bound on our own model
    printed: str  # what the paper prints
    note: str
    superseded: str  # why stored results no longer count, until they are made again

    @property
    def region(self) -> tuple[float, float]:
        """Where the statistic lies if the claim is true, as an open interval.

        superior: (0, ∞); non-inferior: (-margin, ∞); both mirrored where lower is claimed;
        equivalent: (-margin, margin); exact: ratio ± margin.
        """
        if self.kind in ("exact", "equivalent"):
            return self.ratio - self.margin, self.ratio + self.margin
        end = self.margin if self.kind == "non-inferior" else 0.0
        return (-end, inf) if self.claimed == "higher" else (-inf, end)

    @property
    def negligible(self) -> tuple[float, float] | None:
        """Where the statistic does not matter, as an open interval: (-margin, margin) of a superior claim."""
        return (-self.margin, self.margin) if self.kind == "superior" and self.margin else None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Given(_Strict):
    """What a statement says of one side; the rest it takes from the statement."""

    row: str | None = None
    variant: str | None = None
    metric: str | None = None
    setting: str | None = None


_Rows = Annotated[list[str], Field(min_length=1)]


class _Statement(_Strict):
    """An entry of claims.toml: one claim for each data set of `on`."""

    id: str
    paper: str
    source: str
    text: str
    kind: Kind
    headline: bool = False
    on: Annotated[dict[str, _Rows], Field(min_length=1)]
    elsewhere: list[str] = []
    hours: dict[str, Annotated[float, Field(gt=0, strict=False)]] = {}
    rows: _Rows | None = None
    rows_on: dict[str, _Rows] = {}
    also: list[str] = []
    primary: str
    variant: str | None = None
    metric: str | None = None
    setting: str = ""
    first: _Given = _Given()
    second: _Given | None = None
    constant: float | None = None
    constant_of: str = ""
    claimed: Literal["higher", "lower", ""] = ""
    margin: float = Field(default=0.0, ge=0)
    margin_from: str = ""
    ratio: float = Field(default=0.0, ge=0)
    relative: bool = False
    printed: str
    note: str = ""
    superseded: str = ""

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        sided = self.kind in ("superior", "non-inferior")
        for key, given, wanted in (
            ("claimed", bool(self.claimed), sided),
            ("ratio", self.ratio > 0, self.kind == "exact"),
            ("margin", self.margin > 0, self.kind != "superior" or bool(self.margin)),
            ("margin_from", bool(self.margin_from), bool(self.margin or self.margin_from)),
        ):
            if given != wanted:
                raise ValueError(f"kind {self.kind} {'needs' if wanted else 'takes no'} {key}")
        if (self.second is None) == (self.constant is None):
            raise ValueError("takes second or constant, one of them")
        if self.constant_of and self.constant is None:
            raise ValueError("constant_of needs constant")
        for key, named in (("rows_on", set(self.rows_on)), ("hours", set(self.hours))):
            if unknown := named - self.on.keys():
                raise ValueError(f"{key} {min(unknown)!r} is no data set of on")
        for dataset in self.on:
            names = [pair.row for pair in self.pairs(dataset)]
            if self.primary != MEAN and self.primary not in names:
                raise ValueError(f"primary {self.primary!r} is neither 'mean' nor a row")
        return self

    def pairs(self, dataset: str) -> list[Pair]:
        """Return the comparisons on a data set, a row each; without rows, the one of both sides' own rows."""
        rows: list[str] | list[None] = self.rows_on.get(dataset) or self.rows or [None]
        return [self.pair(row) for row in rows]

    def pair(self, row: str | None) -> Pair:
        """Return one comparison; `row` is that of the sides that name none."""
        first = self._side("first", self.first, row)
        second = self.constant if self.second is None else self._side("second", self.second, row)
        assert second is not None
        return Pair(row or first.row, first, second)

    def _side(self, part: str, given: _Given, row: str | None) -> Side:
        shared = {"row": row, "variant": self.variant, "metric": self.metric, "setting": self.setting}
        facts = shared | given.model_dump(exclude_none=True)
        known = {key: value.replace("{}", row or "") for key, value in facts.items() if value is not None}
        if lacking := [key for key in shared if key not in known]:
            raise ValueError(f"{part} has no {lacking[0]}")
        return Side(**known)


def read_claims(path: Path = CLAIMS) -> tuple[Claim, ...]:
    """Read the claims, in the order of the file: one per statement and data set.

    Raises ValueError, one line that names the statement and what is wrong with it.
    """
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if set(facts) != {"statement"} or not isinstance(facts["statement"], list):
        raise ValueError(f"{path} holds [[statement]] entries and nothing else")
    claims: list[Claim] = []
    for i, table in enumerate(facts["statement"]):
        name = table.get("id", f"number {i + 1}")
        try:
            statement = _Statement.model_validate(table)
        except ValidationError as error:
            raise ValueError(f"{path}: statement {name}: {_explain(error)}") from error
        if any(claim.id == statement.id for claim in claims):
            raise ValueError(f"{path}: statement {name}: another one has the same id")
        claims += [_claim(statement, dataset) for dataset in statement.on]
    return tuple(claims)


def _claim(statement: _Statement, dataset: str) -> Claim:
    pairs = statement.pairs(dataset)
    chosen = [pair for pair in pairs if statement.primary in (MEAN, pair.row)]
    given: Mapping[str, object] = statement.model_dump(include=set(Claim.__dataclass_fields__))
    own = {
        "dataset": dataset,
        "suites": tuple(statement.on[dataset]),
        "elsewhere": tuple(statement.elsewhere),
        "hours": statement.hours.get(dataset, 0.0),
        "pairs": tuple(chosen),
        "also": (*(p for p in pairs if p not in chosen), *map(statement.pair, statement.also)),
    }
    return Claim(**{**given, **own})  # type: ignore[arg-type]


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    path = ".".join(map(str, first["loc"]))
    if first["type"] != "extra_forbidden":
        message = first["msg"].removeprefix("Value error, ")
        return f"{path}: {message}" if path else message
    known = _Given.model_fields if len(first["loc"]) > 1 else _Statement.model_fields
    near = get_close_matches(str(first["loc"][-1]), known, 1)
    return f"unknown key {path!r}" + (f"; did you mean {near[0]!r}?" if near else "")
