"""The documents as a site: `make site` builds it with Sphinx from the repository's root.

So the pages are those that a reader of the repository sees, and links between them work in both.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.lexers.special import TextLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"

project = "Asset Sync"
release = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/**"]
root_doc = "docs/index"
# The anchors of headings are those that GitHub makes.
myst_heading_anchors = 4
# DuckDB's SQL is not that of the lexer.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "Asset Sync"
html_extra_path = ["site"]
html_show_sourcelink = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Show Mermaid's diagrams as their text: Mermaid would be a script from elsewhere."""
    app.add_lexer("mermaid", TextLexer)
