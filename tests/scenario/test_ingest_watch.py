"""When the system's ingest queue counts as empty."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.connector import Trigger


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, new_story: Callable[..., Any]) -> Any:
    """A story in which the response to a read of the queue takes a minute."""
    story = new_story(trigger=Trigger.QUEUE)
    depth = story.ports.ingest_queue.depth

    async def late(queue_url: str) -> int:
        found = await depth(queue_url)
        story.ports.clock.advance(60)
        return found

    monkeypatch.setattr(story.ports.ingest_queue, "depth", late)
    return story


def empty_at(story: Any) -> datetime | None:
    return story.world.database.connectors["c1"].queue_empty_at


async def test_a_queue_was_empty_at_the_request_and_not_at_the_response(
    slow: Any,
) -> None:
    """Messages sent in between may still be waiting, and the number lags by a minute."""
    job = await slow.start()
    began_at = slow.ports.clock.now() - timedelta(minutes=1)
    await slow.run_engine()
    assert (await slow.ports.jobs.get(job.job_id)).findings.queue.empty_at == began_at
    assert empty_at(slow) == began_at
    swept_at = slow.ports.clock.now() - timedelta(minutes=1)
    await slow.use_cases.sweep().run(slow.deadline())
    assert empty_at(slow) == swept_at > began_at


async def test_a_queue_with_messages_keeps_the_time_of_its_last_emptiness(
    new_story: Callable[..., Any],
) -> None:
    story = new_story(trigger=Trigger.QUEUE)
    first = await story.sync()
    story.put("a.jpg")
    second = await story.sync()
    third = await story.sync()
    assert story.ports.ingest_queue.drain(story.ingest_settings.queue_url)
    assert (
        first.findings.queue.empty_at
        < second.findings.queue.empty_at
        == third.findings.queue.empty_at
    )
