"""Results that are here without having been carried out here: those that the package carries, and others' digests."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from bench.errors import unknown
from bench.storage import packed

_ROOT = Path(__file__).resolve().parents[2]
# Metrics whose version 2 carries the number of the first test images to all: the same where all were measured.
_SAME_ON_ALL = ("nll", "bits_per_dim")


def committed() -> Path | None:
    """Return the folder of the committed results: in an installed package, or in the checkout; None where neither is.

    An installed package has them without pictures.
    """
    checkout = _ROOT / "results" if (_ROOT / "setup.cfg").is_file() else None
    return next((path for path in (_ROOT / "report" / "results", checkout) if path and path.is_dir()), None)


def places(results: Path) -> list[Path]:
    """Return the folders to look for a suite's results in: the one named, then what the package carries."""
    carried = committed()
    return [results, *([carried] if carried and carried.resolve() != results.resolve() else [])]


def find(where: str | Path, results: Path) -> Path:
    """Return the folder of stored results: a path, or a name in `results` or in what the package carries.

    Raises BadInput where there is none.
    """
    known = places(results)
    for folder in (Path(where), *(place / where for place in known)):
        if (folder / "suite.json").is_file():
            return folder
    names = [path.parent.name for place in known for path in place.glob("*/suite.json")]
    raise unknown("stored results", str(where), names)


def adopt(folder: Path, source: Path, ids: Collection[str]) -> list[str]:
    """Add packed digests of another folder to those of `folder`, those of `ids` that it lacks; return which.

    A number that a metric's version of today would give as well counts as of that version.
    """
    return packed.adopt(folder, source, ids, up_to_date)


def up_to_date(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a digest whose numbers are of the newest version of a metric that gives them."""
    try:
        test_images = facts["provenance"]["data"]["images"]["test"]
    except (KeyError, TypeError):
        return dict(facts)
    measurements = [
        m | {"version": 2} if m["metric"] in _SAME_ON_ALL and m.get("n") == test_images else m
        for m in facts["measurements"]
    ]
    return {**facts, "measurements": measurements}


def suite_facts(folder: Path) -> dict[str, Any] | None:
    """Return what suite.json says; None where there is none that can be read."""
    try:
        found = json.loads((folder / "suite.json").read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("runs"), dict) else None
