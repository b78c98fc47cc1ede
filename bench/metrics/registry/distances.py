"""The metrics that compare generated or reconstructed images with the test images in a network's features.

Each stands here twice: in Inception's features under its common name, and in those of the suite's own classifier under
a name of its own, since the two are not comparable.
"""

from dataclasses import replace
from typing import Literal

from bench.metrics.types import Metric, grid
from bench.samplers import SAMPLERS

_BLOCKS = ("inception64", "inception2048")
_IN_INCEPTION, _BY_SAMPLER = grid(features=_BLOCKS), grid(sampler=tuple(SAMPLERS))
_IN_INCEPTION_BY_SAMPLER = grid(features=_BLOCKS, sampler=tuple(SAMPLERS))

_REFERENCE_GAUSSIAN = ("reference_mean", "reference_covariance")
_REFERENCE = ("reference_features",)
_CURVE = ("prd_curve", "sample_features")


def _of_samples(
    label: str,
    target: str,
    inputs: tuple[str, ...],
    settings: tuple[dict[str, str], ...],
    description: str,
    extra: str | None = None,
    direction: Literal["lower", "higher"] = "lower",
    version: int = 1,
) -> Metric:
    """Return a metric of samples."""
    return Metric(label, "", direction, target, inputs, description, settings=settings, extra=extra, version=version)


def _of_reconstructions(
    label: str,
    target: str,
    reference: tuple[str, ...],
    settings: tuple[dict[str, str], ...],
    description: str,
    extra: str | None = None,
    version: int = 1,
    after: tuple[str, ...] = (),
) -> Metric:
    """Return a metric of reconstructions, the lower the better; other inputs go before and after their features."""
    inputs = (*reference, "reconstruction_features", *after)
    return Metric(label, "", "lower", target, inputs, description, settings=settings, extra=extra, version=version)


_NETWORK = ("efficientnet-lite0",)
_NETWORK_BY_SAMPLER = grid(features=_NETWORK, sampler=tuple(SAMPLERS))
_OF_NETWORK = "in the 1,280 pooled features of EfficientNet-Lite0 (ImageNet weights; images at 224 x 224)"
_OF_OWN = "in the features of the user's own network (--feature-network)"
_BOTH = ("reference_features", "sample_features")
_Direction = Literal["lower", "higher"]


def _in_network(
    label: str,
    target: str,
    inputs: tuple[str, ...],
    description: str,
    direction: _Direction = "higher",
    version: int = 1,
) -> Metric:
    """Return a metric of samples in the features of EfficientNet-Lite0."""
    text = f"{description} {_OF_NETWORK}."
    return _of_samples(label, target, inputs, _NETWORK_BY_SAMPLER, text, "efficientnet", direction, version)


_IN_NETWORK: dict[str, Metric] = {
    "fd": _in_network(
        "FD (EfficientNet)",
        "bench.metrics.frechet:fd",
        (*_REFERENCE_GAUSSIAN, "sample_features"),
        "Fréchet distance, not FID, of samples to test images",
        "lower",
    ),
    "rfd": _of_reconstructions(
        "rFD (EfficientNet)",
        "bench.metrics.frechet:fd",
        _REFERENCE_GAUSSIAN,
        grid(features=_NETWORK),
        f"Fréchet distance, not rFID, of reconstructions (posterior sample) to test images {_OF_NETWORK}.",
        "efficientnet",
    ),
    "kd": _in_network(
        "KD (EfficientNet) × 10³",
        "bench.metrics.kernel:scaled_kd",
        (*_BOTH, "feature_scale"),
        "1000 x squared MMD, not KID, of samples to test images, divided by the root mean square over the first 1,000 "
        "training images,",
        "lower",
        version=2,
    ),
    "prd_f8_network": _in_network(
        "PRD F8 (recall), EfficientNet", "bench.metrics.prd:f8", _CURVE, "Recall of the test images by samples"
    ),
    "prd_f1_8_network": _in_network(
        "PRD F1/8 (precision), EfficientNet", "bench.metrics.prd:f1_8", _CURVE, "Precision of samples"
    ),
    "density": _in_network(
        "Density (EfficientNet)",
        "bench.metrics.coverage:density",
        _BOTH,
        "Neighbourhoods (5 nearest) of test images that a sample lies in, over 5,",
    ),
    "coverage": _in_network(
        "Coverage (EfficientNet)",
        "bench.metrics.coverage:coverage",
        _BOTH,
        "Share of test images in whose neighbourhood (5 nearest) a sample lies,",
    ),
    "class_score": _in_network(
        "Class score (EfficientNet)",
        "bench.metrics.inception_score:inception_score",
        ("sample_names",),
        "exp of the mean divergence of p(class | sample) from its mean, ten splits; the 1,000 classes are read",
    ),
}

