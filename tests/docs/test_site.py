"""The site is built strictly: no link, picture or page of the navigation is missing."""

from pathlib import Path

import pytest

from docs.made.passages import ROOT, pages

mkdocs = pytest.importorskip("mkdocs")


def test_the_site_is_built_strictly(tmp_path: Path) -> None:
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    config = load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(tmp_path / "site"))
    build(config)
    made = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*") if path.is_file()}
    assert {"index.html", "papers/bvae/index.html", "results/mnist/backwards.png"} <= made
    assert not any(name.endswith(".py") for name in made)


def test_every_page_is_in_the_navigation() -> None:
    from mkdocs.config import load_config

    def leaves(part: object) -> set[str]:
        if isinstance(part, str):
            return {part}
        values = part.values() if isinstance(part, dict) else part
        return {leaf for value in values for leaf in leaves(value)}  # type: ignore[union-attr]

    there = {p.relative_to(ROOT / "docs").as_posix() for p in pages() if p.name != "README.md"}
    assert leaves(load_config(str(ROOT / "mkdocs.yml"))["nav"]) == there
