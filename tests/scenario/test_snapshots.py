"""Syncs that read the catalog once: objects under the system's own ids cost no request each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from port_spy import spy

from application.execution.tuning import Tuning
from domain.catalog import storage_path
from domain.connector import Verify
from domain.discovery import Discovery
from domain.job import JobStatus
from domain.outcome import Statistics
from domain.packing import ChunkSizing
from domain.snapshot import Way
from entrypoints.wiring.memory import use_cases
from ports.errors import AccessDenied, Throttled

BUCKET = "media"
COUNT = 600
TUNING = Tuning(
    sizing=ChunkSizing(object_count_max=200),
    catalog_snapshots=True,
    snapshot_run_bytes=10_000,
)


def record(story: Any, key: str, *, inventory_id: str | None = None, number: int = 0) -> None:
    """Let the system record an object's current version under an id of its own."""
    head = story.buckets.get(BUCKET, key).head
    story.ports.catalog.ingest(
        inventory_id=inventory_id or f"asset:uuid:{number}:{key}",
        asset_id=f"asset of {key}",
        storage_path=storage_path(BUCKET, key),
        e_tag=head.e_tag,
        size_bytes=head.size_bytes,
        last_modified=head.last_modified,
    )


@pytest.fixture
def ingested(new_story: Callable[..., Any]) -> Any:
    """A story whose system has 600 objects, and two of another bucket, under its own ids."""
    story = new_story(TUNING, page_object_count=1_000)
    keys = [f"{'ä b' if number % 7 else 'a!'}/{number:03d},%.jpg" for number in range(COUNT)]
    story.put(*keys)
    for key in keys:
        record(story, key)
    story.ports.catalog.ingest(inventory_id="i1", asset_id="a1", storage_path="other:x")
    story.ports.catalog.ingest(inventory_id="i2", asset_id="a2")
    story.ports.catalog_scan._page_item_count = 40
    story.keys = keys
    story.requests.clear()
    return story


@pytest.mark.parametrize("discovery", Discovery)
async def test_objects_under_other_ids_cost_no_request_of_their_own(
    ingested: Any, discovery: Discovery
) -> None:
    calls, files = spy(ingested.ports.catalog), spy(ingested.ports.results)
    job = await ingested.sync(verify=Verify.CATALOG, discovery=discovery)
    assert job.status is JobStatus.COMPLETED
    assert job.tally.statistics == Statistics(skipped=COUNT, known_as_listed=COUNT)
    assert ingested.requests["GetObjectTagging"] == 0
    assert calls == {}
    assert job.discovery.batch_job_id is None
    # Each partition and its index once, or twice if two chunks have parts of it.
    assert files["read_range"] < COUNT / 5
    assert job.lookup.way is Way.SNAPSHOT
    assert job.lookup.snapshot.ready
    assert job.lookup.snapshot.record_count == COUNT
    assert job.lookup.snapshot.partition_count > 5


async def test_the_outcomes_are_those_of_single_questions(ingested: Any) -> None:
    first, second, third, fourth = ingested.keys[:4]
    ingested.buckets.put(BUCKET, first, b"other content")
    record(ingested, second, number=1)  # a second record
    ingested.put("new.jpg")
    ingested.ports.catalog.remove(f"asset:uuid:0:{third}")
    head = ingested.buckets.get(BUCKET, fourth).head
    ingested.ports.catalog.ingest(  # a stale record under its own path
        inventory_id=f"asset:uuid:0:{fourth}",
        asset_id="old",
        storage_path=storage_path(BUCKET, fourth),
        e_tag="old",
        size_bytes=head.size_bytes,
        last_modified=head.last_modified,
    )
    by_snapshot = await ingested.sync(verify=Verify.CATALOG, dry_run=True)
    assert by_snapshot.lookup.way is Way.SNAPSHOT
    # The same installation without snapshots.
    off = replace(ingested.tuning, catalog_snapshots=False)
    ingested.use_cases = use_cases(ingested.ports, off)
    by_questions = await ingested.sync(verify=Verify.CATALOG, dry_run=True)
    assert by_questions.lookup is None
    assert facts(ingested, by_snapshot) == facts(ingested, by_questions)
    assert by_snapshot.tally.statistics.known_as_listed == COUNT - 4


def facts(story: Any, job: Any) -> dict[str, Any]:
    places = {"jobId", "chunkIndex"}
    return {
        key: {name: value for name, value in line.items() if name not in places}
        for key, line in story.outcomes(job).items()
    }


async def test_what_was_ingested_since_is_asked_for_singly(ingested: Any) -> None:
    calls = spy(ingested.ports.catalog)
    job = await ingested.start(verify=Verify.CATALOG)
    ingested.put("later.jpg")
    late = ingested.ports.results.put

    async def put(key: str, content: bytes) -> None:
        await late(key, content)
        if key.endswith("0007.index"):
            record(ingested, "later.jpg")

    ingested.ports.results.put = put
    job = await ingested.finish(job.job_id)
    assert job.tally.statistics.known_as_listed == COUNT + 1
    assert calls["records_at"] == 1


