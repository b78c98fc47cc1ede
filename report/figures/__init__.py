"""Every figure that a suite can have, drawn from digests in one style.

May import: report.files, report.stored_json, report.statistics, report.names, report.store, report.published,
report.tables.
"""

import os
import sys
from importlib import import_module
from unittest.mock import patch


def load_matplotlib() -> None:
    """Import Matplotlib, whatever back end MPLBACKEND names: figures here need none."""
    try:
        import_module("matplotlib")
    except ValueError:  # one that is not installed, such as a notebook's
        for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
            del sys.modules[name]  # half of it was imported
        with patch.dict(os.environ):
            del os.environ["MPLBACKEND"]
            import_module("matplotlib")
