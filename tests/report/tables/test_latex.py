"""LaTeX: decimal points under each other, and every kind of table compiled as it is, hostile names included."""

import shutil
import subprocess
from pathlib import Path

import pytest
from fake_results import blank, ok, write_digest, write_suite

from report.published import Printed
from report.store import read_suite
from report.tables.assemble import make_table
from report.tables.cells import Cell
from report.tables.columns import TABLES
from report.tables.formats.latex import escape, mark, to_latex
from report.tables.formats.latex_columns import aligned

HOSTILE = "<script>alert(1)</script>_&%$"
OTHERS = ("\\input{x}", "#1 ~ ^ {", "}", '[x] * `y` | -- "q"', "a\nb", "Fréchet β ≥ ø 模型 🙂 Ångström\x07")


def _column(*cells: Cell) -> list[str]:
    return aligned(cells, escape, mark)


def _cell(measured: str, printed: str = "", best: bool = False, note: int | None = None) -> Cell:
    return Cell(1.0, measured, 1, best=best, printed=printed, note=note)


def test_digits_lacking_after_the_point_are_empty_space() -> None:
    assert _column(_cell("32"), _cell("7.35")) == [r"32\phantom{.00}", "7.35"]


def test_digits_lacking_before_a_point_inside_a_cell_are_empty_space() -> None:
    assert _column(_cell("1.00 ± 6.48"), _cell("1.00 ± 12.61")) == [
        r"1.00 $\pm$ \phantom{0}6.48",
        r"1.00 $\pm$ 12.61",
    ]
    assert _column(_cell("9.5", "86.72"), _cell("8.5", "110.00")) == [
        r"9.5\phantom{0} \textsl{(86.72)}",
        r"8.5 \textsl{(110.00)}",
    ]


def test_numbers_that_a_cell_lacks_are_empty_space() -> None:
    assert _column(_cell("9.5 ± 0.1", "8.0"), _cell("9.5"), _cell("–", note=0)) == [
        r"9.5 $\pm$ 0.1 \textsl{(8.0)}",
        r"9.5\phantom{ $\pm$ 0.1}\phantom{ \textsl{(8.0)}}",
        r"--\phantom{ $\pm$ 0.1}\textsuperscript{a}\phantom{ \textsl{(8.0)}}",
    ]


def test_bold_leaves_the_printed_value_plain() -> None:
    assert _column(_cell("9.5 ± 0.1", "8.0", best=True)) == [r"\textbf{9.5 $\pm$ 0.1} \textsl{(8.0)}"]


def test_counts_and_percents_and_negative_numbers() -> None:
    assert _column(_cell("1.29M", "22.1M"), _cell("652.5k", "11.1M")) == [
        r"1.29M \textsl{(22.1M)}",
        r"652.5k \textsl{(11.1M)}",
    ]
    assert _column(_cell("95.1%")) == [r"95.1\%"]
    assert _column(_cell("-0.5")) == ["$-$0.5"]


def _full(folder: Path, kind: str, rows: tuple[str, ...]) -> str:
    """Return the LaTeX of a table of this kind: every column measured on three seeds, printed beside, one row blank."""
    layout = TABLES[kind]
    write_suite(folder, rows, table=kind, note=HOSTILE, title=HOSTILE)
    printed = {}
    for row in rows:
        for variant in layout.variants[:4]:
            for seed in range(3):
                empty = (row, variant) == (rows[-1], layout.variants[0])
                measured = [
                    blank(c.metric, c.setting, HOSTILE) if empty else ok(c.metric, c.setting, 12.345 * (seed + 1))
                    for c in layout.columns
                ]
                write_digest(folder, row, variant, seed, measured)
            for c in layout.columns:
                if c.printed_setting is not None:
                    printed[row, variant, c.metric, c.printed_setting] = Printed("12.3", 12.3, "", HOSTILE)
    return to_latex(make_table(read_suite(folder), printed))


def test_hostile_name_is_harmless(tmp_path: Path) -> None:
    tex = _full(tmp_path, "bvae", (HOSTILE,))
    assert "<" not in tex.replace(r"\textless{}", "")
    assert r"Bidirectional \textless{}script\textgreater{}alert(1)\textless{}/script\textgreater{}\_\&\%\$ & " in tex


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here: install a TeX with booktabs")
@pytest.mark.parametrize("kind", sorted(TABLES))
def test_every_kind_of_table_compiles_as_it_is(tmp_path: Path, kind: str) -> None:
    tables = _full(tmp_path / "hostile", kind, (HOSTILE, *OTHERS)) + _full(tmp_path / "plain", kind, ("VAE", "IWAE"))
    document = (
        r"\documentclass[a4paper]{article}\usepackage[margin=2cm]{geometry}\usepackage{booktabs}\begin{document}"
        rf"{tables}\end{{document}}"
    )
    (tmp_path / "doc.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "doc.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Float too large" not in done.stdout
