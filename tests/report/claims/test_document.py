"""claims.md: the list first, a line a verdict; nothing of a hostile name left alive; the same list on a terminal."""

import re
from pathlib import Path

import pytest
from claim_files import GOOD, write_claims
from fake_results import ok, write_digest, write_full, write_suite

from bench.errors import BadInput
from bench.run.stored import claims_main
from report.claims import wording as text
from report.claims.document import detail, listed, to_markdown
from report.claims.document import write_claims as write_claims_md
from report.claims.noise_floor import noise_floors
from report.claims.verdicts import Verdict, verdicts
from report.published import read_published

HOSTILE = "<script>alert(1)</script>_&%$|`"
NLL = GOOD | {"on": {"digits": ["s"], "mnist": ["gone"]}, "rows": ["VAE"], "metric": "nll", "claimed": "lower"}
RESULTS = Path(__file__).parents[3] / "results"


@pytest.fixture
def found(tmp_path: Path) -> list[Verdict]:
    """Differences of -1, -1.1 and -0.9 nats."""
    write_suite(tmp_path / "s", ["VAE"])
    for seed, value in enumerate((96.0, 96.9, 98.1)):
        facts = {"run": {"training": {"epochs": 6}}}
        write_digest(tmp_path / "s", "VAE", "unidirectional", seed, [ok("nll", "", 97.0 + seed)], **facts)
        write_digest(tmp_path / "s", "VAE", "bidirectional", seed, [ok("nll", "", value)], **facts)
    return verdicts(tmp_path, write_claims(tmp_path / "claims.toml", NLL))


def test_a_verdict_in_one_line(found: list[Verdict]) -> None:
    held, absent = found
    assert text.line(held) == (
        "c on Digits (8 × 8): holds. first is higher: −1.00 nats (−1.25 to −0.75 at 95%), 3 seeds. "
        "Differs: preset small, not the paper's; 6 epochs, the paper states none."
    )
    assert text.line(absent) == (
        "c on MNIST: not measured. first is higher. No results of suite gone. "
        "Run: vae-bench run gone --data-dir DATA --seeds 0,1,2"
    )
    assert held.compared is not None
    assert text.compared(held.claim, held.compared) == "Bidirectional VAE − VAE, nll"
    assert text.claimed(held.claim, held.unit) == "below 0 nats"
    assert text.descriptive(held.shown[0]) == ["97.00 against 98.00", "−1.00 ± 0.25", "3"]
    assert text.summary(found) == "1 of 2 statements decided"


def test_too_few_seeds_are_said_with_the_number_that_would_do(tmp_path: Path) -> None:
    write_suite(tmp_path / "s", ["VAE"])
    for seed, value in enumerate((1.0, 0.0, 2.0)):
        write_digest(tmp_path / "s", "VAE", "unidirectional", seed, [ok("nll", "", 90.0)])
        write_digest(tmp_path / "s", "VAE", "bidirectional", seed, [ok("nll", "", 90.0 - value)])
    (held, _) = verdicts(tmp_path, write_claims(tmp_path / "claims.toml", NLL))
    assert text.line(held).startswith("c on Digits (8 × 8): too few seeds (3, about 7 would do). first is higher: −1.0")


def test_a_share_is_written_in_percent_with_its_margin(tmp_path: Path) -> None:
    """Ratios of 0.96, 0.95 and 0.94: -5% with 4.302653 / sqrt(3) = 2.4841 points."""
    write_suite(tmp_path / "s", ["VAE"])
    for seed, ratio in enumerate((0.96, 0.95, 0.94)):
        write_digest(tmp_path / "s", "VAE", "unidirectional", seed, [ok("nll", "", 200.0)])
        write_digest(tmp_path / "s", "VAE", "bidirectional", seed, [ok("nll", "", 200.0 * ratio)])
    share = {"relative": True, "margin": 0.02, "margin_from": "us"}
    (held, _) = verdicts(tmp_path, write_claims(tmp_path / "claims.toml", NLL | share))
    assert held.compared is not None
    assert text.difference(held) == "−5.0% (−7.5 to −2.5 at 95%), 3 seeds"
    assert text.compared(held.claim, held.compared) == "Bidirectional VAE against VAE, nll"
    assert text.descriptive(held.shown[0], relative=True) == ["190.0 against 200.0", "−5.0 ± 2.5%", "3"]
    assert (text.claimed(held.claim), text.margin(held.claim)) == ("below 0%", ["margin 2%: us"])


