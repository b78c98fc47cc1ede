"""Checked files: whatever is done to one is noticed, and what can be computed again is."""

import os
import random
import time
from pathlib import Path

import pytest

from bench.system import checked
from bench.system.cache import kept

DATA = bytes(range(256)) * 3


def test_what_is_written_is_read_in_one_piece(tmp_path: Path) -> None:
    checked.write(tmp_path / "file", b"head", DATA, memoryview(b"end"))
    assert bytes(checked.read(tmp_path / "file")) == b"head" + DATA + b"end"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_changes_to_what_is_read_stay_in_memory(tmp_path: Path) -> None:
    checked.write(tmp_path / "file", DATA)
    checked.read(tmp_path / "file")[0] = 77
    assert bytes(checked.read(tmp_path / "file")) == DATA


def test_two_hundred_flipped_bits_and_every_shorter_file_are_noticed(tmp_path: Path) -> None:
    path, rng = tmp_path / "file", random.Random(0)
    checked.write(path, DATA)
    whole = path.read_bytes()
    for _ in range(200):
        spoilt = bytearray(whole)
        spoilt[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(spoilt)
        with pytest.raises(checked.Damaged, match="file"):
            checked.read(path)
    for length in (0, 1, 31, 32, 33, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(checked.Damaged):
            checked.read(path)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # to open one waits for a writer
    for name in ("pipe", "absent", "."):
        with pytest.raises(OSError):
            checked.read(tmp_path / name)


def test_a_file_that_its_reader_refuses_is_made_anew_and_old_leftovers_go(tmp_path: Path) -> None:
    for name, age in (("file.1.partial", 7200), ("file.2.partial", 0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    checked.write(tmp_path / "file", b"no number")
    assert kept(tmp_path / "file", lambda: 7, int, lambda n: [str(n).encode()]) == 7
    assert bytes(checked.read(tmp_path / "file")) == b"7"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "file.2.partial"]
