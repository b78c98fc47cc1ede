"""The pages on Pythae's tools: the table is what the registry gives, and the code runs as it is printed."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from models.interface.table import page

DOCS = Path(__file__).parents[3] / "docs"


def test_the_table_is_what_the_registry_gives() -> None:
    assert page() in (DOCS / "pythae.md").read_text(encoding="utf-8"), "python -m models.interface.table prints it"


def test_the_how_to_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "pythae-how-to.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 6
    module = ModuleType("how_to")
    monkeypatch.setitem(sys.modules, "how_to", module)  # where Pythae looks for the networks that it pickles
    exec("\n".join(blocks), module.__dict__)
