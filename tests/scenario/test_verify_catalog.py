"""Syncs that rely on the catalog: what it has as it is listed costs no request to S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from port_spy import spy

from application.connectors import NewConnector
from application.execution.tuning import Tuning
from domain.connector import Verify
from domain.discovery import Discovery
from domain.errors import InvalidRequest
from domain.job import JobStatus
from domain.outcome import Statistics
from domain.profile import NO_CATALOG
from domain.sync_request import SyncOptions
from ports.errors import Misconfigured, Throttled

BUCKET = "media"
READS = ("GetObjectTagging", "HeadObject")


def record_all(story: Any) -> None:
    """Let the system record each object's current version, under the ids in its tags."""
    for event in story.ports.bus.events:
        story.record(event)
    story.ports.bus.events.clear()
    story.requests.clear()


def throttle_twice(catalog: Any) -> None:
    """Let the catalog refuse the next two questions about listed objects."""
    sound, left = catalog.records_at, [2]

    async def records_at(bucket_name: str, keys: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise Throttled("slow down")
        return await sound(bucket_name, keys)

    catalog.records_at = records_at


@pytest.fixture
async def synced(new_story: Callable[..., Any]) -> Any:
    """A story after the first sync of 250 objects, which the system has recorded."""
    story = new_story(Tuning(), page_object_count=1_000)
    story.put(*(f"{number:03d}.jpg" for number in range(250)))
    await story.sync()
    record_all(story)
    return story


async def test_a_second_sync_asks_s3_for_no_object(synced: Any) -> None:
    calls = spy(synced.ports.catalog)
    job = await synced.sync(verify=Verify.CATALOG)
    assert job.status is JobStatus.COMPLETED
    assert job.tally.statistics.skipped == 250
    assert [synced.requests[name] for name in READS] == [0, 0]
    assert calls == {"records_at": 3}
    assert sum(synced.writes().values()) == 0
    line = synced.outcomes(job)["000.jpg"]
    assert (line["reason"], line["decision"]) == ("ASSET_KNOWN", "SKIP")
    assert line["assetId"] == synced.tags("000.jpg")["AssetID"]
    assert line["inventoryId"] == synced.tags("000.jpg")["InventoryID"]


async def test_with_nothing_left_there_is_no_batch_job(synced: Any) -> None:
    calls = spy(synced.ports.catalog)
    job = await synced.sync(verify=Verify.CATALOG, discovery=Discovery.BATCH)
    assert job.status is JobStatus.COMPLETED
    assert job.tally.statistics.skipped == 250
    assert (job.discovery.manifest, job.discovery.batch_job_id) == (None, None)
    assert not synced.ports.batch_jobs.created
    assert [synced.requests[name] for name in READS] == [0, 0]
    assert calls == {"records_at": 3}
    assert synced.statuses(job) == ["INITIALIZING", "DISCOVERING", "PROCESSING", "COMPLETED"]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_only_objects_that_leave_a_doubt_are_tasks_of_the_batch_job(
    synced: Any, dry_run: bool
) -> None:
    synced.put("new.jpg")
    synced.requests.clear()
    job = await synced.sync(verify=Verify.CATALOG, discovery=Discovery.BATCH, dry_run=dry_run)
    (order,) = synced.ports.batch_jobs.created.values()
    rows = synced.ports.results.files[order.manifest.key].splitlines()
    assert [row.split(b",")[1] for row in rows] == [b"new.jpg"]
    assert all(len(row.split(b",")) == 5 for row in rows)
    kinds = synced.kinds(job)
    assert kinds.pop("new.jpg") == "PUT"
    assert (len(kinds), set(kinds.values())) == (250, {"SKIPPED"})
    assert job.listing.objects_listed == 251
    # Its task reads it; without a dry run, its worker does so again.
    assert synced.requests["GetObjectTagging"] == (1 if dry_run else 2)


async def test_a_listing_that_stops_keeps_what_is_known(new_story: Callable[..., Any]) -> None:
    """At each page: the rows of both files are written as remainders, and read again."""
    tuning = Tuning(manifest_part_bytes=10_000)
    story = new_story(tuning, page_object_count=7)
    story.put(*(f"{number:03d}.jpg" for number in range(60)))
    await story.sync()
    record_all(story)
    story.put(*(f"{number:03d}.new.jpg" for number in range(0, 60, 3)))
    story.time_s = tuning.stop_margin_s - 1
    job = await story.sync(verify=Verify.CATALOG, discovery=Discovery.BATCH, dry_run=True)
    assert job.status is JobStatus.COMPLETED
    assert job.tally.statistics == Statistics(skipped=60, put=20, known_as_listed=60)
    assert len(story.kinds(job)) == 80
    rests = [name for name in story.ports.results.files if "/progress/known-" in name]
    assert len(rests) > 5


async def test_a_cancelled_listing_leaves_no_upload(synced: Any) -> None:
    synced.time_s = synced.tuning.stop_margin_s - 1
    synced.put("new.jpg")
    job = await synced.start(verify=Verify.CATALOG, discovery=Discovery.BATCH)
    await synced.run_engine()
    assert len(synced.ports.results.open_uploads) == 2
    await synced.use_cases.cancel_job().cancel(job.job_id)
    job = await synced.finish(job.job_id)
    assert job.status is JobStatus.CANCELLED
    assert synced.ports.results.open_uploads == []


async def test_a_catalog_that_fails_stops_the_listing_and_is_asked_again(synced: Any) -> None:
    throttle_twice(synced.ports.catalog)
    job = await synced.start(verify=Verify.CATALOG, discovery=Discovery.BATCH)
    with pytest.raises(Throttled):
        await synced.run_engine()
    job = await synced.finish(job.job_id)
    assert (job.status, job.tally.statistics.skipped) == (JobStatus.COMPLETED, 250)


async def test_its_outcomes_are_those_of_a_sync_that_reads_tags(synced: Any) -> None:
    synced.put("new.jpg")
    synced.buckets.put(BUCKET, "000.jpg", b"other content")
    synced.ports.clock.advance(1)
    by_catalog = await synced.sync(verify=Verify.CATALOG, dry_run=True)
    by_tags = await synced.sync(verify=Verify.TAGS, dry_run=True)

    def without_ids(job: Any) -> dict[str, Any]:
        places = {"jobId", "chunkIndex", "asListed"}
        return {
            key: {name: value for name, value in line.items() if name not in places}
            for key, line in synced.outcomes(job).items()
        }

    assert len(synced.kinds(by_tags)) == 251
    assert {"SKIPPED", "PUT"} == set(synced.kinds(by_tags).values())
    assert without_ids(by_catalog) == without_ids(by_tags)


async def test_tags_are_read_only_of_objects_that_leave_a_doubt(synced: Any) -> None:
    synced.put("new.jpg")
    synced.buckets.put(BUCKET, "000.jpg", b"other content")
    synced.ports.clock.advance(1)
    synced.ports.catalog.remove(synced.tags("001.jpg")["InventoryID"])
    synced.requests.clear()
    job = await synced.sync(verify=Verify.CATALOG)
    assert synced.requests["GetObjectTagging"] == 3
    kinds = synced.kinds(job)
    # The record of 000.jpg is of its former content; that of 001.jpg may still be written.
    assert (kinds["000.jpg"], kinds["new.jpg"], kinds["001.jpg"]) == ("PUT", "PUT", "INGESTING")
    assert job.tally.statistics.skipped == 248


async def test_lost_tags_are_seen_only_by_a_sync_that_reads_them(synced: Any) -> None:
    synced.buckets.get(BUCKET, "000.jpg").tags.clear()
    trusting = await synced.sync(verify=Verify.CATALOG)
    assert trusting.tally.statistics.tags_restored == 0
    assert synced.tags("000.jpg") == {}
    reading = await synced.sync(verify=Verify.TAGS)
    assert reading.tally.statistics.tags_restored == 1
    assert set(synced.tags("000.jpg")) == {"AssetID", "InventoryID"}


async def test_the_connector_sets_the_default(synced: Any) -> None:
    new = NewConnector(bucket_name=BUCKET, connector_id="c2", verify=Verify.CATALOG)
    await synced.use_cases.connectors().register(new)
    start = synced.use_cases.start_sync().start
    by_default = await start("c2", SyncOptions(prefixes=("a",)))
    by_request = await start("c2", SyncOptions(prefixes=("b",), verify=Verify.TAGS))
    assert by_default.job.request.options.verify is Verify.CATALOG
    assert by_request.job.request.options.verify is Verify.TAGS
    assert (await synced.start(prefixes=("c",))).request.options.verify is Verify.TAGS


async def test_a_throttled_catalog_is_asked_again(synced: Any) -> None:
    throttle_twice(synced.ports.catalog)
    job = await synced.sync(verify=Verify.CATALOG)
    assert (job.status, job.tally.statistics.skipped) == (JobStatus.COMPLETED, 250)
    assert [synced.requests[name] for name in READS] == [0, 0]


async def test_a_catalog_that_cannot_be_queried_fails_the_chunk(synced: Any) -> None:
    async def records_at(bucket_name: str, keys: Any) -> Any:
        raise Misconfigured("the catalog's table does not exist")

    synced.ports.catalog.records_at = records_at
    job = await synced.sync(verify=Verify.CATALOG)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert job.tally.statistics.failed == 250
    assert "the catalog's table does not exist" in (await synced.failures(job))[0].message
    assert [synced.requests[name] for name in READS] == [0, 0]


async def test_without_a_catalog_it_is_refused(new_story: Callable[..., Any]) -> None:
    story = new_story(profile=NO_CATALOG)
    new = NewConnector(bucket_name=BUCKET, verify=Verify.CATALOG)
    with pytest.raises(InvalidRequest, match=r"verify.*no catalog to ask; use 'tags'"):
        await story.use_cases.connectors().register(new)
