"""`python -m docs.made [PAGE …]`: write every made passage of README and docs anew, and the tutorial's notebook."""

import sys
from pathlib import Path

from docs.made.notebook import NOTEBOOK, notebook
from docs.made.passages import pages, rebuilt


def main(names: list[str]) -> int:
    """Write what differs, name it, and return 0."""
    for path in map(Path, names) if names else pages():
        old = path.read_text(encoding="utf-8")
        if (new := rebuilt(old)) != old:
            path.write_text(new, encoding="utf-8")
            print(path)
    if not NOTEBOOK.is_file() or NOTEBOOK.read_text(encoding="utf-8") != notebook():
        NOTEBOOK.write_text(notebook(), encoding="utf-8")
        print(NOTEBOOK)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
