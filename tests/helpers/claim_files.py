"""Claims files made of invented statements."""

from pathlib import Path
from typing import Any

GOOD: dict[str, Any] = {
    "id": "c",
    "paper": "P",
    "source": "Table 1",
    "text": "first is higher",
    "kind": "superior",
    "claimed": "higher",
    "on": {"digits": ["s"], "mnist": ["t"]},
    "rows": ["VAE", "IWAE"],
    "primary": "mean",
    "metric": "psnr",
    "first": {"variant": "bidirectional"},
    "second": {"variant": "unidirectional"},
    "printed": "2 against 1",
}


def write_claims(path: Path, *statements: dict[str, Any]) -> Path:
    """Write statements as a claims file; values of None are left away."""
    lines = []
    for statement in statements:
        lines.append("[[statement]]")
        lines += [f"{key} = {_toml(value)}" for key, value in statement.items() if value is not None]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(v)}" for key, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).replace("'", '"')
