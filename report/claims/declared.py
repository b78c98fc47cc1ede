"""The papers' claims as data: claims.toml, read strictly, each entry spread over its suites, variants and rows."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Kind = Literal["exact", "superior", "non-inferior", "equivalent"]
CLAIMS = Path(__file__).parents[1] / "claims.toml"


@dataclass(frozen=True)
class Side:
    """One of the two things compared: a row and variant of a suite, and what is measured of it.

    `printed` is the (metric, setting) of its published counterpart.
    """

    row: str
    variant: str
    metric: str
    setting: str
    printed: tuple[str, str]


@dataclass(frozen=True)
class Claim:
    """One comparison, declared before it is measured: `first` against `second` on one suite.

    Its statistic is the difference first - second per seed, or the ratio first / second where it is exact.
    """

    entry: str  # the id of the entry that it comes from
    paper: str
    source: str  # table, figure or section
    text: str
    kind: Kind
    suite: str
    first: Side
    second: Side
    claimed: str  # "higher" or "lower": where `first` is claimed to be; "" for kinds without a side
    margin: float
    margin_from: str
    ratio: float
    printed: str  # what the paper prints, where that is in no table
    note: str
    superseded: str  # why the stored results no longer count, until they are made again

    @property
    def region(self) -> tuple[float, float]:
        """Where the statistic lies if the claim is true, as an open interval.

        superior: (0, ∞); non-inferior: (-margin, ∞); both mirrored where lower is claimed;
        equivalent: (-margin, margin); exact: ratio ± margin.
        """
        if self.kind in ("exact", "equivalent"):
            return self.ratio - self.margin, self.ratio + self.margin
        return (-self.margin, inf) if self.claimed == "higher" else (-inf, self.margin)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Given(_Strict):
    """What an entry says of one side; the rest it takes from the entry."""

    row: str | None = None
    variant: str | None = None
    metric: str | None = None
    setting: str | None = None
    printed: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None


class _Entry(_Strict):
    """An entry of claims.toml: one claim for each of its suites, variants and rows."""

    id: str
    paper: str
    source: str
    text: str
    kind: Kind
    suites: Annotated[list[str], Field(min_length=1)]
    rows: Annotated[list[str], Field(min_length=1)] | None = None
    variant: str | None = None
    variants: Annotated[list[str], Field(min_length=1)] | None = None
    metric: str | None = None
    setting: str = ""
    first: _Given
    second: _Given
    claimed: Literal["higher", "lower", ""] = ""
    margin: float = Field(default=0.0, ge=0)
    margin_from: str = ""
    ratio: float = Field(default=0.0, ge=0)
    printed: str = ""
    note: str = ""
    superseded: str = ""

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        sided = self.kind in ("superior", "non-inferior")
        for key, given, wanted in (
            ("claimed", bool(self.claimed), sided),
            ("ratio", self.ratio > 0, self.kind == "exact"),
            ("margin", self.margin > 0, self.kind != "superior"),
            ("margin_from", bool(self.margin_from), self.kind != "superior"),
        ):
            if given != wanted:
                raise ValueError(f"kind {self.kind} {'needs' if wanted else 'takes no'} {key}")
        if self.variant and self.variants:
            raise ValueError("takes variant or variants, not both")
        row, variant = (names[0] if names else None for names in (self.rows, self.variants))
        for part in ("first", "second"):
            known = self.side(part, row, variant)
            if lacking := [key for key, value in known.items() if value is None]:
                raise ValueError(f"{part} has no {lacking[0]}")
        return self

    def side(self, part: str, row: str | None, variant: str | None) -> dict[str, Any]:
        """Return row, variant, metric and setting of a side of the claim about `row` in `variant`."""
        shared = {"row": row, "variant": variant or self.variant, "metric": self.metric, "setting": self.setting}
        return shared | getattr(self, part).model_dump(exclude_none=True, exclude={"printed"})


def read_claims(path: Path = CLAIMS) -> tuple[Claim, ...]:
    """Read the claims, in the order of the file: one per entry, suite, variant and row.

    Raises ValueError, one line that names the entry and what is wrong with it.
    """
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if set(facts) != {"claim"} or not isinstance(facts["claim"], list):
        raise ValueError(f"{path} holds [[claim]] entries and nothing else")
    claims: list[Claim] = []
    for i, table in enumerate(facts["claim"]):
        name = table.get("id", f"number {i + 1}")
        try:
            entry = _Entry.model_validate(table)
        except ValidationError as error:
            raise ValueError(f"{path}: claim {name}: {_explain(error)}") from error
        if any(claim.entry == entry.id for claim in claims):
            raise ValueError(f"{path}: claim {name}: another one has the same id")
        claims += _spread(entry)
    return tuple(claims)


def _spread(entry: _Entry) -> Iterator[Claim]:
    shared = entry.model_dump(include=set(Claim.__dataclass_fields__) - {"first", "second"})
    rows: Sequence[str | None] = entry.rows or (None,)
    variants: Sequence[str | None] = entry.variants or (None,)
    for suite, variant, row in product(entry.suites, variants, rows):
        first, second = (_side(entry, part, row, variant) for part in ("first", "second"))
        yield Claim(entry=entry.id, suite=suite, first=first, second=second, **shared)


def _side(entry: _Entry, part: str, row: str | None, variant: str | None) -> Side:
    facts = entry.side(part, row, variant)
    printed = getattr(entry, part).printed or (facts["metric"], facts["setting"])
    return Side(**facts, printed=(printed[0], printed[1]))


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    path = ".".join(map(str, first["loc"]))
    if first["type"] != "extra_forbidden":
        message = first["msg"].removeprefix("Value error, ")
        return f"{path}: {message}" if path else message
    known = _Given.model_fields if len(first["loc"]) > 1 else _Entry.model_fields
    near = get_close_matches(str(first["loc"][-1]), known, 1)
    return f"unknown key {path!r}" + (f"; did you mean {near[0]!r}?" if near else "")
