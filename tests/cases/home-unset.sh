#!/bin/bash
# HOME unset and no entry in the password file (docker run -u 12345, OpenShift): RuntimeError traceback from every command
# Right: one line, or a cache in the temporary folder
# exit 0 when right, 1 when wrong. Run from the root of a checkout that is installed in .venv, or with P=CHECKOUT PY=PYTHON.
P=${P:-$PWD}; PY=${PY:-$P/.venv/bin/python}; export P PY OMP_NUM_THREADS=1 MPLBACKEND=agg PYTHONPATH=$P
T=$(mktemp -d); export T XDG_CACHE_HOME=$T/cache; mkdir -p "$T/cache"; trap 'rm -rf "$T"' EXIT; cd "$T"
cat > $T/go.py <<'EOF'
import os, sys, bench.run, bench.data.places, bench.evaluation.features.inception_weights, bench.storage.status, bench.study.suite, bench.system.locks
os.environ.pop("HOME", None); os.environ.pop("XDG_CACHE_HOME", None); os.setgid(12345); os.setuid(12345)
try: print("rc", bench.run.main(["--status", "--results", "/tmp/none"]))
except Exception as e: print("RAISED", type(e).__name__, e); os._exit(1)
EOF
[ $(id -u) = 0 ] || { echo needs root; exit 0; }; $PY $T/go.py
