"""Writes what was measured into its region of docs/benchmarks.md; the text around is by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tables import Table

_REGION = re.compile(r"(<!-- measured -->\n).*?(<!-- end measured -->)", re.DOTALL)


def write_docs(
    path: Path, machine: Mapping[str, str], arguments: Sequence[str], tables: Sequence[Table]
) -> None:
    """Replace the region by this run.

    Raises:
        ValueError: the page has no such region.
    """
    page = path.read_text(encoding="utf-8")
    if not _REGION.search(page):
        raise ValueError(f"{path} has no region for what was measured")
    facts = "\n".join(f"| {name} | {value} |" for name, value in machine.items())
    parts = [
        f'Reproduced by `make bench ARGS="{" ".join(arguments)}"`.',
        f"| | |\n|---|---|\n{facts}",
        *(table.markdown().strip() for table in tables),
    ]
    content = "\n\n".join(parts)
    page = _REGION.sub(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", page)
    path.write_text(page, encoding="utf-8")
