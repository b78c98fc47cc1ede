"""Tables and figures, rebuilt from stored results alone."""

from report.build import write
from report.store import NoResults

__all__ = ["NoResults", "write"]
