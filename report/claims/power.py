"""`python -m report.claims.power`: what three, five and ten seeds decide under two corrections, with stored spreads.

Writes power.csv (drawn) and spreads.csv (of the stored runs), and from these alone power.md.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtr

from report.claims.verdicts import ALPHA, verdicts
from report.files import write_whole
from report.statistics import fdr_level
from report.tables.formats.markdown import row

SEEDS, FAMILIES, DRAWS = (3, 5, 10), (4, 10, 18), 2_000
POWER, TRUE = 0.8, 0.75  # share of true differences to be decided; share of statements with one
_EFFECTS = np.arange(0.25, 40.0, 0.25)  # true difference over the standard deviation of one seed's
PROCEDURES = ("none", "Holm", "FDR")

Array = npt.NDArray[np.float64]


def p_values(effects: Array, seeds: int, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw t statistics of `seeds` differences with mean effects [M] and deviation 1; return them and p, [draws, M]."""
    mean = effects + rng.standard_normal((draws, len(effects))) / np.sqrt(seeds)
    deviation = np.sqrt(rng.chisquare(seeds - 1, mean.shape) / (seeds - 1))
    t = mean * np.sqrt(seeds) / deviation
    return t, 2 * stdtr(seeds - 1, -np.abs(t))


def decided(p: Array, procedure: str) -> npt.NDArray[np.bool_]:
    """Return which statements [..., M] a procedure decides at ALPHA: no correction, Holm's, or by `fdr_level`."""
    m = p.shape[-1]
    if procedure == "none":
        return p < ALPHA
    if procedure == "FDR":
        return p < fdr_level(p, ALPHA)
    order = p.argsort(axis=-1)
    below = np.take_along_axis(p, order, -1) < ALPHA / (m - np.arange(m))
    found = np.zeros_like(p, dtype=bool)
    np.put_along_axis(found, order, np.logical_and.accumulate(below, axis=-1), -1)
    return found


