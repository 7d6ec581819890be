"""Outcomes as a file: CSV, lines of JSON, or Parquet; written as they arrive."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final

from domain.views import Json
from entrypoints.cli.terminal.api_problem import ApiProblem

COLUMNS: Final[Mapping[str, str]] = {
    "key": "VARCHAR",
    "outcome": "VARCHAR",
    "reason": "VARCHAR",
    "decision": "VARCHAR",
    "assetId": "VARCHAR",
    "inventoryId": "VARCHAR",
    "size": "BIGINT",
    "eTag": "VARCHAR",
    "versionId": "VARCHAR",
    "listedSize": "BIGINT",
    "lastModified": "TIMESTAMP",
    "listedETag": "VARCHAR",
    "triggeredAt": "TIMESTAMP",
    "triggerCount": "INTEGER",
    "message": "VARCHAR",
    "vendorCode": "VARCHAR",
    "requestId": "VARCHAR",
}
"""The columns, and their types in Parquet."""


class FileFormat(StrEnum):
    """Formats of a file."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def write_file(file_format: FileFormat, to: Path | None, outcomes: Iterable[Json]) -> None:
    """Write all outcomes, to standard output without a path.

    Raises:
        ApiProblem: the library for Parquet is not installed.
    """
    if file_format is FileFormat.PARQUET:
        _write_parquet(str(to), outcomes)
        return
    with _opened(to) as file:
        if file_format is FileFormat.CSV:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(map(_row, outcomes))
        else:
            _write_lines(file, outcomes)


def _write_lines(file: IO[str], outcomes: Iterable[Json]) -> None:
    for outcome in outcomes:
        file.write(json.dumps(_row(outcome)) + "\n")


def _write_parquet(to: str, outcomes: Iterable[Json]) -> None:
    try:
        import duckdb
    except ImportError:
        raise ApiProblem(
            "Parquet is not installed: pip install 'asset-sync[parquet]'; or write --format json,"
            " which DuckDB and Athena read as well"
        ) from None
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as lines:
        _write_lines(lines, outcomes)
        lines.flush()
        with duckdb.connect() as connection:
            rows = connection.read_json(
                lines.name, columns=dict(COLUMNS), format="newline_delimited"
            )
            rows.write_parquet(to, compression="zstd")


def _row(outcome: Json) -> dict[str, Any]:
    listed = outcome["listed"] or {}
    own = {
        "key": outcome["objectKey"],
        "listedSize": listed.get("size"),
        "lastModified": listed.get("lastModified"),
        "listedETag": listed.get("eTag"),
    }
    return {name: own[name] if name in own else outcome[name] for name in COLUMNS}


@contextmanager
def _opened(to: Path | None) -> Iterator[IO[str]]:
    if to is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    with to.open("w", encoding="utf-8", newline="") as file:
        yield file
