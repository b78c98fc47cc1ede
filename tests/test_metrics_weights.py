"""Where Inception's weights come from: the file named, an earlier download, a download now, or nowhere."""

from pathlib import Path

import pytest

from bench.errors import BadInput
from bench.metrics import weights
from bench.metrics.weights import find_weights


def silent(label: str, done: int, total: int | None) -> None:
    """Hear nothing of progress."""


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_official_file_name_carries_the_head_of_its_checksum() -> None:
    assert weights.FILE.removesuffix(".pth").rpartition("-")[2] == weights.SHA256[:8]


def test_weights_are_the_named_file_or_the_cached_one_or_none(tmp_path: Path) -> None:
    assert find_weights(None, silent) is None
    named = tmp_path / "named.pth"
    with pytest.raises(BadInput, match="no such file"):
        find_weights(str(named), silent)
    named.touch()
    assert find_weights(str(named), silent) == named
    cached = weights.cache_folder() / weights.FILE
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert find_weights(None, silent) == find_weights("download", silent) == cached


def test_a_download_is_checked_against_the_official_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = tmp_path / "mirror.pth"
    mirror.write_bytes(b"other weights")
    monkeypatch.setattr(weights, "URL", mirror.as_uri())
    with pytest.raises(BadInput):
        find_weights("download", silent)
    monkeypatch.setattr(weights, "SHA256", weights.checksum(mirror))
    found = find_weights("download", silent)
    assert found is not None and found.read_bytes() == b"other weights"
