"""A sync with a system that has its own rules: which objects it triggers, waits for, or reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from application.jobs.outcome_pages import WantedOutcomes
from domain.connector import IdSource, Trigger
from domain.discovery import Discovery
from domain.file_types import FileFilter, FilterMode
from domain.identity import mint_inventory_id
from domain.job import JobStatus
from domain.outcome import OutcomeKind, Statistics
from domain.profile import MEDIALAKE
from ports.errors import AccessDenied, NotFound, Unavailable
from ports.paging import InvalidCursor

BUCKET = "media"
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/210987654321/ingest.fifo"
DISCOVERIES = pytest.mark.parametrize("discovery", list(Discovery))
HOUR_S = 3_600


@pytest.fixture
def lake_story(new_story: Callable[..., Any]) -> Callable[..., Any]:
    def make(**options: Any) -> Any:
        return new_story(profile=MEDIALAKE, **options)

    return make


def record_of(story: Any, key: str, **facts: Any) -> None:
    """Give the system a record of the current object, under the system's own ids."""
    head = story.buckets.get(BUCKET, key).head
    given = {
        "inventory_id": f"inventory of {key}",
        "asset_id": f"asset of {key}",
        "storage_path": f"{BUCKET}:{key}",
        "e_tag": head.e_tag,
        "size_bytes": head.size_bytes,
        "last_modified": head.last_modified,
        **facts,
    }
    story.ports.catalog.ingest(**given)


def reasons(story: Any, job: Any) -> dict[str, str]:
    return {key: line["reason"] for key, line in story.outcomes(job).items()}


@DISCOVERIES
async def test_extension_and_content_type_decide_what_the_system_takes(
    lake_story: Callable[..., Any], discovery: Discovery
) -> None:
    story = lake_story()
    types = {
        "a.mov": "application/octet-stream",
        "b.heic": "image/heic",
        "c.heic": "binary/octet-stream",
        "d": "video/mp4",
        "e": "",
        "f.xml": "text/xml",
        "g.pdf": "application/pdf",
        "h.zip": "image/png",
    }
    for key, content_type in types.items():
        story.put(key, system_metadata={"ContentType": content_type})
    job = await story.sync(discovery=discovery)
    assert story.kinds(job) == {
        "a.mov": "PUT",
        "b.heic": "PUT",
        "c.heic": "NOT_MEDIA",
        "d": "PUT",
        "e": "NOT_MEDIA",
    }
    assert job.status is JobStatus.COMPLETED
    assert job.tally.statistics == Statistics(put=3, not_media=2)
    listing = job.listing
    assert (listing.objects_listed, listing.objects_not_media, listing.objects_filtered) == (
        5,
        3,
        0,
    )
    # Left out when listed: never read, tagged or copied.
    assert story.requests["GetObjectTagging"] == (5 if discovery is Discovery.DIRECT else 8)
    asset_ids = {key: story.tags(key).get("AssetID", "") for key in types}
    assert [asset_ids[key].rpartition(":")[0] for key in ["a.mov", "b.heic", "d"]] == [
        "asset:vid",
        "asset:img",
        "asset:vid",
    ]
    assert not any(asset_ids[key] for key in ["c.heic", "e", "f.xml", "g.pdf", "h.zip"])


async def test_the_connectors_file_filter_narrows_and_widens_what_is_taken(
    lake_story: Callable[..., Any],
) -> None:
    allowing = FileFilter(extensions=("pdf",), mime_types=("audio/*",))
    story = lake_story(ingest={"file_filter": allowing})
    story.put("a.pdf", "b.mov", system_metadata={"ContentType": "application/octet-stream"})
    story.put("c", system_metadata={"ContentType": "audio/wav"})
    assert story.kinds(await story.sync()) == {"a.pdf": "PUT", "b.mov": "NOT_MEDIA", "c": "PUT"}
    # Its type is determined by content type, and is not `Image`.
    assert ":" not in story.tags("a.pdf")["AssetID"]

    denying = FileFilter(mode=FilterMode.DENY, extensions=("mov",))
    story = lake_story(ingest={"file_filter": denying})
    story.put("a.mov", "b.wav")
    job = await story.sync()
    assert (story.kinds(job), job.listing.objects_not_media) == ({"b.wav": "PUT"}, 1)


