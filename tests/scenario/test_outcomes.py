"""The outcomes of objects in whole jobs: discoveries, dry runs, second runs, failures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.execution.tuning import Tuning
from domain.connector import Trigger
from domain.discovery import Discovery
from domain.job import JobStatus
from domain.outcome import Statistics

BUCKET = "media"
DISCOVERIES = pytest.mark.parametrize("discovery", list(Discovery))


def furnish(story: Any) -> dict[str, str]:
    """Put one object of each kind; return the outcomes that a sync must give."""
    story.put("untagged.jpg", "b c+%.mov", "new\nline")
    story.put("owned.jpg", tags={"project": "x"})
    story.put_known("known.jpg")
    story.put_half_known("half.jpg")
    story.put("lost.jpg", tags={"AssetID": "a", "InventoryID": "i"})
    story.put("frozen.jpg", storage_class="GLACIER")
    story.put("thawed.jpg", storage_class="DEEP_ARCHIVE", restored=True)
    story.put("full.jpg", tags={f"t{number}": "v" for number in range(9)})
    story.put("locked.jpg", customer_key=True)
    story.buckets.put(BUCKET, "folder/", b"")
    return {
        "untagged.jpg": "PUT",
        "b c+%.mov": "PUT",
        "new\nline": "PUT",
        "owned.jpg": "PUT",
        "known.jpg": "SKIPPED",
        "half.jpg": "COPIED",
        "lost.jpg": "PUT",
        "frozen.jpg": "ARCHIVED",
        "thawed.jpg": "ARCHIVED",
        "full.jpg": "FAILED",
        "locked.jpg": "FAILED",
    }


@DISCOVERIES
async def test_every_kind_of_object_gets_its_outcome(story: Any, discovery: Discovery) -> None:
    wanted = furnish(story)
    job = await story.sync(discovery=discovery)
    assert story.kinds(job) == wanted
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert job.tally.statistics == Statistics(skipped=1, copied=1, put=5, archived=2, failed=2)
    assert (job.listing.objects_listed, job.listing.objects_filtered) == (11, 1)
    assert story.statuses(job) == [
        "INITIALIZING",
        "DISCOVERING",
        "PROCESSING",
        "COMPLETED_WITH_ERRORS",
    ]
    assert story.summary(job)["statistics"]["put"] == 5


@DISCOVERIES
async def test_events_name_the_write(story: Any, discovery: Discovery) -> None:
    wanted = furnish(story)
    await story.sync(discovery=discovery)
    actions = {e.object_key: e.processing_action.value for e in story.ports.bus.events}
    assert actions == {
        key: {"PUT": "PUT", "COPIED": "COPY"}[kind]
        for key, kind in wanted.items()
        if kind in ("PUT", "COPIED")
    }
    for event in story.ports.bus.events:
        tags = story.tags(event.object_key)
        assert (event.asset_id, event.inventory_id) == (tags["AssetID"], tags["InventoryID"])


async def test_owners_keep_their_tags_bytes_and_metadata(story: Any) -> None:
    story.buckets.put(BUCKET, "a.jpg", b"bytes", tags={"own": "er"}, user_metadata={"camera": "x"})
    job = await story.sync()
    stored = story.buckets.get(BUCKET, "a.jpg")
    assert stored.content == b"bytes"
    assert stored.head.user_metadata == {"camera": "x"}
    assert stored.tags["own"] == "er"
    assert story.job_in_tags("a.jpg") == job.job_id


STATES = st.lists(
    st.sampled_from(["new", "known", "half", "lost", "frozen", "full", "locked", "denied"]),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=STATES, trigger=st.sampled_from(Trigger))
def test_both_discoveries_lead_to_the_same_outcomes(
    new_story: Callable[..., Any], states: list[str], trigger: Trigger
) -> None:
    async def run(discovery: Discovery) -> tuple[Any, ...]:
        story = new_story(trigger=trigger)
        for number, state in enumerate(states):
            _put(story, f"{state} {number}", state)
        job = await story.sync(discovery=discovery)
        lines = {
            key: {name: line.get(name) for name in ("outcome", "decision", "assetId")}
            for key, line in story.outcomes(job).items()
        }
        events = sorted((e.object_key, e.processing_action) for e in story.ports.bus.events)
        return job.status, lines, job.tally.statistics, events

    direct = asyncio.run(run(Discovery.DIRECT))
    batch = asyncio.run(run(Discovery.BATCH))
    if states and set(states) == {"denied"}:
        # If all tasks of the batch job fail, the discovery failed, not every object.
        assert batch[0] in (JobStatus.FAILED, direct[0])
    else:
        assert direct == batch


@DISCOVERIES
async def test_a_dry_run_predicts_and_writes_nothing(story: Any, discovery: Discovery) -> None:
    furnish(story)
    dry = await story.sync(discovery=discovery, dry_run=True)
    assert story.writes() == {
        "CopyObject": 0,
        "PutObjectTagging": 0,
        "CompleteMultipartUpload": 0,
        "events": 0,
    }
    real = await story.sync(discovery=discovery)
    assert story.kinds(dry) == story.kinds(real)
    assert dry.tally.statistics == real.tally.statistics


@DISCOVERIES
@pytest.mark.parametrize("trigger", list(Trigger))
async def test_a_second_run_writes_nothing(
    new_story: Callable[..., Any], discovery: Discovery, trigger: Trigger
) -> None:
    story = new_story(trigger=trigger)
    furnish(story)
    await story.sync(discovery=discovery)
    story.ingest()
    before = story.writes()
    job = await story.sync(discovery=discovery)
    assert story.writes() == before
    assert set(story.kinds(job).values()) <= {"SKIPPED", "FAILED", "ARCHIVED"}


@DISCOVERIES
async def test_the_outcome_of_an_archived_object_shows_whether_it_is_restored(
    story: Any, discovery: Discovery
) -> None:
    """By the reason: outcomes of discovery have no message."""
    story.put("frozen.jpg", storage_class="GLACIER")
    story.put("thawed.jpg", storage_class="GLACIER", restored=True)
    job = await story.sync(discovery=discovery)
    reasons = {key: line["reason"] for key, line in story.outcomes(job).items()}
    assert reasons == {"frozen.jpg": "ARCHIVED", "thawed.jpg": "RESTORED"}
    assert set(story.writes().values()) == {0}
    assert story.buckets.get(BUCKET, "thawed.jpg").head.restored


async def test_the_event_trigger_tags_and_does_not_copy(new_story: Callable[..., Any]) -> None:
    story = new_story(trigger=Trigger.EVENT)
    story.put("a.jpg", "frozen.jpg", storage_class="GLACIER")
    job = await story.sync()
    assert story.kinds(job) == {"a.jpg": "PUT", "frozen.jpg": "PUT"}
    assert story.requests["CopyObject"] == 0
    assert story.requests["PutObjectTagging"] == 2
    assert len(story.ports.bus.events) == 2


@DISCOVERIES
async def test_one_denied_object_does_not_stop_the_others(story: Any, discovery: Discovery) -> None:
    story.put("a.jpg", "b.jpg", "c.jpg")
    story.buckets.denied.add((BUCKET, "b.jpg"))
    job = await story.sync(discovery=discovery)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert job.status_reason == "1 of 3 objects failed"
    assert story.kinds(job) == {"a.jpg": "PUT", "b.jpg": "FAILED", "c.jpg": "PUT"}
    failures = await story.failures(job)
    assert [(f.key, f.error_class) for f in failures] == [("b.jpg", "AccessDenied")]
    assert failures[0].stack_trace


@DISCOVERIES
async def test_a_redrive_retries_failed_objects_and_touches_nothing_else(
    story: Any, discovery: Discovery
) -> None:
    story.put("a.jpg", "b.jpg", "c.jpg")
    story.buckets.denied.add((BUCKET, "b.jpg"))
    job = await story.sync(discovery=discovery)
    reads, writes = story.requests["GetObjectTagging"], story.writes()
    story.buckets.denied.clear()
    await story.use_cases.redrive_job().redrive(job.job_id)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    assert story.kinds(job) == {"a.jpg": "PUT", "b.jpg": "PUT", "c.jpg": "PUT"}
    assert story.requests["GetObjectTagging"] == reads + 1
    assert story.writes() == writes | {
        "CopyObject": writes["CopyObject"] + 1,
        "events": writes["events"] + 1,
    }
    assert await story.failures(job) == []
    assert story.summary(job)["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("owned", "kind"), [(7, "PUT"), (8, "FAILED"), (10, "FAILED")], ids=["10", "11", "13"]
)
async def test_ten_tags_are_the_limit(story: Any, owned: int, kind: str) -> None:
    tags = {f"t{number}": "v" for number in range(owned)}
    story.put("a.jpg", tags=tags)
    job = await story.sync()
    assert story.kinds(job) == {"a.jpg": kind}
    if kind == "FAILED":
        assert story.tags("a.jpg") == tags
        assert (await story.failures(job))[0].error_class == "TagLimitExceeded"


async def test_an_object_deleted_during_the_sync_is_gone(story: Any) -> None:
    story.put("a.jpg", "b.jpg")
    job = await story.start()
    await story.run_engine()
    story.buckets.delete(BUCKET, "a.jpg")
    job = await story.finish(job.job_id)
    assert story.kinds(job) == {"a.jpg": "GONE", "b.jpg": "PUT"}
    assert job.status is JobStatus.COMPLETED


async def test_an_object_that_changes_between_read_and_write_is_read_again(story: Any) -> None:
    story.put("a.jpg")
    copy_in_place = story.ports.objects.copy_in_place
    changed: list[str] = []

    async def rewrite_late(bucket: Any, head: Any, tags: Any) -> Any:
        if not changed:
            changed.append(head.key)
            story.put("a.jpg", tags={"new": "tag"})
            story.buckets.put(BUCKET, "a.jpg", b"new content", tags={"new": "tag"})
        return await copy_in_place(bucket, head, tags)

    story.ports.objects.copy_in_place = rewrite_late
    job = await story.sync()
    assert story.kinds(job) == {"a.jpg": "PUT"}
    assert story.buckets.get(BUCKET, "a.jpg").content == b"new content"
    assert story.tags("a.jpg")["new"] == "tag"


async def test_a_multipart_upload_created_before_keeps_its_own_tags(story: Any) -> None:
    """S3's modification time of a multipart upload is that of its creation."""
    story.put("a.mov", tags={"project": "old"})
    story.ports.clock.advance(100)
    head = story.ports.objects.head
    replaced: list[str] = []

    async def replaced_before(bucket: Any, key: str) -> Any:
        if not replaced:
            replaced.append(key)
            tags = {"project": "new", "rights": "embargo"}
            story.buckets.put(BUCKET, key, b"new", e_tag="0123-7", tags=tags)
            versions = story.buckets.find(BUCKET).versions[key]
            created_at = story.ports.clock.now() - timedelta(seconds=60)
            earlier = replace(versions[-1].head, last_modified=created_at)
            versions[-1] = replace(versions[-1], head=earlier)
        return await head(bucket, key)

    story.ports.objects.head = replaced_before

    job = await story.sync()

    assert story.kinds(job) == {"a.mov": "PUT"}
    assert story.tags("a.mov").items() >= {("project", "new"), ("rights", "embargo")}


