"""Which code trained a run: finished ones are kept and named, unfinished ones are not gone on with unasked."""

from pathlib import Path

import pytest
from faulty_runs import carried_out, digest_of, runs_of

from bench.errors import BadInput
from bench.runs import remaining
from bench.storage import code_version, store
from bench.study.run import Run
from bench.training.checkpoint import Checkpoints

DATA = ("digits", "the same images")

pytestmark = pytest.mark.usefixtures("own_registries")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return runs_of(["VAE"], tmp_path, "epochs=1")[0]


def other_code(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> None:
    """Change what the sources are said to be: another sum, or None for a file that is gone."""
    now = dict(code_version.sources("VAE"))
    for name, value in changes.items():
        now[name.replace("__", "/") + ".py"] = value or ""
    monkeypatch.setattr(code_version, "sources", lambda model: {k: v for k, v in now.items() if v})


def begun(folder: Path, run: Run) -> Path:
    """Begin the training of a run: a state, and what code made it."""
    states = folder / "runs" / run.id / "states"
    Checkpoints(states).save({"value": 1})
    code_version.begin(states, run.model, DATA)
    return states


def test_the_sources_are_all_of_models_and_the_engine() -> None:
    found = code_version.sources("VAE")
    assert {
        "models/objectives.py",
        "models/bvae.py",
        "bench/training/trainer.py",
        "bench/training/stacked.py",
    } <= found.keys()
    assert "bench/run.py" not in found and not any(name.startswith("report") for name in found)


def test_a_model_from_elsewhere_brings_its_own_source(tmp_path: Path) -> None:
    runs_of(["Killer"], tmp_path)
    assert code_version.sources("Killer").keys() - code_version.sources("VAE").keys() == {"faulty_models (plug-in)"}


def test_the_code_is_no_part_of_the_folders_name(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other_code(monkeypatch, models__objectives="0")
    assert runs_of(["VAE"], tmp_path, "epochs=1")[0].id == run.id


def test_unfinished_trainings_of_other_code_are_refused_with_what_changed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, run)
    remaining.refuse_other_code(tmp_path, [run])
    other_code(monkeypatch, models__objectives="0", bench__training__trainer=None, models__new="1")
    with pytest.raises(BadInput) as refused:
        remaining.refuse_other_code(tmp_path, [run])
    for part in (
        run.id,
        "(bench/training/trainer.py, models/new.py, models/objectives.py differ)",
        "--accept-code-change",
    ):
        assert part in str(refused.value)
    assert "models/bvae.py" not in str(refused.value)


def test_a_group_that_other_code_began_is_refused_too(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = tmp_path / "runs" / "together-abc"
    store.write_json(states / "members.json", [run.id])
    Checkpoints(states).save({"value": 1})
    code_version.begin(states, run.model, DATA)
    other_code(monkeypatch, bench__training__stacked="0")
    with pytest.raises(BadInput, match=r"\(bench/training/stacked.py differs\)"):
        remaining.refuse_other_code(tmp_path, [run])


def test_nothing_is_refused_where_no_state_is_stored(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = begun(tmp_path, run)
    for path in states.glob("*.pt"):
        path.unlink()
    other_code(monkeypatch, bench__training__trainer="0")
    remaining.refuse_other_code(tmp_path, [run])
    assert "code_before" not in code_version.begin(states, run.model, DATA)


def test_accepted_code_is_written_down_beside_what_was_before(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = begun(tmp_path, run)
    first = code_version.version("VAE")
    other_code(monkeypatch, bench__training__trainer="0")
    second = code_version.version("VAE")
    assert first != second
    assert code_version.begin(states, "VAE", DATA) == {"code": second, "code_before": [first]}
    assert code_version.begin(states, "VAE", DATA) == {"code": second, "code_before": [first]}


def test_finished_runs_of_other_code_are_kept_and_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert carried_out("in-process", [[run]], tmp_path) == {"VAE/0": "done"}
    first = digest_of(tmp_path, run)["provenance"]["code"]
    assert remaining.finished_by_other_code(tmp_path, [run]) == {}
    other_code(monkeypatch, bench__training__trainer="0")
    assert remaining.unfinished(tmp_path, [run], force=False) == []
    assert remaining.finished_by_other_code(tmp_path, [run]) == {run.id: first}


def test_a_training_that_other_images_began_is_not_gone_on_with(tmp_path: Path) -> None:
    code_version.begin(tmp_path, "VAE", DATA)
    assert code_version.begin(tmp_path, "VAE", ("digits", "others"))["code"]  # no state yet: it is begun anew
    (tmp_path / "000001.pt").touch()
    with pytest.raises(BadInput, match="begun with other images; --force begins anew"):
        code_version.begin(tmp_path, "VAE", DATA)
    code_version.begin(tmp_path, "VAE", ("digits", "others"))
