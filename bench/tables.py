"""The only place where tables are printed: aligned for a terminal, or in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A title, the names of the columns, and rows of texts; notes are sentences below the table.

    The first column is text, and the last one too where `last_is_text`. All others are numbers.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default_factory=tuple)
    last_is_text: bool = False

    def for_terminal(self) -> str:
        lines = [self.title, *map(self._line, [self.columns, *self.rows]), *self.notes]
        return "\n".join(lines) + "\n"

    def markdown(self) -> str:
        separators = ["---", *("---:" for _ in self.columns[1:])]
        if self.last_is_text:
            separators[-1] = "---"
        rows = [self.columns, separators, *self.rows]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        return "\n\n".join([f"### {self.title}", table, *self.notes]) + "\n"

    def _line(self, row: Sequence[str]) -> str:
        cells = []
        for column, text in enumerate(row):
            width = max(len(each[column]) for each in [self.columns, *self.rows])
            last = column == len(row) - 1
            if column == 0 or (last and self.last_is_text):
                cells.append(text if last else text.ljust(width))
            else:
                cells.append(text.rjust(width))
        return "  " + "  ".join(cells)


def mib(kib: float) -> str:
    return f"{kib / 1024:,.0f}"


def seconds(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def times(value: float) -> str:
    """Return a ratio; below ten with one more digit."""
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}"
