"""The metrics of models of images and labels: classes found without labels, errors with some, and the way back."""

from typing import Literal

from bench.metrics.types import Metric, grid

_BY_ASSIGNMENT = grid(assignment=("paper", "optimal"))
_ASSIGNED = ("class_log_probabilities", "test_labels", "free_classes", "canonical_readings")


def _of_labels(
    label: str,
    unit: str,
    direction: Literal["lower", "higher"],
    name: str,
    inputs: tuple[str, ...],
    description: str,
    settings: tuple[dict[str, str], ...] = ({},),
) -> Metric:
    """Return a metric measured where the evaluation's extras name "labels"."""
    target = f"bench.metrics.canonical:{name}"
    return Metric(label, unit, direction, target, inputs, description, settings=settings, extra="labels")


LABELS: dict[str, Metric] = {
    "unseen_cross_entropy": _of_labels(
        "Cross-entropy, unseen",
        "nats",
        "lower",
        "unseen_cross_entropy",
        _ASSIGNED,
        "Mean of -ln q(y|x), clipped to [1e-6, 1], on the test images of the classes that had no labels in training, "
        "free dimensions of y assigned to them by a logistic regression's reading of their canonical images.",
        settings=_BY_ASSIGNMENT,
    ),
    "unseen_accuracy": _of_labels(
        "Accuracy, unseen",
        "%",
        "higher",
        "unseen_accuracy",
        _ASSIGNED,
        "Share of the same images whose likeliest dimension of y is the one assigned to their class.",
        settings=_BY_ASSIGNMENT,
    ),
    "unseen_found": _of_labels(
        "Classes found",
        "",
        "higher",
        "unseen_found",
        ("free_classes", "canonical_readings"),
        "Different classes without labels that are read in the canonical images of the free dimensions of y.",
    ),
    "test_error": _of_labels(
        "Test error",
        "%",
        "lower",
        "classification_error",
        ("predicted_labels", "test_labels", "free_classes"),
        "Share of test images whose predicted class is wrong, where every class has some labels in training.",
    ),
    "round_trip_classes": _of_labels(
        "Round trip, same y",
        "%",
        "higher",
        "round_trip_classes",
        ("round_trip",),
        "Share of a grid of (y, z), 20 x 20 values of z a class, whose decoded mean image is encoded to the same y.",
    ),
    "round_trip_distance": _of_labels(
        "Round trip, distance",
        "",
        "lower",
        "round_trip_distance",
        ("round_trip",),
        "Mean Euclidean distance over the same grid between z and the z that the image is encoded to.",
    ),
}
