#!/bin/bash
# A kill between "trained" and the removal of the states leaves them in the finished run's folder for ever
# Right: states of a trained run are removed when it is next carried out (bench/execute.py:95 skips train_alone, which alone clears)
# exit 0 when right, 1 when wrong. Run from the root of a checkout that is installed in .venv, or with P=CHECKOUT PY=PYTHON.
P=${P:-$PWD}; PY=${PY:-$P/.venv/bin/python}; export P PY OMP_NUM_THREADS=1 MPLBACKEND=agg PYTHONPATH=$P
T=$(mktemp -d); export T XDG_CACHE_HOME=$T/cache; mkdir -p "$T/cache"; trap 'rm -rf "$T"' EXIT; cd "$T"
$PY - <<'EOF'
import os, sys
from pathlib import Path
os.environ["XDG_CACHE_HOME"] = os.environ["T"] + "/cache"
T = Path(os.environ["T"]); sys.argv = ["x"]
(T / "tiny.toml").write_text("""title = "T"
dataset = "digits"
seeds = [0]
[[rows]]
row = "VAE"
model = "VAE"
variants = ["unidirectional"]
[presets.small]
latent_dim = 4
epochs = 1
network = { kind = "convolutional", channels = [4], strides = [2], hidden = [8], norm = "bias" }
evaluation = { nll_samples = 2, nll_images = 4, images = 20, tsne_images = 0, metrics = ["psnr"] }
""")
import bench.run, bench.training.checkpoint as C
go = lambda: bench.run.main(["--suite", str(T / "tiny.toml"), "--jobs", "1", "--results", str(T / "r")])
if os.fork() == 0:
    C.Checkpoints.clear = lambda self: os.kill(os.getpid(), 9)
    go()
os.wait(); rc = go(); left = [str(p.relative_to(T)) for p in T.glob("r/tiny/runs/*/states/*.pt")]
print("rc", rc, "left:", left); sys.exit(bool(left))
EOF
