"""The small arrays that figures are drawn from, kept in a run's digest: nothing is computed to draw one."""

from collections.abc import Callable, Mapping

import numpy as np

from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.critic_study import critic_study
from bench.evaluation.pictures.tiles import why
from bench.metrics.bit_codes import INVERSIONS, bit_sums, hamming_curves
from bench.metrics.types import Blank

_DIGITS = 4
_CURVE_POINTS = 101
PlotData = Mapping[str, list[float]] | Mapping[str, Mapping[str, list[float]]] | list[int]


def plots(evaluation: Evaluation, lost: dict[str, str] | None = None) -> dict[str, PlotData]:
    """Return the data of every plot of PLOTS that the evaluation's extras ask for and the model can serve.

    Why one cannot be made is added to `lost` by name; without `lost` it is raised.
    """
    extras, can = evaluation.settings.extras, evaluation.view.capabilities
    made: dict[str, PlotData] = {}
    for name, (extra, need, data) in PLOTS.items():
        if extra in extras and need in can:
            try:
                made[name] = data(evaluation)
            except Blank:  # the table's cell says why
                continue
            except Exception as error:
                if lost is None:
                    raise
                lost[name] = why(error)
    return made


def _bit_sums(evaluation: Evaluation) -> dict[str, list[float]]:
    """Return the shares of codes with 0, 1, ..., N positive bits: of the training images and by sampler."""
    drawn = {s: evaluation.get("sampled_bits", {"sampler": s}) for s in evaluation.samplers()}
    return {
        name: _rounded(bit_sums(codes)) for name, codes in {"encoded": evaluation.get("train_bits"), **drawn}.items()
    }


def _hamming(evaluation: Evaluation) -> dict[str, dict[str, list[float]]]:
    """Return mean and standard deviation over pairs of the distance from the source along the path, by inversion."""
    source, target = evaluation.get("source_bits"), evaluation.get("target_bits")
    curves = {
        how: hamming_curves(source, target, evaluation.get("path_bits", {"inversion": how})) for how in INVERSIONS
    }
    return {how: {"mean": _rounded(c.mean(0)), "std": _rounded(c.std(0))} for how, c in curves.items() if len(c)}


def _prd(evaluation: Evaluation) -> dict[str, dict[str, list[float]]]:
    """Return precision and recall of samples in the classifier's features, by sampler."""
    found = {s: evaluation.get("prd_curve", {"sampler": s}) for s in evaluation.samplers()}
    kept = {s: curve[:, np.linspace(0, curve.shape[1] - 1, _CURVE_POINTS).astype(int)] for s, curve in found.items()}
    return {s: {"precision": _rounded(c[0]), "recall": _rounded(c[1])} for s, c in kept.items()}


def _class_counts(evaluation: Evaluation) -> dict[str, list[float]]:
    """Return the share of each class among test images and samples, as the suite's classifier reads them."""
    n = len(evaluation.data.classes)
    read = {s: evaluation.get("sample_classes", {"sampler": s}) for s in evaluation.samplers()}
    read = {"test images": evaluation.get("reference_classes"), **read}
    return {name: _rounded(np.bincount(classes, minlength=n) / len(classes)) for name, classes in read.items()}


def _canonical_classes(evaluation: Evaluation) -> list[int]:
    """Return the class that is read in the canonical image of every dimension of y: [k]."""
    return [int(c) for c in evaluation.get("canonical_readings").argmax(axis=1)]


def _critic_gradients(evaluation: Evaluation) -> dict[str, list[float]]:
    """Return accuracies of a critic as it learns, and the norms of the gradients that it gives, by loss."""
    train, test = evaluation.get("fit_images"), evaluation.get("test_images")
    found = critic_study(evaluation.model, train, test, evaluation.number("critic"), evaluation.device)
    return {name: [float(f"{value:.{_DIGITS}g}") for value in values] for name, values in found.items()}


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]


# name: (the extra that asks for it, the capability that it needs, its function)
PLOTS: dict[str, tuple[str, str, Callable[[Evaluation], PlotData]]] = {
    "bit_sums": ("codes", "bits", _bit_sums),
    "hamming": ("codes", "bits", _hamming),
    "prd": ("prd", "generate", _prd),
    "class_shares": ("classes", "generate", _class_counts),
    "canonical_classes": ("labels", "class_codes", _canonical_classes),
    "critic_gradients": ("critic", "critic", _critic_gradients),
}
