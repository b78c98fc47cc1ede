"""The README is short and in short sentences; how words, sentences and numbers are counted."""

import pytest

from docs.made.passages import ROOT, pages
from docs.made.words import count

README = count((ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_readme_is_of_six_kilobytes_at_most() -> None:
    assert README.size <= 6_000


@pytest.mark.parametrize(
    "path", [p for p in pages() if p.name != "power.md"], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_sentences_are_short(path) -> None:
    assert count(path.read_text(encoding="utf-8")).mean <= 17


def test_the_readme_has_few_numbers() -> None:
    assert README.density <= 4


def test_words_sentences_and_numbers_are_counted() -> None:
    text = "# Head 1\n\nOne two three. Four 5 six!\n\n- Seven eight `9`\n\n| 10 | 11 |\n\n```sh\necho 12\n```\n"
    found = count(text)
    assert (found.words, found.sentences, found.longest, found.numbers) == (9, 3, 3, 1)
    assert found.mean == 3 and found.density == pytest.approx(100 / 9) and found.size == len(text)
