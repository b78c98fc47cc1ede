"""METRICS: every number that a run can be measured by, as plain data; the code behind it is imported on use.

An entry names its inputs; the evaluation hands them over in that order as numpy arrays, once per setting, together with
the setting and a seeded generator. Names of inputs and what they hold:

test_images                                        uint8 [N, C, H, W]
reconstructions, backwards                         float32 [N, C, H, W] in [0, 1]
nll_nats, neg_elbo_nats, discrete_nll_nats         [N], nats per image, the last of discrete pixels alone
reconstruction_nats, kl_nats                       [N], the terms of the second
level_nats, sent_bits                              [N], of one term of a bound of levels; of one kind of reconstruction
shown                                              float32 [N, C, H, W] in [0, 1], what that kind shows
dimensions                                         [1], numbers of an image
generation_seconds                                 [100], of setting["images"] images each
train_mean, test_mean                              posterior means [M, L], [N, L]
train_labels, test_labels                          classes [M], [N]; attributes have a second axis
reference_features, sample_features,
reconstruction_features                            [N, F], features = setting["features"], else the small classifier's
reference_mean, reference_covariance               [F], [F, F], of those features of the test images
prd_curve                                          [2, A], precision and recall of samples in those features
reference_classes, sample_classes                  [N], classes as the small classifier reads them
parameters, seconds_per_epoch, code_bits           [1]
train_bits, sampled_bits, moments                  codes -1 and +1 [M, L], [n, L]; their second moments [L + 1, L + 1]
source_bits, target_bits, inverted_bits, path_bits of pairs of test images: [P, L], [P, 10, L]
walk_features                                      [N, F], of images along the ways between pairs of codes
edit_targets, edited_classes                       [N], classes that codes were edited towards, and what came out
class_log_probabilities, predicted_labels          [N, k], ln q(y|x) of the test images; [N]
free_classes                                       [F], those without labels in training
canonical_readings                                 [k, k], p(class | canonical image of a one-hot y)
score_probabilities, test_probabilities            [N, k], p(class | x) of samples and of test images, for scores
inception_probabilities                            [N, 1008], the same of samples, by Inception
ais_nats, bdmc_lower_nats, bdmc_upper_nats,
bdmc_gap_nats                                      [N], nats per image
drawn_reconstructions                              float32 [N, C, H, W], of a sampled code
round_trip                                         [P, 2], y' = y and |z' - z| over a grid of (y, z)

May import: bench.errors, bench.data, bench.samplers.
"""

from bench.metrics.registry.codes import CODES
from bench.metrics.registry.densities import DENSITIES
from bench.metrics.registry.distances import DISTANCES
from bench.metrics.registry.labels import LABELS
from bench.metrics.registry.levels import LEVELS
from bench.metrics.registry.scores import SCORES
from bench.metrics.types import Metric, grid

PROBES = ("linear", "mlp100", "mlp256")
_HOW = ("sample", "mean")


def _needs(*capabilities: str) -> frozenset[str]:
    """Return the capabilities as a set."""
    return frozenset(capabilities)


METRICS: dict[str, Metric] = {
    "nll": Metric(
        label="NLL",
        unit="nats",
        direction="lower",
        target="bench.metrics.averages:nats",
        inputs=("nll_nats",),
        needs=_needs("posterior", "likelihood", "prior"),
        description="Mean over test images of -log p(x), importance-sampled with the posterior as proposal.",
    ),
    "neg_elbo": Metric(
        label="-ELBO",
        unit="nats",
        direction="lower",
        target="bench.metrics.averages:nats",
        inputs=("neg_elbo_nats",),
        needs=_needs("posterior", "likelihood", "prior"),
        description="Mean over test images of the negative evidence lower bound (beta = 1), one posterior sample each.",
    ),
    "active_units": Metric(
        label="AU",
        unit="units",
        direction="higher",
        target="bench.metrics.units:active_units",
        inputs=("test_mean",),
        needs=_needs("encode", "posterior"),
        description="Latent units whose posterior mean varies over the test set by 0.01 or more (population variance).",
    ),
    "psnr": Metric(
        label="PSNR",
        unit="dB",
        direction="higher",
        target="bench.metrics.pixels:psnr",
        inputs=("test_images", "reconstructions"),
        needs=_needs("reconstruct"),
        settings=grid(reconstruction=_HOW),
        description="Mean of per-image PSNR, data range 1, decoded from a posterior sample (as in BVAE) or the mean.",
    ),
    "ssim": Metric(
        label="SSIM",
        unit="",
        direction="higher",
        target="bench.metrics.pixels:ssim",
        inputs=("test_images", "reconstructions"),
        needs=_needs("reconstruct"),
        settings=grid(reconstruction=_HOW),
        description="Mean of per-image SSIM, 11 x 11 Gaussian window, decoded from a posterior sample or the mean.",
    ),
    **DENSITIES,
    **DISTANCES,
    **CODES,
    **LABELS,
    **LEVELS,
    **SCORES,
    "probe_accuracy": Metric(
        label="Accuracy",
        unit="%",
        direction="higher",
        target="bench.metrics.probes:probe_accuracy",
        inputs=("train_mean", "train_labels", "test_mean", "test_labels"),
        needs=_needs("encode"),
        settings=grid(probe=PROBES),
        description="Test accuracy of a linear or one-hidden-layer classifier of standardised posterior means.",
    ),
    "psnr_backwards": Metric(
        label="PSNR backwards",
        unit="dB",
        direction="higher",
        target="bench.metrics.pixels:psnr",
        inputs=("test_images", "backwards"),
        needs=_needs("encode"),
        description="Mean per-image PSNR of what a one-way encoder gives run backwards from the posterior mean.",
    ),
    "parameters": Metric(
        label="Parameters",
        unit="",
        direction="lower",
        target="bench.metrics.cost:parameters",
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
        target="bench.metrics.cost:seconds_per_epoch",
        inputs=("seconds_per_epoch",),
        description="Wall-clock seconds of one training pass, on the hardware that the run records.",
    ),
}
