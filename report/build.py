"""From a results folder to its table and figures."""

from pathlib import Path

from report.delimited import to_csv
from report.figures import draw_figures
from report.latex import to_latex
from report.markdown import to_markdown
from report.published import cells_of, read_published
from report.store import log, read_suite
from report.tables import make_table


def write(suite_folder: Path, published: bool = True) -> list[Path]:
    """Rebuild table.csv, table.tex, table.md and the figures of results/SUITE from its stored digests.

    The same digests give the same bytes of text. What is missing is logged to "report" in one line each and left
    out; with `published`, the paper's values stand beside the measured ones. Returns the paths written.
    Raises NoResults where there is no readable suite.json.
    """
    suite_folder = Path(suite_folder)
    suite = read_suite(suite_folder)
    for problem in suite.problems:
        log.warning("%s", problem)
    source = suite.facts["published"] if published else None
    frame = read_published(suite_folder.parent) if source else None
    if source and frame is None:
        log.warning("no published.csv beside %s: published values are not shown", suite_folder)
    printed = cells_of(frame, source) if source and frame is not None else None
    table = make_table(suite, printed)
    written = []
    for name, text in (("csv", to_csv(table)), ("tex", to_latex(table)), ("md", to_markdown(table))):
        path = suite_folder / f"table.{name}"
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written + draw_figures(suite, printed)
