"""LaTeX, Markdown and CSV: markup, escaping, labels, and the same bytes every time."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from fake_results import ok, write_digest, write_full, write_suite

from report.build import write
from report.names import model_label
from report.store import read_suite
from report.tables.assemble import make_table
from report.tables.formats import latex, markdown
from report.tables.formats.latex import to_latex
from report.tables.formats.markdown import to_markdown

NASTY = "<script>_&%$"
SPECIAL = '[x] * `y` | \\ ~ ^ {z} # -- "q" < >\nend'


@pytest.mark.parametrize(
    ("row", "variant", "label"),
    [
        ("VAE", "unidirectional", "VAE"),
        ("beta-VAE 0.5", "bidirectional", "Bidirectional β-VAE (β = 0.5)"),
        ("beta-TCVAE 1", "stock", "β-TCVAE (β = 1.0), stock"),
        ("beta-IWAE", "control", "β-IWAE, control"),
        ("beta-VAE 1.5 z128", "bidirectional", "Bidirectional β-VAE (β = 1.5), latent 128"),
        (NASTY, "corrected", f"{NASTY}, corrected"),
    ],
)
def test_labels_are_the_papers(row: str, variant: str, label: str) -> None:
    assert model_label(row, variant) == label


def test_latex_escapes_user_text() -> None:
    assert latex.escape(NASTY) == r"\textless{}script\textgreater{}\_\&\%\$"
    assert latex.escape("β ± –") == r"$\beta$ $\pm$ --"
    assert latex.escape("---") == "-{}-{}-"


def test_markdown_escapes_user_text() -> None:
    assert markdown.escape(NASTY) == r"&lt;script&gt;\_&amp;%\$"
    assert "|" not in markdown.escape(SPECIAL).replace("\\|", "")
    assert "\n" not in markdown.escape(SPECIAL)


def _resolved(folder: Path, row: str) -> Path:
    write_suite(folder, [row], note=SPECIAL)
    for seed in range(3):
        write_digest(folder, row, "unidirectional", seed, [ok("nll", "", 97.0 + seed)])
        write_digest(folder, row, "bidirectional", seed, [ok("nll", "", 96.0 + 1.05 * seed)])
    return folder


def test_nasty_row_is_harmless_and_the_better_is_bold(tmp_path: Path) -> None:
    table = make_table(read_suite(_resolved(tmp_path, NASTY)))
    tex, md = to_latex(table), to_markdown(table)
    assert r"Bidirectional \textless{}script\textgreater{}\_\&\%\$ & \textbf{97.05 $\pm$ 2.61} \\" in tex
    assert r"| Bidirectional &lt;script&gt;\_&amp;%\$ | **97.05 ± 2.61** |" in md
    assert "<script>" not in tex + md


def test_latex_separates_pairs_and_heads_groups(tmp_path: Path) -> None:
    tex = to_latex(make_table(read_suite(write_full(tmp_path, ["VAE", "IWAE"], (0,)))))
    panels = tex.count(r"\begin{tabular}")
    assert tex.count(r"\midrule") == 2 * panels
    assert r"{Generative task}" in tex
    assert r"\shortstack[r]{FD-classifier\\N(0, I) $\downarrow$}" in tex


def test_every_latex_line_of_a_panel_has_as_many_cells(tmp_path: Path) -> None:
    tex = to_latex(make_table(read_suite(write_full(tmp_path, ["VAE", "beta-VAE 0.5"], (0, 1, 2)))))
    for body in re.findall(r"\\begin\{tabular\}(.*?)\\end\{tabular\}", tex, flags=re.DOTALL):
        counts = {line.count(" & ") for line in body.splitlines() if " & " in line and "multicolumn" not in line}
        assert len(counts) == 1


def test_markdown_lines_have_as_many_cells(tmp_path: Path) -> None:
    md = to_markdown(make_table(read_suite(write_full(tmp_path, ["VAE", "a|b"], (0,)))))
    rows = [line for line in md.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 8
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_same_digests_give_the_same_bytes(tmp_path: Path) -> None:
    folder = write_full(tmp_path, ["VAE"], (0, 1))
    names = ("table.csv", "table.tex", "table.md")
    write(folder)
    first = [(folder / name).read_bytes() for name in names]
    write(folder)
    assert [(folder / name).read_bytes() for name in names] == first


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here: install a TeX with booktabs")
def test_tables_compile_with_booktabs_alone(tmp_path: Path) -> None:
    rows = [f"beta-TCVAE {beta}" for beta in ("0.5", "1", "1.5")] + [NASTY, SPECIAL]
    wide = make_table(read_suite(write_full(tmp_path / "wide", rows)))
    small = make_table(read_suite(_resolved(tmp_path / "small", SPECIAL)))
    document = (
        r"\documentclass[a4paper]{article}\usepackage[margin=2cm]{geometry}\usepackage{booktabs}\begin{document}"
        + to_latex(wide)
        + to_latex(small)
        + r"\end{document}"
    )
    (tmp_path / "doc.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "doc.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Float too large" not in done.stdout
