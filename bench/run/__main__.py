"""`python -m bench.run`: the command `run`."""

import sys

from bench.run import main

if __name__ == "__main__":
    sys.exit(main())
