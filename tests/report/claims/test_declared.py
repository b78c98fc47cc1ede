"""claims.toml: strict statements, one claim per data set, and a frozen list that suites and metrics can answer."""

from collections import Counter
from math import inf
from pathlib import Path
from typing import Any

import pytest
from claim_files import GOOD, write_claims

from bench.metrics import METRICS
from bench.study.suite import load
from bench.study.suite_files import names
from report.claims.declared import Claim, Side, read_claims
from report.claims.values import GRADIENT, STAND_INS

FROZEN = read_claims()


def _read(tmp_path: Path, **change: Any) -> tuple[Claim, ...]:
    return read_claims(write_claims(tmp_path / "claims.toml", GOOD | change))


def test_one_claim_per_statement_and_data_set(tmp_path: Path) -> None:
    claims = _read(tmp_path, rows_on={"mnist": ["VAE"]})
    assert [(c.dataset, c.suites, [p.row for p in c.pairs]) for c in claims] == [
        ("digits", ("s",), ["VAE", "IWAE"]),
        ("mnist", ("t",), ["VAE"]),
    ]
    (first, *_) = claims[0].pairs
    assert isinstance(first.second, Side)
    assert (first.first.variant, first.second.variant) == ("bidirectional", "unidirectional")


def test_a_primary_row_is_judged_and_the_others_are_shown(tmp_path: Path) -> None:
    claim = _read(tmp_path, primary="IWAE", also=["RAE"])[0]
    assert ([p.row for p in claim.pairs], [p.row for p in claim.also]) == (["IWAE"], ["VAE", "RAE"])


def test_a_rows_name_stands_in_a_sides_row_and_a_constant_for_the_second(tmp_path: Path) -> None:
    change = {"rows": ["1"], "first": {"row": "sVAE-r {}", "variant": "unidirectional"}, "second": None}
    claim = _read(tmp_path, constant=85.1, constant_of="NF", **change)[0]
    assert (claim.pairs[0].first.row, claim.pairs[0].second) == ("sVAE-r 1", 85.1)


@pytest.mark.parametrize(
    ("change", "region", "negligible"),
    [
        ({}, (0, inf), None),
        ({"claimed": "lower"}, (-inf, 0), None),
        ({"margin": 0.5, "margin_from": "us"}, (0, inf), (-0.5, 0.5)),
        ({"kind": "non-inferior", "margin": 0.5, "margin_from": "us"}, (-0.5, inf), None),
        ({"kind": "non-inferior", "claimed": "lower", "margin": 0.5, "margin_from": "us"}, (-inf, 0.5), None),
        ({"kind": "equivalent", "claimed": None, "margin": 0.5, "margin_from": "us"}, (-0.5, 0.5), None),
        ({"kind": "exact", "claimed": None, "ratio": 2.0, "margin": 0.5, "margin_from": "us"}, (1.5, 2.5), None),
    ],
)
def test_region_of_each_kind(tmp_path: Path, change: dict[str, Any], region: Any, negligible: Any) -> None:
    claim = _read(tmp_path, **change)[0]
    assert (claim.region, claim.negligible) == (region, negligible)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"marign": 1.0}, "unknown key 'marign'; did you mean 'margin'"),
        ({"first": {"varaint": "x"}}, "unknown key 'first.varaint'; did you mean 'variant'"),
        ({"kind": "better"}, "kind: Input should be 'exact'"),
        ({"text": None}, "text: Field required"),
        ({"primary": None}, "primary: Field required"),
        ({"primary": "RAE"}, "primary 'RAE' is neither 'mean' nor a row"),
        ({"on": {}}, "on: Dictionary should have at least 1 item"),
        ({"on": {"mnist": []}}, "on.mnist: List should have at least 1 item"),
        ({"rows_on": {"fashion": ["VAE"]}}, "rows_on 'fashion' is no data set of on"),
        ({"hours": {"fashion": 1.0}}, "hours 'fashion' is no data set of on"),
        ({"hours": {"mnist": 0.0}}, "hours.mnist: Input should be greater"),
        ({"claimed": None}, "kind superior needs claimed"),
        ({"margin": 0.5}, "kind superior needs margin_from"),
        ({"ratio": 0.5}, "kind superior takes no ratio"),
        ({"kind": "equivalent", "margin": 1.0, "margin_from": "us"}, "kind equivalent takes no claimed"),
        ({"kind": "non-inferior", "margin_from": "us"}, "kind non-inferior needs margin"),
        ({"kind": "non-inferior", "margin": 1.0}, "kind non-inferior needs margin_from"),
        ({"kind": "non-inferior", "margin": -1.0, "margin_from": "us"}, "margin: Input should be greater"),
        ({"rows": None}, "first has no row"),
        ({"metric": None}, "first has no metric"),
        ({"second": {}}, "second has no variant"),
        ({"second": None}, "takes second or constant, one of them"),
        ({"constant": 1.0}, "takes second or constant, one of them"),
        ({"constant_of": "GAN"}, "constant_of needs constant"),
    ],
)
def test_bad_statement_is_one_line_that_names_it(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="statement c: ") as error:
        _read(tmp_path, **change)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_ids_are_unique(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="statement c: another one has the same id"):
        read_claims(write_claims(tmp_path / "claims.toml", GOOD, GOOD))