async def test_filters_leave_out_and_count(story: Any) -> None:
    story.put("a/1.jpg", "a/2.tmp", "b/3.jpg", "c/4.jpg")
    job = await story.sync(prefixes=("a/", "b/"), exclude=("*.tmp",))
    assert set(story.kinds(job)) == {"a/1.jpg", "b/3.jpg"}
    assert (job.listing.objects_listed, job.listing.objects_filtered) == (2, 1)


async def test_modified_since_finds_multipart_uploads_created_before(story: Any) -> None:
    """Their time is that of their creation, and they are visible when they are completed."""
    created_at = story.ports.clock.now()
    story.ports.clock.advance(3_600)
    story.put("before.jpg")
    last = await story.sync()
    story.ports.clock.advance(3_600)
    story.put("since.jpg")
    story.buckets.put(BUCKET, "parts.mov", b"multipart", e_tag="0123-7")
    versions = story.buckets.find(BUCKET).versions["parts.mov"]
    dated = replace(versions[-1].head, last_modified=created_at)
    versions[-1] = replace(versions[-1], head=dated)

    job = await story.sync(modified_since=last.times.created_at)

    assert {"parts.mov", "since.jpg"} <= story.kinds(job).keys()
    assert (story.kinds(job)["parts.mov"], story.kinds(job)["since.jpg"]) == ("PUT", "PUT")


