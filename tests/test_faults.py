"""Every row of the fault programme holds; `python -m tests.faults` prints them as a table."""

from pathlib import Path

import pytest
from faults.__main__ import FAULTS
from faults.common import Fault


@pytest.mark.parametrize(
    "fault", [pytest.param(f, marks=[pytest.mark.slow] if f.slow else [], id=f.name) for f in FAULTS]
)
def test_a_fault_has_the_consequences_that_are_expected(fault: Fault, tmp_path: Path) -> None:
    assert fault.happen(tmp_path)
