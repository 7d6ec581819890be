"""S3's own events include the service's writes: they can be distinguished, and a loop ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from adapters.memory.buckets import ObjectCreated
from domain.connector import Trigger
from domain.discovery import Discovery
from domain.job import Job
from domain.sync_request import SyncOptions
from ports.job_store import OverlappingJob

BUCKET = "media"
DISCOVERIES = pytest.mark.parametrize("discovery", list(Discovery))
JOB_COUNT_MAX = 20


def furnish(story: Any) -> None:
    """Put objects of all kinds; one of them needs a multipart copy."""
    story.put("untagged.jpg", "b c+%.mov")
    story.put("owned.jpg", tags={"project": "x"})
    story.put_known("known.jpg")
    story.put_half_known("half.jpg")
    story.put("frozen.jpg", storage_class="GLACIER")
    story.put("full.jpg", tags={f"t{number}": "v" for number in range(9)})
    story.buckets.put(BUCKET, "huge.mov", b"stand-in", size_bytes=6 * 10**9)
    story.ports.clock.advance(1)


def listen(story: Any) -> list[ObjectCreated]:
    """Return the events of S3 from now on."""
    heard: list[ObjectCreated] = []
    story.buckets.on_created.append(heard.append)
    return heard


def announced(story: Any, job: Job) -> Counter[tuple[str, str, str, str | None]]:
    """Count the ingest events of a job by the members that S3's events also have."""
    return Counter(
        (e.bucket_name, e.object_key, e.e_tag, e.version_id)
        for e in story.ports.bus.events
        if e.job_id == job.job_id
    )


def names(events: list[ObjectCreated]) -> list[tuple[str, str, str, str | None]]:
    """Return the members that identify an object both in S3's events and in ingest events."""
    return [(e.bucket_name, e.key, e.e_tag, e.version_id) for e in events]


@DISCOVERIES
@pytest.mark.parametrize("versioned", [False, True])
async def test_each_write_of_the_service_has_one_ingest_event_and_an_owners_has_none(
    story: Any, discovery: Discovery, versioned: bool
) -> None:
    story.buckets.find(BUCKET).versioned = versioned
    owners = listen(story)
    furnish(story)
    owners = list(owners)
    ours = listen(story)
    job = await story.sync(discovery=discovery)
    after = len(ours)
    story.put("later.jpg")

    ours, late = ours[:after], ours[after:]
    assert announced(story, job) == Counter(names(ours))
    assert {event.kind for event in ours} == {"Copy", "CompleteMultipartUpload"}
    assert sorted(e.key for e in ours if e.kind == "CompleteMultipartUpload") == ["huge.mov"]
    tagged = {event.key: story.job_in_tags(event.key) for event in ours}
    assert tagged == {key: job.job_id for key, kind in story.kinds(job).items() if _written(kind)}
    if versioned:
        # Without versions, a copy in one request has the ETag of its source.
        assert not announced(story, job).keys() & set(names(owners))
    assert not announced(story, job).keys() & set(names(late))


@DISCOVERIES
async def test_the_event_trigger_creates_no_object(
    new_story: Callable[..., Any], discovery: Discovery
) -> None:
    story = new_story(trigger=Trigger.EVENT)
    furnish(story)
    heard = listen(story)
    await story.sync(discovery=discovery)
    assert heard == []
    assert story.ports.bus.events


class WorstConsumer:
    """Starts a sync of the bucket for every object event, and again if it is refused."""

    def __init__(self, story: Any, discovery: Discovery) -> None:
        self._story = story
        self._options = SyncOptions(discovery=discovery)
        self._heard = listen(story)
        self.jobs: list[Job] = []

    async def follow(self) -> None:
        """Start a sync for each event and run it to its end, until no more events arrive."""
        while self._heard and len(self.jobs) < JOB_COUNT_MAX:
            refused = []
            for event in [self._heard.pop(0) for _ in list(self._heard)]:
                try:
                    started = await self._story.use_cases.start_sync().start("c1", self._options)
                except OverlappingJob:
                    refused.append(event)
                else:
                    self.jobs.append(started.job)
            self._heard += refused
            await self._story.finish(self.jobs[-1].job_id)
            self.after_job()

    def after_job(self) -> None:
        """What other processes do between two jobs."""


@DISCOVERIES
async def test_a_loop_ends_once_the_catalog_has_the_objects(
    story: Any, discovery: Discovery
) -> None:
    await story.sync()
    story.ports.bus.events.clear()
    consumer = WorstConsumer(story, discovery)
    consumer.after_job = story.ingest  # type: ignore[method-assign]  # the system takes all up
    story.put("a.jpg", "b.jpg", "c.jpg")
    await consumer.follow()

    kinds = [set(story.kinds(job).values()) for job in consumer.jobs]
    # Three uploads and the three copies of the first job: six jobs, of which one writes.
    assert kinds == [{"PUT"}, *[{"SKIPPED"}] * 5]
    assert story.writes()["CopyObject"] == len(story.ports.bus.events) == 3


async def test_a_loop_ends_even_if_the_catalog_never_has_the_objects(story: Any) -> None:
    """A triggered object is waited for, and triggered three times in total."""
    await story.sync()
    consumer = WorstConsumer(story, Discovery.DIRECT)
    consumer.after_job = lambda: story.ports.clock.advance(25 * 3600)  # type: ignore[method-assign]
    story.put("a.jpg")
    await consumer.follow()
    # One job for the upload, and one for each of the three copies in place.
    kinds = [set(story.kinds(job).values()) for job in consumer.jobs]
    assert kinds == [{"PUT"}, {"PUT"}, {"PUT"}, {"NOT_TAKEN"}]
    assert story.writes()["CopyObject"] == 3


def _written(kind: str) -> bool:
    return kind in ("PUT", "COPIED")
