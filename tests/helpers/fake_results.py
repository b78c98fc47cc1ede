"""Results folders as bench.run would write them, made of invented numbers and noise pictures."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np

METRICS: dict[str, dict[str, str]] = {
    "parameters": {"label": "Parameters", "unit": "", "direction": "lower"},
    "nll": {"label": "NLL", "unit": "nats", "direction": "lower"},
    "active_units": {"label": "AU", "unit": "", "direction": "higher"},
    "fid": {"label": "FID", "unit": "", "direction": "lower"},
    "fd_classifier": {"label": "FD", "unit": "", "direction": "lower"},
    "psnr": {"label": "PSNR", "unit": "dB", "direction": "higher"},
    "ssim": {"label": "SSIM", "unit": "", "direction": "higher"},
    "rfid": {"label": "rFID", "unit": "", "direction": "lower"},
    "rfd_classifier": {"label": "rFD", "unit": "", "direction": "lower"},
    "probe_accuracy": {"label": "Accuracy", "unit": "%", "direction": "higher"},
    "psnr_backwards": {"label": "PSNR backwards", "unit": "dB", "direction": "none"},
    "seconds_per_epoch": {"label": "s/epoch", "unit": "s", "direction": "lower"},
}
NO_WEIGHTS = "no Inception weights (--fid-weights FILE)"
Value = Callable[[str, str, int], float]


def ok(metric: str, setting: str, value: float | None, se: float | None = None) -> dict[str, Any]:
    """Return one good measurement."""
    return {"metric": metric, "setting": setting, "value": value, "se": se, "n": 1000, "status": "ok", "reason": None}


def blank(metric: str, setting: str, reason: str) -> dict[str, Any]:
    """Return one blank measurement."""
    return {"metric": metric, "setting": setting, "value": None, "status": "blank", "reason": reason}


def full_measurements(row: str, variant: str, seed: int) -> list[dict[str, Any]]:
    """Return every metric of the table; FID is blank, numbers differ by row, variant and seed."""
    rng = np.random.default_rng([seed, *f"{row}/{variant}".encode()])
    half = variant in ("bidirectional", "control")
    measured = [
        ok("parameters", "", 650_123 if half else 1_300_321),
        ok("nll", "", 96 + rng.normal(0, 0.3) - (0.5 if half else 0), 0.42),
        ok("active_units", "", float(rng.integers(12, 26))),
        ok("fd_classifier", "sampler=normal", 20 + rng.normal()),
        ok("fd_classifier", "sampler=gmm", 14 + rng.normal()),
        ok("psnr", "reconstruction=sample", 20 + rng.normal(0, 0.05)),
        ok("psnr", "reconstruction=mean", 21.5),
        ok("ssim", "reconstruction=sample", 0.89 + rng.normal(0, 0.001)),
        ok("rfd_classifier", "", 4 + rng.normal()),
        ok("probe_accuracy", "probe=linear", 95 + rng.normal(0, 0.2)),
        ok("seconds_per_epoch", "", 31 + rng.normal()),
    ]
    fid = [(f"features={f};sampler={s}") for f in ("inception64", "inception2048") for s in ("normal", "gmm")]
    measured += [blank("fid", setting, NO_WEIGHTS) for setting in fid]
    measured += [blank("rfid", f"features={f}", NO_WEIGHTS) for f in ("inception64", "inception2048")]
    if variant == "unidirectional":
        measured.append(ok("psnr_backwards", "", 6.1 + rng.normal(0, 0.2)))
    return measured


def write_suite(folder: Path, rows: Iterable[str], **facts: Any) -> Path:
    """Write suite.json (digits, small, unless told otherwise) and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    known = {"suite": folder.name, "title": "Invented digits", "dataset": "digits", "preset": "small", "table": "bvae"}
    suite = known | {"published": None, "rows": list(rows), "metrics": METRICS, "note": None} | facts
    (folder / "suite.json").write_text(json.dumps(suite), encoding="utf-8")
    return folder


