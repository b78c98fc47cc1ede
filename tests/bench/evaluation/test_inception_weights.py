"""Where Inception's weights come from: the file named, an earlier download, a download now, or nowhere."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bench.errors import BadInput
from bench.evaluation.features import inception_weights
from bench.evaluation.features.inception_weights import find_weights


def silent(label: str, done: int, total: int | None) -> None:
    """Hear nothing of progress."""


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_official_file_name_carries_the_head_of_its_checksum() -> None:
    assert inception_weights.FILE.removesuffix(".pth").rpartition("-")[2] == inception_weights.SHA256[:8]


def test_weights_are_the_named_file_or_the_cached_one_or_none(tmp_path: Path) -> None:
    assert find_weights(None, silent) is None
    named = tmp_path / "named.pth"
    with pytest.raises(BadInput, match="no such file"):
        find_weights(str(named), silent)
    named.touch()
    assert find_weights(str(named), silent) == named
    cached = inception_weights.cache_folder() / inception_weights.FILE
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert find_weights(None, silent) == find_weights("download", silent) == cached


def test_a_download_is_checked_against_the_official_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = tmp_path / "mirror.pth"
    mirror.write_bytes(b"other weights")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(inception_weights, "URL", f"http://127.0.0.1:{server.server_port}/mirror.pth")
    try:
        with pytest.raises(BadInput, match="checksum"):
            find_weights("download", silent)
        monkeypatch.setattr(inception_weights, "SHA256", inception_weights.checksum(mirror))
        found = find_weights("download", silent)
    finally:
        server.shutdown()
        server.server_close()
    assert found is not None and found.read_bytes() == b"other weights"
