"""ARRAYS: what metrics, pictures and samplers take of a trained model, as plain data; see `evaluation.py` for its use.

N test images, M training images, L numbers of a code, F features, k classes, P pairs; images are [C, H, W].
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Array:
    """Where an array is made, what it holds (shape, range, unit), and the capabilities that a model must have for it.

    The function has the array's name, in that file of `bench/evaluation/arrays/`. Its parameters name what it takes:
    `evaluation`, other arrays of ARRAYS under the same setting, and keys of the setting.
    """

    file: str
    holds: str
    needs: frozenset[str] = frozenset()


def function_of(name: str) -> Callable[..., Any]:
    """Return the function that makes array `name`, importing its module now."""
    module = import_module(f"bench.evaluation.arrays.{ARRAYS[name].file}")
    return getattr(module, name)


def _needs(*capabilities: str) -> frozenset[str]:
    return frozenset(capabilities)


_ENCODE, _RECONSTRUCT, _GENERATE = _needs("encode"), _needs("reconstruct"), _needs("generate")
_BOUND = _needs("posterior", "likelihood", "prior")
_LEVELS = _BOUND | {"levels"}
_LEVELS_SHOWN = _needs("levels", "reconstruct")
_BITS = _needs("encode", "bits")
_WALKED = _ENCODE | _RECONSTRUCT
_ANNEALED = _needs("likelihood", "prior")
_CLASSIFY, _CLASS_CODES, _CODEBOOK = _needs("classify"), _needs("class_codes"), _needs("codebook")

ARRAYS: dict[str, Array] = {
    # Of the data, and of the model as such
    "test_images": Array("images", "uint8 [N, C, H, W]; of points, float32"),
    "fit_images": Array("images", "the first training images, which samplers are fitted to: uint8 [n, C, H, W]"),
    "test_labels": Array("images", "classes [N]; attributes have a second axis"),
    "train_labels": Array("images", "classes [M]; attributes have a second axis"),
    "dimensions": Array("images", "[1], numbers of an image"),
    "parameters": Array("images", "[1], trainable parameters"),
    "seconds_per_epoch": Array("images", "[1], seconds of a training pass"),
    # What the encoder gives
    "test_posteriors": Array("encodings", "the posterior of each batch of test images, or None for each"),
    "fit_posteriors": Array("encodings", "the same of fit_images"),
    "test_mean": Array("encodings", "posterior means, or codes where there is no posterior: float32 [N, L]", _ENCODE),
    "train_mean": Array("encodings", "the same of the training images: float32 [M, L]", _ENCODE),
    "train_codes": Array("encodings", "a posterior sample of each of fit_images, or its code: [n, L]", _ENCODE),
    "fit_indices": Array("encodings", "numbers of the codebook's vectors of fit_images: int64 [n, H', W']", _CODEBOOK),
    "reconstructions": Array(
        "encodings", 'decoded of setting["reconstruction"] of q(z|x): float32 [N, C, H, W] in [0, 1]', _RECONSTRUCT
    ),
    "drawn_reconstructions": Array("encodings", "those of a posterior sample, the same", _RECONSTRUCT),
    "backwards": Array(
        "encodings", "the encoder run backwards from test_mean: float32 [N, C, H, W] in [0, 1]", _ENCODE
    ),
    # Of the model as a density
    "nll_nats": Array("densities", "[n], nats per image, of the first test images", _BOUND),
    "neg_elbo_nats": Array("densities", "[N], nats per image", _BOUND),
    "bound_terms": Array("densities", "terms of -ELBO by name, each [N] in nats", _BOUND),
    "reconstruction_nats": Array("densities", "[N], the term -ln p(x|z)", _BOUND),
    "kl_nats": Array("densities", "[N], the term KL, summed over latents", _BOUND),
    "discrete_nll_nats": Array("densities", "nll_nats where p(x) is of discrete pixels, [n]", _BOUND),
    "generation_seconds": Array("densities", '[100], of setting["images"] images each', _needs("prior", "generate")),
    "ais_nats": Array("annealing", "[n], an upper bound of -ln p(x) on average, nats per image", _ANNEALED),
    "bdmc_nats": Array("annealing", "both bounds of ln p(x) of images of the model's own: [2, n], nats", _ANNEALED),
    "bdmc_lower_nats": Array("annealing", "[n], nats per image", _ANNEALED),
    "bdmc_upper_nats": Array("annealing", "[n], nats per image", _ANNEALED),
    "bdmc_gap_nats": Array("annealing", "[n], nats per image", _ANNEALED),
    "level_nats": Array("levels", '[N] in nats, the term setting["term"] of a bound of levels', _LEVELS),
    "information": Array("levels", "bits by kind of reconstruction, each [N]", _needs("levels")),
    "sent_bits": Array("levels", '[N], bits that the kind setting["mode"] sends', _needs("levels")),
    "shown": Array("levels", "what that kind shows: float32 [N, C, H, W] in [0, 1]", _LEVELS_SHOWN),
    "compressed": Array(
        "levels", "the last compressed image of each: float32 [N, C', H', W'] in [0, 1]", _LEVELS_SHOWN
    ),
    "compressed_from_u": Array("levels", "what u alone gives of it, the same", _LEVELS_SHOWN),
    # Of samples, in the features of setting["features"], else the small classifier's
    "samples": Array("samples", 'images of codes of setting["sampler"]: uint8 [N, C, H, W]', _GENERATE),
    "sample_blocks": Array("samples", "their features in a network by name, each [N, F]", _GENERATE),
    "sample_features": Array("samples", "[N, F]", _GENERATE),
    "sample_classes": Array("samples", "[N], classes as the small classifier reads them", _GENERATE),
    "reconstruction_blocks": Array("samples", "features of drawn_reconstructions by name, each [N, F]", _RECONSTRUCT),
    "reconstruction_features": Array("samples", "[N, F]", _RECONSTRUCT),
    "reference_features": Array("samples", "of the test images: [N, F]"),
    "feature_scale": Array("samples", "root mean square over the training images, [1]"),
    "reference_statistics": Array("samples", "their mean [F] and covariance [F, F] by name"),
    "reference_mean": Array("samples", "[F]"),
    "reference_covariance": Array("samples", "[F, F]"),
    "reference_classes": Array("samples", "[N], classes of the test images as the small classifier reads them"),
    "sample_names": Array("samples", "p(ImageNet class | sample) by EfficientNet-Lite0: [N, 1000]", _GENERATE),
    "prd_curve": Array("samples", "[2, A], precision and recall of samples", _GENERATE),
    "own_samples": Array("scores", "images of the model's own way of sampling: uint8 [N, C, H, W]", _GENERATE),
    "score_probabilities": Array("scores", "p(class | sample) of own_samples: [N, k]", _GENERATE),
    "test_probabilities": Array("scores", "the same of the test images: [N, k]"),
    "inception_probabilities": Array("scores", "p(class | sample) of own_samples by Inception: [N, 1008]", _GENERATE),
    # Of codes: bits are -1 and +1
    "code_bits": Array("codes", "[1], bits of an image's code", _ENCODE),
    "train_bits": Array("codes", "int8 [M, L]", _BITS),
    "test_bits": Array("codes", "int8 [N, L]", _BITS),
    "moments": Array("codes", "second moments of train_bits and a one: [L + 1, L + 1]", _BITS),
    "sampled_bits": Array("codes", '50,000 codes of setting["sampler"]: int8 [n, L]', _BITS),
    "pair_of_codes": Array("codes", 'codes of random pairs of images of setting["split"]: two of [P, L]', _ENCODE),
    "source_bits": Array("codes", "the first of pairs of test images: [P, L]", _BITS),
    "target_bits": Array("codes", "the second: [P, L]", _BITS),
    "inverted_bits": Array("codes", 'source_bits as setting["inversion"] gives them back: int8 [P, L]', _BITS),
    "inversion_tilts": Array("codes", 'how often their planes were tilted by setting["inversion"]: int64 [P]', _BITS),
    "path_bits": Array("codes", "ten steps from source to target: int8 [P, 10, L]", _BITS),
    "walks": Array("codes", 'codes along the ways of setting["protocol"]: float32 [P, 10 or 12, L]', _ENCODE),
    "walk_images": Array("codes", "the first N images of those: float32 [N, C, H, W] in [0, 1]", _WALKED),
    "walk_blocks": Array("codes", "their features in a network by name, each [N, F]", _WALKED),
    "walk_features": Array("codes", "[N, F]", _WALKED),
    "class_codes": Array("codes", "mean code of each class, or of each attribute's bearers: [k, L]", _BITS),
    "edit_targets": Array("codes", "[n], another class of each of the first test images"),
    "edited_classes": Array("codes", "[n], how the small classifier reads what was edited towards them", _BITS),
    # Of known factors
    "test_factors": Array("factors", "numbers of the values of F known factors of the test images: int64 [N, F]"),
    "ordered_factors": Array("factors", "whether a factor is an amount and no category: [F]"),
    "factor_forests": Array("factors", "what forests that read factors in test_mean find, by name", _ENCODE),
    "factor_importances": Array("factors", "of each variable for each factor: [L, F], columns sum to 1 or 0", _ENCODE),
    "factor_readings": Array("factors", "whether a factor is read right in other codes: bool [N - N/2, F]", _ENCODE),
    # Of labels
    "free_classes": Array("labels", "[f], classes without labels in training"),
    "class_log_probabilities": Array("labels", "ln q(y|x) of the test images: [N, k]", _CLASSIFY),
    "predicted_labels": Array("labels", "[N]", _CLASSIFY),
    "mean_z": Array("labels", "mean over labelled training images of that of q(z|x, y): [d]", _CLASS_CODES),
    "canonical_images": Array("labels", "mean image of every one-hot y: float32 [k, C, H, W] in [0, 1]", _CLASS_CODES),
    "canonical_readings": Array("labels", "p(class | canonical image): [k, k], a row for each y", _CLASS_CODES),
    "round_trip": Array("labels", "y' = y and |z' - z| over a grid of (y, z): [P, 2]", _CLASSIFY | _CLASS_CODES),
    "label_walks": Array("labels", "mean images of a grid of z for every class: [k, 5, 5, C, H, W]", _CLASS_CODES),
}
