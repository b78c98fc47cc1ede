"""Downloads against a server on this machine, and extraction of hostile archives."""

import gzip
import io
import os
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request

import numpy as np
import pytest

from bench.data import idx
from bench.data.archives import extracted
from bench.data.download import _NoDowngrade, fetch
from bench.data.places import Places, cache_folder
from bench.errors import BadInput

CONTENTS = np.random.RandomState(0).bytes(700_000)
CHECKSUM = md5(CONTENTS, usedforsecurity=False).hexdigest()


@dataclass
class Server:
    """What the test server has, how it misbehaves, and what it was asked."""

    url: str
    files: dict[str, bytes] = field(default_factory=lambda: {"/file.gz": CONTENTS})
    ranges: bool = True
    break_after: list[int] = field(default_factory=list)  # bytes sent before hanging up, per request
    asked: list[str | None] = field(default_factory=list)  # Range header per request
    length: str | None = None  # what it says in place of the true length; "" for nothing
    pause: float = 0.0  # seconds before it sends anything


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_DATA", raising=False)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            if self.path not in state.files:
                return self.send_error(404)
            body, start = state.files[self.path], 0
            if wanted and state.ranges:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    return self.send_error(416)
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if state.length != "":
                self.send_header("Content-Length", state.length or str(len(body) - start))
            self.end_headers()
            time.sleep(state.pause)
            stop = state.break_after.pop(0) if state.break_after else len(body)
            self.wfile.write(body[start : start + stop])

        def log_message(self, *arguments: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Server(f"http://127.0.0.1:{running.server_port}")
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    running.shutdown()
    running.server_close()


def silent(label: str, done: int, total: int | None) -> None:
    pass


def test_a_download_arrives_whole_and_reports_progress(server: Server, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int | None]] = []
    target = tmp_path / "new" / "file.gz"
    fetch(f"{server.url}/file.gz", target, CHECKSUM, lambda *told: heard.append(told))
    assert target.read_bytes() == CONTENTS
    assert heard[-1] == ("file.gz", len(CONTENTS), len(CONTENTS))
    assert [done for _, done, _ in heard] == sorted(done for _, done, _ in heard)
    assert os.listdir(target.parent) == ["file.gz"]


def test_a_broken_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.break_after = [300_000]
    target = fetch(f"{server.url}/file.gz", tmp_path / "file.gz", CHECKSUM, silent)
    assert server.asked == [None, "bytes=300000-"] and target.read_bytes() == CONTENTS


def test_the_next_call_resumes_what_the_last_one_left(server: Server, tmp_path: Path) -> None:
    server.break_after = [100_000, 100_000]
    with pytest.raises(BadInput, match="broke after 200,000 of 700,000 bytes"):
        fetch(f"{server.url}/file.gz", tmp_path / "file.gz", CHECKSUM, silent)
    assert (tmp_path / "file.gz.part").stat().st_size == 200_000 and not (tmp_path / "file.gz").exists()
    assert fetch(f"{server.url}/file.gz", tmp_path / "file.gz", CHECKSUM, silent).read_bytes() == CONTENTS
    assert server.asked[-1] == "bytes=200000-"


def test_a_complete_part_file_needs_no_byte_more(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.gz.part").write_bytes(CONTENTS)
    assert fetch(f"{server.url}/file.gz", tmp_path / "file.gz", CHECKSUM, silent).read_bytes() == CONTENTS


def test_a_server_that_ignores_range_is_read_from_the_start(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "file.gz.part").write_bytes(CONTENTS[:5_000])
    assert fetch(f"{server.url}/file.gz", tmp_path / "file.gz", CHECKSUM, silent).read_bytes() == CONTENTS
    assert server.asked == ["bytes=5000-"]


def test_a_spoilt_part_file_is_deleted_and_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.gz.part").write_bytes(b"x" * 5_000)
    assert fetch(f"{server.url}/file.gz", tmp_path / "file.gz", CHECKSUM, silent).read_bytes() == CONTENTS
    assert server.asked == ["bytes=5000-", None]


def test_a_wrong_checksum_is_tried_twice_then_refused_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="its checksum is not the published one"):
        fetch(f"{server.url}/file.gz", tmp_path / "file.gz", "0" * 32, silent)
    assert len(server.asked) == 2 and not list(tmp_path.glob("file*"))


