"""Records of the catalog without an object: found when it is asked for, and never more than those.

Interruptions are in `test_orphans_interrupted`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from faulty_ports import Crash, Faults, faulty
from port_spy import spy

from application.execution.tuning import Tuning
from application.results.orphan_files import orphan_report_key, read_orphans, unlisted_key
from application.results.outcome_index import root_key
from domain.catalog import LOCK_PREFIX, storage_path
from domain.connector import ConnectorStatus
from domain.discovery import Discovery
from domain.errors import ConnectorDisabled, ConnectorRemoved, NotSearchable
from domain.filters import Filters
from domain.job import Job, JobStatus, Redrive
from domain.listing import RowUpload
from domain.orphan_rows import OrphanRow
from domain.orphan_work import OrphanCounts, OrphanStatus, OrphanWork
from domain.packing import ChunkSizing
from domain.profile import NO_CATALOG
from entrypoints.wiring.memory import use_cases
from ports.errors import AccessDenied, Throttled
from ports.paging import InvalidCursor

BUCKET = "media"
TUNING = Tuning(
    sizing=ChunkSizing(object_count_max=5), manifest_part_bytes=1, snapshot_run_bytes=200
)
KEYS = tuple(f"f/{number:02d}.mov" for number in range(12))
LOST = ("a.mov", "f/03é.mov", "f/05\n,%.mov", "z/%41.mov")


def record(story: Any, key: str, *, number: int = 0, bucket_name: str = BUCKET) -> None:
    """Let the catalog have a record of a key."""
    story.ports.catalog.ingest(
        inventory_id=f"i{number}:{key}",
        asset_id=f"asset of {key}",
        storage_path=storage_path(bucket_name, key),
        e_tag="abc",
        size_bytes=len(key),
        last_modified=story.ports.clock.now(),
    )


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    """A story with 12 objects, all with a record, and 4 records without an object."""
    return with_records(new_story(TUNING))


def with_records(story: Any) -> Any:
    story.put(*KEYS)
    for key in (*KEYS, *LOST):
        record(story, key)
    return story


async def indexed(story: Any) -> Job:
    """Sync, and run until the index is made."""
    job: Job = await story.sync()
    while job.index is None or not job.index.ready:
        await story.turn()
        job = await story.ports.jobs.get(job.job_id)
    return job


async def ask(story: Any, job: Job) -> Job:
    asked: Job = await story.use_cases.find_orphans().find(job.job_id)
    return asked


async def search(story: Any, job: Job) -> Job:
    return await ended(story, await ask(story, job))


async def ended(story: Any, job: Job) -> Job:
    for _ in range(30):
        job = await story.ports.jobs.get(job.job_id)
        if not work_of(job).open:
            return job
        await story.turn()
    pytest.fail(f"the search does not end: {job.orphans}")


def work_of(job: Job) -> OrphanWork:
    assert job.orphans is not None
    return job.orphans


async def rows_of(story: Any, job: Job) -> list[OrphanRow]:
    key = orphan_report_key(job.job_id, work_of(job).number)
    return [row async for row, _ in read_orphans(story.ports.results, key)]


async def found(story: Any, job: Job) -> list[str]:
    assert work_of(job).status is OrphanStatus.DONE
    return [row.key for row in await rows_of(story, job)]


@pytest.mark.parametrize("discovery", Discovery)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_records_without_an_object_are_reported(
    story: Any, discovery: Discovery, dry_run: bool
) -> None:
    record(story, LOST[0], number=1)
    record(story, "x.mov", bucket_name="media-2")
    record(story, "")
    story.ports.catalog.ingest(inventory_id="no-path", asset_id="a")
    story.ports.catalog.ingest(
        inventory_id=f"{LOCK_PREFIX}{BUCKET}", asset_id=None, storage_path=f"{BUCKET}:locked.mov"
    )
    before = set(story.world.database.assets)
    job = await search(story, await story.sync(discovery=discovery, dry_run=dry_run))
    assert await found(story, job) == sorted([*LOST, LOST[0]])
    rows = await rows_of(story, job)
    assert rows[2] == OrphanRow(
        key=LOST[1],
        inventory_id=f"i0:{LOST[1]}",
        asset_id=f"asset of {LOST[1]}",
        e_tag="abc",
        size_bytes=len(LOST[1]),
        last_modified=rows[2].last_modified,
    )
    assert rows[2].last_modified is not None
    assert work_of(job).counts == OrphanCounts(
        scanned=20, without_path=1, in_scope=17, unlisted=5, existing=0, orphans=5
    )
    assert work_of(job) == OrphanWork(
        requested_at=work_of(job).requested_at,
        status=OrphanStatus.DONE,
        index_number=0,
        after="z/%41.mov",
        position=work_of(job).position,
        counts=work_of(job).counts,
    )
    assert work_of(job).unlisted == RowUpload()
    # Nothing is deleted.
    assert before <= set(story.world.database.assets)
    assert story.summary(job)["orphans"]["orphans"] == 5


async def test_what_was_listed_is_not_looked_for(story: Any) -> None:
    job = await indexed(story)
    for key in LOST:
        story.ports.catalog.remove(f"i0:{key}")
    story.requests.clear()
    job = await search(story, job)
    assert await found(story, job) == []
    assert story.requests == {}


async def test_a_sync_that_is_not_asked_makes_the_same_requests(story: Any) -> None:
    scans = spy(story.ports.catalog_scan)
    job = await story.sync()
    await story.turn()
    job = await story.ports.jobs.get(job.job_id)
    assert job.orphans is None
    assert scans == {}
    assert story.ports.invoker.take_searched() == []
    assert not [name for name in story.ports.results.files if "orphans" in name]


async def test_what_was_uploaded_since_is_not_an_orphan(story: Any) -> None:
    job = await story.sync()
    story.put("later.mov", LOST[0])
    record(story, "later.mov")
    job = await search(story, job)
    assert await found(story, job) == sorted(LOST[1:])
    counts = work_of(job).counts
    assert (counts.unlisted, counts.existing, counts.orphans) == (5, 2, 3)


@pytest.mark.parametrize(
    "options",
    [
        {"exclude": ("f/0*",)},
        {"include": ("*.jpg",)},
        {"filters": Filters(size_min=10**6)},
    ],
)
async def test_what_filters_leave_out_is_not_an_orphan(story: Any, options: Any) -> None:
    job = await search(story, await story.sync(**options))
    assert await found(story, job) == sorted(LOST)


async def test_only_the_prefixes_of_the_job_are_searched(story: Any) -> None:
    job = await search(story, await story.sync(prefixes=("f/0", "f/1")))
    assert await found(story, job) == sorted(LOST[1:3])
    assert work_of(job).counts.in_scope == 14


async def test_a_key_that_no_object_can_have(story: Any) -> None:
    record(story, "é" * 600)
    job = await search(story, await story.sync())
    assert await found(story, job) == sorted([*LOST, "é" * 600])


async def test_an_empty_bucket_and_an_empty_catalog(new_story: Callable[..., Any]) -> None:
    story = new_story(TUNING)
    job = await story.sync()
    assert await found(story, await search(story, job)) == []
    record(story, LOST[0])
    assert await found(story, await search(story, job)) == [LOST[0]]


async def test_without_an_index_every_record_is_looked_for(new_story: Callable[..., Any]) -> None:
    story = with_records(new_story(replace(TUNING, outcome_indexes=False)))
    job = await search(story, await story.sync())
    assert await found(story, job) == sorted(LOST)
    assert work_of(job).counts.unlisted == 16


async def test_a_search_starts_once_and_can_be_repeated(story: Any) -> None:
    job = await story.sync()
    asked = await ask(story, job)
    story.ports.invoker.take_searched()
    assert await ask(story, job) == asked
    # The first invocation may have been lost.
    assert story.ports.invoker.take_searched() == [job.job_id]
    first = await ended(story, asked)
    story.put(LOST[0])
    second = await search(story, first)
    assert (work_of(first).number, work_of(second).number) == (1, 2)
    assert await found(story, second) == sorted(LOST[1:])
    assert len(await rows_of(story, first)) == len(LOST)


async def test_a_job_that_has_not_completed_cannot_be_searched(story: Any) -> None:
    job = await story.start()
    with pytest.raises(NotSearchable):
        await ask(story, job)
    await story.use_cases.cancel_job().cancel(job.job_id)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.CANCELLED
    with pytest.raises(NotSearchable):
        await ask(story, job)


async def test_a_connector_that_is_disabled_or_removed_starts_no_search(story: Any) -> None:
    job = await story.sync()
    connectors = story.use_cases.connectors()
    await connectors.edit("c1", lambda c: replace(c, status=ConnectorStatus.DISABLED))
    with pytest.raises(ConnectorDisabled):
        await ask(story, job)
    await connectors.edit("c1", lambda c: replace(c, status=ConnectorStatus.ENABLED))
    asked = await ask(story, job)
    await connectors.remove("c1")
    job = await ended(story, asked)
    assert work_of(job).status is OrphanStatus.GIVEN_UP
    assert "connector c1 was removed" in (work_of(job).reason or "")
    with pytest.raises(ConnectorRemoved):
        await ask(story, job)


async def test_without_a_catalog_there_is_nothing_to_search(new_story: Callable[..., Any]) -> None:
    story = new_story(TUNING, profile=NO_CATALOG)
    job = await search(story, await story.sync())
    assert work_of(job).status is OrphanStatus.GIVEN_UP
    assert "profile none" in (work_of(job).reason or "")


# Failures.


async def test_a_scan_that_is_denied_names_the_statement(story: Any) -> None:
    async def denied(**_: Any) -> None:
        raise AccessDenied("no", operation="Scan", resource="table/Assets")

    sound = story.ports.catalog_scan.page
    story.ports.catalog_scan.page = denied
    job = await search(story, await story.sync())
    assert work_of(job).status is OrphanStatus.GIVEN_UP
    assert '"Action": ["dynamodb:Scan"]' in (work_of(job).reason or "")
    assert (await story.use_cases.orphan_pages().page(job.job_id, limit=9, cursor=None)).items == ()
    story.ports.catalog_scan.page = sound
    assert await found(story, await search(story, job)) == sorted(LOST)


async def test_a_bucket_that_cannot_be_listed_reports_nothing(story: Any) -> None:
    job = await ask(story, await story.sync())
    bucket = story.buckets.find(BUCKET)
    bucket.role_arn = "other"
    job = await ended(story, job)
    assert work_of(job).status is OrphanStatus.GIVEN_UP
    assert work_of(job).counts.orphans == 0


async def test_attempts_are_bounded(story: Any) -> None:
    async def busy(**_: Any) -> None:
        raise Throttled("busy")

    job = await indexed(story)
    story.ports.catalog_scan.page = busy
    await ask(story, job)
    for count in range(story.tuning.engine_attempt_count_max):
        assert work_of(await story.ports.jobs.get(job.job_id)).open
        try:
            await story.use_cases.search_orphans().run(job.job_id, story.deadline())
        except Throttled:
            assert count < story.tuning.engine_attempt_count_max - 1
    job = await story.ports.jobs.get(job.job_id)
    assert work_of(job).status is OrphanStatus.GIVEN_UP


async def test_an_index_that_is_gone_ends_the_search(story: Any) -> None:
    job = await indexed(story)
    del story.ports.results.files[root_key(job.job_id, 0)]
    job = await search(story, job)
    assert work_of(job).status is OrphanStatus.GIVEN_UP


async def test_the_search_waits_for_the_index(story: Any) -> None:
    job = await ask(story, await story.sync())
    worked = await story.use_cases.search_orphans().run(job.job_id, story.deadline())
    assert worked
    job = await story.ports.jobs.get(job.job_id)
    assert (work_of(job).status, work_of(job).lease) == (OrphanStatus.WANTED, None)
    assert await found(story, await ended(story, job)) == sorted(LOST)


async def test_a_search_that_has_ended_is_not_continued(story: Any) -> None:
    job = await search(story, await story.sync())
    assert not await story.use_cases.search_orphans().run(job.job_id, story.deadline())


async def test_another_process_does_not_take_a_live_lease(story: Any) -> None:
    job = await ask(story, await indexed(story))
    faults = Faults()

    def kill(call: Any) -> None:
        if call[0] == "results.put":
            raise Crash

    faults.after = kill
    process = use_cases(faulty(story.ports, faults), TUNING).search_orphans()  # type: ignore[arg-type]
    with pytest.raises(Crash):
        await process.run(job.job_id, story.deadline())
    work = work_of(await story.ports.jobs.get(job.job_id))
    assert (work.status, work.runs) == (OrphanStatus.SCANNING, ())
    assert not await story.use_cases.search_orphans().run(job.job_id, story.deadline())
    assert work_of(await story.ports.jobs.get(job.job_id)) == work
    assert await found(story, await ended(story, job)) == sorted(LOST)


async def test_a_redrive_does_not_stop_a_search(story: Any) -> None:
    job = await ask(story, await indexed(story))
    story.time_s = 25.0
    await story.use_cases.search_orphans().run(job.job_id, story.deadline())
    story.time_s = 900.0
    job = await story.ports.jobs.get(job.job_id)
    reopened = replace(job, status=JobStatus.PROCESSING, index=None, redrive=Redrive(number=1))
    story.world.database.jobs._rows[job.job_id] = reopened
    assert await found(story, await ended(story, job)) == sorted(LOST)


async def test_pages(story: Any) -> None:
    job = await story.sync()
    pages = story.use_cases.orphan_pages()
    empty = await pages.page(job.job_id, limit=9, cursor=None)
    assert (empty.items, empty.cursor) == ((), None)
    job = await search(story, job)
    keys, cursor = [], None
    for _ in range(3):
        page = await pages.page(job.job_id, limit=2, cursor=cursor)
        keys += [row.key for row in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert keys == sorted(LOST)
    first = await pages.page(job.job_id, limit=2, cursor=None)
    assert await found(story, await search(story, job)) == sorted(LOST)
    with pytest.raises(InvalidCursor):
        await pages.page(job.job_id, limit=2, cursor=first.cursor)
    assert unlisted_key(job.job_id, 2) in story.ports.results.files