def write_digest(
    folder: Path,
    row: str,
    variant: str,
    seed: int,
    measurements: list[dict[str, Any]],
    pictures: bool = False,
    **facts: Any,
) -> Path:
    """Write one run's digest, with noise for pictures if asked, and return its folder."""
    name = "".join(c if c.isalnum() else "-" for c in f"{row}-{variant}-{seed}") + f"-{len(row)}"
    digest = {
        "id": name,
        "suite": folder.name,
        "row": row,
        "model": f"model of {row}",
        "variant": variant,
        "dataset": "digits",
        "preset": "small",
        "seed": seed,
        "status": "done",
        "reason": None,
        "path": f"runs/{name}",
        "run": {"evaluation": {"nll_samples": 100}},
        "provenance": {"started": "2025-01-01T00:00:00"},
        "measurements": measurements,
        "curves": fake_curves(seed),
        "tsne": None,
        "classes": [str(k) for k in range(10)],
    }
    run = folder / "digests" / name
    run.mkdir(parents=True, exist_ok=True)
    (run / "digest.json").write_text(json.dumps(digest | facts), encoding="utf-8")
    if pictures:
        rng = np.random.default_rng(seed)
        shapes = {"samples": (71, 71), "reconstructions": (17, 89), "interpolations": (35, 107)}
        shapes |= {"backwards": (17, 89)} if variant == "unidirectional" else {}
        for tile, shape in shapes.items():
            grey = rng.integers(0, 256, (*shape, 1), dtype=np.uint8).repeat(3, axis=2)
            matplotlib.image.imsave(run / f"{tile}.png", grey)
    return run


def fake_curves(seed: int, epochs: int = 8) -> dict[str, list[float]]:
    """Return training curves that fall from 300 to about 100 nats."""
    epoch = np.arange(1, epochs + 1)
    values = 100 + seed + 200 * np.exp(-0.8 * epoch)
    return {"epoch": epoch.tolist(), "validation_loss": values.tolist(), "train_loss": values.tolist()}


def fake_tsne(seed: int, points: int = 300) -> dict[str, Any]:
    """Return ten clusters in the plane."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 10, points)
    angle = 2 * np.pi * label / 10
    x, y = 30 * np.cos(angle) + rng.normal(0, 4, points), 30 * np.sin(angle) + rng.normal(0, 4, points)
    return {"x": x.tolist(), "y": y.tolist(), "label": label.tolist(), "perplexity": 30, "seed": seed}


def write_full(folder: Path, rows: Iterable[str], seeds: Iterable[int] = (0, 1, 2), **facts: Any) -> Path:
    """Write a whole suite: each row as a pair, a control and a stock run; pictures and t-SNE for the first seed."""
    rows, seeds = list(rows), list(seeds)
    write_suite(folder, rows, **facts)
    for row in rows:
        for variant in ("unidirectional", "bidirectional", "control", "stock"):
            for seed in seeds:
                first = seed == seeds[0] and variant in ("unidirectional", "bidirectional")
                tsne = fake_tsne(seed) if first else None
                measured = full_measurements(row, variant, seed)
                write_digest(folder, row, variant, seed, measured, pictures=first, tsne=tsne)
    return folder


def noise(path: Path, size: tuple[int, int]) -> Path:
    """Write a grey picture of noise, `size` pixels wide and high, and return its path."""
    width, height = size
    grey = np.random.default_rng(0).integers(0, 256, (height, width, 1), dtype=np.uint8).repeat(3, axis=2)
    matplotlib.image.imsave(path, grey)
    return path


def with_files(folder: Path) -> Path:
    """Write what a report leaves beside a suite's digests, figures of noise and empty tables, and return the folder."""
    for name in ("samples", "tsne", "pareto"):
        noise(folder / f"{name}.png", (60, 40))
    for name in ("samples.pdf", "table.csv", "table.tex", "table.md"):
        (folder / name).touch()
    return folder