async def test_an_old_snapshot_is_not_trusted(ingested: Any) -> None:
    job = await ingested.start(verify=Verify.CATALOG)
    await ingested.run_engine()
    for key in ingested.keys[:10]:
        ingested.ports.catalog.remove(f"asset:uuid:0:{key}")
    ingested.ports.clock.advance(ingested.tuning.snapshot_age_max_s + 1)
    job = await ingested.finish(job.job_id)
    assert job.lookup.snapshot.ready
    assert job.tally.statistics.known_as_listed == COUNT - 10
    assert ingested.requests["GetObjectTagging"] >= 10


async def test_a_scan_that_stops_goes_on(ingested: Any) -> None:
    """At each page and each partition, the deadline ends the invocation."""
    ingested.time_s = ingested.tuning.stop_margin_s - 1
    scans = spy(ingested.ports.catalog_scan)
    job = await ingested.start(verify=Verify.CATALOG)
    for _ in range(100):
        await ingested.run_engine()
        if (await ingested.ports.jobs.get(job.job_id)).lookup is None:
            continue
        ingested.time_s = ingested.tuning.stop_margin_s + 0.5
    ingested.time_s = 900.0
    job = await ingested.finish(job.job_id)
    assert job.tally.statistics == Statistics(skipped=COUNT, known_as_listed=COUNT)
    assert scans["page"] < 40


async def test_a_throttled_scan_is_tried_again_and_decides_nothing(ingested: Any) -> None:
    sound, left = ingested.ports.catalog_scan.page, [3]

    async def page(**place: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise Throttled("slow down")
        return await sound(**place)

    ingested.ports.catalog_scan.page = page
    job = await ingested.start(verify=Verify.CATALOG)
    with pytest.raises(Throttled):
        await ingested.run_engine()
    stopped = await ingested.ports.jobs.get(job.job_id)
    assert "taking a snapshot of the catalog failed and will be retried" in stopped.status_reason
    job = await ingested.finish(job.job_id)
    assert job.tally.statistics == Statistics(skipped=COUNT, known_as_listed=COUNT)


@pytest.mark.parametrize("method", ["size", "page"])
@pytest.mark.parametrize("discovery", Discovery)
async def test_a_role_that_may_not_scan_is_said_and_objects_are_asked_for_singly(
    ingested: Any, method: str, discovery: Discovery
) -> None:
    async def denied(**_: Any) -> Any:
        raise AccessDenied("the role may not")

    setattr(ingested.ports.catalog_scan, method, denied)
    job = await ingested.sync(verify=Verify.CATALOG, discovery=discovery)
    assert job.tally.statistics == Statistics(skipped=COUNT, known_as_listed=COUNT)
    assert job.lookup.way is Way.LOOKUPS
    [warning] = [each for each in job.findings.warnings if "dynamodb:Scan" in each]
    assert "the role may not" in warning


async def test_a_catalog_in_which_the_bucket_has_little_is_not_read(ingested: Any) -> None:
    for number in range(10_000):
        ingested.ports.catalog.ingest(
            inventory_id=f"of another {number}", asset_id="a", storage_path=f"other:{number}"
        )
    # DynamoDB's own pages, which are a sample of the table.
    ingested.ports.catalog_scan._page_item_count = 500
    calls = spy(ingested.ports.catalog)
    job = await ingested.sync(verify=Verify.CATALOG)
    assert job.lookup.way is Way.LOOKUPS
    assert "under other ids" in job.lookup.reason
    assert calls["records_at"] == 6
    assert job.tally.statistics.known_as_listed == COUNT


async def test_a_job_that_reads_tags_takes_none(ingested: Any) -> None:
    scans = spy(ingested.ports.catalog_scan)
    job = await ingested.sync(verify=Verify.TAGS, dry_run=True)
    assert (job.lookup, dict(scans)) == (None, {})


async def test_the_view_says_which_way_and_why(ingested: Any) -> None:
    job = await ingested.sync(verify=Verify.CATALOG)
    view = ingested.summary(job)["lookup"]
    assert view["way"] == "snapshot"
    assert "other ids" in view["reason"]
    assert view["snapshot"]["records"] == COUNT


async def test_results_that_cannot_be_written_are_not_taken_for_a_denied_scan(
    ingested: Any,
) -> None:
    async def put(key: str, content: bytes) -> None:
        raise AccessDenied("the results bucket's key is denied")

    ingested.ports.results.put = put
    job = await ingested.sync(verify=Verify.CATALOG)
    assert job.status is JobStatus.FAILED
    assert "the results bucket's key is denied" in job.status_reason
    assert not any("dynamodb:Scan" in each for each in job.findings.warnings)
