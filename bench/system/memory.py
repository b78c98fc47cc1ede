"""Memory: freed blocks stay with the process, and what says that there was not enough."""

import ctypes
import sys
from contextlib import suppress

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of glibc's mallopt(3)


def keep_freed_memory() -> None:
    """Have glibc keep freed blocks of any size for reuse, in the whole process; nothing where there is no glibc.

    By default it returns large blocks, activations and gradients among them, to the system at each free: a step of a
    small convolutional network then takes some 5,000 page faults, a fifth of its time. The peak stays what it was.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            libc = ctypes.CDLL("libc.so.6")
            libc.mallopt(_MMAP_THRESHOLD, 1 << 30)
            libc.mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception, or what it was raised from, says that memory was short, a processor's or a device's."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error) if isinstance(error, RuntimeError) else ""
    if "can't allocate memory" in said or "out of memory" in said:  # torch's allocators have no type of their own
        return True
    cause = error.__cause__ or error.__context__
    return cause is not None and out_of_memory(cause)