_IN_OWN: dict[str, Metric] = {
    f"{name.removesuffix('_network')}_own": replace(
        metric,
        label=metric.label.replace("EfficientNet", "own network"),
        description=metric.description.replace(_OF_NETWORK, _OF_OWN),
        settings=tuple({**setting, "features": "own"} for setting in metric.settings),
        extra="own",
    )
    for name, metric in _IN_NETWORK.items()
    if name != "class_score"  # it has no classes to name
}


DISTANCES: dict[str, Metric] = {
    "fid": _of_samples(
        "FID",
        "bench.metrics.frechet:fd",
        (*_REFERENCE_GAUSSIAN, "sample_features"),
        _IN_INCEPTION_BY_SAMPLER,
        "Fréchet distance of samples to test images in pytorch-fid's Inception features (64-d or 2048-d).",
    ),
    "rfid": _of_reconstructions(
        "rFID",
        "bench.metrics.frechet:fd",
        _REFERENCE_GAUSSIAN,
        _IN_INCEPTION,
        "Fréchet distance of reconstructions (posterior sample) to test images in Inception features.",
    ),
    "fd_classifier": _of_samples(
        "FD (classifier)",
        "bench.metrics.frechet:fd",
        (*_REFERENCE_GAUSSIAN, "sample_features"),
        _BY_SAMPLER,
        "Fréchet distance of samples to test images in 64 features of the suite's own classifier; not FID.",
    ),
    "rfd_classifier": _of_reconstructions(
        "rFD (classifier)",
        "bench.metrics.frechet:fd",
        _REFERENCE_GAUSSIAN,
        ({},),
        "Fréchet distance of reconstructions (posterior sample) in those 64 features; not rFID.",
    ),
    "kid": _of_samples(
        "KID × 10³",
        "bench.metrics.kernel:kd",
        (*_REFERENCE, "sample_features"),
        _IN_INCEPTION_BY_SAMPLER,
        "1000 x squared MMD (cubic kernel, 100 subsets) of samples to test images in Inception features; its standard "
        "error is of drawing both sets.",
        extra="kernel",
        version=2,
    ),
    "rkid": _of_reconstructions(
        "rKID × 10³",
        "bench.metrics.kernel:kd",
        _REFERENCE,
        _IN_INCEPTION,
        "1000 x squared MMD of reconstructions (posterior sample) to test images in Inception features.",
        extra="kernel",
        version=2,
    ),
    "kd_classifier": _of_samples(
        "KD (classifier) × 10³",
        "bench.metrics.kernel:scaled_kd",
        (*_REFERENCE, "sample_features", "feature_scale"),
        _BY_SAMPLER,
        "1000 x squared MMD of samples to test images in 64 features of the suite's own classifier, divided by their "
        "root mean square over the training images; not KID.",
        extra="kernel",
        version=2,
    ),
    "rkd_classifier": _of_reconstructions(
        "rKD (classifier) × 10³",
        "bench.metrics.kernel:scaled_kd",
        _REFERENCE,
        ({},),
        "1000 x squared MMD of reconstructions (posterior sample) in those 64 features, divided in the same way; not "
        "rKID.",
        extra="kernel",
        version=2,
        after=("feature_scale",),
    ),
    "prd_f8": _of_samples(
        "PRD F8 (recall)",
        "bench.metrics.prd:f8",
        _CURVE,
        _IN_INCEPTION_BY_SAMPLER,
        "Recall of the test images by samples, low where modes are missing, in Inception features.",
        extra="prd",
        direction="higher",
    ),
    "prd_f1_8": _of_samples(
        "PRD F1/8 (precision)",
        "bench.metrics.prd:f1_8",
        _CURVE,
        _IN_INCEPTION_BY_SAMPLER,
        "Precision of samples, low where they are unlike any test image, in Inception features.",
        extra="prd",
        direction="higher",
    ),
    "prd_f8_classifier": _of_samples(
        "PRD F8 (recall), classifier",
        "bench.metrics.prd:f8",
        _CURVE,
        _BY_SAMPLER,
        "Recall of the test images by samples in 64 features of the suite's own classifier.",
        extra="prd",
        direction="higher",
    ),
    "prd_f1_8_classifier": _of_samples(
        "PRD F1/8 (precision), classifier",
        "bench.metrics.prd:f1_8",
        _CURVE,
        _BY_SAMPLER,
        "Precision of samples in those 64 features.",
        extra="prd",
        direction="higher",
    ),
    **_IN_NETWORK,
    **_IN_OWN,
    "class_tv": _of_samples(
        "Class TV",
        "bench.metrics.classes:class_tv",
        ("reference_classes", "sample_classes"),
        _BY_SAMPLER,
        "Total variation of class histograms, samples to test images, as the suite's classifier reads them.",
        extra="classes",
    ),
}