@DISCOVERIES
async def test_lost_tags_are_restored_and_nothing_is_triggered(
    lake_story: Callable[..., Any], discovery: Discovery
) -> None:
    story = lake_story()
    story.put("a.mov", tags={"project": "x"})
    record_of(story, "a.mov")
    job = await story.sync(discovery=discovery)
    assert story.tags("a.mov") == {
        "project": "x",
        "AssetID": "asset of a.mov",
        "InventoryID": "inventory of a.mov",
    }
    assert reasons(story, job) == {"a.mov": "TAGS_RESTORED"}
    assert job.tally.statistics == Statistics(skipped=1, tags_restored=1)
    assert story.writes() == {
        "CopyObject": 0,
        "PutObjectTagging": 1,
        "CompleteMultipartUpload": 0,
        "events": 0,
    }
    assert reasons(story, await story.sync(discovery=discovery)) == {"a.mov": "ASSET_KNOWN"}


async def test_a_copy_that_changed_the_etag_is_known_by_its_time(
    lake_story: Callable[..., Any],
) -> None:
    story = lake_story()
    story.put("a.mov")
    record_of(story, "a.mov", e_tag="of several parts")
    assert reasons(story, await story.sync()) == {"a.mov": "TAGS_RESTORED"}


@pytest.mark.parametrize("full", [False, True])
async def test_an_object_without_restored_tags_is_known_nevertheless(
    lake_story: Callable[..., Any], full: bool
) -> None:
    """Because of the connector's setting, or because the object has no room for them."""
    story = lake_story(ingest={"restore_tags": full})
    story.put("a.mov", tags={f"t{n}": "v" for n in range(9)} if full else {})
    record_of(story, "a.mov")
    before = dict(story.tags("a.mov"))
    for dry_run in (True, False):
        job = await story.sync(dry_run=dry_run)
        assert reasons(story, job) == {"a.mov": "KNOWN_BY_PATH"}
        assert job.tally.statistics == Statistics(skipped=1)
    assert story.tags("a.mov") == before
    assert sum(story.writes().values()) == 0


@DISCOVERIES
async def test_a_replaced_object_is_triggered_without_ids(
    lake_story: Callable[..., Any], discovery: Discovery
) -> None:
    """Both ids with a record of other content would make the system delete its asset."""
    story = lake_story()
    story.put("a.mov", tags={"project": "x"})
    minted = mint_inventory_id(BUCKET, "a.mov")
    then = story.ports.clock.now() - timedelta(days=1)
    record_of(story, "a.mov", inventory_id=minted, e_tag="old", last_modified=then)
    job = await story.sync(discovery=discovery)
    assert (story.kinds(job), reasons(story, job)) == ({"a.mov": "PUT"}, {"a.mov": "REPLACED"})
    assert story.tags("a.mov").keys() == {"project", "SyncJobID"}
    (event,) = story.ports.bus.events
    assert (event.asset_id, event.inventory_id, event.processing_action) == (None, None, "PUT")


async def test_copy_adopts_the_records_asset_id(lake_story: Callable[..., Any]) -> None:
    story = lake_story()
    story.put("a.mov", tags={"InventoryID": "inventory of a.mov"})
    record_of(story, "a.mov")
    job = await story.sync()
    assert story.kinds(job) == {"a.mov": "COPIED"}
    assert story.tags("a.mov")["AssetID"] == "asset of a.mov"
    assert reasons(story, await story.sync()) == {"a.mov": "ASSET_KNOWN"}