async def test_modified_since_leaves_out_what_is_older_than_the_margin(
    new_story: Callable[..., Any],
) -> None:
    story = new_story(Tuning(modified_since_margin_s=600))
    story.put("old.jpg")
    story.ports.clock.advance(1_200)
    since = story.ports.clock.now()
    story.put("new.jpg")
    job = await story.sync(modified_since=since)
    assert story.kinds(job) == {"new.jpg": "PUT"}
    assert job.listing.objects_filtered == 1


async def test_every_key_can_be_explained(story: Any) -> None:
    wanted = furnish(story)
    job = await story.sync(discovery=Discovery.BATCH)
    for key, kind in wanted.items():
        explanation = await story.use_cases.explain_object().explain(job.job_id, key)
        assert explanation.outcome.kind == kind


def _put(story: Any, key: str, state: str) -> None:
    match state:
        case "known":
            story.put_known(key)
        case "half":
            story.put_half_known(key)
        case "lost":
            story.put(key, tags={"AssetID": f"a {key}", "InventoryID": f"i {key}"})
        case "frozen":
            story.put(key, storage_class="DEEP_ARCHIVE")
        case "full":
            story.put(key, tags={f"t{number}": "v" for number in range(10)})
        case "locked":
            story.put(key, customer_key=True)
        case "denied":
            story.put(key)
            story.buckets.denied.add((BUCKET, key))
        case _:
            story.put(key)
