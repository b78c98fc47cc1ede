"""Verdicts on invented results with known t-intervals: s = 1 over three seeds gives ± 4.302653 / sqrt(3) = 2.4841."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from claim_files import GOOD, write_claims
from fake_results import blank, ok, write_digest, write_suite

from report.claims.declared import read_claims
from report.claims.power import decided, p_values
from report.claims.verdicts import (
    ALPHA,
    DECIDED,
    DOES_NOT_HOLD,
    HOLDS,
    NO_MATTER,
    NOT_COMPARABLE,
    NOT_MEASURED,
    TOO_FEW,
    Verdict,
    judge,
    verdicts,
)

SPREAD = (-1.0, 0.0, 1.0)
ONE = GOOD | {"on": {"digits": ["s"]}, "rows": ["VAE"], "metric": "nll"}
MARGIN = {"margin": 5.0, "margin_from": "us"}


def _runs(results: Path, differences: Any, row: str = "VAE", suite: str = "s", **facts: Any) -> None:
    """Write a pair of runs per seed whose NLL differs so."""
    if not (results / suite / "suite.json").is_file():
        write_suite(results / suite, ["VAE", "IWAE"])
    for seed, difference in enumerate(differences):
        write_digest(results / suite, row, "unidirectional", seed, [ok("nll", "", 90.0 + 3 * seed)])
        value = ok("nll", "", 90.0 + 3 * seed + difference)
        write_digest(results / suite, row, "bidirectional", seed, [value], **facts)


def _judged(results: Path, *statements: dict[str, Any]) -> list[Verdict]:
    return verdicts(results, write_claims(results / "claims.toml", *statements))


@pytest.mark.parametrize(
    ("change", "mean", "verdict"),
    [
        ({}, 2.49, HOLDS),
        ({}, 2.48, TOO_FEW),
        ({}, -2.48, TOO_FEW),
        ({}, -2.49, DOES_NOT_HOLD),
        ({"claimed": "lower"}, -2.49, HOLDS),
        ({"claimed": "lower"}, 2.49, DOES_NOT_HOLD),
        (MARGIN, 2.49, HOLDS),
        (MARGIN, 2.48, NO_MATTER),
        (MARGIN, -2.51, NO_MATTER),
        (MARGIN, -2.52, DOES_NOT_HOLD),
        ({"margin": 2.0, "margin_from": "us"}, 0.1, TOO_FEW),
        ({"kind": "non-inferior", **MARGIN}, -2.51, HOLDS),
        ({"kind": "non-inferior", **MARGIN}, -2.52, TOO_FEW),
        ({"kind": "non-inferior", **MARGIN}, -7.48, TOO_FEW),
        ({"kind": "non-inferior", **MARGIN}, -7.49, DOES_NOT_HOLD),
        ({"kind": "non-inferior", "claimed": "lower", **MARGIN}, 2.51, HOLDS),
        ({"kind": "equivalent", "claimed": None, **MARGIN}, 2.51, HOLDS),
        ({"kind": "equivalent", "claimed": None, **MARGIN}, -2.51, HOLDS),
        ({"kind": "equivalent", "claimed": None, **MARGIN}, 2.52, TOO_FEW),
        ({"kind": "equivalent", "claimed": None, **MARGIN}, 7.48, TOO_FEW),
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
    assert (found.p_value or 1.0) < ALPHA if verdict in DECIDED else (found.p_value or 0.0) > ALPHA


def test_the_mean_over_rows_is_judged_seed_by_seed(tmp_path: Path) -> None:
    """Rows differ by 2 ± 1 and 4 ∓ 1: their mean is 3 at every seed but for 0.1, which no row alone would decide."""
    _runs(tmp_path, [2 + x for x in SPREAD])
    _runs(tmp_path, [4.1 + 1, 4.0, 3.9 - 1], "IWAE")
    (found,) = _judged(tmp_path, ONE | {"rows": ["VAE", "IWAE"]})
    assert found.compared is not None
    assert found.compared.statistics == pytest.approx((3.05, 3.0, 2.95))
    assert found.verdict == HOLDS
    assert [(s.compared.pair.row, round(s.mean, 6)) for s in found.shown] == [("VAE", 2.0), ("IWAE", 4.0)]
    (alone,) = _judged(tmp_path, ONE | {"rows": ["VAE", "IWAE"], "primary": "VAE"})
    assert alone.verdict == TOO_FEW


def test_a_row_that_was_not_run_leaves_the_mean_unmeasured(tmp_path: Path) -> None:
    _runs(tmp_path, [9 + x for x in SPREAD])
    (found,) = _judged(tmp_path, ONE | {"rows": ["VAE", "IWAE"]})
    assert (found.verdict, found.because) == (NOT_MEASURED, "No run of Bidirectional IWAE.")
    assert [s.compared.pair.row for s in found.shown] == ["VAE"]


# Over three seeds p = 1 - x / sqrt(2 + x²) with x = sqrt(3) · mean / s: mean 2.80 has p = 0.040, mean 5.73 p = 0.010.
@pytest.mark.parametrize(
    ("means", "expected", "level"),
    [
        ((2.80, 5.73), (HOLDS, HOLDS), 0.95),
        ((2.80, -5.73), (HOLDS, DOES_NOT_HOLD), 0.95),
        ((2.80, 2.80), (HOLDS, HOLDS), 0.95),  # Holm would decide neither
        ((2.80, 0.10), (TOO_FEW, TOO_FEW), 0.975),
        ((0.10, 5.73), (TOO_FEW, HOLDS), 0.975),
    ],
)
def test_one_level_within_a_paper(tmp_path: Path, means: Any, expected: Any, level: float) -> None:
    for row, mean in zip(("VAE", "IWAE"), means, strict=True):
        _runs(tmp_path, [mean + x for x in SPREAD], row)
    found = _judged(tmp_path, ONE, ONE | {"id": "d", "rows": ["IWAE"]})
    assert tuple(v.verdict for v in found) == expected
    assert [v.level for v in found] == pytest.approx([level, level])


def test_papers_are_families_of_their_own(tmp_path: Path) -> None:
    _runs(tmp_path, [2.80 + x for x in SPREAD])
    _runs(tmp_path, [0.1 + x for x in SPREAD], "IWAE")
    found = _judged(tmp_path, ONE, ONE | {"id": "d", "paper": "Q", "rows": ["IWAE"]})
    assert [(v.verdict, v.level) for v in found] == [(HOLDS, pytest.approx(0.95)), (TOO_FEW, pytest.approx(0.95))]


@pytest.mark.parametrize(("true", "seeds"), [(0.0, 3), (0.5, 3), (0.75, 5), (1.0, 10), (0.25, 10)])
def test_of_a_papers_verdicts_at_most_a_twentieth_is_wrong(true: float, seeds: int) -> None:
    """2,000 drawn papers of twelve statements, some with a difference of one deviation or of four, the others none."""
    effects = np.where(np.arange(12) < round(12 * true), np.resize([1.0, -4.0], 12), 0.0)
    t, p = p_values(effects, seeds, 2_000, np.random.default_rng(7))
    chosen = decided(p, "FDR")
    wrong = chosen & (np.sign(t) != np.sign(effects))
    share = wrong.sum(axis=1) / np.maximum(chosen.sum(axis=1), 1)
    assert share.mean() <= ALPHA + 3 * share.std() / np.sqrt(len(share))
    assert decided(p, "none").sum() >= chosen.sum() >= decided(p, "Holm").sum()


def test_drawn_papers_are_judged_as_the_study_says(tmp_path: Path) -> None:
    """The levels of the study are those of the verdicts: one drawn paper, judged from files."""
    rng = np.random.default_rng(3)
    rows = [f"R{i}" for i in range(6)]
    write_suite(tmp_path / "s", rows)
    drawn = np.array([0, 0, 1, 2, 4, 8])[:, None] + rng.standard_normal((6, 4))
    for row, differences in zip(rows, drawn, strict=True):
        _runs(tmp_path, differences.tolist(), row)
    found = _judged(tmp_path, *(ONE | {"id": row, "rows": [row]} for row in rows))
    p = np.array([v.p_value for v in found])
    assert [v.verdict in DECIDED for v in found] == decided(p, "FDR").tolist()
    assert {HOLDS, TOO_FEW} == {v.verdict for v in found}


def test_claims_without_an_interval_are_not_of_the_family(tmp_path: Path) -> None:
    _runs(tmp_path, [2.80 + x for x in SPREAD])
    _runs(tmp_path, [3.0], "IWAE")
    exact = {"id": "e", "kind": "exact", "claimed": None, "ratio": 1.0, "margin": 0.5, "margin_from": "us"}
    found = _judged(tmp_path, ONE, ONE | {"id": "d", "rows": ["IWAE"]}, ONE | exact)
    assert (found[0].verdict, found[0].level) == (HOLDS, pytest.approx(0.95))


def test_one_seed_decides_no_statistical_claim(tmp_path: Path) -> None:
    _runs(tmp_path, [1000.0])
    (found,) = _judged(tmp_path, ONE)
    assert (found.verdict, found.interval, found.seeds_needed) == (TOO_FEW, None, 3)
    assert found.command.endswith("--seeds 0,1,2")


def test_seeds_that_do_not_differ_decide_nothing(tmp_path: Path) -> None:
    _runs(tmp_path, [2.0, 2.0, 2.0])
    (found,) = _judged(tmp_path, ONE)
    assert (found.verdict, found.p_value) == (TOO_FEW, 1.0)


@pytest.mark.parametrize(("ratio", "verdict"), [(1.25, HOLDS), (1.4, DOES_NOT_HOLD)])
def test_exact_claim_is_about_every_seed_and_needs_one(tmp_path: Path, ratio: float, verdict: str) -> None:
    write_suite(tmp_path / "s", ["VAE"])
    for seed, factor in enumerate((1.2, ratio)):
        write_digest(tmp_path / "s", "VAE", "unidirectional", seed, [ok("nll", "", 100.0)])
        write_digest(tmp_path / "s", "VAE", "bidirectional", seed, [ok("nll", "", 100.0 * factor)])
    exact = {"kind": "exact", "claimed": None, "ratio": 1.2, "margin": 0.1, "margin_from": "us"}
    (found,) = _judged(tmp_path, ONE | exact)
    assert (found.verdict, found.interval) == (verdict, None)
    assert found.difference == pytest.approx((1.2 + ratio) / 2)


def test_a_relative_claim_is_about_the_ratio_less_one(tmp_path: Path) -> None:
    write_suite(tmp_path / "s", ["VAE"])
    for seed, factor in enumerate((1.04, 1.05, 1.06)):
        write_digest(tmp_path / "s", "VAE", "unidirectional", seed, [ok("nll", "", 50.0)])
        write_digest(tmp_path / "s", "VAE", "bidirectional", seed, [ok("nll", "", 50.0 * factor)])
    dearer = {"kind": "non-inferior", "claimed": "lower", "relative": True, "margin": 0.1, "margin_from": "us"}
    (found,) = _judged(tmp_path, ONE | dearer)
    assert (found.verdict, found.unit) == (HOLDS, "")
    assert found.difference == pytest.approx(0.05)


def test_too_few_seeds_come_with_the_number_that_would_do(tmp_path: Path) -> None:
    _runs(tmp_path, [1.0 + x for x in SPREAD])
    (found,) = _judged(tmp_path, ONE)
    assert found.seeds_needed == 7  # t(0.975, 6) / sqrt(7) = 0.925 < 1 < t(0.975, 5) / sqrt(6) = 1.049
    assert found.command == "vae-bench run s --preset small --seeds 0,1,2,3,4,5,6"


def test_absent_suite_is_not_measured_and_the_command_said(tmp_path: Path) -> None:
    (found,) = _judged(tmp_path, ONE | {"on": {"digits": ["some-digits"]}})
    assert (found.verdict, found.command) == (NOT_MEASURED, "vae-bench run some-digits --seeds 0,1,2")
    (found,) = _judged(tmp_path, ONE | {"on": {"mnist": ["some-mnist"]}})
    assert "--data-dir DATA" in found.command


def test_the_nearest_setting_with_two_seeds_is_judged_and_all_are_shown(tmp_path: Path) -> None:
    _runs(tmp_path, [s - 9 for s in SPREAD])
    _runs(tmp_path, [9.0], suite="s-paper")
    (found,) = _judged(tmp_path, ONE | {"elsewhere": ["t"]})
    assert (found.suite, found.verdict) == ("s", DOES_NOT_HOLD)
    _runs(tmp_path, [9 + s for s in SPREAD], suite="s-paper")
    _runs(tmp_path, [7.0], suite="t")
    (found,) = _judged(tmp_path, ONE | {"elsewhere": ["t"]})
    assert (found.suite, found.verdict) == ("s-paper", HOLDS)
    assert [(s.suite, s.mean) for s in found.shown] == [("s-paper", 9.0), ("s", -9.0), ("t", 7.0)]


def test_what_differs_from_the_paper_is_said(tmp_path: Path) -> None:
    _runs(tmp_path, [9 + s for s in SPREAD], run={"training": {"epochs": 6}})
    (found,) = _judged(tmp_path, ONE | {"on": {"mnist": ["s"]}})
    assert found.unlike[0] == "Digits (8 × 8) in place of MNIST"
    assert {"preset small, not the paper's", "6 epochs, the paper states none"} <= {*found.unlike}


def test_the_classifiers_features_stand_in_for_inceptions_and_are_named(tmp_path: Path) -> None:
    write_suite(tmp_path / "s", ["VAE"])
    for seed in range(3):
        for variant, value in (("unidirectional", 9.0), ("bidirectional", 5.0 + 0.1 * seed)):
            no = blank("fid", "features=inception2048;sampler=normal", "no weights")
            here = [no, ok("fd_classifier", "sampler=normal", value)]
            write_digest(tmp_path / "s", "VAE", variant, seed, here)
    fid = {"metric": "fid", "setting": "features=inception2048;sampler=normal", "claimed": "lower"}
    (found,) = _judged(tmp_path, ONE | fid)
    assert (found.verdict, found.unlike[-1]) == (HOLDS, "fd_classifier in place of Inception's features")


def test_a_printed_number_is_compared_with_the_papers_setting_alone(tmp_path: Path) -> None:
    constant = {"second": None, "constant": 95.0, "constant_of": "NF", "claimed": "lower"}
    _runs(tmp_path, [0.0, -3.1, -6.2])  # 90, 89.9 and 89.8
    (small,) = _judged(tmp_path, ONE | constant)
    assert (small.verdict, small.because) == (NOT_COMPARABLE, "NF is printed; ours is of the small preset.")
    assert "--preset paper" in small.command
    (bound,) = _judged(tmp_path, ONE | constant | {"constant_of": None})
    assert (bound.verdict, bound.difference) == (HOLDS, pytest.approx(-5.1))
    (tmp_path / "s").rename(tmp_path / "s-paper")
    text = (tmp_path / "s-paper" / "suite.json").read_text().replace('"small"', '"paper"')
    (tmp_path / "s-paper" / "suite.json").write_text(text)
    for path in (tmp_path / "s-paper").glob("digests/*/digest.json"):
        path.write_text(path.read_text().replace('"preset": "small"', '"preset": "paper"'))
    (paper,) = _judged(tmp_path, ONE | constant)
    assert (paper.verdict, paper.suite) == (HOLDS, "s-paper")


def test_the_gradient_that_is_left_is_read_from_the_stored_curves(tmp_path: Path) -> None:
    write_suite(tmp_path / "s", ["sVAE"])
    for seed in range(3):
        curves = {"symmetric": [2.0, 3.0, 4.0 + 0.1 * seed], "literal": [1.0, 0.5, 0.1]}
        write_digest(tmp_path / "s", "sVAE", "unidirectional", seed, [], plots={"critic_gradients": curves})
    sides = {"first": {"setting": "loss=symmetric"}, "second": {"setting": "loss=literal"}}
    gradient = {"rows": ["sVAE"], "variant": "unidirectional", "metric": "gradient_kept"}
    (found,) = _judged(tmp_path, ONE | sides | gradient)
    assert (found.verdict, found.difference) == (HOLDS, pytest.approx(2.05 - 0.1))


def test_why_a_claim_is_not_measured(tmp_path: Path) -> None:
    write_suite(tmp_path / "s", ["VAE", "IWAE", "WAE"])
    write_digest(tmp_path / "s", "VAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    write_digest(tmp_path / "s", "VAE", "bidirectional", 0, [blank("nll", "", "no prior")])
    write_digest(tmp_path / "s", "IWAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    write_digest(tmp_path / "s", "IWAE", "bidirectional", 0, [], status="diverged", reason="NaN in epoch 2")
    write_digest(tmp_path / "s", "WAE", "unidirectional", 0, [ok("nll", "", 90.0)])
    write_digest(tmp_path / "s", "WAE", "bidirectional", 1, [ok("nll", "", 90.0)])
    rows = ["VAE", "IWAE", "WAE", "RAE"]
    found = _judged(tmp_path, *(ONE | {"id": row, "rows": [row]} for row in rows))
    assert {v.verdict for v in found} == {NOT_MEASURED}
    assert [v.because for v in found] == [
        "Bidirectional VAE has no nll: no prior.",
        "Bidirectional IWAE diverged: NaN in epoch 2.",
        "The two sides have no seed in common.",
        "No run of Bidirectional RAE.",
    ]


def test_a_metric_that_finished_runs_have_not_is_measured_by_making_them_anew(tmp_path: Path) -> None:
    write_suite(tmp_path / "s", ["VAE"])
    for variant in ("unidirectional", "bidirectional"):
        write_digest(tmp_path / "s", "VAE", variant, 0, [ok("psnr", "", 20.0)])
    (found,) = _judged(tmp_path, ONE)
    assert found.because == "Bidirectional VAE has no nll: not among what was measured."
    assert found.command == "vae-bench run s --preset small --force"


def test_a_superseded_claim_waits_for_its_runs_to_be_made_again(tmp_path: Path) -> None:
    _runs(tmp_path, [9 + s for s in SPREAD])
    (plain,) = _judged(tmp_path, ONE)
    (found,) = _judged(tmp_path, ONE | {"superseded": "The loss was another."})
    assert (plain.verdict, found.verdict) == (HOLDS, NOT_MEASURED)
    assert found.because == "The loss was another." and found.command.endswith(" --force")
    assert (found.seeds, found.difference, found.p_value) == ((), None, None)


def test_settings_and_lost_runs_are_named(tmp_path: Path) -> None:
    _runs(tmp_path, [5.0, 5.1, 4.9])
    write_digest(tmp_path / "s", "VAE", "bidirectional", 3, [], status="diverged")
    (found,) = _judged(tmp_path, ONE)
    assert (found.seeds, found.unit) == ((0, 1, 2), "nats")
    assert found.because == "Left out: Bidirectional VAE seed 3 (diverged)."


def test_broken_suite_counts_as_absent(tmp_path: Path) -> None:
    write_suite(tmp_path / "s", [])
    (tmp_path / "s" / "suite.json").write_text("{")
    (found,) = _judged(tmp_path, ONE)
    assert found.verdict == NOT_MEASURED


def test_no_results_leave_every_claim_unmeasured() -> None:
    found = judge(read_claims(), {})
    assert {v.verdict for v in found} == {NOT_MEASURED}
    assert all(v.command for v in found)


def test_committed_results_decide_five_statistical_claims_and_none_by_one_seed() -> None:
    found = verdicts(Path(__file__).parents[3] / "results")
    settled = [v for v in found if v.verdict in DECIDED and v.claim.kind != "exact"]
    assert len([v for v in settled if len(v.seeds) >= 3]) >= 5
    assert all(len(v.seeds) >= 2 for v in settled)
    assert all(v.command for v in found if v.verdict == NOT_MEASURED)