async def test_ids_are_left_to_the_system_where_it_assigns_them(
    lake_story: Callable[..., Any],
) -> None:
    story = lake_story(ids=IdSource.ASSIGNED)
    story.put("a.mov", tags={"project": "x"})
    assert story.kinds(await story.sync()) == {"a.mov": "PUT"}
    assert story.tags("a.mov").keys() == {"project", "SyncJobID"}
    assert (story.ports.bus.events[0].asset_id, story.ports.bus.events[0].inventory_id) == (
        None,
        None,
    )


@DISCOVERIES
async def test_an_object_that_is_not_taken_is_triggered_three_times_and_then_reported(
    lake_story: Callable[..., Any], discovery: Discovery
) -> None:
    story = lake_story()
    story.put("a.mov")
    kinds, copies = [], []
    for _ in range(9):
        job = await story.sync(discovery=discovery)
        assert job.status is JobStatus.COMPLETED
        kinds.append(story.kinds(job)["a.mov"])
        copies.append(story.writes()["CopyObject"])
        story.ports.clock.advance(13 * HOUR_S)
    assert kinds == ["PUT", "INGESTING"] * 3 + ["NOT_TAKEN"] * 3
    assert copies == [1, 1, 2, 2, 3, 3, 3, 3, 3]
    assert job.tally.statistics == Statistics(not_taken=1)
    line = story.outcomes(job)["a.mov"]
    assert line["triggerCount"] == 3
    assert line["triggeredAt"].startswith("2026-01-0")
    assert "triggered 3 times, last at 2026-01-0" in line["message"]
    assert "retrigger" in line["message"]
    assert line["decision"] == "SKIP"

    again = await story.sync(discovery=discovery, retrigger=True)
    assert story.kinds(again) == {"a.mov": "PUT"}
    story.ports.clock.advance(25 * HOUR_S)
    assert story.kinds(await story.sync(discovery=discovery)) == {"a.mov": "PUT"}


async def test_a_new_upload_is_triggered_at_once(lake_story: Callable[..., Any]) -> None:
    story = lake_story()
    story.put("a.mov")
    await story.sync()
    story.buckets.put(BUCKET, "a.mov", b"other")
    story.ports.clock.advance(1)
    assert reasons(story, await story.sync()) == {"a.mov": "NO_IDS"}
    # An application may keep the tags when it writes the object again.
    tags = dict(story.tags("a.mov"))
    story.ports.clock.advance(HOUR_S)
    story.buckets.put(BUCKET, "a.mov", b"third", tags=tags)
    story.ports.clock.advance(1)
    assert reasons(story, await story.sync()) == {"a.mov": "IDS_UNKNOWN"}


async def test_tags_from_a_copied_object_do_not_count_as_a_trigger_and_give_no_ids(
    lake_story: Callable[..., Any],
) -> None:
    story = lake_story()
    story.put("a.mov")
    await story.sync()
    story.put("copy of a.mov", tags=dict(story.tags("a.mov")))
    job = await story.sync()
    assert reasons(story, job) == {"a.mov": "INGESTING", "copy of a.mov": "IDS_OF_ANOTHER"}
    assert story.tags("copy of a.mov")["InventoryID"] != story.tags("a.mov")["InventoryID"]


async def test_an_object_that_the_system_takes_while_it_is_read_is_not_overwritten(
    lake_story: Callable[..., Any],
) -> None:
    """Its tag write does not change time or ETag; the number of tags shows it."""
    story = lake_story()
    story.put("a.mov")
    sound = story.ports.objects.head

    async def head(bucket: Any, key: str) -> Any:
        if "InventoryID" not in story.tags(key):
            record_of(story, key)
            tags = {"InventoryID": f"inventory of {key}", "AssetID": f"asset of {key}"}
            await story.ports.objects.write_tags(bucket, await sound(bucket, key), tags)
        return await sound(bucket, key)

    story.ports.objects.head = head
    assert reasons(story, await story.sync()) == {"a.mov": "ASSET_KNOWN"}
    assert story.writes()["CopyObject"] == 0
    assert story.ports.bus.events == []


# The system's own queue.


