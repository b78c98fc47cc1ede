"""Arrays on disk: made once, and made anew rather than believed where the file is damaged."""

from pathlib import Path

import numpy as np
import pytest

from bench.system.cache import cached_arrays

ARRAYS = {"mean": np.arange(3.0), "covariance": np.arange(9.0).reshape(3, 3)}


def never() -> dict[str, np.ndarray]:
    raise AssertionError("made again")


def same(found: object) -> bool:
    assert isinstance(found, dict)
    return found.keys() == ARRAYS.keys() and all(np.array_equal(found[key], ARRAYS[key]) for key in ARRAYS)


def test_the_second_call_reads(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.npz"
    assert same(cached_arrays(path, ARRAYS, lambda: ARRAYS))
    assert same(cached_arrays(path, ARRAYS, never))
    assert [p.name for p in path.parent.iterdir()] == ["file.npz"]


def test_no_byte_can_be_changed_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "file.npz"
    cached_arrays(path, ARRAYS, lambda: ARRAYS)
    whole = path.read_bytes()
    for position in range(len(whole)):
        for bit in (0x01, 0x80):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ bit]) + whole[position + 1 :])
            assert same(cached_arrays(path, ARRAYS, lambda: ARRAYS)), position


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"\x80\x04."])
def test_a_damaged_file_is_made_anew_and_mended(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "file.npz"
    cached_arrays(path, ARRAYS, lambda: ARRAYS)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    made: list[int] = []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return ARRAYS

    assert same(cached_arrays(path, ARRAYS, make))
    assert made == [1]
    assert same(cached_arrays(path, ARRAYS, never))


def test_pickled_objects_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file.npz"
    np.savez(path, mean=np.array([{"a": 1}], dtype=object), covariance=ARRAYS["covariance"])
    assert same(cached_arrays(path, ARRAYS, lambda: ARRAYS))


def test_a_file_with_other_names_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "file.npz"
    np.savez(path, mean=ARRAYS["mean"])
    assert same(cached_arrays(path, ARRAYS, lambda: ARRAYS))


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    assert same(cached_arrays(tmp_path / "taken" / "file.npz", ARRAYS, lambda: ARRAYS))