@pytest.mark.parametrize("text", ["[[statement]", "statements = 1", "statement = 1", ""])
def test_file_that_holds_no_statements_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "claims.toml").write_text(text)
    with pytest.raises(ValueError, match=r"claims\.toml") as error:
        read_claims(tmp_path / "claims.toml")
    assert "\n" not in str(error.value)


def test_the_frozen_list_is_of_five_papers_and_fits_sixty_lines() -> None:
    assert {c.paper for c in FROZEN} == {"BVAE", "sVAE", "LBAE", "selfVAE", "Untapped"}
    assert len(FROZEN) + 2 <= 60


def test_ten_to_fifteen_headlines_at_least_two_a_paper() -> None:
    counts = Counter(paper for _, paper in {(c.id, c.paper) for c in FROZEN if c.headline})
    assert 10 <= counts.total() <= 15
    assert set(counts) == {c.paper for c in FROZEN} and min(counts.values()) >= 2


def test_every_margin_and_every_printed_value_has_its_source() -> None:
    assert all(c.source and c.printed and c.primary and c.margin_from for c in FROZEN)
    without = {c.id for c in FROZEN if not c.margin}
    assert all(c.margin_from.startswith("the sign is what is claimed") for c in FROZEN if not c.margin)
    assert without == {"lbae-bit-sums", "svae-toy-error"} | {
        f"priors-{n}" for n in ("reconstruction", "divergence", "samples")
    }


def test_margins_of_frechet_distances_are_shares_as_those_that_stand_in_have_another_scale() -> None:
    distances = [c for c in FROZEN if c.margin and c.pairs[0].first.metric in ("fid", "rfid", "ifid")]
    assert len(distances) >= 7 and all(c.relative for c in distances)


def test_what_appendix_a2_chooses_is_compared_with_what_it_replaces() -> None:
    (claim,) = (c for c in FROZEN if c.id == "selfvae-networks")
    assert [p.row for p in claim.pairs] == ["VAE batch norm", "VAE pooling", "VAE sub-pixel"]
    assert claim.primary == "mean" and {p.first.row for p in claim.pairs} == {"VAE"}


def test_statements_on_celeba_say_how_long_they_take() -> None:
    assert {c.id for c in FROZEN if c.hours} == {c.id for c in FROZEN if c.dataset == "celeba"}
    assert all(c.dataset == "celeba" for c in FROZEN if c.hours)


def test_every_statement_that_the_papers_make_is_listed() -> None:
    ids = {(c.id, c.dataset) for c in FROZEN}
    assert {("bvae-ssim", "celeba"), ("bvae-rfid-cifar10", "cifar10"), ("bvae-accuracy-hidden", "fashion")} <= ids
    wanted = "svae-alice-falls svae-lambda-error svae-gradients svae-celeba-balance lbae-interpolation lbae-path "
    wanted += "lbae-inverse lbae-steps lbae-classes lbae-reconstruction lbae-recall lbae-precision-gmm priors-samples "
    wanted += "priors-cost selfvae-sketch selfvae-networks svae-mnist-flow svae-mnist-gans"
    assert set(wanted.split()) <= {name for name, _ in ids}
    assert "svae-toy-full" in next(c for c in FROZEN if c.id == "svae-toy-score").suites
    assert not {"selfvae-bits", "svae-toy-ali"} & {name for name, _ in ids}


def test_the_likelihood_of_one_network_is_not_inferior_by_what_the_paper_prints() -> None:
    for claim in (c for c in FROZEN if c.id == "bvae-nll"):
        assert (claim.kind, claim.claimed, claim.margin) == ("non-inferior", "lower", 0.3)


def test_rows_variants_and_metrics_are_those_of_the_suites() -> None:
    known = {name: load(name, "small") for name in names()}
    for claim in FROZEN:
        for suite in (known[name] for name in (*claim.suites, *claim.elsewhere)):
            rows = {row.row: row.variants for row in (*suite.rows, *suite.extra_rows)}
            sides = [s for p in claim.pairs for s in (p.first, p.second) if isinstance(s, Side)]
            for side in sides if suite.dataset in (claim.dataset, "imagefolder") else []:
                assert side.variant in rows[side.row], (claim.id, side)
            for side in (s for s in sides if s.metric != GRADIENT):
                setting = dict(part.split("=") for part in side.setting.split(";") if part)
                assert setting in METRICS[side.metric].settings, (claim.id, side)


def test_metrics_that_stand_in_are_metrics() -> None:
    assert {*STAND_INS, *(metric for others in STAND_INS.values() for metric, _ in others)} <= METRICS.keys()
