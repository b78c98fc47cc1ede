"""Tables, figures and a page, rebuilt from stored results alone.

Floors: files, made, stored_json, names, statistics, published, store, commands, choice, tables, figures, claims, page,
build, __main__.
"""

from report.build import write, write_page
from report.store import NoResults

__all__ = ["NoResults", "write", "write_page"]
