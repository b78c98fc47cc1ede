"""A verdict's numbers and settings written out for a reader (plain Unicode; HTML and Markdown escape later)."""

from math import floor, inf, log10

from report.claims.declared import Claim, Side
from report.claims.verdicts import Verdict
from report.names import dataset_label, model_label


def compared(claim: Claim) -> str:
    """Write what is compared: "Bidirectional VAE − VAE, psnr (reconstruction=sample)"."""
    sign = " / " if claim.kind == "exact" else " − "
    measured = [_measured(side) for side in (claim.first, claim.second)]
    names = [model_label(side.row, side.variant) for side in (claim.first, claim.second)]
    if measured[0] == measured[1]:
        return f"{sign.join(names)}, {measured[0]}"
    if names[0] == names[1]:
        return f"{names[0]}, {sign.join(measured)}"
    return sign.join(f"{name}, {what}" for name, what in zip(names, measured, strict=True))


def claimed(claim: Claim, unit: str = "") -> str:
    """Write where the claim says that the difference or ratio lies: "above −1.2 %", "between −0.4 and 0.4 nats"."""
    low, high = claim.region
    unit = f" {unit}" if unit else ""
    if low > -inf and high < inf:
        return f"between {_signed(low)} and {_signed(high)}{unit}"
    return f"above {_signed(low)}{unit}" if high == inf else f"below {_signed(high)}{unit}"


def settings(verdict: Verdict) -> str:
    """Write what was run: "digits: Digits (8 × 8), preset small (not the paper's), 60 epochs, seeds 0, 1, 2"."""
    if not verdict.dataset:
        return verdict.claim.suite
    small = " (not the paper's)" if verdict.preset != "paper" else ""
    parts = [f"{verdict.claim.suite}: {dataset_label(verdict.dataset)}", f"preset {verdict.preset}{small}"]
    parts += [f"{verdict.epochs} epochs"] if verdict.epochs else []
    seeds = verdict.seeds
    parts += [f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"] if seeds else []
    return ", ".join(parts)


def printed(verdict: Verdict) -> str:
    """Write the printed values: "20.64 against 20.59 (Table I, MNIST)"."""
    pairs = [f"{p.first} against {p.second} ({_table(p.table)}, {dataset_label(p.dataset)})" for p in verdict.printed]
    return "; ".join(pairs) or verdict.claim.printed or "none"


def measured(verdict: Verdict) -> str:
    """Write the measured means of both sides: "14.59 against 14.73"."""
    if verdict.first is None or verdict.second is None:
        return "–"
    decimals = _decimals(verdict)
    return f"{verdict.first:.{decimals}f} against {verdict.second:.{decimals}f}"


def difference(verdict: Verdict) -> str:
    """Write difference and interval: "−0.145 dB, 99.6% interval −0.185 to −0.105"; for an exact claim the ratio."""
    if verdict.difference is None:
        return "–"
    decimals = 3 if verdict.claim.kind == "exact" else _decimals(verdict)
    text = _signed(verdict.difference, decimals) + (f" {verdict.unit}" if verdict.unit else "")
    if verdict.interval is None or verdict.level is None:
        return text
    text += f", {100 * verdict.level:.4g}% interval {_range(verdict.interval, decimals)}"
    return text + (f", by bootstrap {_range(verdict.bootstrap, decimals)}" if verdict.bootstrap else "")


def _measured(side: Side) -> str:
    return f"{side.metric} ({side.setting})" if side.setting else side.metric


def _table(name: str) -> str:
    named = ("Figure", "Section", "README")
    return " and ".join(part if part.startswith(named) else f"Table {part}" for part in name.split(" and "))


def _decimals(verdict: Verdict) -> int:
    """Two digits of the interval's half-width, else three of the difference."""
    if verdict.interval and verdict.interval[1] > verdict.interval[0]:
        size, digits = (verdict.interval[1] - verdict.interval[0]) / 2, 2
    else:
        size, digits = abs(verdict.difference or 1.0), 3
    whole = verdict.claim.kind == "exact" or size == 0
    return 0 if whole else min(max(digits - 1 - floor(log10(size)), 0), 6)


def _range(interval: tuple[float, float], decimals: int) -> str:
    return " to ".join(_signed(end, decimals) for end in interval)


def _signed(value: float, decimals: int | None = None) -> str:
    text = f"{value:.{decimals}f}" if decimals is not None else f"{value:g}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")
