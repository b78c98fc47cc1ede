"""Training curves as the page draws them: mean and range over seeds against the epoch and the time."""

from typing import TypedDict

from report.store import Digest, number

_KEYS = ("validation_loss", "train_loss")
POINTS = 120  # at most, evenly over the epochs: a page has no more pixels for a curve


class Curve(TypedDict):
    """One model's curve, point by point; `loss` is the name of what is drawn."""

    loss: list[str]
    epoch: list[int]
    seconds: list[float | None]
    mean: list[float]
    least: list[float]
    most: list[float]


def curve(runs: tuple[Digest, ...]) -> Curve | None:
    """Return epochs, mean seconds since the start, and mean, least and greatest loss over the seeds; None without.

    The loss is the validation loss that chose the epoch, where it was measured, else the training loss. Epochs that
    some seed did not reach are averaged over those that did; seconds are None where they were not stored.
    """
    for key in _KEYS:
        losses: dict[int, list[float]] = {}
        seconds: dict[int, list[float]] = {}
        for run in runs:
            _collect(run, key, losses, seconds)
        if losses:
            return _summary(key, losses, seconds)
    return None


def _collect(run: Digest, key: str, losses: dict[int, list[float]], seconds: dict[int, list[float]]) -> None:
    epochs, values, durations = (run.facts["curves"].get(name, []) for name in ("epoch", key, "seconds"))
    elapsed = 0.0
    for i, (epoch, value) in enumerate(zip(epochs, values, strict=False)):
        duration = number(durations[i]) if i < len(durations) else None
        elapsed += duration or 0.0
        at, loss = number(epoch), number(value)
        if at is None or loss is None:
            continue
        losses.setdefault(int(at), []).append(loss)
        if duration is not None:
            seconds.setdefault(int(at), []).append(elapsed)


def _summary(key: str, losses: dict[int, list[float]], seconds: dict[int, list[float]]) -> Curve:
    epochs = sorted(losses)
    step = -(-len(epochs) // POINTS)
    epochs = sorted({*epochs[::step], epochs[-1]})
    return {
        "loss": [key],
        "epoch": epochs,
        "seconds": [_digits(_mean(seconds[e])) if e in seconds else None for e in epochs],
        "mean": [_digits(_mean(losses[e])) for e in epochs],
        "least": [_digits(min(losses[e])) for e in epochs],
        "most": [_digits(max(losses[e])) for e in epochs],
    }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _digits(value: float) -> float:
    return float(f"{value:.6g}")
