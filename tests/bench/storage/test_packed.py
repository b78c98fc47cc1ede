"""Packed digests: the same runs give the same bytes, a report reads them as it reads folders, damage is noticed."""

import json
import shutil
from pathlib import Path

import pytest
from fake_results import ok, write_digest, write_full

from bench.storage import packed
from report import write
from report.store import read_suite

FILES = (packed.LINES, packed.PICTURES)


def full(folder: Path) -> Path:
    return write_full(folder, ["VAE", "IWAE"], (0, 1))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def pack_away(folder: Path) -> dict[str, bytes]:
    """Pack the digests of a suite and remove their folders, as in a fresh clone."""
    packed.pack(folder)
    shutil.rmtree(folder / "digests")
    return bytes_of(folder)


def test_the_same_runs_give_the_same_bytes_in_whatever_order_they_come(tmp_path: Path) -> None:
    one, other = full(tmp_path / "one" / "suite"), full(tmp_path / "other" / "suite")
    packed.pack(one)
    late = sorted((other / "digests").iterdir())[:3]
    for path in late:
        path.rename(tmp_path / path.name)
    pack_away(other)
    for path in late:
        shutil.move(tmp_path / path.name, other / "digests" / path.name)
    packed.pack(other)
    packed.pack(other)
    assert bytes_of(one) == bytes_of(other)


def test_a_report_of_packed_digests_is_that_of_their_folders(tmp_path: Path) -> None:
    suite = full(tmp_path / "suite")
    before = {path.name: path.read_bytes() for path in write(suite)}
    pack_away(suite)
    after = {path.name: path.read_bytes() for path in write(suite)}
    assert before.keys() == after.keys() and "samples.png" in after
    assert {name for name in before if not name.endswith(".pdf") and before[name] != after[name]} == set()


def test_a_folder_is_newer_than_what_is_packed(tmp_path: Path) -> None:
    suite = full(tmp_path)
    pack_away(suite)
    write_digest(suite, "VAE", "unidirectional", 0, [ok("nll", "", 12.5)])
    (found,) = [d for d in read_suite(suite).runs("VAE", "unidirectional") if d.seed == 0]
    assert found.values()["nll", ""]["value"] == 12.5
    packed.pack(suite)
    assert len(read_suite(suite).digests) == 2 * 4 * 2


def test_every_picture_is_stored_once(tmp_path: Path) -> None:
    suite = full(tmp_path)
    pictures = {path.read_bytes() for path in suite.glob("digests/*/*.png")}
    pack_away(suite)
    stored = [tile.read_bytes() for digest in read_suite(suite).digests for tile in digest.tiles.values()]
    assert set(stored) == pictures
    assert len({tile.member for d in read_suite(suite).digests for tile in d.tiles.values()}) == len(pictures)


def test_dropped_runs_are_gone_with_their_pictures(tmp_path: Path) -> None:
    suite = full(tmp_path)
    pack_away(suite)
    runs = [digest.id for digest in read_suite(suite).digests]
    packed.drop(suite, runs[:1])
    assert [digest.id for digest in read_suite(suite).digests] == runs[1:]
    packed.drop(suite, runs)
    assert not any((suite / name).exists() for name in FILES)


@pytest.mark.parametrize("part", range(20))
def test_one_flipped_bit_costs_its_line_and_is_said(tmp_path: Path, part: int) -> None:
    suite = full(tmp_path)
    text = bytearray(pack_away(suite)[packed.LINES])
    place = part * (len(text) // 20) + 7
    text[place] ^= 1 << (part % 7)
    (suite / packed.LINES).write_bytes(text)
    found = read_suite(suite)
    assert len(found.digests) < 16 and any(packed.LINES in problem for problem in found.problems)
    packed.pack(suite)  # what is damaged is not carried on
    assert all(json.loads(line) for line in (suite / packed.LINES).read_text().splitlines())
    assert len(read_suite(suite).digests) == len(found.digests)


def test_damaged_pictures_cost_the_pictures_alone(tmp_path: Path) -> None:
    suite = full(tmp_path)
    pack_away(suite)
    (suite / packed.PICTURES).write_bytes(b"no archive")
    found = read_suite(suite)
    assert len(found.digests) == 16 and not any(digest.tiles for digest in found.digests)
    assert [problem for problem in found.problems if packed.PICTURES in problem]
    write(suite)


def test_an_interruption_between_the_files_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = full(tmp_path)
    pack_away(suite)
    before = [(d.id, {name: tile.read_bytes() for name, tile in d.tiles.items()}) for d in read_suite(suite).digests]
    for seed in (0, 1):
        write_digest(suite, "VAE", "stock", seed, [ok("nll", "", 1.0)], pictures=True)
    whole = packed.write_whole
    left = [1]

    def once(path: Path, data: bytes) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        whole(path, data)

    monkeypatch.setattr(packed, "write_whole", once)
    with pytest.raises(KeyboardInterrupt):
        packed.pack(suite)
    shutil.rmtree(suite / "digests")
    after = [(d.id, {name: tile.read_bytes() for name, tile in d.tiles.items()}) for d in read_suite(suite).digests]
    assert before == after
