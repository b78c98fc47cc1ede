"""What each kind of reconstruction sends and how near it comes, as numbers: mean and 95% t-interval over seeds."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from report.files import write_whole
from report.names import model_label
from report.statistics import t_interval
from report.store import Digest, Suite
from report.tables.formats.csv_text import csv_text
from report.tables.formats.markdown import escape, row

SENT = "sent_bits"
ORIGINAL = "OG"
MODES = {  # of models that work level by level, as they are stored -> what is the image's own; the rest is drawn
    ORIGINAL: "everything: the image itself",
    "CM": "u, y; shown is y",
    "RS1": "u",
    "RS2": "u, z",
    "CG": "u, y",
    "conditional": "u, y, z",
}
OF_ONE_LEVEL = "z"  # the one kind of reconstruction that other models have
_BLANK = "–"

Interval = tuple[float, float | None]  # mean, half-width


@dataclass(frozen=True)
class Rate:
    """One kind of reconstruction of one model; what is not measured is None, and the original has no distortion."""

    row: str
    variant: str
    mode: str
    seeds: tuple[int, ...]
    bits: Interval
    psnr: Interval | None
    ssim: Interval | None


def rates(suite: Suite) -> list[Rate]:
    """Return the kinds of reconstruction of a suite in which some model works level by level; else none.

    A model of one level sends KL(q(z|x) || p(z)) / ln 2 bits and shows what a sample of its posterior decodes to; to
    send the image itself it takes -ELBO / ln 2 bits.
    """
    found = []
    for name, variant, runs in suite.models():
        done = [d for d in runs if d.status == "done"]
        found += [r for mode in (*MODES, OF_ONE_LEVEL) if (r := _rate(name, variant, mode, done))]
    return found if any(rate.mode in ("RS1", "RS2") for rate in found) else []


def write_rates(suite: Suite) -> list[Path]:
    """Write rate_distortion.csv, unrounded, and rate_distortion.md; return the paths, none without such numbers."""
    found = rates(suite)
    if not found:
        return []
    texts = {"csv": _csv(found), "md": _markdown(found)}
    return [write_whole(suite.folder / f"rate_distortion.{ending}", text) for ending, text in texts.items()]


def _rate(name: str, variant: str, mode: str, runs: list[Digest]) -> Rate | None:
    bits = {run.seed: value for run in runs if (value := _bits(run, mode)) is not None}
    mean = _mean(bits.values())
    if mean is None:
        return None
    one = mode == OF_ONE_LEVEL
    settings = ("psnr", "ssim", "reconstruction=sample") if one else ("mode_psnr", "mode_ssim", f"mode={mode}")
    psnr, ssim = (_mean(run.value(metric, settings[2]) for run in runs) for metric in settings[:2])
    return Rate(name, variant, mode, tuple(bits), mean, psnr, ssim)


def _bits(run: Digest, mode: str) -> float | None:
    """Return the bits that a kind of reconstruction sends; nats become bits for models of one level."""
    if (bits := run.value(SENT, f"mode={mode}")) is not None or run.value(SENT, "mode=RS1") is not None:
        return bits
    nats = {OF_ONE_LEVEL: run.value("kl_nats"), ORIGINAL: run.value("neg_elbo")}.get(mode)
    return None if nats is None else nats / math.log(2)


def _mean(values: Iterable[float | None]) -> Interval | None:
    kept = [value for value in values if value is not None]
    return t_interval(kept) if kept else None


def _csv(found: list[Rate]) -> str:
    numbers = [f"{name}{end}" for name in ("bits", "psnr", "ssim") for end in ("", "_half_width")]
    lines: list[list[object]] = [["row", "variant", "mode", "seeds", *numbers]]
    for rate in found:
        values = [value for interval in (rate.bits, rate.psnr, rate.ssim) for value in interval or (None, None)]
        lines.append([rate.row, rate.variant, rate.mode, " ".join(map(str, rate.seeds)), *values])
    return csv_text(lines)


def _markdown(found: list[Rate]) -> str:
    said = (
        "What is sent of an image, and how near the reconstruction comes. Bits: KL of the latents and -log2 p of the "
        "compressed images that are sent, given what the receiver then has; of the original, -ELBO. PSNR and SSIM are "
        "those of a sample of what is not sent. CM is the compressed image enlarged."
    )
    heads = ["Model", "Kind", "Sent", "Bits", "PSNR", "SSIM"]
    lines = [row(heads), row([":---", ":---", ":---", "---:", "---:", "---:"])]
    for rate in found:
        cells = [model_label(rate.row, rate.variant), rate.mode, MODES.get(rate.mode, rate.mode)]
        shown = [_shown(rate.bits, 1), _shown(rate.psnr, 2), _shown(rate.ssim, 4)]
        lines.append(row([*map(escape, cells), *shown]))
    return "\n".join([escape(said), "", *lines, ""])


def _shown(value: Interval | None, decimals: int) -> str:
    if value is None:
        return _BLANK
    mean, half_width = value
    return f"{mean:.{decimals}f}" + ("" if half_width is None else f" ± {half_width:.{decimals}f}")
