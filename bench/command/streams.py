"""Standard streams that are closed, broken off or of a narrow encoding: what is said there may be lost, work is not."""

import io
import os
import sys
from contextlib import suppress


def prepare() -> None:
    """Put the null device in the place of streams that are closed, so that no file of ours takes their number.

    Characters that a stream cannot encode are written as escapes.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def answer(text: str) -> None:
    """Print on standard output, at once. Raises OSError that names it; SystemExit where its reader has gone."""
    try:
        print(text, flush=True)
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # the old one would fail again at the end
        if isinstance(error, BrokenPipeError):
            raise SystemExit(141) from None  # as of a process that SIGPIPE ends
        error.filename = "standard output"
        raise


def say(text: str) -> None:
    """Print on standard error, at once, if there is anyone to read it."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)
