"""The contract of the connector table."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from invalid_cursors import invalid_cursors

from domain.connector import (
    Bucket,
    Connector,
    ConnectorStatus,
    IdSource,
    Ingest,
    Trigger,
    Verify,
)
from domain.discovery import Discovery
from domain.file_types import FileFilter, FilterMode
from domain.filters import Filters, MediaType, StorageClass
from domain.queue_limit import QueueLimit
from domain.removal_settings import NO_BASELINE, Baseline, Removals
from domain.schedule import Schedule, ScheduleMode
from domain.work_limits import TimeWindow, Weekday, WorkLimits
from ports.connector_store import ConnectorStore
from ports.errors import AlreadyExists, Conflict, NotFound
from ports.paging import InvalidCursor

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/ingest.fifo"
BASELINE = Baseline(
    job_id="job-1",
    created_at=NOW,
    index_number=2,
    scope="all",
    object_count=10**9,
    carried_key="jobs/job-1/removals/carried.csv",
    claimed_by="job-2",
)
FULL = Connector(
    connector_id="con-1",
    bucket=Bucket(
        name="media",
        expected_owner="123456789012",
        role_arn="arn:aws:iam::123456789012:role/teams/media",
    ),
    prefixes=("a/", "ü b/"),
    status=ConnectorStatus.DISABLED,
    ingest=Ingest(
        trigger=Trigger.QUEUE,
        ids=IdSource.ASSIGNED,
        restore_tags=False,
        queue_url=QUEUE,
        file_filter=FileFilter(
            mode=FilterMode.DENY, extensions=("mov", "ü"), mime_types=("image/*",)
        ),
    ),
    verify=Verify.CATALOG,
    filters=Filters(
        include=("*.mov", "ü/"),
        exclude=("tmp/",),
        size_min=0,
        size_max=2**53 - 1,
        modified_since=NOW,
        modified_before=NOW + timedelta(days=1),
        age_min_s=60,
        storage_classes=(StorageClass.STANDARD, StorageClass.GLACIER_IR),
        media_types=(MediaType.VIDEO,),
    ),
    schedule=Schedule(
        expression="cron(0 2 ? * MON-FRI *)",
        time_zone="Europe/Berlin",
        jitter_minutes=10,
        mode=ScheduleMode.FULL,
        full_every=3,
        enabled=False,
        set_at=NOW,
        discovery=Discovery.DIRECT,
        max_cost=Decimal("12.50"),
    ),
    removals=Removals(announce=True, max_share=Decimal("0.125"), max_count=7, min_count=3),
    queue_limit=QueueLimit(depth_max=2**40, age_max_s=900),
    limits=WorkLimits(
        concurrency=3,
        objects_per_second=0.1,
        windows=(TimeWindow(days=(Weekday.MON, Weekday.SUN), start=time(22, 5), end=time(0)),),
        time_zone="Europe/Berlin",
    ),
    queue_empty_at=NOW,
    baseline=BASELINE,
    created_at=NOW,
)
SMALL = Connector(
    connector_id="con-2",
    bucket=Bucket(name="media"),
    prefixes=(),
    status=ConnectorStatus.ENABLED,
    ingest=Ingest(),
    created_at=NOW.replace(microsecond=0),
)


@pytest.fixture
def connectors(state: Any) -> ConnectorStore:
    store: ConnectorStore = state.connectors
    return store


async def listed_ids(connectors: ConnectorStore, limit: int) -> list[str]:
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await connectors.list_page(limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        ids += [connector.connector_id for connector in page.items]
        cursor = page.cursor
        if cursor is None:
            return ids


@pytest.mark.parametrize("connector", [FULL, SMALL])
async def test_every_field_is_read_back(connectors: ConnectorStore, connector: Connector) -> None:
    await connectors.create(connector)
    assert await connectors.get(connector.connector_id) == connector
    assert (await connectors.list_page(limit=5)).items == (connector,)


async def test_when_its_queue_was_seen_empty(connectors: ConnectorStore) -> None:
    fresh = replace(FULL, queue_empty_at=None)
    await connectors.create(fresh)
    seen = []
    for at in (NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=1)):
        await connectors.record_queue_empty(FULL.connector_id, at, queue_url=QUEUE)
        seen.append((await connectors.get(FULL.connector_id)).queue_empty_at)
    assert seen == [NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=5)]
    found = await connectors.get(FULL.connector_id)
    assert replace(found, queue_empty_at=None) == fresh


async def test_nothing_is_recorded_of_another_queue(connectors: ConnectorStore) -> None:
    for connector in (FULL, SMALL):
        await connectors.create(connector)
        later = NOW + timedelta(minutes=5)
        await connectors.record_queue_empty(connector.connector_id, later, queue_url=QUEUE + "-2")
        assert await connectors.get(connector.connector_id) == connector


async def test_nothing_is_recorded_for_a_missing_connector(
    connectors: ConnectorStore,
) -> None:
    with pytest.raises(NotFound):
        await connectors.record_queue_empty("con-none", NOW, queue_url=QUEUE)
    assert (await connectors.list_page(limit=5)).items == ()


async def test_there_is_none(connectors: ConnectorStore) -> None:
    await connectors.create(FULL)
    with pytest.raises(NotFound):
        await connectors.get("con-2")


async def test_a_connector_has_this_id_and_is_not_changed(connectors: ConnectorStore) -> None:
    await connectors.create(FULL)
    for again in (FULL, replace(SMALL, connector_id="con-1")):
        with pytest.raises(AlreadyExists):
            await connectors.create(again)
    assert await connectors.get("con-1") == FULL


async def test_racing_creators_one_wins(connectors: ConnectorStore) -> None:
    results = await asyncio.gather(
        *(connectors.create(FULL) for _ in range(4)), return_exceptions=True
    )
    assert results.count(None) == 1
    assert sum(isinstance(result, AlreadyExists) for result in results) == 3


async def test_each_once_in_an_order_that_stays(connectors: ConnectorStore) -> None:
    for n in range(7):
        await connectors.create(replace(FULL, connector_id=f"con-{n}"))
    order = await listed_ids(connectors, 100)
    assert sorted(order) == [f"con-{n}" for n in range(7)]
    for limit in (1, 2, 3, 6, 7, 8):
        assert await listed_ids(connectors, limit) == order
    assert (await connectors.list_page(limit=7)).cursor is None


async def test_none(connectors: ConnectorStore) -> None:
    page = await connectors.list_page(limit=5)
    assert (page.items, page.cursor) == ((), None)


async def test_a_cursor_of_another_list(connectors: ConnectorStore) -> None:
    for n in range(2):
        await connectors.create(replace(FULL, connector_id=f"con-{n}"))
    cursor = (await connectors.list_page(limit=1)).cursor or ""
    for invalid in invalid_cursors(cursor):
        with pytest.raises(InvalidCursor):
            await connectors.list_page(limit=1, cursor=invalid)


async def test_an_edit_writes_every_field_and_counts(connectors: ConnectorStore) -> None:
    for before, after in ((SMALL, FULL), (FULL, SMALL)):
        connector_id = f"{before.connector_id}-edited"
        await connectors.create(replace(before, connector_id=connector_id))
        stored = await connectors.get(connector_id)
        edited = replace(after, connector_id=connector_id, created_at=stored.created_at)
        saved = await connectors.save(replace(edited, queue_empty_at=NOW + timedelta(hours=1)))
        own = replace(edited, queue_empty_at=None, baseline=stored.baseline)
        assert saved == replace(own, version=stored.version + 1)
        assert await connectors.get(connector_id) == saved


async def test_an_edit_keeps_when_the_same_queue_was_seen_empty(
    connectors: ConnectorStore,
) -> None:
    await connectors.create(FULL)
    later = NOW + timedelta(minutes=5)
    await connectors.record_queue_empty(FULL.connector_id, later, queue_url=QUEUE)
    saved = await connectors.save(replace(FULL, prefixes=("c/",)))
    assert saved == replace(FULL, prefixes=("c/",), queue_empty_at=later, version=2)
    assert await connectors.get(FULL.connector_id) == saved


async def test_a_stale_edit_changes_nothing(connectors: ConnectorStore) -> None:
    await connectors.create(FULL)
    saved = await connectors.save(replace(FULL, prefixes=("c/",)))
    other = replace(saved, created_at=NOW + timedelta(microseconds=1))
    for stale in (FULL, replace(FULL, version=3), other, replace(saved, connector_id="con-none")):
        with pytest.raises(Conflict):
            await connectors.save(stale)
    assert (await connectors.list_page(limit=5)).items == (saved,)


async def test_of_racing_edits_one_wins(connectors: ConnectorStore) -> None:
    await connectors.create(FULL)
    results = await asyncio.gather(
        *(connectors.save(replace(FULL, prefixes=(f"{n}/",))) for n in range(4)),
        return_exceptions=True,
    )
    [saved] = [result for result in results if isinstance(result, Connector)]
    assert sum(isinstance(result, Conflict) for result in results) == 3
    assert await connectors.get(FULL.connector_id) == saved


async def test_a_removed_connector_is_gone_and_its_id_is_free(connectors: ConnectorStore) -> None:
    await connectors.create(FULL)
    await connectors.create(SMALL)
    await connectors.remove(FULL)
    with pytest.raises(NotFound):
        await connectors.get(FULL.connector_id)
    assert (await connectors.list_page(limit=5)).items == (SMALL,)
    again = replace(FULL, created_at=NOW + timedelta(microseconds=1))
    await connectors.create(again)
    with pytest.raises(Conflict):
        await connectors.remove(FULL)
    assert await connectors.get(FULL.connector_id) == again


async def test_a_stale_removal_removes_nothing(connectors: ConnectorStore) -> None:
    await connectors.create(FULL)
    saved = await connectors.save(replace(FULL, prefixes=("c/",)))
    for stale in (FULL, replace(saved, connector_id="con-none")):
        with pytest.raises(Conflict):
            await connectors.remove(stale)
    assert (await connectors.list_page(limit=5)).items == (saved,)


@pytest.mark.parametrize("connector", [FULL, SMALL])
async def test_a_baseline_is_recorded_over_the_one_that_was_read(
    connectors: ConnectorStore, connector: Connector
) -> None:
    await connectors.create(connector)
    for baseline in (Baseline(claimed_by="job-3"), replace(BASELINE, job_id="job-3"), NO_BASELINE):
        before = await connectors.get(connector.connector_id)
        await connectors.record_baseline(before, baseline)
        after = await connectors.get(connector.connector_id)
        assert after == replace(before, baseline=baseline)
        with pytest.raises(Conflict):
            await connectors.record_baseline(before, BASELINE)
        assert await connectors.get(connector.connector_id) == after


async def test_no_baseline_is_recorded_of_another_connector(connectors: ConnectorStore) -> None:
    with pytest.raises(Conflict):
        await connectors.record_baseline(SMALL, BASELINE)
    await connectors.create(SMALL)
    with pytest.raises(Conflict):
        await connectors.record_baseline(
            replace(SMALL, created_at=NOW + timedelta(days=1)), BASELINE
        )
    assert await connectors.get(SMALL.connector_id) == SMALL


async def test_an_edit_keeps_the_baseline(connectors: ConnectorStore) -> None:
    await connectors.create(SMALL)
    await connectors.record_baseline(SMALL, BASELINE)
    saved = await connectors.save(replace(SMALL, prefixes=("a/",)))
    assert saved.baseline == BASELINE
    assert await connectors.get(SMALL.connector_id) == saved


async def test_of_two_claims_at_once_one_wins(connectors: ConnectorStore) -> None:
    await connectors.create(SMALL)
    claims = [connectors.record_baseline(SMALL, Baseline(claimed_by=name)) for name in ("a", "b")]
    results = await asyncio.gather(*claims, return_exceptions=True)
    assert sorted(isinstance(result, Conflict) for result in results) == [False, True]
