"""Verdicts on invented results with known t-intervals: s = 1 over three seeds gives ± 4.302653 / sqrt(3) = 2.4841."""

from pathlib import Path
from typing import Any

import pytest
from claim_files import GOOD, write_claims
from fake_results import blank, ok, write_digest, write_suite

from report.claims.declared import read_claims
from report.claims.verdicts import DOES_NOT_HOLD, HOLDS, NOT_MEASURED, NOT_RESOLVED, Verdict, decide, judge, verdicts

SPREAD = (-1.0, 0.0, 1.0)
ONE = GOOD | {"suites": ["s"], "rows": ["VAE"], "metric": "nll"}
MARGIN = {"margin": 5.0, "margin_from": "us"}


def _runs(results: Path, differences: Any, row: str = "VAE", suite: str = "s", **facts: Any) -> None:
    """Write a pair of runs per seed whose NLL differs so."""
    if not (results / suite / "suite.json").is_file():
        write_suite(results / suite, ["VAE", "IWAE"])
    for seed, difference in enumerate(differences):
        write_digest(results / suite, row, "unidirectional", seed, [ok("nll", "", 90.0 + 3 * seed)])
        value = ok("nll", "", 90.0 + 3 * seed + difference)
        write_digest(results / suite, row, "bidirectional", seed, [value], **facts)


def _judged(results: Path, *entries: dict[str, Any]) -> list[Verdict]:
    return verdicts(results, write_claims(results / "claims.toml", *entries))


@pytest.mark.parametrize(
    ("change", "mean", "verdict"),
    [
        ({}, 2.49, HOLDS),
        ({}, 2.48, NOT_RESOLVED),
        ({}, -2.48, NOT_RESOLVED),
        ({}, -2.49, DOES_NOT_HOLD),
        ({"claimed": "lower"}, -2.49, HOLDS),
        ({"claimed": "lower"}, 2.49, DOES_NOT_HOLD),
        ({"kind": "non-inferior", **MARGIN}, -2.51, HOLDS),
        ({"kind": "non-inferior", **MARGIN}, -2.52, NOT_RESOLVED),
        ({"kind": "non-inferior", **MARGIN}, -7.48, NOT_RESOLVED),
        ({"kind": "non-inferior", **MARGIN}, -7.49, DOES_NOT_HOLD),
        ({"kind": "non-inferior", "claimed": "lower", **MARGIN}, 2.51, HOLDS),
        ({"kind": "equivalent", "claimed": None, **MARGIN}, 2.51, HOLDS),
        ({"kind": "equivalent", "claimed": None, **MARGIN}, -2.51, HOLDS),
        ({"kind": "equivalent", "claimed": None, **MARGIN}, 2.52, NOT_RESOLVED),
        ({"kind": "equivalent", "claimed": None, **MARGIN}, 7.48, NOT_RESOLVED),
        ({"kind": "equivalent", "claimed": None, **MARGIN}, 7.49, DOES_NOT_HOLD),
        ({"kind": "equivalent", "claimed": None, **MARGIN}, -7.49, DOES_NOT_HOLD),
    ],
)
def test_verdict_turns_where_the_interval_reaches_the_end_of_what_is_claimed(
    tmp_path: Path, change: dict[str, Any], mean: float, verdict: str
) -> None:
    _runs(tmp_path, [mean + x for x in SPREAD])
    (found,) = _judged(tmp_path, ONE | change)
    assert found.verdict == verdict
    assert found.difference == pytest.approx(mean)
    assert found.interval == pytest.approx((mean - 2.484138, mean + 2.484138), abs=1e-5)
    assert found.level == pytest.approx(0.95)


def test_interval_at_an_end_decides_nothing() -> None:
    assert decide((0.0, 1.0), (0.0, 2.0)) == NOT_RESOLVED
    assert decide((-1.0, 0.0), (0.0, 2.0)) == NOT_RESOLVED


# Over three seeds p = 1 - x / sqrt(2 + x²) with x = sqrt(3) · mean / s: mean 2.80 has p = 0.040, mean 5.73 p = 0.010.
@pytest.mark.parametrize(
    ("means", "expected", "levels"),
    [
        ((2.80, 5.73), (HOLDS, HOLDS), (0.95, 0.975)),  # the smaller p is tested at 0.025, then the other at 0.05
        ((2.80, -5.73), (HOLDS, DOES_NOT_HOLD), (0.95, 0.975)),
        ((2.80, 2.80), (NOT_RESOLVED, NOT_RESOLVED), (0.975, 0.975)),  # stops at once, at the level of the first
        ((2.80, 0.10), (NOT_RESOLVED, NOT_RESOLVED), (0.975, 0.975)),
        ((0.10, 5.73), (NOT_RESOLVED, HOLDS), (0.95, 0.975)),
    ],
)
def test_holm_within_a_paper(tmp_path: Path, means: Any, expected: Any, levels: Any) -> None:
    for row, mean in zip(("VAE", "IWAE"), means, strict=True):
        _runs(tmp_path, [mean + x for x in SPREAD], row)
    found = _judged(tmp_path, ONE | {"rows": ["VAE", "IWAE"]})
    assert tuple(v.verdict for v in found) == expected
    assert [v.level for v in found] == pytest.approx(levels)


