"""The contract of `CatalogScan`: every record once, whatever the segments, and no lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.aws.catalog_scan import DynamoCatalogScan
from adapters.aws.clients import Clients
from domain.catalog import CatalogRecord
from ports.catalog_scan import CatalogScan
from ports.errors import AccessDenied, Misconfigured, PortError, Retryable

pytestmark = pytest.mark.asyncio(loop_scope="session")
FULL = CatalogRecord(
    inventory_id="i",
    asset_id="a",
    storage_path="b:ä k",
    e_tag="e",
    size_bytes=7,
    last_modified=datetime(2026, 1, 31, 12, tzinfo=UTC),
)


async def every_record(scan: CatalogScan, segment_count: int) -> list[CatalogRecord]:
    found: list[CatalogRecord] = []
    for segment in range(segment_count):
        cursor, more = None, True
        while more:
            page = await scan.page(segment=segment, segment_count=segment_count, cursor=cursor)
            found += page.records
            cursor, more = page.cursor, page.cursor is not None
    return sorted(found, key=lambda record: record.inventory_id)


async def test_an_empty_catalog_has_no_records(scanned: Any) -> None:
    _, scan = scanned
    assert await every_record(scan, 3) == []
    assert (await scan.size()).item_count == 0


async def test_a_record_has_every_field_that_the_system_keeps(scanned: Any) -> None:
    world, scan = scanned
    await world.write(FULL)
    [record] = await every_record(scan, 1)
    for name in world.keeps:
        assert getattr(record, name) == getattr(FULL, name)


@pytest.mark.parametrize("segment_count", [1, 2, 5])
async def test_every_record_is_in_one_page_of_one_segment(scanned: Any, segment_count: int) -> None:
    world, scan = scanned
    ids = sorted(f"asset:uuid:{number}" for number in range(23))
    for each in ids:
        await world.write(CatalogRecord(inventory_id=each, asset_id="a", storage_path=f"b:{each}"))
    found = await every_record(scan, segment_count)
    assert [record.inventory_id for record in found] == ids


async def test_locks_are_left_out_and_count_as_seen(scanned: Any) -> None:
    world, scan = scanned
    await world.lock("i", "b:k")
    page = await scan.page(segment=0, segment_count=1, cursor=None)
    assert (page.records, page.seen, page.cursor) == ((), 1, None)


async def test_a_record_without_some_fields_has_none(scanned: Any) -> None:
    world, scan = scanned
    await world.write(CatalogRecord(inventory_id="i"))
    assert await every_record(scan, 1) == [CatalogRecord(inventory_id="i")]


async def test_the_size_counts_the_items(scanned: Any) -> None:
    world, scan = scanned
    for number in range(3):
        await world.write(CatalogRecord(inventory_id=str(number), asset_id="a"))
    # An emulated table has no bytes; see the answers of the service below.
    assert (await scan.size()).item_count == 3


@pytest.mark.parametrize("kind", [Retryable, AccessDenied, Misconfigured])
@pytest.mark.parametrize("method", ["size", "page"])
async def test_an_error_is_no_answer(
    kind: type[PortError], method: str, breakable_scan: Any
) -> None:
    world, scan = breakable_scan
    with world.broken(kind, after=0), pytest.raises(kind):
        await (scan.size() if method == "size" else every_record(scan, 1))


async def test_a_table_that_does_not_exist_is_misconfigured(
    clients: Clients, unique_name: str
) -> None:
    scan = DynamoCatalogScan(await clients.dynamodb(), unique_name)
    with pytest.raises(Misconfigured):
        await scan.size()
    with pytest.raises(Misconfigured):
        await every_record(scan, 1)


@contextmanager
def answering(client: Any, **answer: Any) -> Iterator[None]:
    """Answer every request of the client like this."""

    def before_call(**_: Any) -> Any:
        return SimpleNamespace(status_code=200), answer

    events = client.meta.events
    events.register("before-call.dynamodb", before_call)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", before_call)


async def test_the_size_is_that_of_the_table(clients: Clients) -> None:
    client = await clients.dynamodb()
    with answering(client, Table={"ItemCount": 5, "TableSizeBytes": 900}):
        size = await DynamoCatalogScan(client, "assets").size()
    assert (size.item_count, size.size_bytes) == (5, 900)


@pytest.mark.parametrize(
    "answer", [{}, {"Table": {}}, {"Table": {"ItemCount": "5", "TableSizeBytes": 1}}, {"Table": 1}]
)
async def test_a_size_of_another_form_is_no_answer(clients: Clients, answer: Any) -> None:
    client = await clients.dynamodb()
    with answering(client, **answer), pytest.raises(Retryable):
        await DynamoCatalogScan(client, "assets").size()


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"Items": {}},
        {"Items": ["x"]},
        {"Items": [], "LastEvaluatedKey": "x"},
        {"Items": [], "LastEvaluatedKey": {"InventoryID": {"S": "same"}}},
    ],
)
async def test_a_page_of_another_form_is_no_answer(clients: Clients, answer: Any) -> None:
    client = await clients.dynamodb()
    scan = DynamoCatalogScan(client, "assets")
    cursor = '{"InventoryID": {"S": "same"}}'
    with answering(client, **answer), pytest.raises(Retryable):
        await scan.page(segment=0, segment_count=1, cursor=cursor)


async def test_a_page_without_records_may_have_more_after_it(clients: Clients) -> None:
    client = await clients.dynamodb()
    with answering(client, Items=[], LastEvaluatedKey={"InventoryID": {"S": "i"}}):
        page = await DynamoCatalogScan(client, "a").page(segment=0, segment_count=1, cursor=None)
    assert (page.records, page.seen, page.cursor) == ((), 0, '{"InventoryID": {"S": "i"}}')
