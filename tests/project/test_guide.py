"""The guide's files and its command, as they are printed, make the table that it says they make."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.study.schema import Suite

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "GUIDE.md").read_text(), flags=re.DOTALL)  # language, text


def block(language: str, contains: str) -> str:
    (text,) = [text for kind, text in BLOCKS if kind == language and contains in text]
    return text


@pytest.mark.slow
def test_the_guides_files_and_command_make_its_table(tmp_path: Path) -> None:
    (tmp_path / "my_networks.py").write_text(block("python", "MyEncoder"))
    (tmp_path / "my_model.py").write_text(block("python", "_Warm"))
    (tmp_path / "mine.toml").write_text(block("toml", "imagefolder"))
    random = np.random.default_rng(0)
    for label in ("cat", "dog"):
        folder = tmp_path / "my_images" / "train" / label
        folder.mkdir(parents=True)
        for number in range(40):
            Image.fromarray(random.integers(0, 256, (20, 20), dtype=np.uint8)).save(folder / f"{number}.png")
    program, *arguments = shlex.split(block("sh", "bench.run").strip())
    assert program == "python"
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", *arguments, "--jobs", "1"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    table = (tmp_path / "runs" / "mine" / "table.md").read_text()
    rows = ("VAE, my networks", "warm VAE", "Bidirectional warm VAE", "FactorVAE, stock", "FactorVAE, corrected")
    for row in rows:
        assert f"| {row} |" in table
    assert "5 of 5 runs done" in done.stdout + done.stderr


@pytest.mark.parametrize("contains", ["_Warm", "MyEncoder", "imagefolder"])
def test_each_of_the_guides_files_is_short(contains: str) -> None:
    (text,) = [text for _, text in BLOCKS if contains in text]
    said = [line for line in text.splitlines() if line.strip() and not line.startswith(("import", "from", "[["))]
    assert len(said) <= 30


def test_the_guides_suite_is_one() -> None:
    assert Suite.model_validate(tomllib.loads(block("toml", "imagefolder"))).dataset == "imagefolder"