@pytest.mark.parametrize("side", [1, -1])
def test_the_p_value_of_an_equivalence_is_of_the_nearer_end(tmp_path: Path, side: int) -> None:
    # means 2.2 and -0.73 from the ends at 5: 2.80 and 5.73 away, the further ends 7.20 and 10 away
    _runs(tmp_path, [side * 2.20 + x for x in SPREAD])
    _runs(tmp_path, [side * -0.73 + 0.745356 * x for x in SPREAD], "IWAE")
    claim = ONE | {"kind": "equivalent", "claimed": None, **MARGIN, "rows": ["VAE", "IWAE"]}
    found = _judged(tmp_path, claim)
    p = [1 - x / (2 + x * x) ** 0.5 for x in (3**0.5 * 2.80, 3**0.5 * 4.27 / 0.745356)]
    assert [v.p_value for v in found] == pytest.approx(p)
    assert [v.level for v in found] == pytest.approx([0.95, 0.975])
    assert [v.verdict for v in found] == [HOLDS, HOLDS]


def test_papers_are_families_of_their_own(tmp_path: Path) -> None:
    for row in ("VAE", "IWAE"):
        _runs(tmp_path, [2.80 + x for x in SPREAD], row)
    found = _judged(tmp_path, ONE, ONE | {"id": "d", "paper": "Q", "rows": ["IWAE"]})
    assert [v.verdict for v in found] == [HOLDS, HOLDS]


def test_claims_without_an_interval_are_not_of_the_family(tmp_path: Path) -> None:
    _runs(tmp_path, [2.80 + x for x in SPREAD])
    _runs(tmp_path, [3.0], "IWAE")
    exact = {"kind": "exact", "claimed": None, "ratio": 1.0, "margin": 0.5, "margin_from": "us"}
    found = _judged(tmp_path, ONE | {"rows": ["VAE", "IWAE"], "suites": ["s", "absent"]}, ONE | exact | {"id": "d"})
    assert found[0].verdict == HOLDS
    assert found[0].level == pytest.approx(0.95)


def test_one_seed_resolves_no_statistical_claim(tmp_path: Path) -> None:
    _runs(tmp_path, [1000.0])
    (found,) = _judged(tmp_path, ONE)
    assert found.verdict == NOT_RESOLVED
    assert found.interval is None
    assert "One seed" in found.because
    assert found.command.endswith("--seeds 0,1,2")


def test_seeds_that_do_not_differ_resolve_nothing(tmp_path: Path) -> None:
    _runs(tmp_path, [2.0, 2.0, 2.0])
    (found,) = _judged(tmp_path, ONE)
    assert (found.verdict, found.p_value) == (NOT_RESOLVED, 1.0)


@pytest.mark.parametrize(("ratio", "verdict"), [(1.25, HOLDS), (1.4, DOES_NOT_HOLD)])
def test_exact_claim_is_about_every_seed_and_needs_one(tmp_path: Path, ratio: float, verdict: str) -> None:
    write_suite(tmp_path / "s", ["VAE"])
    for seed, factor in enumerate((1.2, ratio)):
        write_digest(tmp_path / "s", "VAE", "unidirectional", seed, [ok("nll", "", 100.0)])
        write_digest(tmp_path / "s", "VAE", "bidirectional", seed, [ok("nll", "", 100.0 * factor)])
    exact = {"kind": "exact", "claimed": None, "ratio": 1.2, "margin": 0.1, "margin_from": "us"}
    (found,) = _judged(tmp_path, ONE | exact)
    assert found.verdict == verdict
    assert found.interval is None
    assert found.difference == pytest.approx((1.2 + ratio) / 2)


def test_unresolved_claim_says_how_many_seeds(tmp_path: Path) -> None:
    _runs(tmp_path, [1.0 + x for x in SPREAD])
    (found,) = _judged(tmp_path, ONE)
    assert found.seeds_needed == 7  # t(0.975, 6) / sqrt(7) = 0.925 < 1 < t(0.975, 5) / sqrt(6) = 1.049
    assert "about 7 seeds" in found.because
    assert found.command == "python -m bench.run --suite s --preset small --seeds 0,1,2,3,4,5,6"


