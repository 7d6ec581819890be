"""Objects that are modified in the same second in which they are read."""

from __future__ import annotations

from typing import Any

import pytest

from application.execution.fanout import AdaptiveLimit
from application.execution.tuning import Tuning
from application.processor.attempt_context import AttemptContext
from application.processor.attempt_pace import AttemptPace
from domain.connector import Bucket
from domain.job import Job, new_job
from domain.manifest import ManifestEntry
from domain.outcome import Outcome, OutcomeKind
from domain.sync_request import SyncRequest
from entrypoints.wiring.memory import MemoryWorld, memory_world, use_cases


class StopsAfter:
    """A stop signal that stops after some calls."""

    rate: float | None = None

    def __init__(self, answers: int) -> None:
        self._answers = answers

    async def should_stop(self, _needed_s: float = 0.0) -> bool:
        self._answers -= 1
        return self._answers < 0


@pytest.fixture
def world() -> MemoryWorld:
    world = memory_world()
    world.buckets.create("media")
    world.buckets.put("media", "just now.jpg", b"new")
    return world


async def process(world: MemoryWorld, *, answers: int = 1_000) -> list[Outcome]:
    ports = world.ports
    tuning = Tuning(calls_in_flight=2, single_copy_bytes_max=1_000)
    processor = use_cases(ports, tuning).object_processor()
    job: Job = new_job(
        job_id="job-1",
        request=SyncRequest(connector_id="c", bucket=Bucket(name="media")),
        now=ports.clock.now(),
    )
    entry = ManifestEntry(key="just now.jpg", size_bytes=3, last_modified=None)
    stop_signal: Any = StopsAfter(answers)
    no_copies: Any = None
    context = AttemptContext(
        stop_signal=stop_signal,
        pace=AttemptPace(stop_signal, ports.clock),
        limit=AdaptiveLimit(2),
        copies=no_copies,
    )
    return await processor.process(job, [entry], context)


async def test_it_is_read_again_a_second_later(world: MemoryWorld) -> None:
    [outcome] = await process(world)
    assert outcome.kind is OutcomeKind.PUT
    assert world.buckets.requests["GetObjectTagging"] == 2
    assert world.buckets.requests["CopyObject"] == 1


async def test_one_that_changes_all_the_time_fails_in_this_attempt(world: MemoryWorld) -> None:
    head = world.ports.objects.head

    async def modified_again(bucket: Bucket, key: str) -> Any:
        world.buckets.put("media", key, b"newer")
        return await head(bucket, key)

    world.ports.objects.head = modified_again  # type: ignore[method-assign]
    [outcome] = await process(world)
    assert (outcome.kind, outcome.reason, outcome.retryable) == (
        OutcomeKind.FAILED,
        "Conflict",
        True,
    )
    assert world.buckets.requests["CopyObject"] == 0


async def test_one_whose_job_ends_in_the_meantime_was_not_started(world: MemoryWorld) -> None:
    """The stop signal is checked before each round and before the write; it stops the second
    round."""
    assert await process(world, answers=2) == []
