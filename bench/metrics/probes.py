"""How well a simple classifier reads the class from the latent code."""

import warnings
from collections.abc import Mapping

import numpy as np

from bench.metrics.types import Blank, Measured

BATCH, EPOCHS, LEAST_STEPS, RATE = 200, 20, 2000, 0.005


def probe_accuracy(
    train: np.ndarray,
    train_labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    *,
    setting: Mapping[str, str],
    rng: np.random.Generator,
) -> Measured:
    """Return the test accuracy in percent of a classifier trained on posterior means, with its binomial standard error.

    setting["probe"]: linear is multinomial logistic regression (L2, C = 1, L-BFGS); mlpH has one hidden layer of H
    logistic units (Adam, 20 epochs or as many as make 2,000 steps, seeded from rng). Features are standardised by the
    training set's mean and deviation; no image is left out.
    train [M, L], train_labels [M], test [N, L], test_labels [N]; raises Blank for attribute labels or a single class.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if train_labels.ndim > 1:
        raise Blank("labels are attributes, not classes")
    if len(np.unique(train_labels)) < 2:
        raise Blank("the training images have one class only")
    probe = setting["probe"]
    if probe == "linear":
        classifier = LogisticRegression(max_iter=1000)
    else:
        epochs = max(EPOCHS, -(-LEAST_STEPS * BATCH // len(train)))
        classifier = MLPClassifier(
            hidden_layer_sizes=(int(probe.removeprefix("mlp")),),
            activation="logistic",
            batch_size=min(BATCH, len(train)),
            learning_rate_init=RATE,
            max_iter=epochs,
            n_iter_no_change=epochs,
            random_state=int(rng.integers(2**31)),
        )
    pipeline = make_pipeline(StandardScaler(), classifier)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed on purpose
        pipeline.fit(train, train_labels)
    p, n = float(pipeline.score(test, test_labels)), len(test)
    return Measured(100.0 * p, 100.0 * float(np.sqrt(p * (1.0 - p) / n)), n)
