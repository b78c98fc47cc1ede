"""One self-contained page per results folder: results/index.html, rebuilt from stored results alone."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from report.choice import recommended, sentence
from report.claims import noise_floor, wording
from report.claims.verdicts import Verdict
from report.names import dataset_label
from report.page.claims import counts, papers
from report.page.figures import Picture, figures, is_pareto
from report.page.payload import TILES, link, payload, tile_of, to_script
from report.page.sections import Section
from report.page.thumbnails import in_whole_pixels, readable, thumbnails
from report.store import Tile
from report.tables.formats.latex import mark

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("base", "theme", "copy", "sort", "pixels", "filter", "rows", "tip", "embedding", "plot", "curves", "compare")
BUDGET = 4_000_000  # characters of pictures in a page, whose whole may have 6 MB
_PARETO, _FIGURE, _TILE = 240_000, 80_000, 60_000  # bytes of one picture, at most
_POLICY = "default-src 'none'; img-src data: file: 'self'"
_TABLES = ("table.csv", "table.tex", "table.md", "measurements.csv")
_BESIDE = ("claims.md", "README.md", "published.csv")


def render(
    results: Path,
    sections: Sequence[Section],
    verdicts: Sequence[Verdict] = (),
    floors: Sequence[noise_floor.NoiseFloor] = (),
    problems: Sequence[str] = (),
) -> str:
    """Return the page as text.

    Scripts and style are inlined and named by their hashes in the page's content security policy, so that nothing else
    runs; text from results is escaped. The same digests and figures give the same text.
    """
    drawn = {section.suite.folder: figures(section.suite.folder) for section in sections}
    whole = {section.suite.folder: _whole(section) for section in sections}
    shown = {folder: [p for p in found if p.path.stem not in whole[folder]] for folder, found in drawn.items()}
    pictures = _pictures(sections, shown, results / "thumbnails.json")
    absent = {p.path for found in shown.values() for p in found if p.path not in pictures}
    linked = [p.path for folder, found in drawn.items() for p in found if p not in shown[folder]]
    absent |= {path for path in linked if not readable(path)}
    damaged = [tile for section in sections for tile in _tiles([section]) if tile not in pictures]
    unreadable = [f"{path} cannot be read" for path in [*sorted(absent), *damaged]]
    drawn = {folder: [p for p in found if p.path not in absent] for folder, found in drawn.items()}
    script = '"use strict";\n(function () {\n' + "\n".join(_read(f"{name}.js") for name in SCRIPTS) + "})();\n"
    style = _read("page.css")
    return (
        _environment(results)
        .get_template("page.html")
        .render(
            sections=sections,
            datasets=sorted({section.dataset for section in sections}),
            strip=_strip(verdicts),
            advice=_advice(sections),
            whole=whole,
            papers=papers(verdicts),
            verdict_counts=counts(verdicts),
            floors=floors,
            noise=noise_floor,
            say=wording,
            problems=[problem.replace(f"{results}/", "") for problem in (*problems, *unreadable)],
            figures={folder: [p for p in found if not is_pareto(p)] for folder, found in drawn.items()},
            pareto=[(section, p) for section in sections for p in drawn[section.suite.folder] if is_pareto(p)],
            pictures=pictures,
            downloads={section.suite.folder: _present(section.suite.folder, _TABLES) for section in sections},
            files=_present(results, _BESIDE),
            data=Markup(to_script(payload(sections, pictures, results))),
            script=Markup(script),
            style=Markup(style),
            policy=f"{_POLICY}; style-src {_hash(style)}; script-src {_hash(script)}",
        )
    )


def _environment(results: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["link"] = lambda path: link(path, results)
    environment.filters["letter"] = mark
    environment.filters["exact"] = lambda value: "" if value is None else repr(value)
    environment.filters["dataset"] = dataset_label
    environment.filters["short"] = lambda value: f"{value:.3g}".replace("-", "−")
    return environment


def _strip(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """Return how many verdicts of each kind each paper has on each data set, and the kinds that there are."""
    found: dict[str, dict[str, list[Verdict]]] = {}
    for v in verdicts:
        found.setdefault(v.claim.paper, {}).setdefault(v.claim.dataset, []).append(v)
    lines = [(paper, [(name, counts(of)) for name, of in by_data.items()]) for paper, by_data in found.items()]
    return {"papers": lines, "verdicts": list(counts(verdicts))} if found else {}


def _advice(sections: Sequence[Section]) -> list[dict[str, object]]:
    """Return the recommended model for each use, with its evidence and the suite that it comes from."""
    places = {section.suite.folder: i for i, section in enumerate(sections)}
    return [
        {
            "use": answer.use.name,
            "sentence": sentence(answer),
            "label": suite.metric(answer.use.metric).get("label", answer.use.metric),
            "setting": f"{dataset_label(suite.facts['dataset'])}, preset {suite.facts['preset']}, suite",
            "suite": places[suite.folder],
            "name": suite.folder.name,
        }
        for suite, answer in recommended(section.suite for section in sections)
    ]


def _whole(section: Section) -> list[str]:
    """Return the pictures of single rows that are shown at whole pixels, in place of the figure of that name."""
    return [name for name in TILES if any(tile_of(row, name) for row in section.rows)]


def _tiles(sections: Sequence[Section]) -> list[Tile]:
    found = [tile_of(row, name) for section in sections for row in section.rows for name in TILES]
    return [tile for tile in found if tile]


def _pictures(
    sections: Sequence[Section], drawn: Mapping[Path, Sequence[Picture]], keep: Path
) -> dict[Path | Tile, str | None]:
    tiles = in_whole_pixels(_tiles(sections), _TILE)
    left = BUDGET - sum(len(uri or "") for uri in tiles.values())
    limits: dict[Path | Tile, int] = {
        p.path: _PARETO if is_pareto(p) else _FIGURE for pictures in drawn.values() for p in pictures
    }
    return {**tiles, **thumbnails(limits, max(left, 0), keep)}


def _present(folder: Path, names: Sequence[str]) -> list[Path]:
    return [path for name in names if (path := folder / name).is_file()]


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return a text's name in a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
