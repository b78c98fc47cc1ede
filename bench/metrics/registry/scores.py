"""The metrics of the symmetric VAE's study: inception scores, squared errors, annealed likelihoods."""

from bench.metrics.types import Metric

SCORES: dict[str, Metric] = {
    "inception_score": Metric(
        label="Inception score",
        unit="",
        direction="higher",
        target="bench.metrics.inception_score:inception_score",
        inputs=("score_probabilities",),
        extra="scores",
        description="exp of the mean divergence of p(class | sample) from its mean, ten splits, samples of the model's "
        "own; by a classifier trained on the data set (not Inception), of points by the exact p(class | x).",
    ),
    "inception_score_imagenet": Metric(
        label="Inception score (Inception)",
        unit="",
        direction="higher",
        target="bench.metrics.inception_score:inception_score",
        inputs=("inception_probabilities",),
        extra="scores",
        description="The same of the same samples by Inception's 1,008 classes, as for colour images in the papers.",
    ),
    "inception_score_test": Metric(
        label="Inception score, test images",
        unit="",
        direction="none",
        target="bench.metrics.inception_score:inception_score",
        inputs=("test_probabilities",),
        extra="scores",
        description="The same of the test images: what samples as good as them would have.",
    ),
    "score_classifier_accuracy": Metric(
        label="Accuracy of the scores' judge",
        unit="%",
        direction="none",
        target="bench.metrics.inception_score:classifier_accuracy",
        inputs=("test_probabilities", "test_labels"),
        extra="scores",
        description="Test accuracy of the classifier that inception scores are taken by.",
    ),
    "mse": Metric(
        label="MSE",
        unit="",
        direction="lower",
        target="bench.metrics.pixels:mse",
        inputs=("test_images", "drawn_reconstructions"),
        extra="scores",
        description="Mean squared error over pixels in [0, 1] (or coordinates), of test images encoded with noise.",
    ),
    "nll_ais": Metric(
        label="NLL (AIS)",
        unit="nats",
        direction="lower",
        target="bench.metrics.averages:mean",
        inputs=("ais_nats",),
        extra="annealing",
        description="Mean over test images of -ln p(x) by annealed importance sampling, an upper bound on average.",
    ),
    "bdmc_lower": Metric(
        label="BDMC lower bound",
        unit="nats",
        direction="none",
        target="bench.metrics.averages:mean",
        inputs=("bdmc_lower_nats",),
        extra="annealing",
        description="Mean of ln p(x) of images drawn from the model, by annealed importance sampling from the prior.",
    ),
    "bdmc_upper": Metric(
        label="BDMC upper bound",
        unit="nats",
        direction="none",
        target="bench.metrics.averages:mean",
        inputs=("bdmc_upper_nats",),
        extra="annealing",
        description="Mean of ln p(x) of the same images, by chains that run back from the codes they were drawn of.",
    ),
    "bdmc_gap": Metric(
        label="BDMC gap",
        unit="nats",
        direction="lower",
        target="bench.metrics.averages:mean",
        inputs=("bdmc_gap_nats",),
        extra="annealing",
        description="Mean over images drawn from the model of the upper bound (chains from the exact posterior draw) "
        "less the lower bound of ln p(x) with the same schedule: how far from exact either can be there.",
    ),
}
