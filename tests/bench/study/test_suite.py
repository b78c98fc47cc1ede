"""Suite files are data with strict keys; a run and its folder are functions of them."""

from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import get_args

import pytest

from bench import data
from bench.errors import BadInput
from bench.runs.train import configure
from bench.study import PRESETS, suite, suite_files
from bench.study.run import Run, slug
from bench.study.schema import Suite
from models import MODELS

MINIMAL = """
title = "A study"
dataset = "digits"
rows = [{ row = "VAE", model = "VAE" }, { row = "beta-VAE 0.5", model = "BetaVAE", options = { beta = 0.5 } }]
[presets.small]
latent_dim = 4
epochs = 2
network = { channels = [8, 16], strides = [2, 2], hidden = [32] }
controls = []
"""


@lru_cache
def expanded(name: str, preset: str, overrides: tuple[str, ...], seeds: tuple[int, ...] | None) -> tuple[Run, ...]:
    loaded = suite.load(name, preset, overrides)
    shape = data.image_shape(loaded.dataset, loaded.data)
    return tuple(suite.expand(loaded, name, preset, seeds=seeds, shape=shape))


def runs_of(name: str, preset: str = "small", *overrides: str, seeds: tuple[int, ...] | None = (0,)) -> list[Run]:
    return list(expanded(name, preset, overrides, seeds))


@pytest.fixture
def write(tmp_path: Path):
    """Write a suite file of one's own and return its path as text."""

    def _write(text: str, name: str = "mine") -> str:
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return str(path)

    return _write


# Strict keys


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("title =", "titel ="), ("model =", "modle ="), ("latent_dim =", "latent_dims ="), ("epochs =", "epoch =")],
)
def test_misspelt_key_of_a_file_is_refused_with_the_right_one(write, right: str, wrong: str) -> None:
    with pytest.raises(BadInput, match=f"did you mean '{right.split()[0]}'") as error:
        suite.load(write(MINIMAL.replace(right, wrong, 1)), "small")
    assert wrong.split()[0] in str(error.value)


def test_misspelt_key_of_the_evaluation_is_refused_with_the_right_one(write) -> None:
    with pytest.raises(BadInput, match="'nll_sample'; did you mean 'nll_samples'"):
        suite.load(write(MINIMAL + "evaluation = { nll_sample = 5 }\n"), "small")


def test_misspelt_key_of_the_network_is_refused_by_name(write) -> None:
    with pytest.raises(BadInput, match="chanels") as error:
        path = write(MINIMAL.replace("channels", "chanels"))
        suite.expand(suite.load(path, "small"), path, "small", shape=(1, 8, 8))
    assert "did you mean 'channels'" in str(error.value)


def test_impossible_network_says_what_is_wrong_with_it(write) -> None:
    with pytest.raises(BadInput, match="needs 2 strides"):
        path = write(MINIMAL.replace("strides = [2, 2]", "strides = [2]"))
        suite.expand(suite.load(path, "small"), path, "small", shape=(1, 8, 8))


def test_missing_key_is_named(write) -> None:
    with pytest.raises(BadInput, match="presets.small.latent_dim: Field required"):
        suite.load(write(MINIMAL.replace("latent_dim = 4\n", "")), "small")


def test_broken_toml_is_one_clear_line(write) -> None:
    with pytest.raises(BadInput, match="not valid TOML") as error:
        suite.load(write("title = \n"), "small")
    assert "\n" not in str(error.value)


def test_unknown_suite_preset_model_and_variant_are_refused_with_a_suggestion(write) -> None:
    with pytest.raises(BadInput, match="did you mean 'digits'"):
        suite.load("digit", "small")
    with pytest.raises(BadInput, match="preset"):
        suite.load(write(MINIMAL), "paper")
    with pytest.raises(BadInput, match="did you mean 'BetaVAE'"):
        suite.load(write(MINIMAL.replace('"BetaVAE"', '"BtaVAE"')), "small")
    with pytest.raises(BadInput, match="did you mean 'stock'"):
        suite.load(write(MINIMAL.replace('model = "VAE" }', 'model = "VAE", variants = ["stok"] }')), "small")


def test_controls_of_a_row_that_is_not_there_are_refused(write) -> None:
    with pytest.raises(BadInput, match="did you mean 'VAE'"):
        path = write(MINIMAL.replace("controls = []", 'controls = ["VEA"]'))
        suite.expand(suite.load(path, "small"), path, "small", shape=(1, 8, 8))


def test_misspelt_model_option_is_refused(write) -> None:
    path = write(MINIMAL.replace("beta = 0.5", "bta = 0.5"))
    (_, bad) = _unidirectional(suite.expand(suite.load(path, "small"), path, "small", shape=(1, 8, 8)))
    with pytest.raises(BadInput, match="did you mean 'beta'"):
        configure(bad, (1, 8, 8))