def test_no_margin_has_a_reason_and_data_that_are_not_here_their_hours(tmp_path: Path) -> None:
    why = {"margin_from": "the sign is claimed", "hours": {"mnist": 27.0}}
    (first, last) = verdicts(tmp_path, write_claims(tmp_path / "claims.toml", NLL | why))
    assert text.margin(last.claim) == ["no margin: the sign is claimed"]
    assert text.line(last).endswith("--data-dir DATA --seeds 0,1,2 (about 27 hours of two cores)")
    assert text.line(first).endswith("--seeds 0,1,2")
    write_suite(tmp_path / "gone", ["VAE"])  # another command, of what is there
    (_, last) = verdicts(tmp_path, tmp_path / "claims.toml")
    assert text.line(last).endswith("vae-bench run gone --preset small")


def test_document_opens_with_the_list_and_says_how_it_was_judged(found: list[Verdict]) -> None:
    lines = to_markdown(found, []).splitlines()
    assert lines[2].startswith("- c on Digits (8 × 8): holds.") and lines[3].startswith("- c on MNIST: not measured.")
    assert "1 of 2 statements decided: 1 holds, 0 does not hold," in lines[5]
    assert "| s | Bidirectional VAE − VAE, nll | 97.00 against 98.00 | −1.00 ± 0.25 | 3 |" in lines


def test_committed_list_is_at_most_sixty_lines_one_a_statement_and_data_set() -> None:
    lines = (RESULTS / "claims.md").read_text(encoding="utf-8").splitlines()
    top = lines[: lines.index("", 2)]
    assert len(top) <= 60 and len(top) - 2 == len(verdicts(RESULTS))
    assert all(re.match(r"- (\*\*)?[\w-]+(\*\*)? on ", line) for line in top[2:])


def test_committed_document_is_what_its_digests_say() -> None:
    floors = noise_floors(read_published(RESULTS))
    assert (RESULTS / "claims.md").read_text(encoding="utf-8") == to_markdown(verdicts(RESULTS), floors)


def test_papers_noise_stands_below_its_statements(tmp_path: Path) -> None:
    document = to_markdown(verdicts(tmp_path), noise_floors(read_published(tmp_path)))
    assert "### The paper's own noise" in document
    assert "| III (CIFAR-10) | nll | 2.6 | −0.1 | 1.84 | 6 of 7 |" in document
    assert "0.52 to 6.3 times" in document
    assert document.index("The paper's own noise") < document.index("## sVAE")


def test_hostile_names_are_harmless(tmp_path: Path) -> None:
    folder = HOSTILE.replace("/", "-")
    write_full(tmp_path / folder, [HOSTILE], (0, 1))
    rows = NLL | {"on": {"digits": [folder]}, "elsewhere": [f"{folder}2"], "rows": [HOSTILE]}
    document = to_markdown(verdicts(tmp_path, write_claims(tmp_path / "claims.toml", rows | dict.fromkeys(
        ("text", "paper", "printed"), HOSTILE))), [])  # fmt: skip
    assert "<script" not in document
    lines = [line for line in document.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in lines} == {6}


def test_file_is_the_same_every_time(tmp_path: Path) -> None:
    write_full(tmp_path / "digits", ["VAE"])
    first = write_claims_md(tmp_path, verdicts(tmp_path)).read_bytes()
    assert write_claims_md(tmp_path, verdicts(tmp_path)).read_bytes() == first
    assert (tmp_path / "claims.md").is_file()


def test_the_list_and_one_statement_on_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = listed(tmp_path)
    assert said[-1] == f"0 of {len(said) - 1} statements decided"
    assert "judged: mean over 6 rows, seed by seed; margin 0.1" in detail(tmp_path, "bvae-psnr")
    with pytest.raises(BadInput, match="no statement 'bvae-psrn'; known: bvae-parameters"):
        claims_main(["bvae-psrn", "--results", str(tmp_path)])
    assert claims_main(["--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == said
