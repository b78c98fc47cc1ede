"""Where the results lie that the package carries: suite.json and digests.jsonl of each suite."""

from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def committed() -> Path | None:
    """Return the folder of the committed results: in an installed package, or in the checkout; None where neither is.

    An installed package has them without pictures.
    """
    checkout = _ROOT / "results" if (_ROOT / "setup.cfg").is_file() else None
    return next((path for path in (_ROOT / "report" / "results", checkout) if path and path.is_dir()), None)
