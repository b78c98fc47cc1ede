"""Tables, figures and a page, rebuilt from stored results alone."""

from report.build import write, write_page
from report.store import NoResults

__all__ = ["NoResults", "write", "write_page"]
