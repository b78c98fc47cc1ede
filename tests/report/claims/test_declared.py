"""claims.toml: strict entries, one claim per suite and row, and claims that suites and published tables can answer."""

from math import inf
from pathlib import Path
from typing import Any

import pytest
from claim_files import GOOD, write_claims

from bench.study.suite import load
from bench.study.suite_files import names
from report.claims.declared import Claim, read_claims
from report.claims.values import printed_index, printed_pairs
from report.published import read_published


def _read(tmp_path: Path, **change: Any) -> tuple[Claim, ...]:
    return read_claims(write_claims(tmp_path / "claims.toml", GOOD | change))


def test_one_claim_per_suite_and_row(tmp_path: Path) -> None:
    claims = _read(tmp_path)
    assert [(c.suite, c.first.row, c.second.row) for c in claims] == [
        (suite, row, row) for suite in ("s", "t") for row in ("VAE", "IWAE")
    ]
    assert {(c.first.variant, c.second.variant) for c in claims} == {("bidirectional", "unidirectional")}


def test_each_variant_is_a_claim_of_its_own(tmp_path: Path) -> None:
    flat = {"suites": ["s"], "first": {}, "second": {"row": "VAE"}, "rows": ["MoG"]}
    claims = _read(tmp_path, variants=["unidirectional", "bidirectional"], **flat)
    assert [(c.first.row, c.first.variant, c.second.row, c.second.variant) for c in claims] == [
        ("MoG", variant, "VAE", variant) for variant in ("unidirectional", "bidirectional")
    ]


def test_side_overrides_entry(tmp_path: Path) -> None:
    side = {"row": "M2", "variant": "stock", "metric": "m", "setting": "a=b", "printed": ["fid", "x"]}
    (claim,) = _read(tmp_path, suites=["s"], rows=["VAE"], second=side)
    assert claim.second.printed == ("fid", "x")
    assert (claim.second.row, claim.second.metric, claim.second.setting) == ("M2", "m", "a=b")
    assert claim.first.printed == ("psnr", "")


@pytest.mark.parametrize(
    ("change", "region"),
    [
        ({}, (0, inf)),
        ({"claimed": "lower"}, (-inf, 0)),
        ({"kind": "non-inferior", "margin": 0.5, "margin_from": "us"}, (-0.5, inf)),
        ({"kind": "non-inferior", "claimed": "lower", "margin": 0.5, "margin_from": "us"}, (-inf, 0.5)),
        ({"kind": "equivalent", "claimed": None, "margin": 0.5, "margin_from": "us"}, (-0.5, 0.5)),
        ({"kind": "exact", "claimed": None, "ratio": 2.0, "margin": 0.5, "margin_from": "us"}, (1.5, 2.5)),
    ],
)
def test_region_of_each_kind(tmp_path: Path, change: dict[str, Any], region: tuple[float, float]) -> None:
    assert _read(tmp_path, **change)[0].region == region


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"marign": 1.0}, "unknown key 'marign'; did you mean 'margin'"),
        ({"first": {"varaint": "x"}}, "unknown key 'first.varaint'; did you mean 'variant'"),
        ({"kind": "better"}, "kind: Input should be 'exact'"),
        ({"text": None}, "text: Field required"),
        ({"suites": []}, "suites: List should have at least 1 item"),
        ({"suites": "digits"}, "suites: Input should be a valid list"),
        ({"claimed": None}, "kind superior needs claimed"),
        ({"margin": 0.5}, "kind superior takes no margin"),
        ({"ratio": 0.5}, "kind superior takes no ratio"),
        ({"kind": "equivalent", "margin": 1.0, "margin_from": "us"}, "kind equivalent takes no claimed"),
        ({"kind": "non-inferior", "margin_from": "us"}, "kind non-inferior needs margin"),
        ({"kind": "non-inferior", "margin": 1.0}, "kind non-inferior needs margin_from"),
        ({"kind": "non-inferior", "margin": -1.0, "margin_from": "us"}, "margin: Input should be greater"),
        ({"rows": None}, "first has no row"),
        ({"metric": None}, "first has no metric"),
        ({"second": {}}, "second has no variant"),
        ({"variants": []}, "variants: List should have at least 1 item"),
        ({"variant": "a", "variants": ["b"]}, "takes variant or variants, not both"),
        ({"second": {"variant": "a", "printed": ["fid"]}}, "second.printed: List should have at least 2"),
    ],
)
def test_bad_entry_is_one_line_that_names_it(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="claim c: ") as error:
        _read(tmp_path, **change)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_ids_are_unique(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="claim c: another one has the same id"):
        read_claims(write_claims(tmp_path / "claims.toml", GOOD, GOOD))


@pytest.mark.parametrize("text", ["[[claim]", "claims = 1", "claim = 1", ""])
def test_file_that_holds_no_claims_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "claims.toml").write_text(text)
    with pytest.raises(ValueError, match=r"claims\.toml") as error:
        read_claims(tmp_path / "claims.toml")
    assert "\n" not in str(error.value)


def test_every_claim_has_something_printed() -> None:
    index = printed_index(read_published(Path("nowhere")))
    silent = {c.entry for c in read_claims() if not c.printed and not printed_pairs(c, index)}
    assert silent == set()


def test_claims_of_all_five_papers() -> None:
    assert {c.paper for c in read_claims()} == {"BVAE", "sVAE", "LBAE", "selfVAE", "Untapped"}


def test_claimed_side_is_the_printed_one() -> None:
    """A superiority that the paper's own table contradicts is no claim of the paper."""
    index = printed_index(read_published(Path("nowhere")))
    for claim in read_claims():
        if claim.kind != "superior":
            continue
        pairs = [pair for pair in printed_pairs(claim, index) if claim.suite.endswith(pair.dataset)]
        sign = 1 if claim.claimed == "higher" else -1
        assert all(pair.difference * sign > 0 for pair in pairs), claim


def test_rows_and_variants_are_those_of_the_suites() -> None:
    known = {name: load(name, "small") for name in names()}
    for claim in read_claims():
        if claim.suite in known:
            suite = known[claim.suite]
            rows = {row.row: row.variants for row in (*suite.rows, *suite.extra_rows)}
            for side in (claim.first, claim.second):
                assert side.variant in rows[side.row], (claim.entry, claim.suite, side)