def _unidirectional(runs: list[Run]) -> list[Run]:
    return [run for run in runs if run.variant == "unidirectional"]


# extends


def test_extends_lays_tables_over_the_base_and_replaces_lists(write) -> None:
    path = write('extends = "base/bvae"\ntitle = "Mine"\n[presets.small]\nepochs = 3\nnetwork = { hidden = [7] }\n')
    base, mine = suite.load("base/bvae", "small"), suite.load(path, "small")
    assert mine.title == "Mine"
    assert mine.rows == base.rows
    assert mine.presets["small"].epochs == 3
    assert mine.presets["small"].latent_dim == base.presets["small"].latent_dim
    assert mine.presets["small"].network == {**base.presets["small"].network, "hidden": [7]}
    assert mine.presets["paper"] == base.presets["paper"]


def test_extending_an_absent_file_is_refused(write) -> None:
    with pytest.raises(BadInput, match="base/none"):
        suite.load(write('extends = "base/none"\n'), "small")


# Overrides


def test_overrides_reach_the_preset_its_evaluation_its_network_and_the_data() -> None:
    overrides = (
        "epochs=3",
        "learning_rate=2e-3",
        "evaluation.nll_samples=7",
        "network.channels=[8, 16]",
        "network.norm=batch",
        "options.BetaIWAE.number_samples=2",
        "data.split=official",
    )
    celeba = suite.load("celeba", "small", overrides)
    preset = celeba.presets["small"]
    assert (preset.epochs, preset.learning_rate, preset.evaluation.nll_samples) == (3, 2e-3, 7)
    assert preset.network["channels"] == [8, 16]
    assert preset.network["norm"] == "batch"
    assert preset.options["BetaIWAE"] == {"number_samples": 2}
    assert celeba.data == {"split": "official", "preprocess": "resize"}


def test_overrides_leave_the_other_preset_as_it_was() -> None:
    assert suite.load("mnist", "small", ["epochs=3"]).presets["paper"] == suite.load("mnist", "small").presets["paper"]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("epochs", "write key=value"),
        ("epochs=two", "epochs"),
        ("epochs=0", "epochs"),
        ("epochs=1.5", "epochs"),
        ("epochs.x=3", "epochs"),
        ("epoch=3", "did you mean 'epochs'"),
        ("rows=3", "unknown setting 'rows'"),
        ("=3", "unknown setting"),
        ("learning_rate=-1", "learning_rate"),
        ("learning_rate=nan", "learning_rate"),
        ("learning_rate=inf", "learning_rate"),
        ("evaluation.nll_sample=5", "did you mean 'nll_samples'"),
        ("evaluation.nll_samples=0", "nll_samples"),
        ("evaluation.probes=[]", "probes"),
        ("evaluation=3", "evaluation"),
        ("likelihood=gauss", "likelihood"),
        ("seeds=[]", "seeds"),
        ("seeds=[-1]", "seeds"),
        ("network=3", "network"),
        ("network.kind=dens", "kind"),
        ("network.channels=[8]", "strides"),
        ("latent_dim=0", "latent_dim"),
    ],
)
def test_bad_override_is_one_line_that_names_it(override: str, said: str) -> None:
    with pytest.raises(BadInput) as error:
        runs_of("mnist", "small", override)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("network.blocks=3", "unknown key of network (convolutional) 'blocks'"),
        ("network.kind=perceptron", "unknown key of network (perceptron) 'channels'"),
        ("network.kind=dense", "unknown key of network (dense)"),
        ("options.BidirectionalVAE.beta=2", "unknown model in options 'BidirectionalVAE'"),
        ("options.LBAE.likelihood_samples=2", "unknown model in options 'LBAE'"),
        ("networks.LBAE.kind=lbae", "unknown model in networks 'LBAE'"),
        ("controls=['beta-VAE 1.5 z128']", "unknown row in controls"),
        ("grid={ 'netwrok.norm' = ['bias'] }", "grid"),
        ("schedule=constant pct_start=0.5", "pct_start is of the schedule onecycle"),
        ("evaluation.annealing.images=3", "annealing is of the extra 'annealing'"),
        ("evaluation.score_classifier=paper", "score_classifier is of the extra 'scores'"),
        ("evaluation.metrics=['kid']", "metric kid is of the extra 'kernel'"),
    ],
)
def test_what_nothing_would_read_is_refused(override: str, said: str) -> None:
    with pytest.raises(BadInput) as error:
        runs_of("mnist", "small", *(override.split() if "pct_start" in override else [override]))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_what_a_base_says_of_models_whose_rows_are_not_taken_over_is_left_out(write) -> None:
    path = write('extends = "base/bvae"\nrows = [{ row = "VAE", model = "VAE", variants = ["stock"] }]\n')
    assert "IWAE" in suite.load("base/bvae", "small").presets["small"].options
    assert suite.load(path, "small").presets["small"].options == {}
    with pytest.raises(BadInput, match="unknown model in options 'IWAE'"):
        suite.load(path, "small", ["options.IWAE.number_samples=2"])


