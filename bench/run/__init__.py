"""The commands: `vae-bench`, and `python -m bench.run`, which is its command `run`.

May import: bench.
"""

import shlex
import signal
import sys
from collections.abc import Callable

from bench.command.options import parse
from bench.command.streams import prepare, say
from bench.errors import BadInput
from bench.system.locks import Taken


def main(arguments: list[str] | None = None) -> int:
    """Run a suite and return the exit code: 0 all done, 1 some run failed, 2 bad input, 130/143 interrupted."""
    words = sys.argv[1:] if arguments is None else arguments

    def run() -> int:
        from bench.run import train

        return train.carry_out(parse(words))

    return _guarded(run, ["python", "-m", "bench.run", *words])


def _guarded(command: Callable[[], int], words: list[str]) -> int:
    """Return a command's exit code; 2, 130 or 143 with one line where it cannot be done or is interrupted."""
    prepare()
    try:
        return command()
    except (BadInput, Taken) as error:
        say(f"bench: {error}")
        return 2
    except OSError as error:  # a disk that is full, or cannot be written
        if error.filename is None and error.errno is None:
            raise
        said = f"{error.filename or 'results'}: {error.strerror or error}"
        say(f"bench: {said}; what is finished is kept, the same command goes on")
        return 2
    except KeyboardInterrupt as stopped:
        say(f"\nbench: interrupted; finished runs are kept, go on with: {shlex.join(words)}")
        return 143 if stopped.args == (signal.SIGTERM,) else 130
