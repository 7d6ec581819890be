"""The parts of an index are read by DuckDB as docs/outcomes.md says, and written as Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.memory.results_store import MemoryResultsStore
from application.results.outcome_index import part_key, write_index
from domain.decision import Decision
from domain.outcome import Outcome, OutcomeKind
from domain.outcome_index import IndexedObject, Listed, object_values
from domain.views import indexed_view
from entrypoints.cli.remote import outcomes_command
from entrypoints.cli.terminal.outcome_files import COLUMNS, FileFormat, write_file

DOCS = Path(__file__).parents[2] / "docs" / "outcomes.md"
TIME = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
KEYS = sorted(['a,\n"b".mov', "b'c", "é/日本", *(f"many/{number:04}" for number in range(500))])


def item(key: str) -> IndexedObject:
    full = Outcome(
        key=key,
        kind=OutcomeKind.PUT,
        reason="NO_IDS",
        decision=Decision.PUT,
        asset_id="asset",
        inventory_id="inventory",
        size_bytes=2**40,
        e_tag="e2",
        version_id="v",
        triggered_at="2026-01-01T00:00:00.000Z",
        trigger_count=2,
        message="m",
        as_listed=True,
        vendor_code="SlowDown",
        request_id="r",
        tags_before={"a": "é"},
        mark="mark",
    )
    listed = Listed(size_bytes=7, last_modified=TIME, e_tag="e1")
    if key.startswith("many/"):
        return IndexedObject(key=key, listed=Listed(size_bytes=1, e_tag="e1"))
    return IndexedObject(key=key, listed=listed, chunk_index=3, outcome=full)


ITEMS = [item(key) for key in KEYS]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
async def parts(tmp_path: Path) -> Path:
    """The part of an index on disk, of many blocks."""
    results = MemoryResultsStore()
    root = await write_index(results, "j", 0, ITEMS, block_bytes=1_000)
    assert len(root.blocks) > 10
    folder = tmp_path / "objects"
    folder.mkdir()
    (folder / "00000.jsonl.gz").write_bytes(results.files[part_key("j", 0, 0)])
    return folder


async def test_duckdb_reads_the_parts_by_the_documented_query(parts: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    [view, *queries] = [text for text in blocks("sql") if "EXTERNAL" not in text]
    documented = "s3://RESULTS_BUCKET/jobs/JOB_ID/index/0000/objects/*.jsonl.gz"
    assert documented in view
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(view.replace(documented, f"{parts}/*.jsonl.gz"))
        found = connection.sql("SELECT * FROM objects ORDER BY key").fetchall()
        names = [column[0] for column in connection.sql("DESCRIBE objects").fetchall()]
        rows = [dict(zip(names, row, strict=True)) for row in found]
        assert [row["key"] for row in rows] == KEYS
        [full] = [row for row in rows if row["key"] == "b'c"]
        values = object_values(item("b'c"))
        assert set(names) == set(values)
        assert full["listedSize"] == 7
        assert full["lastModified"].replace(tzinfo=UTC) == TIME
        assert full["size"] == 2**40
        assert full["asListed"] is True
        assert queries
        for query in queries:
            connection.execute(query.replace("'outcomes.parquet'", f"'{parts}/o.parquet'"))
        exported = connection.read_parquet(f"{parts}/o.parquet").count("*").fetchall()
        assert exported == [(len(KEYS),)]


def test_the_table_of_athena_has_the_columns_of_a_row() -> None:
    [table] = [text for text in blocks("sql") if "EXTERNAL" in text]
    [columns] = re.findall(r"objects \((.*?)\)\nPARTITIONED", table, re.DOTALL)
    names = re.findall(r"`?(\w+)`? (?:string|bigint|int|boolean|map)\b", columns)
    assert sorted(names) == sorted(object_values(item("b'c")))


def views() -> list[dict[str, Any]]:
    return [indexed_view(each) for each in ITEMS if each.outcome is not None]


def test_csv_and_json_have_the_same_values(tmp_path: Path) -> None:
    for file_format in (FileFormat.CSV, FileFormat.JSON):
        write_file(file_format, tmp_path / file_format, iter(views()))
    with (tmp_path / "csv").open(encoding="utf-8", newline="") as file:
        of_csv = list(csv.DictReader(file))
    of_json = [json.loads(line) for line in (tmp_path / "json").read_text().splitlines()]
    assert list(of_json[0]) == list(COLUMNS)
    assert [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in of_json
    ] == of_csv
    assert [row["key"] for row in of_json] == [view["objectKey"] for view in views()]


def test_parquet_has_the_same_values(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "it's.parquet"
    write_file(FileFormat.PARQUET, path, iter(views()))
    with duckdb.connect() as connection:
        relation = connection.read_parquet(str(path))
        assert dict(zip(relation.columns, map(str, relation.types), strict=True)) == dict(COLUMNS)
        rows = relation.order("key").fetchall()
    assert [row[0] for row in rows] == [view["objectKey"] for view in views()]
    assert rows[0][list(COLUMNS).index("lastModified")] == TIME.replace(tzinfo=None)
    write_file(FileFormat.PARQUET, path, iter([]))
    with duckdb.connect() as connection:
        assert connection.read_parquet(str(path)).columns == list(COLUMNS)


def test_outcomes_are_streamed_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is written as pages arrive; no list of all outcomes is made."""
    pulled: list[int] = []
    written = io.StringIO()

    def pages() -> Any:
        for number, view in enumerate(views()):
            pulled.append(number)
            # What came before is written already.
            assert written.getvalue().count("\n") >= number
            yield view

    monkeypatch.setattr("sys.stdout", written)
    write_file(FileFormat.JSON, None, pages())
    assert len(pulled) == len(views())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "parquet"], "needs --to FILE"),
        (["--to", "x.csv"], "needs --format"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: list[str], message: str) -> None:
    import typer

    app = typer.Typer()
    app.command()(outcomes_command.outcomes)
    result = CliRunner().invoke(app, ["job-1", *options])
    assert result.exit_code == 2
    assert message in result.output
