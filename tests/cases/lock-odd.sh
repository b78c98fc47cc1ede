#!/bin/bash
# A lock.json of odd contents ("pid": "12", a token with a slash, deep nesting) gives a traceback
# Right: taken for torn: taken over once it is old
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

bad = 0
for text in (json.dumps(good | {"pid": "12"}), json.dumps(good | {"pid": 2**70}), json.dumps(good | {"pid": 999999, "token": "../x"}), "[" * 100000):
    (F / "lock.json").write_text(text); os.utime(F / "lock.json", (1, 1))
    try: locks.hold(F).__enter__()
    except BadInput: pass
    except Exception as e: bad += 1; print(type(e).__name__, str(e)[:60])
    for p in F.glob("lock.json*"): p.unlink()
sys.exit(bad > 0)
EOF
