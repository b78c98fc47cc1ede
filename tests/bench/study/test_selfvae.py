"""The suites of self-supervised VAEs: Table 2's priors and three models of levels, on one budget, by one evaluator."""

from dataclasses import asdict

import pytest

from bench import data
from bench.runs.cost import refuse_impossible
from bench.study import suite
from bench.study.run import Run
from models.distributions.likelihoods import LIKELIHOODS
from report.claims.declared import read_claims
from report.tables.columns import TABLES

NAMES = ("selfvae-digits", "selfvae-cifar10", "selfvae-celeba")
PRESETS = pytest.mark.parametrize("preset", ["small", "paper"])
LEVELS = {
    "selfVAE-downscale": ("downscale",),
    "selfVAE-sketch": ("sketch",),
    "selfVAE 3 levels": ("downscale", "downscale"),
}


def runs_of(name: str, preset: str) -> list[Run]:
    """The runs of one seed."""
    loaded = suite.load(name, preset)
    return suite.expand(loaded, name, preset, seeds=[0], shape=data.image_shape(loaded.dataset, loaded.data))


@PRESETS
@pytest.mark.parametrize("name", NAMES)
def test_rows_are_three_priors_and_three_models_of_levels(name: str, preset: str) -> None:
    runs = {run.row: run for run in runs_of(name, preset)}
    assert list(runs) == ["VAE", "VAE + MoG-1000", "VAE + RealNVP", *LEVELS]
    assert {row: tuple(run.options["transformations"]) for row, run in runs.items() if row in LEVELS} == LEVELS
    flow = runs["VAE + RealNVP"].options["prior"]
    assert all(runs[row].options["prior"] == flow for row in LEVELS)  # p(u) is that of the VAE beside it
    first = runs["VAE"]
    for run in runs.values():
        same = (run.latent_dim, run.training, run.evaluation, run.likelihood, run.data)
        assert same == (first.latent_dim, first.training, first.evaluation, first.likelihood, first.data)
    for group in ([r for r in runs if r in LEVELS], [r for r in runs if r not in LEVELS]):
        assert len({str(runs[row].network) for row in group}) == 1
    assert LIKELIHOODS[first.likelihood].pixels == "8-bit"


@PRESETS
@pytest.mark.parametrize("name", NAMES)
def test_their_models_can_be_built(name: str, preset: str) -> None:
    runs = runs_of(name, preset)
    refuse_impossible(runs, data.image_shape(runs[0].dataset, runs[0].data))


def test_the_papers_sizes_are_the_paper_preset() -> None:
    runs = {run.row: run for run in runs_of("selfvae-cifar10", "paper")}
    vae = runs["VAE"]
    assert (vae.evaluation.nll_samples, vae.evaluation.nll_images, vae.latent_dim) == (512, 10_000, 1024)
    assert (vae.training.epochs, vae.training.batch_size, vae.training.learning_rate) == (2000, 32, 2e-3)
    assert runs["selfVAE-downscale"].network.q_u == (64, 3)


@pytest.mark.parametrize("preset", ["small", "medium", "paper"])
def test_each_dense_row_of_the_blocks_leaves_one_choice_of_the_papers_out(preset: str) -> None:
    runs = {run.row: run for run in runs_of("selfvae-blocks", preset)}
    refuse_impossible(list(runs.values()), data.image_shape("cifar10", runs["VAE"].data))
    plain = asdict(runs["VAE"].network)
    assert (plain["attention"], plain["batch_norm"], plain["pooling"], plain["subpixel"]) == (True, False, False, False)
    choices = {
        "VAE without attention": "attention",
        "VAE batch norm": "batch_norm",
        "VAE pooling": "pooling",
        "VAE sub-pixel": "subpixel",
    }
    for row, choice in choices.items():
        assert asdict(runs[row].network) == plain | {choice: not plain[choice]}
    assert runs.keys() == {"VAE", "VAE residual", *choices}


def test_networks_of_a_model_take_the_place_of_the_presets() -> None:
    kinds = {run.model: type(run.network).__name__ for run in runs_of("selfvae-digits", "small")}
    assert (kinds["SelfVAE"], kinds["VAE"]) == ("SelfNetworkConfig", "Dense")


def test_a_suite_without_them_is_as_it_was() -> None:
    """An empty table of networks is not part of a preset's identity."""
    assert "networks" not in suite.load("digits", "small").presets["small"].model_dump(exclude_defaults=True)


def test_the_table_has_a_column_for_every_term_but_that_of_x_twice() -> None:
    columns = [(c.metric, c.setting) for c in TABLES["selfvae"].columns]
    assert len(set(columns)) == len(columns)
    terms = {setting.removeprefix("term=") for metric, setting in columns if metric == "level_nats"}
    assert terms == {"distortion_y1", "distortion_y2", "kl_u", "kl_z1", "kl_z2"}
    assert ("reconstruction_nats", "") in columns


def test_the_statements_are_judged_on_these_suites() -> None:
    claims = [c for c in read_claims() if c.suites[0] in NAMES]
    assert {c.id for c in claims} == {"selfvae-texture", "selfvae-compressed", "selfvae-sketch"}
