"""All that is to be run for the papers' statements, in its order: evidence.toml, read strictly."""

import shlex
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.study import PresetName, suite_files
from bench.study.schema import explain

LIST = Path(__file__).with_name("evidence.toml")


class Entry(BaseModel):
    """Runs of a suite, or a declared search, and the hours that two cores are expected to take for them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    part: Literal[1, 2] = 1
    search: str = ""
    suite: str = ""
    preset: PresetName = "small"
    models: str = ""
    seeds: str = ""
    set: tuple[str, ...] = ()
    hours: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if bool(self.search) == bool(self.suite) or bool(self.suite) != bool(self.seeds):
            raise ValueError("names a search, or a suite and its seeds")
        return self

    @property
    def words(self) -> list[str]:
        """The arguments of `vae-bench run` for a suite."""
        words = ["--suite", self.suite, "--preset", self.preset, "--seeds", self.seeds]
        words += ["--models", self.models] if self.models else []
        return words + [word for setting in self.set for word in ("--set", setting)]

    @property
    def command(self) -> str:
        """The command that carries it out."""
        if self.search:
            return f"python -m bench.command.search {self.search}"
        return shlex.join(["vae-bench", "run", *self.words])


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    runs: tuple[Entry, ...] = Field(min_length=1)


def read(path: Path = LIST) -> tuple[Entry, ...]:
    """Return the list in its order; raises BadInput for an unknown key or a value that cannot be."""
    try:
        return _Listed.model_validate(suite_files.read(path)).runs
    except ValidationError as error:
        raise explain(error, path.name, Entry.model_fields) from None