def test_a_network_of_another_kind_takes_the_place_of_the_bases(write) -> None:
    path = write('extends = "base/bvae"\n[presets.small]\nnetwork = { kind = "perceptron", hidden = [7] }\n')
    assert suite.load(path, "small").presets["small"].network == {"kind": "perceptron", "hidden": [7]}


def test_data_setting_that_the_data_set_does_not_have_is_refused() -> None:
    with pytest.raises(BadInput, match="unknown value of digits's split 'official'; known: clean, own, paper"):
        runs_of("digits", "small", "data.split=official")
    with pytest.raises(BadInput, match="did you mean 'official'"):
        runs_of("celeba", "small", "data.split=oficial")


# Expansion


def count(name: str, preset: str) -> Counter:
    loaded = suite.load(name, preset)
    table = {row.row for row in loaded.rows}
    return Counter(run.variant for run in runs_of(name, preset) if run.row in table)


@pytest.mark.parametrize("preset", ["small", "paper"])
@pytest.mark.parametrize("name", ["mnist", "fashion", "cifar10"])
def test_tables_i_to_iii_have_14_rows_and_7_stock_rows(name: str, preset: str) -> None:
    controls = {"small": 1, "paper": 7}[preset]
    assert count(name, preset) == {"unidirectional": 7, "bidirectional": 7, "stock": 7, "control": controls}


@pytest.mark.parametrize("preset", ["small", "paper"])
def test_table_iv_has_8_rows(preset: str) -> None:
    controls = {"small": 1, "paper": 4}[preset]
    assert count("celeba", preset) == {"unidirectional": 4, "bidirectional": 4, "stock": 3, "control": controls}


def test_default_suite_is_28_rows_of_3_seeds() -> None:
    runs = runs_of("digits", seeds=None)
    assert Counter(run.variant for run in runs) == dict.fromkeys(
        ("unidirectional", "bidirectional", "control", "stock"), 21
    )
    assert Counter(run.seed for run in runs) == {0: 28, 1: 28, 2: 28}


def test_mnist_adds_figure_4s_pair_at_latent_128() -> None:
    extra = [run for run in runs_of("mnist") if run.latent_dim == 128]
    assert [run.variant for run in extra] == ["unidirectional", "bidirectional"]
    assert {run.model for run in extra} == {"BetaVAE", "BidirectionalBetaVAE"}


def test_runs_come_by_row_then_variant_then_seed() -> None:
    runs = runs_of("mnist", seeds=(3, 1))
    assert [(run.row, run.variant, run.seed) for run in runs[:4]] == [
        ("VAE", "unidirectional", 3),
        ("VAE", "unidirectional", 1),
        ("VAE", "bidirectional", 3),
        ("VAE", "bidirectional", 1),
    ]
    assert list(dict.fromkeys(run.row for run in runs)) == [
        *(row.row for row in suite.load("mnist", "small").rows),
        "beta-VAE 1.5 z128",
    ]


def test_row_options_win_over_the_presets(write) -> None:
    path = write(MINIMAL + "options = { BetaVAE = { beta = 9.0 } }\n")
    run = suite.expand(suite.load(path, "small"), path, "small", shape=(1, 8, 8))[-1]
    assert (run.row, run.options) == ("beta-VAE 0.5", {"beta": 0.5})


def test_a_suite_file_of_ones_own_takes_its_name(write) -> None:
    path = write(MINIMAL, "study")
    assert {run.suite for run in suite.expand(suite.load(path, "small"), path, "small", shape=(1, 8, 8))} == {"study"}


# The folder of a run is a function of its configuration


def test_equal_configurations_have_equal_ids() -> None:
    loaded = suite.load("mnist", "small")
    again = suite.expand(loaded, "mnist", "small", seeds=[0], shape=(1, 28, 28))
    assert [run.id for run in again] == [run.id for run in runs_of("mnist")]


@pytest.mark.parametrize(
    "override",
    ["epochs=3", "learning_rate=0.1", "batch_size=32", "weight_decay=0.5", "train_images=50", "latent_dim=50"]
    + ["network.alpha=0.3", "network.hidden=[48]", "likelihood=mse", "network.norm=batch"],
)
def test_id_changes_with_all_that_the_weights_depend_on(override: str) -> None:
    first = runs_of("mnist")[0]
    changed = runs_of("mnist", "small", override)[0]
    assert changed.id != first.id
    assert changed.evaluation_id == first.evaluation_id