def test_bootstrap_stands_beside_from_eight_seeds_on(tmp_path: Path) -> None:
    for suite, n in (("s", 7), ("t", 8)):
        _runs(tmp_path, [1.0 + 0.1 * i for i in range(n)], suite=suite)
    seven, eight = _judged(tmp_path, ONE | {"suites": ["s", "t"]})
    assert seven.bootstrap is None
    assert eight.bootstrap is not None
    assert 1.0 < eight.bootstrap[0] < (eight.difference or 0) < eight.bootstrap[1] < 1.7


def test_absent_suite_is_not_measured_and_the_command_said(tmp_path: Path) -> None:
    (found,) = _judged(tmp_path, ONE | {"suites": ["some-digits"]})
    assert found.verdict == NOT_MEASURED
    assert found.command == "python -m bench.run --suite some-digits --seeds 0,1,2"
    (found,) = _judged(tmp_path, ONE | {"suites": ["some-mnist"]})
    assert "--data-dir DATA" in found.command


def test_a_claim_is_judged_at_each_preset_that_was_run(tmp_path: Path) -> None:
    _runs(tmp_path, [9 + s for s in SPREAD], suite="s-paper")
    (alone,) = _judged(tmp_path, ONE)
    assert (alone.claim.suite, alone.verdict) == ("s-paper", HOLDS)
    _runs(tmp_path, [s - 9 for s in SPREAD])
    small, paper = _judged(tmp_path, ONE)
    assert (small.claim.suite, small.verdict) == ("s", DOES_NOT_HOLD)
    assert (paper.claim.suite, paper.verdict) == ("s-paper", HOLDS)


def test_why_a_claim_is_not_measured(tmp_path: Path) -> None:
    write_suite(tmp_path / "s", ["VAE", "IWAE", "WAE"])
    write_digest(tmp_path / "s", "VAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    write_digest(tmp_path / "s", "VAE", "bidirectional", 0, [blank("nll", "", "no prior")])
    write_digest(tmp_path / "s", "IWAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    write_digest(tmp_path / "s", "IWAE", "bidirectional", 0, [], status="diverged", reason="NaN in epoch 2")
    write_digest(tmp_path / "s", "WAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    write_digest(tmp_path / "s", "WAE", "bidirectional", 1, [ok("nll", "", 90.0)])
    found = _judged(tmp_path, ONE | {"rows": ["VAE", "IWAE", "WAE", "RAE"]})
    assert {v.verdict for v in found} == {NOT_MEASURED}
    assert [v.because for v in found] == [
        "Bidirectional VAE has no nll: no prior.",
        "Bidirectional IWAE diverged: NaN in epoch 2.",
        "The two sides have no seed in common.",
        "No run of Bidirectional RAE.",
    ]


def test_a_superseded_claim_waits_for_its_runs_to_be_made_again(tmp_path: Path) -> None:
    _runs(tmp_path, [9 + s for s in SPREAD])
    (plain,) = _judged(tmp_path, ONE)
    (found,) = _judged(tmp_path, ONE | {"superseded": "The loss was another."})
    assert (plain.verdict, found.verdict) == (HOLDS, NOT_MEASURED)
    assert found.because == "The loss was another." and found.command.endswith(" --force")
    assert (found.seeds, found.first, found.p_value) == ((), None, None)
    (absent,) = _judged(tmp_path, ONE | {"superseded": "The loss was another.", "suites": ["some-digits"]})
    assert absent.because == "No results of suite some-digits."


def test_settings_and_lost_runs_are_named(tmp_path: Path) -> None:
    _runs(tmp_path, [5.0, 5.1, 4.9], run={"training": {"epochs": 6}})
    write_digest(tmp_path / "s", "VAE", "bidirectional", 3, [], status="diverged")
    (found,) = _judged(tmp_path, ONE)
    assert (found.dataset, found.preset, found.epochs, found.seeds) == ("digits", "small", "6", (0, 1, 2))
    assert found.unit == "nats"
    assert found.because == "Left out: Bidirectional VAE seed 3 (diverged)."


def test_broken_suite_and_broken_published_values_count_as_absent(tmp_path: Path) -> None:
    write_suite(tmp_path / "s", [])
    (tmp_path / "s" / "suite.json").write_text("{")
    (tmp_path / "published.csv").write_bytes(b"\xff\xfe\x00")
    (found,) = _judged(tmp_path, ONE)
    assert found.verdict == NOT_MEASURED


def test_no_results_leave_every_claim_unmeasured() -> None:
    found = judge(read_claims(), {})
    assert {v.verdict for v in found} == {NOT_MEASURED}
    assert all(v.command for v in found)


def test_committed_results_resolve_five_statistical_claims_and_none_by_one_seed() -> None:
    found = verdicts(Path(__file__).parents[3] / "results")
    resolved = [v for v in found if v.verdict in (HOLDS, DOES_NOT_HOLD) and v.claim.kind != "exact"]
    assert len([v for v in resolved if len(v.seeds) >= 3]) >= 5
    assert all(len(v.seeds) >= 2 for v in resolved)