@DISCOVERIES
async def test_the_queue_trigger_writes_tags_and_sends_ten_messages_a_request(
    lake_story: Callable[..., Any], discovery: Discovery
) -> None:
    story = lake_story(trigger=Trigger.QUEUE, page_object_count=100)
    keys = [f"day 1+2/{n:02d}.mov" for n in range(5)]
    story.put(*keys)
    job = await story.sync(discovery=discovery)
    assert set(story.kinds(job).values()) == {"PUT"}
    assert story.writes() == {
        "CopyObject": 0,
        "PutObjectTagging": 5,
        "CompleteMultipartUpload": 0,
        "events": 5,
    }
    messages = story.ports.ingest_queue.drain(QUEUE_URL)
    assert sorted(message.object_key for message in messages) == keys
    assert {message.job_id for message in messages} == {job.job_id}


async def test_an_object_whose_message_is_refused_fails_and_is_sent_again(
    lake_story: Callable[..., Any],
) -> None:
    story = lake_story(trigger=Trigger.QUEUE)
    story.put("a.mov", "b.mov")
    left = [Unavailable("slow")]
    queue = story.ports.ingest_queue
    queue.refuse = lambda message: left.pop() if message.object_key == "a.mov" and left else None
    job = await story.sync()
    assert (job.status, set(story.kinds(job).values())) == (JobStatus.COMPLETED, {"PUT"})
    assert sorted(message.object_key for message in queue.drain(QUEUE_URL)) == ["a.mov", "b.mov"]
    # Its event was published once as well, after its message.
    assert sorted(event.object_key for event in story.ports.bus.events) == ["a.mov", "b.mov"]
    assert story.requests["PutObjectTagging"] == 2


async def test_a_queue_that_does_not_exist_fails_the_job_before_anything_is_written(
    lake_story: Callable[..., Any],
) -> None:
    story = lake_story(trigger=Trigger.QUEUE)
    story.put("a.mov")

    async def depth(queue_url: str) -> int:
        raise NotFound("no such queue", resource=queue_url)

    story.ports.ingest_queue.depth = depth
    job = await story.sync()
    assert job.status is JobStatus.FAILED
    assert QUEUE_URL in str(job.status_reason)
    assert sum(story.writes().values()) == 0


@pytest.mark.parametrize("error", [NotFound("no such queue"), AccessDenied("not allowed")])
async def test_an_unreadable_queue_is_reported_and_only_the_grace_period_counts(
    lake_story: Callable[..., Any], error: Exception
) -> None:
    story = lake_story(ingest={"queue_url": QUEUE_URL})
    story.put("a.mov")

    async def depth(_queue_url: str) -> int:
        raise error

    story.ports.ingest_queue.depth = depth
    job = await story.sync()
    assert job.status is JobStatus.COMPLETED
    (warning,) = job.findings.warnings
    assert f"the ingest queue {QUEUE_URL} cannot be read" in warning
    story.ports.clock.advance(25 * HOUR_S)
    assert story.kinds(await story.sync()) == {"a.mov": "PUT"}


async def test_an_object_is_waited_for_until_the_queue_was_seen_empty(
    lake_story: Callable[..., Any],
) -> None:
    story = lake_story(trigger=Trigger.QUEUE)
    story.put("a.mov")
    assert story.kinds(await story.sync()) == {"a.mov": "PUT"}
    for _ in range(3):
        story.ports.clock.advance(30 * HOUR_S)
        assert story.kinds(await story.sync()) == {"a.mov": "INGESTING"}
    # The sweep sees it empty; it may not be empty when the next job starts.
    story.ports.ingest_queue.drain(QUEUE_URL)
    await story.use_cases.sweep().run(story.deadline())
    a_minute_ago = story.ports.clock.now() - timedelta(minutes=1)
    assert (await story.ports.connector_store.get("c1")).queue_empty_at == a_minute_ago
    story.ports.ingest_queue.depth = lambda _url: _some()
    assert story.kinds(await story.sync()) == {"a.mov": "PUT"}


async def _some() -> int:
    return 7


