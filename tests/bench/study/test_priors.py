"""The suites of learned priors: five priors on one network each way, and nothing else that differs."""

import pytest

from bench import data
from bench.runs.cost import refuse_impossible
from bench.study import suite
from bench.study.run import Run
from models.distributions.likelihoods import LIKELIHOODS
from report.claims.declared import Side, read_claims

NAMES = ("priors-digits", "priors-mnist", "priors-cifar10")
PRESETS = pytest.mark.parametrize("preset", ["small", "paper"])


def runs_of(name: str, preset: str) -> list[Run]:
    """The runs of one seed."""
    loaded = suite.load(name, preset)
    return suite.expand(loaded, name, preset, seeds=[0], shape=data.image_shape(loaded.dataset, loaded.data))


@PRESETS
@pytest.mark.parametrize("name", NAMES)
def test_runs_differ_in_the_prior_and_in_one_network_or_two(name: str, preset: str) -> None:
    runs = runs_of(name, preset)
    kinds = [(run.options.get("prior", {}).get("kind"), run.variant) for run in runs]
    ways = ("unidirectional", "bidirectional")
    assert kinds == [(k, v) for k in (None, "mixture", "mixture", "vamp", "realnvp") for v in ways]
    assert sorted({run.options["prior"]["components"] for run in runs if "mixture" in str(run.options)}) == [10, 1000]
    for run in runs:
        same = (run.network, run.latent_dim, run.training, run.evaluation, run.likelihood)
        assert same == (runs[0].network, runs[0].latent_dim, runs[0].training, runs[0].evaluation, runs[0].likelihood)
    assert LIKELIHOODS[runs[0].likelihood].pixels == "8-bit"  # bits per dimension can be had


@PRESETS
@pytest.mark.parametrize("name", NAMES)
def test_their_models_can_be_built(name: str, preset: str) -> None:
    runs = runs_of(name, preset)
    refuse_impossible(runs, data.image_shape(runs[0].dataset, runs[0].data))


def test_the_papers_samples_and_latents_are_the_paper_presets() -> None:
    run = runs_of("priors-cifar10", "paper")[0]
    assert (run.evaluation.nll_samples, run.evaluation.nll_images, run.latent_dim) == (512, 10_000, 1024)


def test_the_statements_are_judged_on_these_suites_and_name_their_rows() -> None:
    claims = [c for c in read_claims() if c.suites[0] in NAMES]
    names = ("mixture", "flow", "reconstruction", "divergence", "samples", "cost")
    assert {c.id for c in claims} == {f"priors-{name}" for name in names}
    rows = {run.row for run in runs_of("priors-digits", "small")}
    sides = [side for c in claims for p in (*c.pairs, *c.also) for side in (p.first, p.second)]
    assert {side.row for side in sides if isinstance(side, Side)} <= rows
