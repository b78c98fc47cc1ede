"""Trainings and measurements that go wrong, names and images that are odd, code that changes."""

import json
import shutil
from pathlib import Path
from typing import Any

from .common import QUICK, ROOT, Fault, Seen, begun, bench, kill, one_line, wait_for

ODD = "beta_VAE & $x^2 #1 % {} <script>alert(1)</script> \\\\ ~ 'q' \\\" é"


def _suite(*models: str, variants: str = '["unidirectional"]') -> str:
    rows = ", ".join(f'{{ row = "{name}", model = "{name}", variants = {variants} }}' for name in models)
    return QUICK.replace(QUICK[QUICK.index("rows") : QUICK.index("[presets")], f"rows = [{rows}]\n")


def _strict(path: Path) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{path} holds {constant}")

    return json.loads(path.read_text(), parse_constant=refuse)


def _digests(folder: Path) -> dict[str, dict[str, Any]]:
    found = [_strict(path) for path in (folder / "results" / "mine" / "digests").glob("*/digest.json")]
    return {f"{digest['row']}/{digest['seed']}": digest for digest in found}


def losses(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(_suite("VAE", "NaNLoss", "InfiniteLoss", "HugeLoss"))
    done = bench(folder, "--plugin", "faulty_losses", "--jobs", "1", "--seeds", "0")
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    found = _digests(folder)
    assert found.pop("VAE/0")["status"] == "done"
    for digest in found.values():
        assert digest["status"] == "diverged" and digest["reason"] == "the loss of epoch 2 is not finite", digest
    (nan,) = [m for m in _digests(folder)["VAE/0"]["measurements"] if m["metric"] == "nan"]
    assert nan["status"] == "failed" and nan["value"] is None and "nan" in nan["reason"]
    return Seen("3 diverged with the epoch; the other done; NaN metric: status failed with the reason, strict JSON")


def out_of_memory(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(_suite("VAE", "Hungry"))
    done = bench(folder, "--plugin", "faulty_models", "--jobs", "1", "--seeds", "0")
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    found = _digests(folder)
    assert found["VAE/0"]["status"] == "done" and found["Hungry/0"]["status"] == "oom"
    assert "try --set batch_size=64" in found["Hungry/0"]["reason"]
    (folder / "iwae.toml").write_text(_suite("IWAE"))
    huge = bench(
        folder, "--jobs", "1", "--seeds", "0", "--set", "options.IWAE.number_samples=1000000000", suite="iwae.toml"
    )
    (digest,) = [_strict(path) for path in (folder / "results" / "iwae" / "digests").glob("*/digest.json")]
    assert huge.returncode == 1 and digest["status"] == "oom", (huge.stderr, digest["reason"])
    return Seen("oom, with the batch size to try; the other done; also for K = 10^9")


def odd_names(folder: Path) -> Seen:
    text = QUICK.replace('row = "VAE"', f'row = "{ODD}"').replace("A small study", "A <b>small</b> study & $1")
    (folder / "mine.toml").write_text(text)
    done = bench(folder, "--jobs", "1", "--seeds", "0")
    assert done.returncode == 0, done.stderr
    results = folder / "results"
    page = (results / "index.html").read_text()
    assert "<script>alert(1)" not in page and "<b>small</b>" not in page
    tex, markdown = ((results / "mine" / f"table.{kind}").read_text() for kind in ("tex", "md"))
    assert "beta\\_VAE \\&" in tex and "\\$x" in tex and "<script>" not in markdown.replace("`", "")
    assert all(run.parent == results / "mine" / "runs" for run in (results / "mine" / "runs").iterdir())
    return Seen("escaped in LaTeX, Markdown and HTML; folders of letters, digits and dashes")


def small_images(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(QUICK)
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    ssim = [m for d in _digests(folder).values() for m in d["measurements"] if m["metric"] == "ssim"]
    assert ssim and {(m["value"], m["status"]) for m in ssim} == {(None, "blank")}
    assert all("smaller than the 11 x 11 window" in m["reason"] for m in ssim)
    return Seen(f"blank: {ssim[0]['reason']}")


def changed_code(folder: Path) -> Seen:
    shutil.copytree(ROOT / "tests" / "plugin_example", folder, dirs_exist_ok=True)
    words = ["--plugin", "my_plugin", "--jobs", "1", "--set", "epochs=100000"]
    with begun(folder, *words) as child:
        wait_for(lambda: any((folder / "results").glob("mine/runs/*/states/*.sha256")), child)
        kill(child.pid)
    source = folder / "my_plugin.py"
    source.write_text(source.read_text().replace("epoch / 10", "epoch / 20"))
    said = one_line(bench(folder, *words), 2)
    assert "begun by other code (my_plugin (plug-in) differs)" in said and "--accept-code-change" in said, said
    with begun(folder, *words, "--accept-code-change") as child:
        wait_for(lambda: any((folder / "results").glob("mine/runs/*/worker.json")), child)
        kill(child.pid)
    before = {path.name for path in (folder / "results" / "mine" / "runs").iterdir()}
    done = bench(folder, "--plugin", "my_plugin", "--jobs", "1", "--set", "epochs=2")
    assert done.returncode == 0, done.stderr
    assert before < {path.name for path in (folder / "results" / "mine" / "runs").iterdir()}
    return Seen(
        "refused with the file that differs; --accept-code-change goes on; another configuration is another run",
        kills=2,
    )


def failing_run(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(_suite("Raiser", "VAE"))
    done = bench(folder, "--plugin", "faulty_models", "--jobs", "1", "--seeds", "0")
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    found = _digests(folder)
    assert found["VAE/0"]["status"] == "done" and found["Raiser/0"]["status"] == "failed"
    assert found["Raiser/0"]["reason"] == "RuntimeError: no luck"
    (told,) = (folder / "results" / "mine").glob("runs/raiser-*/traceback.txt")
    assert 'raise RuntimeError("no luck")' in told.read_text()
    assert (folder / "results" / "mine" / "table.md").is_file()
    done = bench(folder, "--plugin", "faulty_models", "--jobs", "1", "--seeds", "1", "--fail-fast")
    assert done.returncode == 1 and "VAE/1" not in _digests(folder)
    return Seen("failed, with its traceback stored; the other is done, the table written, exit 1; --fail-fast stops")


FAULTS = [
    Fault("NaN, infinite, > 1e10 loss; NaN metric", "diverged; failed cell, strict JSON; others go on", losses, True),
    Fault("out of memory", "oom with the batch size to try", out_of_memory, True),
    Fault("names with _ & $ <script>", "escaped", odd_names, True),
    Fault("images under the SSIM window", "SSIM blank with the reason", small_images, True),
    Fault("changed code or configuration on resume", "refused with what differs; a new run", changed_code, True),
    Fault("a run fails", "never stops the suite", failing_run, True),
]
