"""No flipped bit of anything that is kept changes what is shown; `python -m tests.flips` prints the table."""

from pathlib import Path

import pytest

from tests.flips import FLIPS, every_row

KINDS = (
    *("training state (.pt)", "training state (.sha256)", "weights", "run record", "trained.json", "manifest"),
    *("digest", "picture", "anchors", "committed digests", "committed pictures"),
    *("classifier cache", "cached features", "decoded images"),
)


@pytest.mark.parametrize("flips", [3, pytest.param(FLIPS, marks=pytest.mark.slow)])
def test_every_flipped_bit_is_noticed_or_without_effect(tmp_path: Path, flips: int) -> None:
    found = list(every_row(tmp_path, flips))
    assert tuple(dict.fromkeys(row.kind for row in found)) == KINDS
    for row in found:
        assert row.noticed + row.without_effect == row.flips == flips
    judged = [row for row in found if row.reader == "load_model" and row.kind == "weights"]
    assert [row.noticed for row in judged] == [flips]