def test_id_changes_with_the_seed_the_data_settings_and_the_model() -> None:
    zero, one = runs_of("celeba", seeds=(0, 1))[:2]
    assert zero.id != one.id
    assert runs_of("celeba", "small", "data.split=official")[0].id != zero.id
    ids = [run.id for run in runs_of("mnist")]
    assert len(ids) == len(set(ids))


def test_id_does_not_change_with_evaluation_settings_or_the_suites_name() -> None:
    first = runs_of("mnist")[0]
    measured_otherwise = runs_of("mnist", "small", "evaluation.nll_samples=7")[0]
    assert measured_otherwise.id == first.id
    assert measured_otherwise.evaluation_id != first.evaluation_id
    loaded = suite.load("mnist", "small")
    renamed = suite.expand(loaded, "other", "small", seeds=[0], shape=(1, 28, 28))[0]
    assert (renamed.suite, renamed.id) == ("other", first.id)


def test_id_is_a_safe_folder_name() -> None:
    assert slug("beta-VAE 0.5") == "beta-vae-0.5"
    assert slug("../../etc/passwd") == "etc-passwd"
    assert slug("β") == "row"


# Selection


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        ("VAE", {"unidirectional", "bidirectional", "control", "stock"}),
        ("vae/control", {"control"}),
        ("VAE/unidirectional,VAE/bidirectional", {"unidirectional", "bidirectional"}),
        ("BidirectionalVAE", {"bidirectional"}),
        ("VAE/*directional", {"unidirectional", "bidirectional"}),
    ],
)
def test_globs_match_rows_models_and_row_variant(globs: str, expected: set[str]) -> None:
    chosen = suite.select(runs_of("mnist"), globs.split(","))
    assert {run.row for run in chosen} == {"VAE"}
    assert {run.variant for run in chosen} == expected


def test_selection_keeps_table_order_and_each_run_once() -> None:
    runs = runs_of("mnist")
    assert suite.select(runs, ["IWAE", "beta*", "*"]) == runs


def test_glob_that_matches_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="did you mean 'IWAE'"):
        suite.select(runs_of("mnist"), ["VAE", "IWEA"])


# Contract of every suite file


@pytest.mark.parametrize("preset", ["small", "paper"])
@pytest.mark.parametrize("name", suite_files.names())
def test_every_suite_file_loads_and_expands(name: str, preset: str) -> None:
    loaded = suite.load(name, preset)
    runs = runs_of(name, preset)
    assert loaded.dataset in data.DATASETS
    assert {run.model for run in runs} <= set(MODELS)
    assert len({run.id for run in runs}) == len(runs)
    assert len({(run.row, run.variant) for run in runs}) == len(runs)
    assert {run.variant for run in runs} <= set(suite.VARIANTS)
    for run in runs:
        MODELS[run.model].resolve().config_class(
            input_dim=(1, 8, 8), latent_dim=run.latent_dim, network=run.network, **run.options
        )


def test_suites_of_the_issue_are_there() -> None:
    bidirectional = {"celeba", "cifar10", "digits", "fashion", "mnist"}
    bernoulli = {"lbae-celeba", "lbae-cifar10", "lbae-digits", "lbae-mnist"}
    assert bidirectional | bernoulli <= set(suite_files.names())
    assert isinstance(suite.load("digits", "small"), Suite)


@pytest.mark.parametrize(
    ("name", "epochs", "rate"), [("mnist", 5000, 1e-4), ("cifar10", 3000, 1e-3), ("celeba", 3900, 1e-3)]
)
def test_where_lbaes_code_differs_is_a_preset_beside_the_papers(name: str, epochs: int, rate: float) -> None:
    presets = suite.load(f"lbae-{name}", "code").presets
    paper, code = presets["paper"], presets["code"]
    assert (code.epochs, code.learning_rate, code.options) == (epochs, rate, {"BetaVAE": {"beta": 0.5}})
    assert paper.learning_rate == 1e-3
    changed = {"epochs", "learning_rate", "options"}
    assert code.model_dump(exclude=changed) == paper.model_dump(exclude=changed)


def test_each_preset_has_a_folder_of_its_own() -> None:
    assert set(get_args(get_args(Suite.model_fields["presets"].annotation)[0])) == set(PRESETS)
    assert len({suite.folder_name("mnist", preset) for preset in PRESETS}) == len(PRESETS)
    assert suite.folder_name("mnist", "small") == "mnist"
