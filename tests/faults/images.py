"""Images that are not what they were or claim to be, and archives and servers that give too much."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import md5
from pathlib import Path
from unittest.mock import patch

import pytest

from .checks import passed
from .common import Fault, Seen, bench, cells, lost, one_line
from .hostile import CONTENTS, server


def changed_data(folder: Path) -> Seen:
    from tests.bench.data.test_identity import SUITE, images

    (folder / "mine.toml").write_text(SUITE)
    for seed, name in enumerate("ab"):
        images(folder / name, seed)
    one = ("--jobs", "1", "--seeds", "0", "--models", "first")
    assert bench(folder, "--data-dir", "a", *one).returncode == 0
    before = cells(folder / "results" / "mine")
    others = (one, (*one, "--set", "evaluation.nll_samples=3"), ("--jobs", "1", "--seeds", "0", "--models", "second"))
    for words in others:
        assert "made of other images" in one_line(bench(folder, "--data-dir", "b", *words), 2), words
    assert cells(folder / "results" / "mine") == before
    (folder / "a").rename(folder / "c")
    assert bench(folder, "--data-dir", "c", *one).returncode == 0
    text = f"refused {len(others)} times: to skip, to measure and to add; a folder that was moved goes on"
    return Seen(text, lost=lost(folder / "results" / "mine", 1))


def archives(folder: Path) -> Seen:
    import tarfile

    from bench.data import archives as ours
    from tests.bench.data import test_archives as tests

    links = [(kind, "/etc/passwd") for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)]
    checks: list[Callable[[Path], object]] = [
        *(partial(tests.test_links_and_devices_are_refused_wherever_they_point, kind=k, link=to) for k, to in links),
        tests.test_a_zip_with_a_link_is_refused,
        tests.test_a_file_in_the_place_of_a_folder_is_refused,
        partial(tests.test_a_member_that_would_take_the_place_of_another_is_refused, second="good/file"),
        tests.test_links_over_paths_too_long_for_the_system_write_nothing_outside,
        *(
            partial(tests.test_what_unpacks_to_far_more_than_it_is_is_refused_and_not_kept, kind=kind)
            for kind in ("gz", "bz2", "xz", "zip", "pax")
        ),
        tests.test_a_sparse_member_is_counted_by_what_it_unpacks_to,
    ]
    with patch.object(ours, "LEAST_BOUND", 1 << 20):
        return Seen(f"{passed(folder, *checks)} of {len(checks)} refused, nothing of them kept")


def formats(folder: Path) -> Seen:
    from tests.bench.data import test_listing as tests

    def disguised(place: Path, name: str) -> None:
        with pytest.MonkeyPatch.context() as patched:
            tests.test_postscript_under_another_name_starts_nothing(place, patched, name)

    names = ("e.png", "e.jpg", "e.tif")
    passed(folder, *(partial(disguised, name=name) for name in names), tests.test_what_is_left_out_is_counted)
    (folder / "bomb").mkdir()
    passed(folder / "bomb", tests.test_a_small_file_of_too_many_pixels_is_refused_before_it_is_decoded)
    return Seen(f"PostScript named {', '.join(names)}: refused, no program starts; pipes, links and others counted")


def endless(folder: Path) -> Seen:
    from bench.data.download import fetch
    from bench.errors import BadInput

    right = md5(CONTENTS, usedforsecurity=False).hexdigest()
    lengths = ("abc", "-1", "", str(1 << 40))
    for length in lengths:
        with server([CONTENTS], length=length) as (url, _), contextlib.suppress(BadInput):
            fetch(url, folder / "never", right, lambda *_: None)
            raise AssertionError(f"fetched from a server that gives {length!r} as the length")
    with server([CONTENTS], length="1000") as (url, _), contextlib.suppress(BadInput):
        fetch(url, folder / "never", right, lambda *_: None)
        raise AssertionError("more was read than was said")
    assert not list(folder.glob("never*"))
    with server([CONTENTS]) as (url, asked), ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(fetch, url, folder / "file", right, lambda *_: None) for _ in range(4)]
        assert all(call.result().read_bytes() == CONTENTS for call in calls) and len(asked) == 1
    return Seen(f"{len(lengths)} false lengths refused, nothing is read beyond one; 4 calls at once: one download")


FAULTS = [
    Fault("other images under the same settings", "refused before anything is done", changed_data, True),
    Fault("links and bombs in archives", "refused whole", archives),
    Fault("files that are not the images they are named", "refused or left out, counted", formats),
    Fault("endless and concurrent downloads", "bounded; one download for all", endless),
]
