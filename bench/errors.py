"""The two exceptions of the harness: for bad input (one clear line, exit code 2), and for a blank cell."""

from collections.abc import Iterable
from difflib import get_close_matches

_NAMED = 24  # names that a line can hold


class BadInput(ValueError):
    """Input that cannot be used; the message is one line that names the thing and the remedy."""


class Blank(Exception):
    """A number cannot be had here; the message is the reason that stands in the table's blank cell."""


def unknown(kind: str, name: str, options: Iterable[str]) -> BadInput:
    """Return the error for a name that is not among `options`, with the nearest one suggested."""
    known = sorted(set(options) - {name})  # a right name in a wrong place is no hint
    folded = {option.casefold(): option for option in known}
    near = [folded[found] for found in get_close_matches(name.casefold(), folded, n=1)]
    others = f" and {len(known) - _NAMED} more (--list)" if len(known) > _NAMED else ""
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known[:_NAMED])}{others}"
    return BadInput(f"unknown {kind} {name!r}; {hint}")
