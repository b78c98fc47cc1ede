"""Claims about the table of metrics: it is plain data, its targets exist, and they take what it says."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from bench.evaluation.evaluate import needs
from bench.evaluation.pictures.plots import PLOTS
from bench.metrics import METRICS
from bench.metrics.registry.levels import MODES, TERMS
from bench.metrics.types import Measured
from bench.samplers import SAMPLERS
from bench.study.schema import Evaluation
from models.capabilities import CAPABILITIES

INPUTS = {
    "test_images": {"encode", "reconstruct"},
    "reconstructions": {"reconstruct"},
    "backwards": {"encode"},
    "nll_nats": {"posterior"},
    "neg_elbo_nats": {"posterior"},
    "discrete_nll_nats": {"posterior"},
    "reconstruction_nats": {"posterior"},
    "kl_nats": {"posterior"},
    "level_nats": {"levels"},
    "sent_bits": {"levels"},
    "shown": {"levels"},
    "compressed": {"levels"},
    "compressed_from_u": {"levels"},
    "dimensions": set(),
    "generation_seconds": {"prior"},
    "test_mean": {"encode"},
    "train_mean": {"encode"},
    "train_labels": set(),
    "test_labels": set(),
    "reference_features": set(),
    "feature_scale": set(),
    "sample_features": {"generate"},
    "reconstruction_features": {"reconstruct"},
    "reference_mean": set(),
    "reference_covariance": set(),
    "prd_curve": {"generate"},
    "reference_classes": set(),
    "sample_classes": {"generate"},
    "sample_names": {"generate"},
    "parameters": set(),
    "seconds_per_epoch": set(),
    "code_bits": {"encode"},
    "train_bits": {"bits"},
    "sampled_bits": {"bits"},
    "moments": {"bits"},
    "source_bits": {"bits"},
    "target_bits": {"bits"},
    "inverted_bits": {"bits"},
    "inversion_tilts": {"bits"},
    "path_bits": {"bits"},
    "edit_targets": set(),
    "edited_classes": {"bits"},
    "walk_features": {"encode", "reconstruct"},
    "test_factors": set(),
    "ordered_factors": set(),
    "factor_importances": {"encode"},
    "factor_readings": {"encode"},
    "class_log_probabilities": {"classify"},
    "predicted_labels": {"classify"},
    "free_classes": set(),
    "canonical_readings": {"class_codes"},
    "round_trip": {"class_codes"},
    "score_probabilities": {"generate"},
    "test_probabilities": set(),
    "inception_probabilities": {"generate"},
    "drawn_reconstructions": {"reconstruct"},
    "ais_nats": {"likelihood"},
    "bdmc_lower_nats": {"likelihood"},
    "bdmc_upper_nats": {"likelihood"},
    "bdmc_gap_nats": {"likelihood"},
}
AXES = {
    "reconstruction": {"sample", "mean"},
    "features": {"inception64", "inception2048", "efficientnet-lite0", "own"},
    "sampler": set(SAMPLERS),
    "probe": {"linear", "mlp100", "mlp256"},
    "inversion": {"paper", "code", "inverse"},
    "protocol": {"code", "figure", "interior"},
    "threshold": {"0.1", "0.12"},
    "assignment": {"paper", "optimal"},
    "images": {"1", "100"},
    "term": set(TERMS),
    "mode": set(MODES),
}


def test_listing_the_metrics_imports_only_the_standard_library() -> None:
    code = "import sys, bench.metrics; print([m for m in ('numpy', 'torch', 'sklearn', 'skimage') if m in sys.modules])"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout == "[]\n"


def test_labels_tell_the_metrics_apart() -> None:
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)


def test_inception_features_have_the_common_names_and_the_classifiers_names_of_their_own() -> None:
    for name, metric in METRICS.items():
        inception = any("inception" in setting.get("features", "") for setting in metric.settings)
        network = metric.extra == "efficientnet"
        assert network == any("efficientnet" in setting.get("features", "") for setting in metric.settings)
        assert ("EfficientNet" in metric.label) == network
        own = metric.extra == "own"
        assert own == ({setting.get("features") for setting in metric.settings} == {"own"})
        assert own == ("own network" in metric.label) == name.endswith("_own")
        compares = any(source.startswith(("reference_", "prd_")) for source in metric.inputs) and name != "class_tv"
        assert ("FID" in metric.label or "KID" in metric.label) == (inception and not name.startswith("prd"))
        assert (
            name.endswith("_classifier")
            == ("classifier" in metric.label)
            == (compares and not inception and not network and not own)
        )


def test_precision_and_recall_cannot_be_mistaken() -> None:
    for name, metric in METRICS.items():
        assert name.startswith("prd_f8") == ("F8 (recall)" in metric.label) == metric.target.endswith(":f8")
        assert name.startswith("prd_f1_8") == ("F1/8 (precision)" in metric.label) == metric.target.endswith(":f1_8")


def test_what_a_suite_may_ask_for_is_what_there_is() -> None:
    (literal, _) = get_args(Evaluation.model_fields["extras"].annotation)
    plots = {extra for extra, _, _ in PLOTS.values()}
    assert set(get_args(literal)) == {metric.extra for metric in METRICS.values() if metric.extra} | plots
    assert Evaluation(samplers=tuple(SAMPLERS)).samplers == tuple(SAMPLERS)
    with pytest.raises(ValueError, match="dice"):
        Evaluation(samplers=("dice",))


@pytest.mark.parametrize("name", METRICS)
def test_entry_is_complete(name: str) -> None:
    metric = METRICS[name]
    assert metric.direction in {"lower", "higher", "none"}
    assert needs(metric) <= CAPABILITIES
    assert metric.version >= 1
    assert metric.description.endswith(".")
    assert set(metric.inputs) <= INPUTS.keys()
    assert len({tuple(sorted(setting.items())) for setting in metric.settings}) == len(metric.settings) > 0
    for setting in metric.settings:
        assert all(value in AXES[key] for key, value in setting.items())


@pytest.mark.parametrize("name", METRICS)
def test_needs_cover_what_the_inputs_are_made_from(name: str) -> None:
    metric = METRICS[name]
    for source in metric.inputs:
        assert not INPUTS[source] or INPUTS[source] & needs(metric)


@pytest.mark.parametrize("name", METRICS)
def test_function_takes_its_inputs_by_position_and_of_setting_and_rng_by_name_what_it_uses(name: str) -> None:
    function = METRICS[name].function()
    signature = inspect.signature(function, eval_str=True)
    keyword = {p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY}
    assert keyword <= {"setting", "rng"}
    signature.bind(*METRICS[name].inputs, **dict.fromkeys(keyword))
    assert signature.return_annotation is Measured
    tree = ast.parse(inspect.getsource(function))
    assert keyword <= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_measurement_holds_a_value_that_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match="came out as"):
        Measured(value)
