"""A hook of MkDocs: what pages link to outside docs/ (figures, claims.md) becomes a part of the site."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\(((?:\.\./)+[^)#\s]+)")


def _outside(text: str, page: str) -> dict[str, str]:
    """Return the links of a page that leave docs/, with their paths in the repository."""
    here = posixpath.join("docs", posixpath.dirname(page))
    paths = {link: posixpath.normpath(posixpath.join(here, link)) for link in _LINK.findall(text)}
    return {link: path for link, path in paths.items() if not path.startswith("docs/")}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files that pages link to, at their paths in the repository."""
    for page in list(files.documentation_pages()):
        for path in _outside(page.content_string, page.src_uri).values():
            if (ROOT / path).is_file() and files.get_file_from_path(path) is None:
                outside = InclusionLevel.NOT_IN_NAV
                files.append(File.generated(config, path, abs_src_path=str(ROOT / path), inclusion=outside))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page whose links to files outside docs/ lead to where they lie in the site."""
    here = posixpath.dirname(page.file.src_uri)
    for link, path in _outside(markdown, page.file.src_uri).items():
        if files.get_file_from_path(path) is not None:
            markdown = markdown.replace(f"]({link}", f"]({posixpath.relpath(path, here or '.')}")
    return markdown
