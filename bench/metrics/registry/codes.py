"""The metrics of codes: their size, the ways between them, and for codes of bits what their moments give back."""

from typing import Literal

from bench.metrics.types import Metric, grid

_SAMPLERS = grid(sampler=("hyperplane", "rounding", "coins"))
_INVERSIONS = grid(inversion=("paper", "code", "inverse"))  # bench/metrics/bit_codes.py says what they are
_PROTOCOLS = ("code", "figure", "interior")  # bench/evaluation/arrays/codes.py says what they are


def _of_bits(
    label: str,
    unit: str,
    direction: Literal["lower", "higher", "none"],
    name: str,
    inputs: tuple[str, ...],
    settings: tuple[dict[str, str], ...],
    description: str,
) -> Metric:
    """Return a metric of codes of bits, measured where the evaluation's extras name "codes"."""
    target = f"bench.metrics.bits:{name}"
    return Metric(label, unit, direction, target, inputs, description, settings=settings, extra="codes")


CODES: dict[str, Metric] = {
    "code_bits": Metric(
        label="Code",
        unit="bits",
        direction="lower",
        target="bench.metrics.averages:only",
        inputs=("code_bits",),
        description="Size of an image's code: a bit each where codes are of bits, else 32 bits a latent dimension.",
    ),
    "bit_sum_tv": _of_bits(
        "Bit-sum TV",
        "",
        "lower",
        "bit_sum_tv",
        ("train_bits", "sampled_bits"),
        _SAMPLERS,
        "Total variation between the numbers of positive bits in 50,000 drawn codes and in those of training images.",
    ),
    "bit_sum_floor": _of_bits(
        "Bit-sum TV, floor",
        "",
        "none",
        "bit_sum_floor",
        ("train_bits", "sampled_bits"),
        ({"sampler": "hyperplane"},),
        "The same distance to expect of as many codes drawn from the training codes' own distribution.",
    ),
    "moment_error": _of_bits(
        "Moment error",
        "",
        "lower",
        "moment_error",
        ("moments", "sampled_bits"),
        _SAMPLERS,
        "Mean absolute error of the pairwise second moments of 50,000 drawn codes.",
    ),
    "least_eigenvalue": _of_bits(
        "Least eigenvalue",
        "",
        "none",
        "least_eigenvalue",
        ("moments",),
        ({},),
        "Smallest eigenvalue of the Gram matrix that hyperplanes need; below 0 the nearest positive one stands in.",
    ),
    "repair_error": _of_bits(
        "Moment error of the repair",
        "",
        "lower",
        "repair_error",
        ("moments",),
        ({},),
        "Moment error of hyperplane samples that is left however many are drawn: 0 where that matrix is positive.",
    ),
    "inversion_share": _of_bits(
        "Inversion",
        "%",
        "higher",
        "inversion_share",
        ("source_bits", "inverted_bits"),
        _INVERSIONS,
        "Share of bits of test images' codes that the planes found for them give back.",
    ),
    "inversion_steps": Metric(
        label="Inversion steps",
        unit="",
        direction="lower",
        target="bench.metrics.averages:mean",
        inputs=("inversion_tilts",),
        settings=_INVERSIONS[:2],
        extra="codes",
        description="Mean number of times that the plane of a test image's code is tilted, up to the first that does "
        "not lower the number of wrong bits; at most nine.",
    ),
    "slerp_deviation": _of_bits(
        "SLERP deviation",
        "",
        "lower",
        "slerp_deviation",
        ("source_bits", "target_bits", "path_bits"),
        _INVERSIONS,
        "Mean distance from linear of the Hamming distance in ten steps between codes, 1,000 pairs of test images.",
    ),
    "slerp_spread": _of_bits(
        "SLERP spread",
        "",
        "lower",
        "slerp_spread",
        ("source_bits", "target_bits", "path_bits"),
        _INVERSIONS,
        "Standard deviation over pairs of that Hamming distance, mean over the steps.",
    ),
    "edit_share": Metric(
        label="Edits",
        unit="%",
        direction="higher",
        target="bench.metrics.classes:agreement",
        inputs=("edit_targets", "edited_classes"),
        settings=grid(threshold=("0.1", "0.12")),
        extra="codes",
        description="Share of test images that, edited towards another class, the suite's classifier reads as it.",
    ),
    "ifid": Metric(
        label="iFID",
        unit="",
        direction="lower",
        target="bench.metrics.frechet:fd",
        inputs=("reference_mean", "reference_covariance", "walk_features"),
        settings=grid(features=("inception64", "inception2048"), protocol=_PROTOCOLS),
        extra="codes",
        description="Fréchet distance of interpolations to test images in Inception features.",
    ),
    "ifd_classifier": Metric(
        label="iFD (classifier)",
        unit="",
        direction="lower",
        target="bench.metrics.frechet:fd",
        inputs=("reference_mean", "reference_covariance", "walk_features"),
        settings=grid(protocol=_PROTOCOLS),
        extra="codes",
        description="Fréchet distance of interpolations in 64 features of the suite's own classifier; not FID.",
    ),
}