def study(draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Return, by number of statements, seeds and procedure, the least effect decided as often as POWER, and the errors.

    Of M statements a share TRUE has one effect, the others none. `effect` is in standard deviations of one seed's
    difference; a verdict is wrong where it has the sign that the effect has not, any for none.
    """
    lines = []
    for m in FAMILIES:
        true = np.arange(m) < round(TRUE * m)
        for n in SEEDS:
            rng = np.random.default_rng([seed, m, n])
            found: dict[str, dict[str, float]] = {}
            for effect in _EFFECTS:
                t, p = p_values(np.where(true, effect, 0.0), n, draws, rng)
                for procedure in (x for x in PROCEDURES if x not in found):
                    chosen = decided(p, procedure)
                    wrong = (chosen & (~true | (t < 0))).sum(axis=1)
                    if chosen[:, true].mean() >= POWER:
                        shares = {"wrong_share": float(np.mean(wrong / np.maximum(chosen.sum(axis=1), 1)))}
                        found[procedure] = {"effect": float(effect), **shares, "any_wrong": float((wrong > 0).mean())}
                if len(found) == len(PROCEDURES):
                    break
            lines += [{"statements": m, "seeds": n, "procedure": x} | found[x] for x in PROCEDURES if x in found]
    return pd.DataFrame(lines).round(4)


def spreads(results: Path) -> pd.DataFrame:
    """Return the standard deviation of one seed's statistic, by claim and suite with three seeds or more."""
    lines = []
    for v in (v for v in verdicts(results) if v.claim.kind != "exact"):
        shown = [s for s in v.shown if len(s.compared.seeds) >= SEEDS[0]]
        for suite in dict.fromkeys(s.suite for s in shown):
            of = [s for s in shown if s.suite == suite]
            deviations = [float(np.std(s.compared.statistics, ddof=1)) for s in of]
            facts = {"statement": v.claim.id, "suite": suite, "rows": len(of), "seeds": len(of[0].compared.seeds)}
            lines.append(facts | {"deviation": float(f"{np.median(deviations):.3g}"), "margin": v.claim.margin})
    return pd.DataFrame(lines).drop_duplicates(["statement", "suite"])


def to_markdown(power: pd.DataFrame, found: pd.DataFrame) -> str:
    """Write the study from its two tables alone."""
    effects = power.set_index(["statements", "seeds", "procedure"])["effect"]
    head = ["Statements", "Seeds", *(f"{p}: effect" for p in PROCEDURES), "Holm: any wrong", "FDR: share wrong"]
    lines = []
    for (m, n), cells in power.groupby(["statements", "seeds"]):
        by = cells.set_index("procedure")
        effect, any_wrong, share = (by[name].astype(float).to_dict() for name in ("effect", "any_wrong", "wrong_share"))
        shown = [f"{effect[p]:.2f}" if p in effect else "–" for p in PROCEDURES]
        errors = [f"{any_wrong['Holm']:.1%}", f"{share['FDR']:.1%}"]
        lines.append(row([str(m), str(n), *shown, *errors]))
    of_ten = {n: float(effects[10, n, "FDR"]) for n in SEEDS}
    second = ["Statement", "Suite", "Deviation of a seed", "Margin", *(f"Decided by {n} seeds" for n in SEEDS)]
    kept = [
        row([str(x["statement"]), str(x["suite"]), f"{x['deviation']:.3g}", f"{x['margin']:g}" if x["margin"] else "–",
             *(f"{of_ten[n] * float(x['deviation']):.2g}" for n in SEEDS)])
        for x in found.to_dict("records")
    ]  # fmt: skip
    most = max(FAMILIES)
    times = float(effects[most, SEEDS[0], "Holm"]) / float(effects[most, SEEDS[0], "FDR"])
    said = [
        "# What three, five and ten seeds decide",
        f"Statements of one paper are corrected together. Drawn: {DRAWS:,} times M statements, of which {TRUE:.0%} "
        "have a true difference and the others none. Effect: the least true difference, in standard deviations of one "
        f"seed's paired difference, of which {POWER:.0%} are decided at {ALPHA:.0%}. Holm keeps the chance of any "
        "wrong verdict in a paper below that level, the false discovery rate (FDR) the share of wrong ones among the "
        "verdicts.",
        "\n".join([row(head), row(["---:"] * len(head)), *lines]),
        f"**Decision: the false discovery rate at {ALPHA:.0%}.** Where most statements have a difference it costs "
        f"little against no correction at all, at any size of the family; with {most} statements and {SEEDS[0]} seeds "
        f"Holm needs {times:.1f} times its effect. A reader of a list of verdicts is served by knowing that at most "
        "one in twenty is wrong.",
        "## The spreads that stored runs show",
        "Median over a statement's rows of the standard deviation of one seed's statistic, in its unit (of distances, "
        "whose ratio is judged, a share); then the least difference that so many seeds decide, among ten statements: "
        f"the effect above times that deviation ({', '.join(f'{of_ten[n]:.2f} at {n}' for n in SEEDS)}). A mean over "
        "rows has less spread than a row.",
        "\n".join([row(second), row([":---", ":---", *["---:"] * 5]), *kept]),
        "Made by `python -m report.claims.power` from `power.csv` and `spreads.csv`.",
    ]
    return "\n\n".join(said) + "\n"


def read(docs: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the two tables of the study."""
    return pd.read_csv(docs / "power.csv"), pd.read_csv(docs / "spreads.csv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the study, read the spreads, and write the three files."""
    parser = argparse.ArgumentParser(prog="python -m report.claims.power", description="The study of power.")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    options = parser.parse_args(arguments)
    options.docs.mkdir(exist_ok=True)
    write_whole(options.docs / "power.csv", study().to_csv(index=False))
    write_whole(options.docs / "spreads.csv", spreads(options.results).to_csv(index=False))
    print(write_whole(options.docs / "power.md", to_markdown(*read(options.docs))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