@pytest.mark.parametrize("length", ["abc", "", "-1", "1e9"])
def test_a_server_that_does_not_say_how_long_a_file_is_is_refused_at_once(
    server: Server, tmp_path: Path, length: str
) -> None:
    server.length = length
    with pytest.raises(BadInput, match="as the length of the file"):
        fetch(f"{server.url}/file.gz", tmp_path / "file.gz", CHECKSUM, silent)
    assert not list(tmp_path.glob("file*"))


def test_a_file_longer_than_any_of_ours_is_refused_at_once(server: Server, tmp_path: Path) -> None:
    server.length = str(1 << 40)
    with pytest.raises(BadInput, match="more than any of our files has"):
        fetch(f"{server.url}/file.gz", tmp_path / "file.gz", CHECKSUM, silent)
    assert not list(tmp_path.glob("file*"))


def test_nothing_is_read_beyond_the_length_that_was_said(server: Server, tmp_path: Path) -> None:
    server.length = "1000"
    short = md5(CONTENTS[:1000], usedforsecurity=False).hexdigest()
    assert fetch(f"{server.url}/file.gz", tmp_path / "file.gz", short, silent).stat().st_size == 1000


def test_several_calls_at_once_all_have_the_file_and_one_downloads(server: Server, tmp_path: Path) -> None:
    server.pause = 0.2
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(fetch, f"{server.url}/file.gz", tmp_path / "file.gz", CHECKSUM, silent) for _ in range(4)]
        assert [call.result().read_bytes() == CONTENTS for call in calls] == [True] * 4
    assert server.asked == [None] and os.listdir(tmp_path) == ["file.gz"]


def test_who_waits_for_a_call_that_fails_goes_on_with_what_it_left(server: Server, tmp_path: Path) -> None:
    server.break_after, server.pause = [100_000, 100_000], 0.2
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(fetch, f"{server.url}/file.gz", tmp_path / "file.gz", CHECKSUM, silent) for _ in range(2)]
        ended = [call.exception() for call in calls]
    assert None in ended and (tmp_path / "file.gz").read_bytes() == CONTENTS
    assert server.asked == [None, "bytes=100000-", "bytes=200000-"]


def test_a_compressed_file_far_larger_than_any_official_one_is_not_held_in_memory(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idx, "MOST_BYTES", 100_000)
    for name, contents in (("a.gz", gzip.compress(bytes(3_000_000))), ("a", bytes(200_000))):
        (tmp_path / name).write_bytes(contents)
        with pytest.raises(BadInput, match=r"a(\.gz)? cannot be read \(it holds more than 100,000 bytes\)"):
            idx.read_idx(tmp_path / name, "0" * 32)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(server: Server, tmp_path: Path) -> None:
    (tmp_path / "MNIST").mkdir()
    for name in idx.FILES:
        os.mkfifo(tmp_path / "MNIST" / name)
    with pytest.raises(BadInput, match="not found"):
        idx.load_mnist(Places(tmp_path, False, silent), {})


def test_an_absent_file_or_server_is_one_line(server: Server, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="could not download .*Not Found"):
        fetch(f"{server.url}/other", tmp_path / "other", CHECKSUM, silent)
    with pytest.raises(BadInput, match="could not download") as error:
        fetch("http://127.0.0.1:1/file", tmp_path / "file", CHECKSUM, silent)
    assert "\n" not in str(error.value)


