"""Identities stay: those of committed results are made again from their stored runs, and stored networks are read."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.study.run import Run
from bench.study.schema import Evaluation
from bench.training.settings import Training
from models import MODELS
from models.networks.kinds import KINDS, UNREAD, Convolutional, Dense, Perceptron, network_of

RESULTS = Path(__file__).parents[3] / "results"
STORED = [
    json.loads(line) for path in sorted(RESULTS.glob("*/digests.jsonl")) for line in path.read_text().splitlines()
]


def restored(run: dict[str, Any]) -> Run:
    """Return a run from its stored form."""
    return Run(
        **run
        | {
            "network": network_of(MODELS[run["model"]].resolve().config_class, run["network"]),
            "training": Training(**run["training"]),
            "evaluation": Evaluation(**run["evaluation"]),
        }
    )


def test_every_committed_run_has_its_id_and_its_plain_form_again() -> None:
    """The oldest were measured before some settings of an evaluation were there."""
    whole = 0
    for stored in STORED:
        run = restored(stored["run"])
        assert run.id == stored["id"]
        plain = json.loads(json.dumps(run.to_dict()))
        if stored["run"]["evaluation"].keys() >= Evaluation.ALWAYS:
            whole += 1
            assert (run.evaluation_id, plain) == (stored["evaluation_id"], stored["run"])
        assert plain | {"evaluation": None} == stored["run"] | {"evaluation": None}
    assert len(STORED) > 700 and whole > 600


def test_a_setting_at_its_default_changes_no_identity_and_another_value_does() -> None:
    first = Training(epochs=3)
    assert Training(epochs=3, clip_norm=None, adam_beta1=0.9).identity() == first.identity()
    assert Training(epochs=3, clip_norm=2.0).identity() == first.identity() | {"clip_norm": 2.0}
    assert Evaluation(metrics=()).identity() == Evaluation().identity()
    assert Evaluation(score_classifier="paper", extras=("scores",)).identity()["score_classifier"] == "paper"


OLD = UNREAD | {"width": 1.0, "encoder": None, "decoder": None}  # as all kinds were stored when they were one type


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (
            {"kind": "convolutional", "channels": [4], "strides": [2]},
            Convolutional(channels=(4,), strides=(2,), hidden=()),
        ),
        ({"kind": "perceptron", "hidden": [7]}, Perceptron(hidden=(7,))),
        (
            {"kind": "dense", "strides": [2], "encoder": [4, 1], "decoder": [8, 2]},
            Dense(strides=(2,), encoder=(4, 1), decoder=(8, 2)),
        ),
    ],
)
def test_a_network_stored_with_the_fields_of_all_kinds_is_read_as_its_own(
    stored: dict[str, Any], read: Any, tmp_path: Path
) -> None:
    config_class = MODELS["VAE"].resolve().config_class
    config = config_class(input_dim=(1, 8, 8), latent_dim=4, network=OLD | stored)
    assert config.network == read == network_of(config_class, OLD | stored)
    assert type(read) is KINDS[read.kind]
    config.save_json(str(tmp_path), "model_config")
    assert config_class.from_json_file(str(tmp_path / "model_config.json")).network == read
