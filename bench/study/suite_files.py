"""Suite files: where they are, how one extends another, and how `key=value` changes one."""

import re
import tomllib
from pathlib import Path
from typing import Any

from bench.errors import BadInput, unknown
from bench.study.schema import Preset, Suite

SUITES = Path(__file__).parents[1] / "suites"
DEEPEST = 16  # tables and lists inside one another; the project's own have 5
LARGEST = 2**63  # of whole numbers, as TOML has it
LONGEST = 180  # bytes of a folder's name, of the 255 that file systems allow: files beside it have longer names


def names() -> list[str]:
    """Return the names of the suites that come with the project."""
    return sorted(p.stem for p in SUITES.glob("*.toml"))


def titles() -> dict[str, str]:
    """Return the titles of these suites by name, each with its presets."""
    files = {name: read(SUITES / f"{name}.toml") for name in names()}
    return {name: f"{file['title']} ({', '.join(file['presets'])})" for name, file in files.items()}


def find(name: str) -> Path:
    """Return the file of a suite that comes with the project, or of a path to one's own; raises BadInput."""
    if not name.endswith(".toml"):
        if (own := _own_file(name)) is None:
            raise unknown("suite", name, names())
        return own
    path = Path(name)
    if not path.is_file():
        raise BadInput(f"--suite {name}: no such file")
    if path.stem.startswith(".") or not path.stem.isprintable():
        raise BadInput(f"--suite {name!r}: the folder of results takes the file's name, which must not be hidden")
    if path.stem in names() and not path.samefile(SUITES / path.name):
        raise BadInput(f"--suite {name}: a suite {path.stem!r} comes with the project; name the file otherwise")
    if len(path.stem.encode()) > LONGEST:
        raise BadInput(f"--suite: the name of {path.name[:20]}… is too long for a folder; {LONGEST} bytes at most")
    return path


def base_of(name: str) -> str | None:
    """Return the suite of the project's that a file of the user's extends; None where it extends none."""
    path = find(name)
    try:
        base = tomllib.loads(path.read_text(encoding="utf-8")).get("extends")
    except (ValueError, RecursionError, OSError):
        return None
    return base if path.parent != SUITES and base in names() else None


def _own_file(name: object) -> Path | None:
    """Return the file of a suite, or of a base, that comes with the project; None for any other name."""
    inside = isinstance(name, str) and re.fullmatch(r"(base/)?\w[\w.-]*", name)
    path = SUITES / f"{name}.toml"
    return path if inside and path.is_file() else None


def read(path: Path) -> dict[str, Any]:
    """Read a suite file and lay it over the one it `extends`; `add_rows` come after the rows of that."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from None
    _refuse_odd(raw, path.name)
    if "extends" not in raw:
        return raw
    base = _own_file(name := raw.pop("extends"))
    if base is None:
        raise BadInput(f"{path.name} extends {name!r}, which is not a file of {SUITES}; leave out its .toml")
    low, added = read(base), raw.pop("add_rows", [])
    if not isinstance(added, list):
        raise BadInput(f"{path.name}: add_rows is no list of rows")
    if added:
        raw["rows"] = [*raw.get("rows", low.get("rows", [])), *added]
    rows = [raw.get(key, low.get(key, [])) for key in ("rows", "extra_rows")]
    kept = [row for part in rows if isinstance(part, list) for row in part if isinstance(row, dict)]
    for preset in low.get("presets", {}).values():  # what the base says of rows that are not taken over
        for table, key in (("options", "model"), ("networks", "model"), ("row_options", "row")):
            said = preset.get(table, {})
            for name in said.keys() - {str(row.get(key)) for row in kept}:
                del said[name]
    return _merge(low, raw)


def _refuse_odd(value: object, where: str, depth: int = 0) -> None:
    """Raise BadInput for what results cannot hold: deep nesting, whole numbers beyond 64 bits, text that is none."""
    if depth > DEEPEST:
        raise BadInput(f"{where}: tables and lists more than {DEEPEST} deep")
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_odd(key, where)
            _refuse_odd(inner, where, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _refuse_odd(inner, where, depth + 1)
    elif isinstance(value, int) and not -LARGEST <= value < LARGEST:
        raise BadInput(f"{where}: a whole number of more than 64 bits")
    elif isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadInput(f"{where}: {ascii(value)} is not text in UTF-8") from None


def _merge(low: Any, high: Any) -> Any:
    """Lay a table over another; one of another `kind` takes its place."""
    if isinstance(low, dict) and isinstance(high, dict) and high.get("kind", low.get("kind")) == low.get("kind"):
        return {
            k: _merge(low[k], high[k]) if k in low and k in high else high.get(k, low.get(k)) for k in {**low, **high}
        }
    return high


def change(raw: dict[str, Any], preset: str, override: str) -> None:
    """Set `a.b=value` in the suite, or in its preset where `a` is a preset's field."""
    key, equals, text = override.partition("=")
    if not equals:
        raise BadInput(f"--set {override!r}: write key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    except (ValueError, RecursionError) as error:  # thousands of digits or of brackets
        raise BadInput(f"--set {key[:40]}: {error}") from None
    first, *rest = key.strip().split(".")
    if first in Preset.model_fields:
        if preset not in raw.get("presets", {}):
            raise unknown("preset", preset, raw.get("presets", {}))
        target = raw["presets"][preset]
    elif first in Suite.model_fields and first not in ("rows", "extra_rows", "presets"):
        target = raw
    else:
        raise unknown("setting", first, {*Preset.model_fields, *Suite.model_fields} - {"rows", "extra_rows", "presets"})
    *outer, last = [first, *rest]
    for part in outer:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise BadInput(f"--set {override!r}: {part} has no settings inside")
    target[last] = value
    _refuse_odd(raw, f"--set {ascii(key[:40])}")
