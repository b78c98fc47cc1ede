"""Root that obeys the modes of files, as everyone else must."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

VERSION = 0x20080522  # of the kernel's structures: three sets of 32 capabilities, twice


def _capabilities(call: str, sets: ctypes.Array[ctypes.c_uint32]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, call)((ctypes.c_uint32 * 2)(VERSION, 0), sets):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def obey() -> ctypes.Array[ctypes.c_uint32]:
    """Have this thread give up the capabilities that are in effect, such as to write where no mode allows it.

    Returns what they were. Nothing happens to those who are not root.
    """
    before = (ctypes.c_uint32 * 6)()
    if os.geteuid() == 0:
        _capabilities("capget", before)
        effective, permitted, inherited = slice(0, 6, 3), slice(1, 6, 3), slice(2, 6, 3)
        after = (ctypes.c_uint32 * 6)()
        after[effective] = [0, 0]
        after[permitted], after[inherited] = before[permitted], before[inherited]
        _capabilities("capset", after)
    return before


@contextmanager
def obeyed() -> Iterator[None]:
    """Obey modes meanwhile."""
    before = obey()
    try:
        yield
    finally:
        if os.geteuid() == 0:
            _capabilities("capset", before)