async def test_a_queue_that_cannot_be_read_does_not_stop_the_sweep(
    lake_story: Callable[..., Any],
) -> None:
    story = lake_story(trigger=Trigger.QUEUE)
    story.put("a.mov")
    await story.sync()

    async def depth(_queue_url: str) -> int:
        raise Unavailable("not now")

    story.ports.ingest_queue.depth = depth
    await story.use_cases.sweep().run(story.deadline())
    warnings = [warning.name for warning in story.ports.telemetry.warnings]
    assert warnings == ["ingest_queue_not_read"]


async def test_a_sweep_without_time_reads_no_queue(
    lake_story: Callable[..., Any],
) -> None:
    story = lake_story(trigger=Trigger.QUEUE)
    await story.sync()
    asked = []

    async def depth(queue_url: str) -> int:
        asked.append(queue_url)
        return 0

    story.ports.ingest_queue.depth = depth
    story.time_s = 10.0
    await story.use_cases.sweep().run(story.deadline())
    assert asked == []


# Objects by outcome.


@DISCOVERIES
async def test_objects_are_listed_by_their_outcome_page_by_page(
    lake_story: Callable[..., Any], discovery: Discovery
) -> None:
    story = lake_story()
    put = [f"{n:02d}.mov" for n in range(13)]
    story.put(*put)
    plain = [f"{n:02d}.bin" for n in range(9)]
    story.put(*plain, system_metadata={"ContentType": "application/octet-stream"})
    job = await story.sync(discovery=discovery)
    pages = story.use_cases.outcome_pages()

    async def listed(kind: OutcomeKind, limit: int) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await pages.page(
                job.job_id, WantedOutcomes(kind=kind), limit=limit, cursor=cursor
            )
            assert len(page.items) <= limit
            assert all(each.outcome.kind is kind for each in page.items)
            found += [outcome.key for outcome in page.items]
            if page.cursor is None:
                return found
            cursor = page.cursor

    for limit in (1, 2, 4, 100):
        assert sorted(await listed(OutcomeKind.PUT, limit)) == put
        assert sorted(await listed(OutcomeKind.NOT_MEDIA, limit)) == plain
        assert await listed(OutcomeKind.FAILED, limit) == []


@pytest.mark.parametrize(
    "cursor",
    ["x", "W10=", "bnVsbA==", "WyJvdXRjb21lcyIsICJQVVQiLCAxLCAwLCAwXQ==", "W1s" * 40_000],
)
async def test_a_cursor_of_anything_else_is_refused(
    lake_story: Callable[..., Any], cursor: str
) -> None:
    story = lake_story()
    story.put("a.mov", "b.mov")
    job = await story.sync()
    pages = story.use_cases.outcome_pages()
    with pytest.raises(InvalidCursor):
        await pages.page(job.job_id, WantedOutcomes(kind=OutcomeKind.PUT), limit=1, cursor=cursor)
    first = await pages.page(job.job_id, WantedOutcomes(kind=OutcomeKind.PUT), limit=1, cursor=None)
    assert first.cursor is not None
    with pytest.raises(InvalidCursor):
        await pages.page(
            job.job_id, WantedOutcomes(kind=OutcomeKind.FAILED), limit=1, cursor=first.cursor
        )
    with pytest.raises(NotFound):
        await pages.page("job-none", WantedOutcomes(kind=OutcomeKind.PUT), limit=1, cursor=None)


async def test_the_summary_has_every_count(lake_story: Callable[..., Any]) -> None:
    story = lake_story()
    story.put("a.mov")
    job = await story.sync()
    assert json.loads(json.dumps(story.summary(job)))["statistics"] == {
        "objectsListed": 1,
        "objectsFiltered": 0,
        "objectsNotMedia": 0,
        "bytesListed": job.listing.bytes_listed,
        "skipped": 0,
        "copied": 0,
        "put": 1,
        "ingesting": 0,
        "notTaken": 0,
        "notMedia": 0,
        "archived": 0,
        "gone": 0,
        "failed": 0,
        "tagsRestored": 0,
        "knownAsListed": 0,
    }
