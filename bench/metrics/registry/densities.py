"""The metrics of a model as a density: bits per dimension, the two terms of its bound, the time that samples take."""

from bench.metrics.types import Metric, grid

DENSITIES: dict[str, Metric] = {
    "bits_per_dim": Metric(
        label="Bits/dim",
        unit="bits",
        direction="lower",
        target="bench.metrics.averages:bits_per_dim",
        inputs=("discrete_nll_nats", "neg_elbo_nats", "dimensions"),
        description="NLL per pixel and channel in bits, where p(x) is a distribution over the values of the pixels.",
        extra="densities",
        version=2,
    ),
    "reconstruction_nats": Metric(
        label="RE",
        unit="nats",
        direction="lower",
        target="bench.metrics.averages:mean",
        inputs=("reconstruction_nats",),
        description="Mean over test images of -ln p(x|z), z one posterior sample; with KL (and the terms of "
        "compressed images, where a model has any) it adds up to -ELBO.",
        extra="densities",
    ),
    "kl_nats": Metric(
        label="KL",
        unit="nats",
        direction="none",
        target="bench.metrics.averages:mean",
        inputs=("kl_nats",),
        description="Mean of KL(q(z|x) || p(z)), exact for the prior N(0, I), else ln q(z|x) - ln p(z) at that z; "
        "summed over latents, where a model has several.",
        extra="densities",
    ),
    "generation_seconds": Metric(
        label="Generation time",
        unit="s",
        direction="lower",
        target="bench.metrics.cost:generation_seconds",
        inputs=("generation_seconds",),
        settings=grid(images=("1", "100")),
        description="Seconds to draw codes of the prior and decode them: the median of 100 runs after a warm-up.",
        extra="densities",
    ),
}