def test_a_redirect_from_https_to_http_is_refused() -> None:
    with pytest.raises(OSError, match="refused"):
        _NoDowngrade().redirect_request(Request("https://host/a"), None, 302, "", {}, "http://host/a")


def test_mnist_is_downloaded_into_the_cache_and_found_there(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = [np.zeros((20, 28, 28)), np.arange(20) % 2, np.ones((6, 28, 28)), np.arange(6) % 2]
    shapes = [b"".join(n.to_bytes(4, "big") for n in array.shape) for array in arrays]
    plain = [
        bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes()
        for array, shape in zip(arrays, shapes, strict=True)
    ]
    server.files = {f"/{name}.gz": gzip.compress(data) for name, data in zip(idx.FILES, plain, strict=True)}
    monkeypatch.setattr(idx, "MNIST_MD5", tuple(md5(data, usedforsecurity=False).hexdigest() for data in plain))
    monkeypatch.setattr(idx, "VALIDATION", 4)
    first = idx.load_mnist(Places(None, True, silent), {}, mirror=f"{server.url}/")
    assert len(server.asked) == 4 and first.source == str(cache_folder() / "MNIST" / "raw")
    again = idx.load_mnist(Places(None, True, silent), {}, mirror=f"{server.url}/")
    assert len(server.asked) == 4 and again.sha256 == first.sha256


def test_a_failed_download_names_the_files_the_places_and_the_flag(server: Server) -> None:
    with pytest.raises(BadInput, match="train-images-idx3-ubyte.*--data-dir.*could not download.*Not Found"):
        idx.load_mnist(Places(None, True, silent), {}, mirror=f"{server.url}/nowhere/")


def tar_with(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = 0 if fields else 1
    for key, value in fields.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    "hostile",
    [
        member("../outside"),
        member("good/../../outside"),
        member("link", type=tarfile.SYMTYPE, linkname="../../outside"),
        member("device", type=tarfile.CHRTYPE),
    ],
)
def test_a_tar_that_points_outside_is_refused_whole(server: Server, tmp_path: Path, hostile: tarfile.TarInfo) -> None:
    archive = tar_with(tmp_path / "a.tar.gz", member("good/file"), hostile)
    with pytest.raises(BadInput, match="damaged or unsafe"):
        extracted(archive)
    assert not list(tmp_path.rglob("outside")) and not list(cache_folder().rglob("file"))


@pytest.mark.parametrize("name", ["../outside", "/outside-root", "good/../../outside"])
def test_a_zip_that_points_outside_is_refused_whole(server: Server, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("good/file", "x")
        archive.writestr(name, "x")
    with pytest.raises(BadInput, match="outside the folder"):
        extracted(tmp_path / "a.zip")
    assert not list(tmp_path.rglob("outside*")) and not list(cache_folder().rglob("file"))


@pytest.mark.parametrize("suffix", ["tar.gz", "zip"])
def test_archives_are_unpacked_once(server: Server, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("good/file", "x")
    else:
        tar_with(path, member("good/file"))
    folder = extracted(path)
    assert (folder / "good" / "file").read_text() == "x"
    (folder / "mark").touch()
    assert (extracted(path) / "mark").exists()
    assert os.listdir(folder.parent) == [folder.name]


@pytest.mark.parametrize("contents", [b"no archive", b"\x1f\x8b\x08 broken", b""])
def test_a_damaged_archive_is_one_line(server: Server, tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(contents)
    with pytest.raises(BadInput, match="damaged or unsafe") as error:
        extracted(tmp_path / "a.tar.gz")
    assert "\n" not in str(error.value)


def test_a_truncated_archive_leaves_nothing(server: Server, tmp_path: Path) -> None:
    archive = tar_with(tmp_path / "a.tar.gz", *(member(f"good/{i}") for i in range(500)))
    archive.write_bytes(archive.read_bytes()[:-400])
    with pytest.raises(BadInput, match="damaged or unsafe"):
        extracted(archive)
    assert not list((cache_folder() / "extracted").iterdir())
