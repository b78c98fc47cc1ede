"""Archives that hold what archives of images do not: links, devices, far too much."""

import bz2
import io
import lzma
import os
import stat
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from bench.data import archives
from bench.data.archives import extracted
from bench.data.places import cache_folder
from bench.errors import BadInput


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(archives, "LEAST_BOUND", 1 << 20)


def packed(path: Path, *members: tuple[str, bytes, str, bytes], mode: str = "w") -> Path:
    """Write a tar file of (name, type, link, contents)."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, kind, link, contents in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size, info.mode = kind, link, len(contents), 0o755
            tar.addfile(info, io.BytesIO(contents))
    return path


FILE = ("good/file", tarfile.REGTYPE, "", b"x")


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "file"),
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "good/file"),
        (tarfile.FIFOTYPE, ""),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
    ],
)
def test_links_and_devices_are_refused_wherever_they_point(tmp_path: Path, kind: bytes, link: str) -> None:
    archive = packed(tmp_path / "a.tar", FILE, ("good/other", kind, link, b""))
    with pytest.raises(BadInput, match="'good/other' is neither a file nor a folder"):
        extracted(archive)
    assert not list(cache_folder().rglob("file"))


@pytest.mark.parametrize("second", ["good/file", "good/./file", "good//file"])
def test_a_member_that_would_take_the_place_of_another_is_refused(tmp_path: Path, second: str) -> None:
    archive = packed(tmp_path / "a.tar", FILE, (second, tarfile.REGTYPE, "", b"other pixels"))
    with pytest.raises(BadInput, match="is in it twice"):
        extracted(archive)
    assert not list(cache_folder().rglob("file"))


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.tar", FILE, ("good/file/below", tarfile.REGTYPE, "", b"x"))
    with pytest.raises(BadInput, match="could not unpack"):
        extracted(archive)
    assert not list(cache_folder().rglob("file"))


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(BadInput, match="'link' is neither a file nor a folder"):
        extracted(tmp_path / "a.zip")


def test_links_over_paths_too_long_for_the_system_write_nothing_outside(tmp_path: Path) -> None:
    """The way out of tarfile's own filter in Python 3.11.7."""
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "flag").write_text("original")
    members, path = [], ""
    for name in "abcdefghijklmnop":
        members += [(f"{path}{'d' * 247}", tarfile.DIRTYPE, "", b""), (path + name, tarfile.SYMTYPE, "d" * 247, b"")]
        path += f"{'d' * 247}/"
    long = f"{'/'.join('abcdefghijklmnop')}/{'l' * 254}"
    members += [(long, tarfile.SYMTYPE, "../" * 16, b"")]
    members += [("escape", tarfile.SYMTYPE, f"{long}/{'../' * 14}{str(tmp_path / 'victim').lstrip('/')}", b"")]
    members += [("flag", tarfile.LNKTYPE, "escape/flag", b""), ("flag", tarfile.REGTYPE, "", b"written")]
    with pytest.raises(BadInput, match="damaged or unsafe"):
        extracted(packed(tmp_path / "a.tar", *members))
    assert (tmp_path / "victim" / "flag").read_text() == "original"


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zip", "pax"])
def test_what_unpacks_to_far_more_than_it_is_is_refused_and_not_kept(tmp_path: Path, kind: str) -> None:
    big, path = bytes(3 << 20), tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", big)
    elif kind == "pax":  # a header of its own that long, which is read at once
        packed(path, ("header", tarfile.XHDTYPE, "", big), FILE, mode="w:gz")
    else:
        packed(path, ("zeros", tarfile.REGTYPE, "", big), mode=f"w:{kind}")
    assert path.stat().st_size < 30_000
    with pytest.raises(BadInput, match="unpacks to far more"):
        extracted(path)
    assert not list((cache_folder() / "extracted").iterdir())


def test_a_sparse_member_is_counted_by_what_it_unpacks_to(tmp_path: Path) -> None:
    header = tarfile.TarInfo("holes").tobuf(tarfile.GNU_FORMAT)
    block = bytearray(header)
    block[156:157] = tarfile.GNUTYPE_SPARSE
    block[386 : 386 + 24] = b"00000000000\x00" * 2  # one piece: of no bytes, at the start
    block[483:495] = b"00100000000\x00"  # 16 MiB once unpacked
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block[:512]):06o}\0 ".encode()
    (tmp_path / "a.tar").write_bytes(bytes(block) + bytes(1024))
    with pytest.raises(BadInput, match="damaged or unsafe"):
        extracted(tmp_path / "a.tar")


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 10)
    archive = packed(tmp_path / "a.tar", *((f"{i}", tarfile.REGTYPE, "", b"") for i in range(11)))
    with pytest.raises(BadInput, match="far more"):
        extracted(archive)


@pytest.mark.parametrize("compress", [lambda data: data, bz2.compress, lzma.compress])
def test_archives_of_every_coding_give_the_same_files(tmp_path: Path, compress: object) -> None:
    plain = packed(tmp_path / "plain.tar", FILE, ("./", tarfile.DIRTYPE, "", b""), ("deep", tarfile.DIRTYPE, "", b""))
    (tmp_path / "b.tar").write_bytes(compress(plain.read_bytes()))  # type: ignore[operator]
    folder = extracted(tmp_path / "b.tar")
    assert (folder / "good" / "file").read_bytes() == b"x" and (folder / "deep").is_dir()


def test_an_archive_replaced_by_another_of_the_same_size_and_time_is_unpacked_anew(tmp_path: Path) -> None:
    found = []
    for contents in (b"x", b"y"):
        packed(tmp_path / "a.tar", ("file", tarfile.REGTYPE, "", contents))
        os.utime(tmp_path / "a.tar", (1, 1))
        found.append((extracted(tmp_path / "a.tar") / "file").read_bytes())
    assert found == [b"x", b"y"]


def test_an_encrypted_zip_is_one_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("file", "x")
    contents = bytearray((tmp_path / "a.zip").read_bytes())
    contents[6] |= 1  # the flag, in both headers
    contents[contents.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(contents)
    with pytest.raises(BadInput, match="damaged or unsafe.*encrypted"):
        extracted(tmp_path / "a.zip")


def test_what_a_killed_process_unpacked_is_deleted_and_what_another_unpacks_is_not(tmp_path: Path) -> None:
    parent = cache_folder() / "extracted"
    dead, young, busy = (parent / f"{archives._SCRATCH}{name}" for name in ("dead", "young", "busy"))
    for folder in (dead, young, busy):
        (folder / "unpacked").mkdir(parents=True)
    for folder, age in ((dead, 3600), (busy, -3600)):
        os.utime(folder, (time.time() - age,) * 2)
    held = archives._lock(busy)
    assert held is not None and archives._lock(busy) is None
    try:
        extracted(packed(tmp_path / "a.tar", FILE))
    finally:
        os.close(held)
    assert (dead.exists(), young.exists(), busy.exists()) == (False, True, True)
    extracted(packed(tmp_path / "b.tar", FILE))
    assert not busy.exists()
    assert sorted(p.name[0] for p in parent.iterdir()) == [".", "a", "b"]
