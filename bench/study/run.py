"""A run: one model on one data set at one preset and seed, and the names of its folders."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import JsonValue

from bench.study.schema import Evaluation
from bench.training.settings import Training
from models.networks.kinds import NetworkConfig

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_LEFT_OUT = ("suite", "evaluation", "row", "preset")  # of what trained weights depend on


@dataclass(frozen=True)
class Run:
    """One model, one data set, one preset, one seed; frozen, and its folder is a function of it.

    `network` is of a type that the model's configuration takes, `options` are others of its fields.
    """

    suite: str
    row: str
    model: str
    variant: str
    dataset: str
    preset: str
    seed: int
    latent_dim: int
    data: Mapping[str, str]
    network: "DataclassInstance"
    options: Mapping[str, JsonValue]
    likelihood: str
    training: Training
    evaluation: Evaluation

    @cached_property
    def id(self) -> str:
        """Folder name: row, variant, seed, and a hash of all that the trained weights depend on."""
        trained_by = {key: getattr(self, key) for key in self.__dataclass_fields__ if key not in _LEFT_OUT}
        trained_by |= {"network": self._network(), "training": self.training.identity()}
        return f"{slug(self.row)}-{self.variant}-s{self.seed}-{digest(trained_by)}"

    @cached_property
    def evaluation_id(self) -> str:
        """Hash of the evaluation settings: a change of these measures anew without training."""
        return digest(self.evaluation.identity())

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the fields as plain data, in the form that identities hash and records keep."""
        return {key: getattr(self, key) for key in self.__dataclass_fields__} | {
            "network": self._network(),
            "training": self.training.identity(),
            "evaluation": self.evaluation.identity(),
        }

    def _network(self) -> dict[str, JsonValue]:
        return self.network.identity() if isinstance(self.network, NetworkConfig) else asdict(self.network)


def slug(text: str) -> str:
    """Return text for a file name: lower case, runs of other characters than letters, digits and dots as one "-"."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "row"


def digest(value: object) -> str:
    """Return ten hexadecimal digits of the SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:10]
