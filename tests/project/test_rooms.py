"""The rooms keep to what they say; what CONTRIBUTING says is where it says; nothing that had a name has lost it."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from bench.command.listing import listing
from tests import rooms

ROOT = Path(__file__).parents[2]
MODULES = rooms.modules()
PLACES = re.findall(r"`((?:models|bench|report)[\w.]*):(\w+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
RENAMED: dict[str, str] = {}  # entry that was renamed -> its name now


def test_no_import_goes_against_the_direction_of_the_rooms() -> None:
    assert list(rooms.against(MODULES)) == []


def test_no_modules_import_one_another_in_a_circle() -> None:
    assert rooms.circles(MODULES) == []


def test_no_level_holds_more_than_a_reader_can_overlook() -> None:
    assert {folder: n for folder, n in rooms.entries().items() if n > rooms.MOST_ENTRIES} == {}


def package(tmp_path: Path, files: dict[str, str]) -> dict[str, Path]:
    found = {}
    for name, text in files.items():
        path = tmp_path / f"{name.replace('.', '-')}.py" if "." in name else tmp_path / name / "__init__.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        found[name] = path
    return found


def test_imports_against_the_direction_and_circles_are_found(tmp_path: Path) -> None:
    known = package(
        tmp_path,
        {
            "models": '"""Models.\n\nFloors: low, high.\n"""',
            "models.low": "def f():\n    from models.high import g\n",
            "models.high": "from models import low\n",
            "models.new": "import models.low\n",
        },
    )
    assert list(rooms.against(known)) == [
        "models.low imports models.high, which is on a higher floor",
        "models.new imports models.low, which is on a higher floor",
        "models.new is on no floor of models",
    ]
    assert rooms.circles(known) == [["models.high", "models.low"]]


def test_the_table_of_places_has_some_twenty_lines() -> None:
    assert 20 <= len(PLACES) <= 40


@pytest.mark.parametrize(("module", "name"), PLACES)
def test_what_is_said_to_be_somewhere_is_there(module: str, name: str) -> None:
    assert hasattr(import_module(module), name)


def test_nothing_that_was_listed_has_lost_its_name() -> None:
    before = json.loads((ROOT / "tests" / "project" / "known_names.json").read_text())
    now = json.loads(listing(as_json=True))
    for kind, names in before.items():
        assert {RENAMED.get(name, name) for name in names} <= set(now[kind])
