"""A Markdown page taken apart: its blocks of code, its prose, and what is counted of that.

`python -m docs.made.words FILE …` prints bytes, words a sentence, the longest sentence and numbers in 100 words.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^ *```\n?", re.DOTALL | re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+(?=[\"“(*`\[]*[A-ZÀ-Ý0-9`*α-ω])")
_NUMBER = re.compile(r"(?<![\w.-])[−+-]?\d[\d.,]*(?![\w-])")


class Count(NamedTuple):
    """What is counted of a page's prose."""

    size: int  # bytes of the whole page
    words: int
    sentences: int
    longest: int  # words of the longest sentence
    numbers: int

    @property
    def mean(self) -> float:
        """Words a sentence."""
        return self.words / max(self.sentences, 1)

    @property
    def density(self) -> float:
        """Numbers in 100 words."""
        return 100 * self.numbers / max(self.words, 1)


def prose(text: str) -> list[str]:
    """Return the paragraphs and list items of a page: without code, tables, pictures, headings, HTML and addresses."""
    text = BLOCK.sub("\n", text)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]+>", "", text)
    kept = [line for line in text.splitlines() if not re.match(r"\s*(\||#|=+$|-+$|!!!)", line)]
    parts = re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", "\n".join(kept))
    return [said for part in parts if (said := re.sub(r"^\s*(?:[-*]|\d+\.) ", "", part).strip())]


def count(text: str) -> Count:
    """Count a page."""
    paragraphs = [" ".join(part.split()) for part in prose(text)]
    sentences = [len(s.split()) for part in paragraphs for s in _SENTENCE.split(part) if s.strip()]
    bare = [re.sub(r"`[^`]*`", "", part) for part in paragraphs]
    numbers = sum(len(_NUMBER.findall(part)) for part in bare)
    return Count(len(text.encode()), sum(sentences), len(sentences), max(sentences, default=0), numbers)


def main(names: list[str]) -> int:
    """Print a line for each page."""
    for name in names:
        c = count(Path(name).read_text(encoding="utf-8"))
        print(
            f"{name}: {c.size} bytes, {c.words} words, {c.mean:.1f} a sentence (longest {c.longest}), "
            f"{c.density:.1f} numbers in 100 words"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
