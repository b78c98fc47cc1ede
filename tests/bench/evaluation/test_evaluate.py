"""One evaluation: its draws, its blanks, and cells that fail alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from toy_evaluation import DATA, SETTINGS, build_model, evaluation

from bench.evaluation.arrays.evaluation import setting_text
from bench.evaluation.evaluate import measure, needs, unmeasured, wanted
from bench.likelihood import neg_elbo, nll
from bench.metrics import METRICS
from bench.metrics.kernel import unbiased_mmd
from bench.metrics.types import Measured
from bench.samplers import SAMPLERS
from models.capabilities import CAPABILITIES


@pytest.fixture(scope="module")
def model() -> Any:
    return build_model()


RANDOM = [
    ("nll_nats", {}),
    ("neg_elbo_nats", {}),
    ("reconstructions", {"reconstruction": "sample"}),
    ("samples", {"sampler": "normal"}),
    ("samples", {"sampler": "gmm"}),
]


def test_draws_do_not_depend_on_the_order_of_requests(model: Any) -> None:
    first, second = evaluation(model), evaluation(model)
    forwards = [first.get(*request) for request in RANDOM]
    torch.manual_seed(123)
    np.random.seed(123)
    backwards = [second.get(*request) for request in reversed(RANDOM)][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(one, other)


def test_draws_change_with_the_seed(model: Any) -> None:
    for request in RANDOM:
        assert not np.array_equal(evaluation(model, 0).get(*request), evaluation(model, 1).get(*request))


def test_generators_differ_between_names_and_seeds(model: Any) -> None:
    draws = {
        (name, seed): float(torch.rand((), generator=evaluation(model, seed).generator(name)))
        for name in ("nll", "elbo", "recon", "prior", "gmm")
        for seed in (0, 1, 2)
    }
    assert len(set(draws.values())) == len(draws)
    assert float(torch.rand((), generator=evaluation(model, 1).generator("nll"))) == draws["nll", 1]


def test_an_array_is_computed_once_and_shared(model: Any) -> None:
    shared = evaluation(model)
    samples = shared.get("samples", {"sampler": "normal", "features": "inception64"})
    assert shared.get("samples", {"sampler": "normal"}) is samples
    assert shared.get("samples", {"sampler": "gmm"}) is not samples


def test_arrays_have_the_lengths_asked_for(model: Any) -> None:
    given = evaluation(model)
    assert given.get("nll_nats").shape == (6,)
    assert given.get("neg_elbo_nats").shape == (22,)
    assert given.get("test_images").shape == (22, 1, 8, 8)
    assert given.get("test_mean").shape == (22, 3)
    assert given.get("train_mean").shape == (30, 3)
    assert given.get("train_codes").shape == (20, 3)
    assert given.get("test_labels").shape == (22,)
    assert given.get("samples", {"sampler": "gmm"}).shape == (22, 1, 8, 8)
    assert given.get("backwards").shape == (22, 1, 8, 8)


def test_more_images_than_there_are_means_all_of_them(model: Any) -> None:
    every = evaluation(model, images=10_000, nll_images=10_000, gmm_images=10_000)
    assert len(every.get("nll_nats")) == len(every.get("test_mean")) == 25


def test_nll_array_is_the_public_estimator_on_the_first_test_images(model: Any) -> None:
    given = evaluation(model)
    x = torch.from_numpy(DATA.test.images[:6]).float() / 255
    expected = nll(model, x, 3, generator=given.generator("nll")).numpy()
    np.testing.assert_array_equal(given.get("nll_nats"), expected)


def test_each_image_is_encoded_once_for_all_that_needs_its_posterior(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    posterior = model.posterior
    monkeypatch.setattr(model, "posterior", lambda x: encoded.append(len(x)) or posterior(x))
    given = evaluation(model)
    for how in ("sample", "mean"):
        given.get("reconstructions", {"reconstruction": how})
    for name in ("test_mean", "neg_elbo_nats", "backwards"):
        given.get(name)
    assert sum(encoded) == 22
    encoded.clear()
    given.get("samples", {"sampler": "gmm"})
    assert sum(encoded) == 20
    given.get("train_mean")
    assert sum(encoded) == 30


def test_what_shares_an_encoding_is_what_the_model_gives_alone(model: Any) -> None:
    given = evaluation(model)
    x = torch.from_numpy(DATA.test.images[:22]).float() / 255
    with torch.no_grad():
        for how in ("sample", "mean"):
            alone = model.reconstruct(x, how, given.generator("recon")).numpy()
            np.testing.assert_array_equal(given.get("reconstructions", {"reconstruction": how}), alone)
        np.testing.assert_array_equal(given.get("test_mean"), model.embed(x).numpy())
        train = torch.from_numpy(DATA.train.images).float() / 255
        np.testing.assert_allclose(given.get("train_mean"), model.embed(train).numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(
        given.get("neg_elbo_nats"), neg_elbo(model, x, generator=given.generator("elbo")).numpy()
    )


def test_a_model_without_a_posterior_is_encoded_by_its_codes(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given = evaluation(model)
    monkeypatch.setattr(model, "capabilities", CAPABILITIES - {"posterior", "bits", "levels"}, raising=False)
    np.testing.assert_array_equal(given.get("train_codes"), given.get("train_mean")[:20])
    np.testing.assert_array_equal(given.get("test_mean"), evaluation(model).run(model.embed, DATA.test.images[:22]))
    assert given.get("reconstructions", {"reconstruction": "mean"}).shape == (22, 1, 8, 8)


def test_one_pass_of_a_network_gives_all_of_its_features(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given, passes = evaluation(model), []

    def extract(network: str, images: np.ndarray) -> dict[str, np.ndarray]:
        passes.append((network, len(images)))
        return {"inception64": np.zeros((len(images), 2)), "inception2048": np.ones((len(images), 3))}

    monkeypatch.setattr(given.features, "extract", extract)
    for features, size in (("inception64", 2), ("inception2048", 3)):
        assert given.get("sample_features", {"sampler": "normal", "features": features}).shape == (22, size)
        assert given.get("reconstruction_features", {"features": features}).shape == (22, size)
    assert passes == [("inception", 22), ("inception", 22)]


def test_samples_of_half_of_the_modes_lack_recall_and_not_precision(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    corners = 10.0 * np.eye(4)
    reference, samples = corners[np.arange(22) % 4], corners[np.arange(22) % 2]  # all four modes; two of them
    names = ("prd_f8_classifier", "prd_f1_8_classifier")
    given = evaluation(model, metrics=names, samplers=("normal",))
    monkeypatch.setattr(given.features, "kept", lambda *of: reference)
    monkeypatch.setattr(given.features, "extract", lambda *of: {"classifier": samples})
    recall, precision = (m.value for m in measure(given))
    share = 12 / 22  # of the reference, in those two modes
    assert recall == pytest.approx(65 * share / (64 + share), abs=2e-3) and recall < 0.6
    assert precision == pytest.approx((1 + 1 / 64) * share / (1 / 64 + share), abs=2e-3) and precision > 0.95


def test_kernel_distances_are_of_features_over_their_size_on_training_images(model: Any) -> None:
    given = evaluation(model, metrics=("kd_classifier", "rkd_classifier"), samplers=("normal",))
    scale = np.sqrt(np.mean(given.features.kept("classifier", DATA.train.images) ** 2))
    reference = given.get("reference_features") / scale
    others = [given.get("sample_features", {"sampler": "normal"}), given.get("reconstruction_features")]
    expected = [1000 * unbiased_mmd(reference, features / scale) for features in others]
    assert [m.value for m in measure(given)] == pytest.approx(expected, rel=1e-9)


def test_every_wanted_cell_is_measured_once_in_the_registrys_order(model: Any) -> None:
    cells = [(m.metric, m.setting) for m in measure(evaluation(model))]
    assert cells == [(name, setting_text(cell)) for name, _, cell in wanted(SETTINGS)]
    assert len(set(cells)) == len(cells)
    names = list(dict.fromkeys(name for name, _ in cells))
    assert names == [name for name in METRICS if name in names]


def test_only_the_probes_asked_for_are_wanted() -> None:
    def probes(*names: str) -> list[str]:
        return [
            cell["probe"]
            for name, _, cell in wanted(SETTINGS.model_copy(update={"probes": names}))
            if name == "probe_accuracy"
        ]

    assert probes("linear") == ["linear"]
    assert probes("mlp256", "mlp100") == ["mlp100", "mlp256"]


def test_only_the_samplers_asked_for_are_wanted() -> None:
    for asked in (("gmm",), ("hyperplane", "coins"), tuple(SAMPLERS)):
        cells = wanted(SETTINGS.model_copy(update={"samplers": asked}))
        assert {cell["sampler"] for _, _, cell in cells if "sampler" in cell} == set(asked)


def test_extras_are_wanted_where_they_are_asked_for() -> None:
    plain = {name for name, _, _ in wanted(SETTINGS.model_copy(update={"extras": ()}))}
    assert plain == {name for name, metric in METRICS.items() if metric.extra is None}
    kernel = {name for name, _, _ in wanted(SETTINGS.model_copy(update={"extras": ("kernel",)}))}
    assert kernel - plain == {"kid", "rkid", "kd_classifier", "rkd_classifier"}


def test_ok_measurements_have_values_and_others_reasons(model: Any) -> None:
    found = {(m.metric, m.setting): m for m in measure(evaluation(model))}
    for m in found.values():
        assert m.status in ("ok", "blank")
        assert (m.value is not None) == (m.status == "ok")
        assert (m.reason is None) == (m.status == "ok")
    assert found["fid", "features=inception64;sampler=gmm"].reason == "no such network"
    assert found["nll", ""].n == 6
    assert found["seconds_per_epoch", ""].value == 1.5


def test_mean_and_standard_error_of_the_nll_are_of_its_array(model: Any) -> None:
    given = evaluation(model, nll_images=22)
    (found,) = [m for m in measure(given) if m.metric == "nll"]
    nats = given.get("nll_nats")
    assert found.value == pytest.approx(nats.mean(), rel=1e-12)
    assert found.se == pytest.approx(nats.std(ddof=1) / np.sqrt(22), rel=1e-12)


def test_the_nll_of_fewer_images_is_carried_to_all_by_their_bound(model: Any) -> None:
    given = evaluation(model, metrics=("nll",))
    (found,) = measure(given)
    nats, bound = given.get("nll_nats"), given.get("neg_elbo_nats")
    line = np.polynomial.Polynomial.fit(bound[:6], nats, 1)  # a least-squares line, whose value at the mean it is
    assert found.value == pytest.approx(line(bound.mean()), rel=1e-12)
    assert found.n == 6


@pytest.mark.parametrize("capability", sorted(CAPABILITIES))
def test_a_missing_capability_blanks_what_needs_it_and_nothing_else(
    model: Any, monkeypatch: pytest.MonkeyPatch, capability: str
) -> None:
    limited = evaluation(model)
    whole = {(m.metric, m.setting): m.status for m in measure(evaluation(model))}
    left = limited.view.capabilities - {capability}
    monkeypatch.setattr(limited.view, "capabilities", left, raising=False)
    for m in measure(limited):
        sampler = SAMPLERS.get(m.setting.rpartition("sampler=")[2])
        if missing := (needs(METRICS[m.metric]) | (sampler.needs if sampler else set())) - left:
            assert (m.status, m.value) == ("blank", None)
            assert m.reason in {f"the model has no {name}" for name in missing}
        elif not whole[m.metric, m.setting] == "blank":
            assert m.status == "ok", m


def test_a_metric_that_raises_fails_alone(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*arrays: np.ndarray, **kwargs: Any) -> Measured:
        raise ZeroDivisionError("no units")

    whole = {(m.metric, m.setting): m for m in measure(evaluation(model))}
    broken = replace(METRICS["active_units"], target="bench.metrics.units:active_units")
    monkeypatch.setitem(METRICS, "active_units", broken)
    monkeypatch.setattr("bench.metrics.units.active_units", explode)
    for m in measure(evaluation(model)):
        if m.metric == "active_units":
            assert (m.status, m.value, m.reason) == ("failed", None, "ZeroDivisionError: no units")
        else:
            assert m == whole[m.metric, m.setting]


def test_a_metric_that_is_not_finite_fails_with_the_number(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.metrics.units.active_units", lambda *a, **k: Measured(float("nan")))
    (found,) = [m for m in measure(evaluation(model)) if m.metric == "active_units"]
    assert (found.status, found.value) == ("failed", None)
    assert "nan" in str(found.reason)


def test_a_run_without_a_model_has_the_same_cells_without_values(model: Any) -> None:
    empty = unmeasured(SETTINGS, "diverged", "the loss of epoch 1 is not finite")
    assert [(m.metric, m.setting) for m in empty] == [(m.metric, m.setting) for m in measure(evaluation(model))]
    assert {(m.status, m.value, m.se, m.n) for m in empty} == {("diverged", None, None, None)}


def test_settings_are_written_in_the_order_of_their_keys() -> None:
    assert setting_text({"sampler": "gmm", "features": "inception64"}) == "features=inception64;sampler=gmm"
    assert setting_text({}) == ""
