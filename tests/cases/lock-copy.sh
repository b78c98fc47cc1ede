#!/bin/bash
# A copy of a results folder whose owner is at work elsewhere is "in use" although no one uses it
# Right: the lock names its folder (device and inode): one that was copied is no one's
# exit 0 when right, 1 when wrong. Run from the root of a checkout that is installed in .venv, or with P=CHECKOUT PY=PYTHON.
P=${P:-$PWD}; PY=${PY:-$P/.venv/bin/python}; export P PY OMP_NUM_THREADS=1 MPLBACKEND=agg PYTHONPATH=$P
T=$(mktemp -d); export T XDG_CACHE_HOME=$T/cache; mkdir -p "$T/cache"; trap 'rm -rf "$T"' EXIT; cd "$T"
$PY - <<'EOF'
import json, os, sys, time
from pathlib import Path
from bench.system import locks
from bench.errors import BadInput
from bench.system.processes import this_process
F = Path(os.environ["T"]); good = this_process() | {"since": "x", "token": "a" * 32}

(F / "a").mkdir()
with locks.hold(F / "a"):
    import shutil; shutil.copytree(F / "a", F / "b"); os.utime(F / "b/lock.json", (1, 1))
    try: locks.hold(F / "b").__enter__(); sys.exit(0)
    except BadInput as e: print(e); sys.exit(1)
EOF
