"""The id of an ingest event identifies its content: a receiver may drop repeated ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from faulty_ports import Crash

from application.execution.tuning import Tuning
from domain.connector import Trigger
from domain.job import JobStatus
from domain.message import IngestEvent

BUCKET = "media"
KEY = "a.mov"
MIB = 1024**2
TUNING = Tuning(single_copy_bytes_max=10 * MIB, copy_part_bytes=5 * MIB, manifest_part_bytes=1)

PLACES = pytest.mark.parametrize(
    ("trigger", "versioned", "size_bytes"),
    [
        (trigger, versioned, size_bytes)
        for trigger in Trigger
        for versioned in (False, True)
        for size_bytes in (None, 12 * MIB)
    ],
)


class Receiver:
    """Processes each event id once, as the contract allows, and reads the object then."""

    def __init__(self, story: Any) -> None:
        self._story = story
        self._seen: set[str] = set()
        self.content: dict[str, bytes] = {}
        self.dropped: list[IngestEvent] = []

    def receive(self) -> None:
        """Process the events that were published since."""
        for event in self._story.ports.bus.events:
            if event.event_id in self._seen:
                self.dropped.append(event)
                continue
            self._seen.add(event.event_id)
            stored = self._story.buckets.get(BUCKET, event.object_key)
            self.content[event.object_key] = stored.content
        self._story.ports.bus.events.clear()


def put(story: Any, content: bytes, size_bytes: int | None, **more: Any) -> None:
    story.buckets.put(BUCKET, KEY, content, size_bytes=size_bytes, **more)
    story.ports.clock.advance(2)


def die_in_settlement(story: Any) -> None:
    settle = story.ports.chunks.settle

    async def failing(chunk: Any, change: Any) -> Any:
        story.ports.chunks.settle = settle
        raise Crash

    story.ports.chunks.settle = failing


async def announced_in_vain(story: Any) -> Any:
    """Return a job whose only object was announced by a worker that died before settling."""
    job = await story.start()
    await story.run_engine()
    die_in_settlement(story)
    with pytest.raises(Crash):
        await story.run_chunks()
    return job


@PLACES
@pytest.mark.parametrize("tags", ["without tags", "with the tags"])
async def test_an_object_that_is_replaced_between_two_attempts_is_announced_as_another(
    new_story: Callable[..., Any],
    trigger: Trigger,
    versioned: bool,
    size_bytes: int | None,
    tags: str,
) -> None:
    story = new_story(TUNING, trigger=trigger)
    story.buckets.find(BUCKET).versioned = versioned
    receiver = Receiver(story)
    put(story, b"old", size_bytes)
    job = await announced_in_vain(story)
    receiver.receive()
    assert receiver.content == {KEY: b"old"}
    put(story, b"new", size_bytes, tags=story.tags(KEY) if tags == "with the tags" else {})
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    receiver.receive()
    assert receiver.content == {KEY: b"new"}
    assert receiver.dropped == []


@PLACES
async def test_a_repetition_is_known_by_its_id(
    new_story: Callable[..., Any], trigger: Trigger, versioned: bool, size_bytes: int | None
) -> None:
    story = new_story(TUNING, trigger=trigger)
    story.buckets.find(BUCKET).versioned = versioned
    receiver = Receiver(story)
    put(story, b"content", size_bytes)
    job = await announced_in_vain(story)
    [first] = story.ports.bus.events
    receiver.receive()
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    receiver.receive()
    assert receiver.dropped == [first]


async def test_a_version_from_before_versioning_is_the_same_object(
    new_story: Callable[..., Any],
) -> None:
    """S3 names it `null` in a versioned bucket, and did not name it before."""
    story = new_story(TUNING, trigger=Trigger.EVENT)
    receiver = Receiver(story)
    put(story, b"content", None)
    job = await announced_in_vain(story)
    receiver.receive()
    head = story.ports.objects.head

    async def with_version(bucket: Any, key: str) -> Any:
        return replace(await head(bucket, key), version_id="null")

    story.ports.objects.head = with_version
    await story.finish(job.job_id)
    receiver.receive()
    assert len(receiver.dropped) == 1
