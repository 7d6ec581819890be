"""The documents as a site: `make site` builds it with Sphinx from the repository's root.

So the pages are those that a reader of the repository sees, and links between them work in both.
"""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import mermaidx
from docutils import nodes
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# Light in both themes: the diagrams are drawn for that. The text is for those who cannot see them.
_FIGURE: Final = """
<style>.diagram svg, .diagram foreignObject {{ overflow: visible }}</style>
<figure class="diagram" style="margin: 1em 0; overflow-x: auto">
<div style="background: #fff; color: #333; padding: 0.5em; border-radius: 0.25em">{svg}</div>
<figcaption><details><summary>The diagram as text</summary><pre>{text}</pre></details></figcaption>
</figure>
"""
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
    """Draw Mermaid's diagrams while the site is built: it then needs no script from elsewhere."""
    app.connect("doctree-read", _draw_diagrams)


def _draw_diagrams(app: Sphinx, document: nodes.document) -> None:
    blocks = [
        block
        for block in document.findall(nodes.literal_block)
        if block.get("language") == "mermaid"
    ]
    for number, block in enumerate(blocks):
        source = block.astext()
        try:
            svg = mermaidx.render(source).svg()
        except Exception as error:
            raise ExtensionError(
                f"{app.env.docname}: diagram {number + 1} cannot be drawn: {error}"
            ) from error
        # Each diagram has its own id, which its style sheet names.
        svg = svg.replace("my-svg", f"diagram-{number}")
        block.replace_self(
            nodes.raw("", _FIGURE.format(svg=svg, text=escape(source)), format="html")
        )
