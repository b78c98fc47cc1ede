"""The oldest versions that setup.cfg allows, for pip: `python -m tests.lowest`.

Not of torch, and of what is built for one torch: to install these again takes minutes.
"""

import configparser
import re
from pathlib import Path

SETUP = Path(__file__).resolve().parents[1] / "setup.cfg"
WITH_TORCH = ("torch", "torchvision", "pythae", "pytorch-fid")


def lowest(text: str) -> list[str]:
    """Return "name==version" for each requirement "name>=version" of a setup.cfg; raises ValueError for others."""
    setup = configparser.ConfigParser()
    setup.read_string(text)
    found = []
    for line in setup["options"]["install_requires"].split():
        name, bound, version = re.fullmatch(r"([\w-]+)([>=]=)([\d.]+)", line).groups()  # type: ignore[union-attr]
        if name not in WITH_TORCH:
            found.append(f"{name}=={version}")
    return found


if __name__ == "__main__":
    print(*lowest(SETUP.read_text()))
