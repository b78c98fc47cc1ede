"""Tables, figures and a page, rebuilt from stored results alone.

Floors: files, made, stored_json, names, statistics, published, store, commands, choice, tables, figures, claims, page,
build, __main__.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from report.build import write, write_page
    from report.store import NoResults

__all__ = ["NoResults", "write", "write_page"]
_WHERE = {"NoResults": "report.store", "write": "report.build", "write_page": "report.build"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
