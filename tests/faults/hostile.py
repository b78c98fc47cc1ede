"""Files and addresses that mean harm, and a world without a network."""

import contextlib
import io
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch

from .common import QUICK, Fault, Seen, bench, cells, one_line

PICKLE = b"cos\nsystem\n(S'touch hacked'\ntR."  # would run a command when it is loaded
CONTENTS = bytes(range(256)) * 1000


@contextlib.contextmanager
def server(answers: list[bytes], length: str | None = None) -> Iterator[tuple[str, list[str | None]]]:
    """Give the address of a server on this machine whose answers are cut or spoilt, and the ranges it was asked for.

    `length` is what it says in place of the true one, "" for nothing.
    """
    asked: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Range"))
            body = answers[min(len(asked), len(answers)) - 1]
            start = int((asked[-1] or "bytes=0-")[6:-1])
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(CONTENTS) - 1}/{len(CONTENTS)}")
            if length != "":
                self.send_header("Content-Length", length or str(len(CONTENTS) - start))
            self.end_headers()
            self.wfile.write(body[start:])

        def log_message(self, *arguments: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/file", asked
    finally:
        running.shutdown()
        running.server_close()


def downloads(folder: Path) -> Seen:
    from bench.data.download import fetch
    from bench.errors import BadInput

    right = md5(CONTENTS, usedforsecurity=False).hexdigest()
    spoilt = CONTENTS[:5] + b"!" + CONTENTS[6:]
    with server([spoilt, CONTENTS]) as (url, asked):
        assert fetch(url, folder / "once", right, lambda *_: None).read_bytes() == CONTENTS and len(asked) == 2
    with server([CONTENTS[:70_000], CONTENTS]) as (url, asked):
        assert fetch(url, folder / "partial", right, lambda *_: None).read_bytes() == CONTENTS
        assert asked == [None, "bytes=70000-"]
    refused = []
    with server([spoilt]) as (url, asked):
        for address in (url, "http://example.org/file", "ftp://example.org/file", "file:///etc/passwd"):
            try:
                fetch(address, folder / "never", right, lambda *_: None)
            except BadInput as error:
                refused.append(str(error))
    assert len(refused) == 4 and not list(folder.glob("never*"))
    (folder / "mine.toml").write_text(QUICK.replace('"digits"', '"cifar10"'))
    data = folder / "data" / "cifar-10-batches-py"
    data.mkdir(parents=True)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (data / name).write_bytes(CONTENTS[:1000])
    assert "not the official file" in one_line(bench(folder, "--data-dir", "data"), 2)
    return Seen(
        "deleted and fetched again; resumed at the byte; wrong twice, http, ftp and file addresses refused; exit 2"
    )


def archives(folder: Path) -> Seen:
    from bench.data.archives import extracted
    from bench.errors import BadInput

    members = [tarfile.TarInfo("../outside"), tarfile.TarInfo("/outside"), tarfile.TarInfo("a/../../outside")]
    members += [tarfile.TarInfo("link"), tarfile.TarInfo("device")]
    members[3].type, members[3].linkname = tarfile.SYMTYPE, "../../outside"
    members[4].type = tarfile.CHRTYPE
    refused = 0
    with patch.dict(os.environ, {"XDG_CACHE_HOME": str(folder / "cache")}):
        for i, member in enumerate(members):
            member.size = 0
            with tarfile.open(folder / f"{i}.tar", "w") as tar:
                tar.addfile(member, io.BytesIO())
        for i, name in enumerate(["../outside", "/outside-root"], len(members)):
            with zipfile.ZipFile(folder / f"{i}.tar", "w") as archive:
                archive.writestr(name, "x")
        for path in sorted(folder.glob("*.tar")):
            try:
                inside = extracted(path)
                assert all(p.resolve().is_relative_to(inside.resolve()) for p in inside.rglob("*"))
            except BadInput as error:
                assert "damaged or unsafe" in str(error)
                refused += 1
    escaped = [p for p in folder.rglob("outside*") if p.parent.parent.name != "extracted"]
    assert refused >= 6 and not escaped and not Path("/outside").exists() and not (folder.parent / "outside").exists()
    return Seen(f"{refused} of {len(members) + 2} archives refused whole; nothing is outside the folder")


def pickles(folder: Path) -> Seen:
    from torch.nn import Linear

    from bench.data.cifar import parse_batch
    from bench.evaluation.features.stored_network import kept_network
    from bench.system import checked
    from bench.training.checkpoint import Checkpoints
    from models import load_model

    (folder / "mine.toml").write_text(QUICK)
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    run = next((folder / "results" / "mine" / "runs").glob("vae-unidirectional-*"))
    (folder / "hostile").write_bytes(PICKLE)
    states = folder / "states"
    states.mkdir()
    (states / "000001.pt").write_bytes(PICKLE)
    (states / "000001.sha256").write_text(__import__("hashlib").sha256(PICKLE).hexdigest())
    seen = 0

    def refused() -> Linear:
        raise ValueError("the stored classifier was not read")

    before = Path.cwd()
    os.chdir(folder)
    try:
        for load in (
            lambda: checked.write(Path("judge"), PICKLE) or kept_network(Path("judge"), refused, lambda: Linear(1, 1)),
            lambda: Checkpoints(states).load(),
            lambda: parse_batch(PICKLE, "batch"),
            lambda: (run / "model" / "decoder.pkl").write_bytes(PICKLE) and load_model(run),
            lambda: (
                (run / "model" / "decoder.pkl").unlink()
                or (run / "model" / "model.pt").write_bytes(PICKLE)
                and load_model(run)
            ),
        ):
            try:
                load()
            except Exception:
                seen += 1
    finally:
        os.chdir(before)
    assert "does not hold" in one_line(bench(folder, "--fid-weights", "hostile"), 2)
    assert seen == 5 and not list(folder.rglob("hacked"))
    return Seen(
        "6 of 6 places refuse it (model, decoder.pkl, state, classifier, CIFAR-10, Inception); no command was run"
    )


def paths(folder: Path) -> Seen:
    refused = []
    for text in ('extends = "../../../etc/passwd"', 'extends = "/etc/passwd"', 'extends = "base/../../x"'):
        (folder / "mine.toml").write_text(text)
        refused.append(one_line(bench(folder), 2))
    for name in ("../../etc/passwd", "base/../../x"):
        refused.append(one_line(bench(folder, suite=name), 2))
    (folder / "mine.toml").write_text(QUICK.replace('row = "VAE"', 'row = "../../../escaped"'))
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    assert not list(folder.parent.glob("escaped*")) and len(list((folder / "results/mine/runs").glob("escaped-*"))) == 2
    return Seen(f"{len(refused)} paths refused; a row named ../../../escaped has its folder inside")


def no_network(folder: Path) -> Seen:
    code = (
        "import socket\n"
        "def refuse(*arguments, **keywords):\n"
        "    raise OSError('there is no network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
    )
    (folder / "sitecustomize.py").write_text(code)  # for the workers; the call itself is told at its start

    def cut() -> None:
        exec(code, {})

    done = bench(folder, "--jobs", "2", "--models", "VAE", "--set", "epochs=2", suite="digits", first=cut)
    assert done.returncode == 0 and cells(folder / "results" / "digits"), done.stderr
    (folder / "mine.toml").write_text(QUICK.replace('"digits"', '"mnist"'))
    said = one_line(bench(folder, first=cut), 2)
    assert "there is no network" in said and "--data-dir" in said, said
    return Seen("the default suite runs, all tests are kept from it; data to fetch: exit 2 with the files to bring")


FAULTS = [
    Fault("corrupt or partial download", "deleted, tried again, exit 2", downloads, True),
    Fault("../ member of an archive", "refused", archives),
    Fault("malicious pickle", "never loaded", pickles, True),
    Fault("paths that lead out of a suite file", "refused", paths, True),
    Fault("no network", "default suite passes", no_network, True),
]
