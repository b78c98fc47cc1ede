"""The metrics of codes of images whose factors are known: how disentangled they are."""

from bench.metrics.types import Metric

_CODES = ("test_mean", "test_factors")


def _of_factors(label: str, name: str, inputs: tuple[str, ...], description: str, unit: str = "") -> Metric:
    """Return a metric measured where the evaluation's extras name "factors"."""
    target = f"bench.metrics.disentanglement:{name}"
    return Metric(label, unit, "higher", target, inputs, description, extra="factors")


FACTORS: dict[str, Metric] = {
    "mig": _of_factors(
        "MIG",
        "mutual_information_gap",
        _CODES,
        "Mutual information of a factor and the posterior mean that tells most of it, less that of the second best, in "
        "units of the factor's entropy; mean over factors.",
    ),
    "sap": _of_factors(
        "SAP",
        "attribute_predictability",
        (*_CODES, "ordered_factors"),
        "How well one posterior mean predicts a factor (R² of amounts, balanced accuracy of categories), less the "
        "second best; mean over factors.",
    ),
    "factor_vae_score": _of_factors(
        "FactorVAE score",
        "factor_vae_score",
        _CODES,
        "Share of 5,000 batches of test images alike in one factor whose factor is told by the posterior mean that "
        "varies least, by a majority vote over 10,000 others.",
        "%",
    ),
    "dci_disentanglement": _of_factors(
        "DCI disentanglement",
        "disentanglement",
        ("factor_importances",),
        "Whether a posterior mean is important for one factor alone, by the importances of random forests.",
    ),
    "dci_completeness": _of_factors(
        "DCI completeness",
        "completeness",
        ("factor_importances",),
        "Whether one posterior mean alone is important for a factor, by the same importances.",
    ),
    "dci_informativeness": _of_factors(
        "DCI informativeness",
        "informativeness",
        ("factor_readings",),
        "Share of factors whose value the same forests read right from the codes of test images that they were not "
        "fitted to.",
        "%",
    ),
}
