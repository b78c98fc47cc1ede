"""Which process of which machine: enough to tell later whether it still lives."""

import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """Return what identifies this process: host, place, pid and when it was started (in the system's own unit)."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "place": _place(), "pid": pid, "started": _started(pid)}


def is_process(found: Any) -> bool:
    """Whether something that was read is what `this_process` returns."""
    return (
        isinstance(found, dict)
        and all(isinstance(found.get(key), str) for key in ("host", "place"))
        and type(found.get("pid")) is int
        and 0 < found["pid"] < 2**31
        and isinstance(found.get("started", 0), str | None)
    )


def is_alive(process: Mapping[str, Any]) -> bool | None:
    """Whether a process of `this_process` lives; None where that cannot be seen from here.

    A process that was given the number of a dead one is another: it was started at another time.
    """
    if process["place"] != _place():
        return None
    try:
        os.kill(process["pid"], 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it lives and is someone else's
    return _started(process["pid"]) == process["started"]


@cache
def _place() -> str:
    """Return a text that is equal where process numbers mean the same: host, its last boot, the container."""
    parts = [socket.gethostname()]
    for source in (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")):
        try:
            parts.append(os.readlink(source) if source.is_symlink() else source.read_text().strip())
        except OSError:  # not Linux
            parts.append("")
    return " ".join(parts)


def _started(pid: int) -> str | None:
    """Return when a process was started, in clock ticks after the boot; None where the system does not say.

    A zombie, dead but not yet collected by its parent, is told by another text than it had alive.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return "dead" if fields[0] in "ZX" else fields[19]
