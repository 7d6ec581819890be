"""Refused invocations of the engine: the recorded request stays, and the sweep runs it."""

from __future__ import annotations

from typing import Any

from domain.job import JobStatus
from ports.errors import AccessDenied, Throttled

BUCKET = "media"


def refuse_orders(story: Any, error: Exception) -> None:
    """Make every invocation of the engine fail."""

    async def refuse(_: str) -> None:
        raise error

    story.ports.invoker.advance = refuse


def take_orders(story: Any) -> None:
    """Accept invocations again."""
    del story.ports.invoker.advance


def refused_orders(story: Any) -> list[str]:
    """Return the jobs of the logged failed invocations."""
    warnings = story.ports.telemetry.warnings
    return [e.facts["job_id"] for e in warnings if e.name == "engine_not_invoked"]


async def test_a_start_without_its_invocation_succeeds(story: Any) -> None:
    story.put("a.jpg")
    refuse_orders(story, AccessDenied("no right to invoke"))
    job = await story.start()
    assert refused_orders(story) == [job.job_id]
    take_orders(story)
    assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED


async def test_a_cancel_without_its_invocation_succeeds(story: Any) -> None:
    story.put("a.jpg")
    job = await story.start()
    refuse_orders(story, Throttled("too many"))
    await story.use_cases.cancel_job().cancel(job.job_id)
    assert refused_orders(story) == [job.job_id]
    take_orders(story)
    assert (await story.finish(job.job_id)).status is JobStatus.CANCELLED


async def test_a_redrive_without_its_invocation_succeeds(story: Any) -> None:
    story.put("a.jpg")
    story.buckets.denied.add((BUCKET, "a.jpg"))
    job = await story.sync()
    story.buckets.denied.clear()
    refuse_orders(story, Throttled("too many"))
    await story.use_cases.redrive_job().redrive(job.job_id)
    assert refused_orders(story) == [job.job_id]
    take_orders(story)
    assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED
