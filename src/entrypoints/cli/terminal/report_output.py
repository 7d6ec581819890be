"""The rows of a report: as a table, CSV or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import typer

from domain.views import Json
from entrypoints.csv_lines import csv_line


class Rows(StrEnum):
    """Forms of the list."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


RowsOption = Annotated[
    Rows, typer.Option("--format", help="A table, CSV with a header, or one JSON document.")
]


def print_csv(columns: Sequence[str], rows: Iterable[Json]) -> None:
    """Print the rows as they are, below a header."""
    lines = (csv_line([row[name] for name in columns]) for row in rows)
    typer.echo("".join((csv_line(columns), *lines)), nl=False)
