"""claims.md: every verdict with its numbers and settings in words, nothing of a hostile name left alive."""

from pathlib import Path

import pytest
from claim_files import GOOD, write_claims
from fake_results import ok, write_digest, write_full, write_suite

from report.claims import wording as text
from report.claims.document import to_markdown
from report.claims.document import write_claims as write_claims_md
from report.claims.noise_floor import noise_floors
from report.claims.verdicts import Verdict, verdicts
from report.published import read_published

HOSTILE = "<script>alert(1)</script>_&%$|`"
NLL = GOOD | {"suites": ["s", "gone"], "rows": ["VAE"], "metric": "nll", "claimed": "lower"}


@pytest.fixture
def found(tmp_path: Path) -> list[Verdict]:
    """Differences of -1, -1.1 and -0.9 nats."""
    write_suite(tmp_path / "s", ["VAE"])
    for seed, value in enumerate((96.0, 96.9, 98.1)):
        facts = {"run": {"training": {"epochs": 6}}}
        write_digest(tmp_path / "s", "VAE", "unidirectional", seed, [ok("nll", "", 97.0 + seed)], **facts)
        write_digest(tmp_path / "s", "VAE", "bidirectional", seed, [ok("nll", "", value)], **facts)
    return verdicts(tmp_path, write_claims(tmp_path / "claims.toml", NLL))


def test_numbers_and_settings_in_words(found: list[Verdict]) -> None:
    held, absent = found
    assert text.compared(held.claim) == "Bidirectional VAE − VAE, nll"
    assert text.claimed(held.claim, held.unit) == "below 0 nats"
    assert text.settings(held) == "s: Digits (8 × 8), preset small (not the paper's), 6 epochs, seeds 0, 1, 2"
    assert text.measured(held) == "97.00 against 98.00"
    assert text.difference(held) == "−1.00 nats, 95% interval −1.25 to −0.75"  # 4.3027 · 0.1 / sqrt(3) = 0.248
    assert (text.settings(absent), text.measured(absent), text.difference(absent)) == ("gone", "–", "–")


def test_every_verdict_stands_in_the_document(found: list[Verdict]) -> None:
    document = to_markdown(found, [])
    assert "2 comparisons: 1 holds, 0 does not hold, 0 not resolved, 1 not measured." in document
    assert "| −1.00 nats, 95% interval −1.25 to −0.75 | **holds** |" in document
    assert "- *not measured* on gone: No results of suite gone. `python -m bench.run --suite gone" in document


def test_papers_noise_stands_below_its_claims(tmp_path: Path) -> None:
    document = to_markdown(verdicts(tmp_path), noise_floors(read_published(tmp_path)))
    assert "### The paper's own noise" in document
    assert "| III (CIFAR-10) | nll | 2.6 | −0.1 | 1.84 | 6 of 7 |" in document
    assert document.index("The paper's own noise") < document.index("## sVAE")


def test_hostile_names_are_harmless(tmp_path: Path) -> None:
    folder = HOSTILE.replace("/", "-")
    write_full(tmp_path / folder, [HOSTILE], (0, 1))
    rows = NLL | {"suites": [folder, f"{folder}2"], "rows": [HOSTILE], "text": HOSTILE, "paper": HOSTILE}
    document = to_markdown(verdicts(tmp_path, write_claims(tmp_path / "claims.toml", rows)), [])
    assert "<script" not in document
    lines = [line for line in document.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in lines} == {7}


def test_file_is_the_same_every_time(tmp_path: Path) -> None:
    write_full(tmp_path / "digits", ["VAE"])
    first = write_claims_md(tmp_path, verdicts(tmp_path)).read_bytes()
    assert write_claims_md(tmp_path, verdicts(tmp_path)).read_bytes() == first
    assert (tmp_path / "claims.md").is_file()
