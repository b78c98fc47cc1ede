"""Runs tests in children of a process that has imported the libraries: `python tests/warm.py LIBRARY …`.

A line of JSON comes in for each run, and one goes out; `tests/mutants.py` asks.

In:  {"module": what is imported first, "arguments": of pytest, "limit": seconds}.
Out: {"status": of pytest; or one of those below, "output": the end of what was printed}.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import IO, Any

NOT_IMPORTED, TIMED_OUT = 99, 124
SHOWN = 4000  # characters


def run(module: str, arguments: Sequence[str], output: IO[Any]) -> int:
    """Import a module and run pytest, with what they print in a file; return the exit status."""
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    try:
        import_module(module)
    except BaseException:
        return NOT_IMPORTED
    import pytest

    status = int(pytest.main(list(arguments)))
    sys.stdout.flush()
    return status


def wait(child: int, limit: float) -> int:
    """Return a child's exit status, minus the signal that ended it; end it and what it started at the limit."""
    end, found, status = time.monotonic() + limit, 0, 0
    try:
        while not found and time.monotonic() < end:
            time.sleep(0.02)
            found, status = os.waitpid(child, os.WNOHANG)
    finally:
        if not found:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if found else TIMED_OUT


def main() -> None:
    """Answer each line until there is none, or until it is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.path[0] = os.getcwd()
    for name in sys.argv[1:]:
        with suppress(ImportError):
            import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        with tempfile.TemporaryFile("w+b") as output:
            child = os.fork()
            if child == 0:
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                status = NOT_IMPORTED
                try:
                    status = run(asked["module"], asked["arguments"], output)
                finally:
                    os._exit(status)
            status = wait(child, asked["limit"])
            output.seek(0)
            text = output.read().decode(errors="replace")[-SHOWN:]
        print(json.dumps({"status": status, "output": text}), flush=True)


if __name__ == "__main__":
    main()
