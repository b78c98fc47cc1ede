"""The commands: `vae-bench`, and `python -m bench.run`, which is its command `run`.

May import: bench.
"""

import shlex
import signal
import sys
from collections.abc import Callable

from bench.command.options import COMMANDS, parse
from bench.command.streams import answer, prepare, say
from bench.errors import BadInput, unknown
from bench.system.locks import Taken

_AS_RUN = {"run": [], "plan": ["--dry-run"], "status": ["--status"], "list": ["--list"]}  # the same options, and these


def main(arguments: list[str] | None = None) -> int:
    """Run a suite and return the exit code: 0 all done, 1 some run failed, 2 bad input, 130/143 interrupted."""
    words = sys.argv[1:] if arguments is None else arguments
    return _guarded(lambda: _run(words, "python -m bench.run"), ["python", "-m", "bench.run", *words])


def vae_bench(arguments: list[str] | None = None) -> int:
    """Carry out a command of `vae-bench` and return its exit code, as `main` does."""
    words = sys.argv[1:] if arguments is None else arguments
    return _guarded(lambda: _command(words), ["vae-bench", *words])


def _run(words: list[str], program: str) -> int:
    from bench.run import train

    return train.carry_out(parse(words, program))


def _command(words: list[str]) -> int:
    name, *rest = words or ["--help"]
    if name in ("-h", "--help"):
        width = max(map(len, COMMANDS))
        lines = [f"  {command:{width}}  {what}" for command, what in COMMANDS.items()]
        answer("\n".join(["usage: vae-bench COMMAND …", "", *lines, "", "vae-bench COMMAND --help tells the rest"]))
        return 0
    if name == "--version":
        from importlib.metadata import version

        answer(f"vae-bench {version('vae-bench')}")
        return 0
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS)
    if name in _AS_RUN:
        suite = ["--suite", rest.pop(0)] if rest and not rest[0].startswith("-") else []
        return _run([*suite, *rest, *_AS_RUN[name]], f"vae-bench {name}")
    if name == "settings":
        from bench.command import settings

        return settings.main(rest)
    if name == "evidence":
        from bench.run import evidence

        return evidence.main(rest)
    if name == "anchors":
        from bench.run import anchors

        return anchors.main(rest)
    if name == "evaluate":
        from bench.run import evaluating

        return evaluating.main(rest)
    from bench.run import stored

    return {"check": stored.check_main, "report": stored.report_main, "claims": stored.claims_main}[name](rest)


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
