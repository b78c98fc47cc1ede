"""A picture that cannot be made costs that picture: what was measured stays."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench import run
from bench.errors import Blank
from bench.evaluation.pictures import plots as plots_module
from bench.evaluation.pictures import tiles as tiles_module
from bench.runs import execute

QUICK = ["--preset", "small", "--models", "VAE/unidirectional", "--seeds", "0", "--set", "epochs=1", "--jobs", "1"]
QUICK += ["--set", "evaluation.nll_samples=2", "--set", "evaluation.nll_images=20", "--set", "evaluation.images=60"]
QUICK += ["--set", "evaluation.metrics=['nll', 'psnr']", "--set", "evaluation.tsne_images=30"]


def digest(results: Path) -> dict[str, Any]:
    (path,) = results.glob("digits/digests/*/digest.json")
    return json.loads(path.read_text())


def test_every_picture_can_fail_and_the_measurements_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Any:
        raise ZeroDivisionError("no picture")

    monkeypatch.setattr(tiles_module, "save_grid", lambda *_, **__: fail())
    monkeypatch.setattr(plots_module, "PLOTS", {"broken": ("kernel", "reconstruct", fail)})
    monkeypatch.setattr(execute, "_embedding", fail)
    monkeypatch.setattr("bench.runs.tracking.Tracking.evaluated", fail)
    assert run.main([*QUICK, "--results", str(tmp_path), "--set", "evaluation.extras=['kernel']"]) == 0
    found = digest(tmp_path)
    assert found["status"] == "done" and {m["status"] for m in found["measurements"]} == {"ok"}
    assert {"samples", "reconstructions", "broken", "t-SNE"} <= found["lost"].keys()
    assert set(found["lost"].values()) == {"ZeroDivisionError: no picture"} and found["tsne"] is None


def test_a_run_with_all_its_pictures_says_nothing_of_lost_ones(tmp_path: Path) -> None:
    assert run.main([*QUICK, "--results", str(tmp_path)]) == 0
    found = digest(tmp_path)
    assert "lost" not in found and len(found["tsne"]["x"]) == 30


def embedded(codes: np.ndarray) -> dict[str, Any] | None:
    """Embed codes [N, L] in this process, as a run would."""
    labels = np.zeros(len(codes), int)
    settings = SimpleNamespace(tsne_images=1000, tsne_seeds=[0])
    given = {"test_labels": labels, "test_mean": codes.astype(np.float32)}
    what: Any = SimpleNamespace(get=given.__getitem__)
    return execute._embedding(SimpleNamespace(evaluation=settings, variant="unidirectional", seed=0), what)  # type: ignore[arg-type]


EQUAL = np.full((40, 3), 0.7)


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        (EQUAL, "all alike"),
        (np.zeros((40, 3)), "all alike"),
        (EQUAL + np.float32(1e-7) * np.arange(40)[:, None], "all alike"),
        (np.eye(3), "3 test images are too few"),
        (np.full((40, 3), np.nan), "not finite"),
        (np.where(np.arange(120).reshape(40, 3) == 7, np.inf, 0.5), "not finite"),
    ],
)
def test_codes_that_would_end_the_process_are_not_embedded(codes: np.ndarray, reason: str) -> None:
    with pytest.raises(Blank, match=reason):
        embedded(codes)


DEGENERATE = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from test_lost_pictures import embedded
rng = np.random.default_rng(0)
two = np.repeat(np.eye(2, 3), 20, axis=0)
one_differs = np.zeros((40, 3)); one_differs[0] = 1
for codes in (rng.normal(size=(40, 1)), np.outer(rng.normal(size=40), [1, 2, 3]), two, one_differs,
              1e-20 * rng.normal(size=(40, 3)), 1e18 * rng.normal(size=(40, 3)), rng.normal(size=(4, 3))):
    found = embedded(codes)
    assert len(found["x"]) == len(codes) and np.isfinite(found["x"]).all() and np.isfinite(found["y"]).all()
print("all embedded")
"""


def test_degenerate_codes_that_differ_are_embedded() -> None:
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", DEGENERATE, here], capture_output=True, text=True, cwd=Path.cwd())
    assert (done.returncode, done.stdout.strip()) == (0, "all embedded"), done.stderr[-500:]
