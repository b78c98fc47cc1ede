"""A verdict's numbers and settings written out for a reader (plain Unicode; HTML and Markdown escape later)."""

from collections.abc import Sequence
from math import floor, inf, log10

from report.claims.declared import MEAN, Claim, Side
from report.claims.values import Compared
from report.claims.verdicts import DECIDED, NOT_MEASURED, TOO_FEW, Shown, Verdict
from report.names import dataset_label, model_label


def line(verdict: Verdict) -> str:
    """Write a verdict in one line: "bvae-psnr on MNIST: holds. TEXT: +0.12 dB (0.05 to 0.19), 5 seeds; …"."""
    claim = verdict.claim
    few = f" ({len(verdict.seeds)}, {_needed(verdict)})" if verdict.verdict == TOO_FEW else ""
    parts = [f"{claim.id} on {dataset_label(claim.dataset)}: {verdict.verdict}{few}. {claim.text}"]
    parts += [f": {difference(verdict)}"] if verdict.difference is not None else []
    parts += ["."] if parts[-1][-1] != "." else []
    parts += [f" {verdict.because}"] if verdict.because else []
    parts += [f" Differs: {'; '.join(verdict.unlike)}."] if verdict.unlike and verdict.compared else []
    parts += (
        [f" Run: {verdict.command}{'' if verdict.suite else _takes(claim)}"] if verdict.verdict == NOT_MEASURED else []
    )
    return "".join(parts)


def summary(found: Sequence[Verdict]) -> str:
    """Write how many statements are decided: "12 of 58 statements decided"."""
    return f"{sum(v.verdict in DECIDED for v in found)} of {len(found)} statements decided"


def compared(claim: Claim, found: Compared) -> str:
    """Write what is compared: "Bidirectional VAE − VAE, psnr (reconstruction=sample)"."""
    first, second = found.pair.first, found.pair.second
    sign = " / " if claim.kind == "exact" else " against " if claim.relative else " − "
    name = model_label(first.row, first.variant)
    if not isinstance(second, Side):
        of = f" ({claim.constant_of})" if claim.constant_of else ""
        return f"{name}, {_measured(first)} − {second:g}{of}"
    names = [name, model_label(second.row, second.variant)]
    measured = [_measured(first), _measured(second)]
    if measured[0] == measured[1]:
        return f"{sign.join(names)}, {measured[0]}"
    if names[0] == names[1]:
        return f"{name}, {sign.join(measured)}"
    return sign.join(f"{one}, {what}" for one, what in zip(names, measured, strict=True))


def primary(claim: Claim) -> str:
    """Write what is judged: "mean over 7 rows", or the row."""
    return f"mean over {len(claim.pairs)} rows, seed by seed" if claim.primary == MEAN else claim.primary


def claimed(claim: Claim, unit: str = "") -> str:
    """Write where the claim says that the statistic lies: "above −1.2 points", "between −0.4 and 0.4 nats"."""
    low, high = (_scale(claim.relative) * end for end in claim.region)
    unit = "%" if claim.relative else _of_difference(unit)
    if low > -inf and high < inf:
        return f"between {_signed(low)} and {_signed(high)}{unit}"
    return f"above {_signed(low)}{unit}" if high == inf else f"below {_signed(high)}{unit}"


def margin(claim: Claim) -> list[str]:
    """Write a claim's margin and where it was read, or why it has none; nothing where neither is said."""
    if not claim.margin_from:
        return []
    size = f"{_scale(claim.relative) * claim.margin:g}{'%' * claim.relative}"
    return [f"{f'margin {size}' if claim.margin else 'no margin'}: {claim.margin_from}"]


def difference(verdict: Verdict) -> str:
    """Write difference and interval: "−0.145 dB (−0.185 to −0.105 at 99.6%), 3 seeds"; for an exact claim the ratio."""
    relative, scale = verdict.claim.relative, _scale(verdict.claim.relative)
    mean = scale * (verdict.difference or 0.0)
    interval = verdict.interval and (scale * verdict.interval[0], scale * verdict.interval[1])
    decimals = 3 if verdict.claim.kind == "exact" else _decimals(mean, interval)
    text = _signed(mean, decimals) + ("%" if relative else _of_difference(verdict.unit))
    if interval is not None and verdict.level is not None:
        text += f" ({' to '.join(_signed(end, decimals) for end in interval)} at {100 * verdict.level:.4g}%)"
    return f"{text}, {len(verdict.seeds)} {'seed' if len(verdict.seeds) == 1 else 'seeds'}"


def descriptive(shown: Shown, relative: bool = False) -> list[str]:
    """Write a comparison that is not judged: both means, mean statistic with its 95% interval, number of seeds."""
    found, scale = shown.compared, _scale(relative)
    mean, h = scale * shown.mean, None if shown.half_width is None else scale * shown.half_width
    interval = None if h is None else (mean - h, mean + h)
    decimals = _decimals(mean, interval)
    text = _signed(mean, decimals) + ("" if h is None else f" ± {h:.{decimals}f}") + "%" * relative
    means = [sum(side) / len(side) for side in (found.first, found.second)]
    places = _decimals(means[0] - means[1], None) if relative else decimals
    return [" against ".join(f"{mean:.{places}f}" for mean in means), text, str(len(found.seeds))]


def _needed(verdict: Verdict) -> str:
    """Write how many seeds would decide: at least three before there is a spread, none where more cannot tell."""
    if verdict.seeds_needed is None:
        return "more than 10,000 would do" if verdict.p_value and verdict.p_value < 1 else "no number would do"
    needed = verdict.seeds_needed
    return f"at least {needed} are needed" if verdict.p_value is None else f"about {needed} would do"


def _takes(claim: Claim) -> str:
    return f" (about {claim.hours:g} {'hour' if claim.hours == 1 else 'hours'} of two cores)" if claim.hours else ""


def _scale(relative: bool) -> float:
    """What a statistic is written in: a share in %."""
    return 100.0 if relative else 1.0


def _of_difference(unit: str) -> str:
    """Write the unit of a difference; that of two shares in % are points."""
    return f" {'points' if unit == '%' else unit}" if unit else ""


def _measured(side: Side) -> str:
    return f"{side.metric} ({side.setting})" if side.setting else side.metric


def _decimals(mean: float, interval: tuple[float, float] | None) -> int:
    """Two digits of the interval's half-width, else three of the mean."""
    half = (interval[1] - interval[0]) / 2 if interval else 0.0
    size, digits = (half, 2) if half > 0 else (abs(mean), 3)
    return 0 if size == 0 else min(max(digits - 1 - floor(log10(size)), 0), 6)


def _signed(value: float, decimals: int | None = None) -> str:
    text = f"{value:.{decimals}f}" if decimals is not None else f"{value:g}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")
