"""Claims files made of invented entries."""

from pathlib import Path
from typing import Any

GOOD: dict[str, Any] = {
    "id": "c",
    "paper": "P",
    "source": "Table 1",
    "text": "first is higher",
    "kind": "superior",
    "claimed": "higher",
    "suites": ["s", "t"],
    "rows": ["VAE", "IWAE"],
    "metric": "psnr",
    "first": {"variant": "bidirectional"},
    "second": {"variant": "unidirectional"},
}


def write_claims(path: Path, *entries: dict[str, Any]) -> Path:
    """Write entries as a claims file; values of None are left away."""
    lines = []
    for entry in entries:
        lines.append("[[claim]]")
        lines += [f"{key} = {_toml(value)}" for key, value in entry.items() if value is not None]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(v)}" for key, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value).replace("'", '"')
