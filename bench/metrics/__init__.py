"""METRICS: every number that a run can be measured by, as plain data; the code behind it is imported on use.

An entry names its inputs, which are of ARRAYS (`bench/evaluation/arrays/registry.py`, printed by `python -m bench.run
--list`): the evaluation hands them over in that order as numpy arrays, once per setting; the setting and a seeded
generator go by name to a function that takes them. What a metric needs of a model follows from its inputs.

May import: bench.errors, bench.data, bench.samplers.
"""

from bench.metrics.registry.codes import CODES
from bench.metrics.registry.densities import DENSITIES
from bench.metrics.registry.distances import DISTANCES
from bench.metrics.registry.factors import FACTORS
from bench.metrics.registry.labels import LABELS
from bench.metrics.registry.levels import LEVELS
from bench.metrics.registry.scores import SCORES
from bench.metrics.types import Metric, grid

PROBES = ("linear", "mlp100", "mlp256")
_HOW = ("sample", "mean")


METRICS: dict[str, Metric] = {
    "nll": Metric(
        label="NLL",
        unit="nats",
        direction="lower",
        target="bench.metrics.averages:mean_nll",
        inputs=("nll_nats", "neg_elbo_nats"),
        description="Mean over test images of -log p(x), importance-sampled with the posterior as proposal on the "
        "first of them; where there are more, by regression on the -ELBO of all.",
        version=2,
    ),
    "neg_elbo": Metric(
        label="-ELBO",
        unit="nats",
        direction="lower",
        target="bench.metrics.averages:mean",
        inputs=("neg_elbo_nats",),
        description="Mean over test images of the negative evidence lower bound (beta = 1), one posterior sample each.",
    ),
    "active_units": Metric(
        label="AU",
        unit="units",
        direction="higher",
        target="bench.metrics.units:active_units",
        inputs=("test_mean",),
        needs=frozenset({"posterior"}),  # a code alone says nothing of how wide its posterior is
        description="Latent units whose posterior mean varies over the test set by 0.01 or more (population variance).",
    ),
    "psnr": Metric(
        label="PSNR",
        unit="dB",
        direction="higher",
        target="bench.metrics.pixels:psnr",
        inputs=("test_images", "reconstructions"),
        settings=grid(reconstruction=_HOW),
        description="Mean of per-image PSNR, data range 1, decoded from a posterior sample (as in BVAE) or the mean.",
    ),
    "ssim": Metric(
        label="SSIM",
        unit="",
        direction="higher",
        target="bench.metrics.pixels:ssim",
        inputs=("test_images", "reconstructions"),
        settings=grid(reconstruction=_HOW),
        description="Mean of per-image SSIM, 11 x 11 Gaussian window, decoded from a posterior sample or the mean.",
    ),
    **DENSITIES,
    **DISTANCES,
    **CODES,
    **FACTORS,
    **LABELS,
    **LEVELS,
    **SCORES,
    "probe_accuracy": Metric(
        label="Accuracy",
        unit="%",
        direction="higher",
        target="bench.metrics.probes:probe_accuracy",
        inputs=("train_mean", "train_labels", "test_mean", "test_labels"),
        settings=grid(probe=PROBES),
        description="Test accuracy of a linear or one-hidden-layer classifier of standardised posterior means.",
    ),
    "psnr_backwards": Metric(
        label="PSNR backwards",
        unit="dB",
        direction="higher",
        target="bench.metrics.pixels:psnr",
        inputs=("test_images", "backwards"),
        description="Mean per-image PSNR of what a one-way encoder gives run backwards from the posterior mean.",
    ),
    "parameters": Metric(
        label="Parameters",
        unit="",
        direction="lower",
        target="bench.metrics.averages:only",
        inputs=("parameters",),
        description="Trainable parameters, tensors that two directions share counted once.",
    ),
    "parameter_mib": Metric(
        label="Memory",
        unit="MiB",
        direction="lower",
        target="bench.metrics.cost:parameter_mib",
        inputs=("parameters",),
        description="Trainable parameters at 4 bytes each, in units of 2^20 bytes.",
    ),
    "seconds_per_epoch": Metric(
        label="Time per epoch",
        unit="s",
        direction="lower",
        target="bench.metrics.averages:only",
        inputs=("seconds_per_epoch",),
        description="Wall-clock seconds of one training pass, on the hardware that the run records.",
    ),
}
