"""Records that this version cannot read: each blocks only itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ports.errors import CorruptData

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/210987654321/ingest"


async def two_jobs(story: Any) -> tuple[Any, Any]:
    """Start a job that no process has advanced yet, and an older one that cannot be read."""
    story.put("a/1.jpg", "b/1.jpg")
    unreadable = await story.start(prefixes=("a/",))
    story.ports.clock.advance(1)
    other = await story.start(prefixes=("b/",))
    story.world.database.unreadable[unreadable.job_id] = "'PAUSED' is not a valid JobStatus"
    story.ports.invoker.take()  # lost: the sweep must find them
    return unreadable, other


async def test_a_job_that_cannot_be_read_does_not_stop_the_sweep(story: Any) -> None:
    unreadable, other = await two_jobs(story)
    job = await story.finish(other.job_id)
    assert job.tally.statistics.put == 1
    logged = [w for w in story.ports.telemetry.warnings if w.name == "job_not_repaired"]
    assert {warning.facts["job_id"] for warning in logged} == {unreadable.job_id}
    assert "PAUSED" in str(logged[0].facts["cause"])
    with pytest.raises(CorruptData):
        await story.use_cases.queries().job(unreadable.job_id)


async def test_a_job_that_cannot_be_read_does_not_keep_others_from_being_listed(story: Any) -> None:
    unreadable, other = await two_jobs(story)
    for connector_id in (None, "c1"):
        page = await story.use_cases.queries().jobs(
            connector_id=connector_id, status=None, limit=20, cursor=None
        )
        assert [job.job_id for job in page.items] == [other.job_id]
        assert [each.record_id for each in page.unreadable] == [unreadable.job_id]
        assert "PAUSED" in page.unreadable[0].cause


async def test_a_job_that_is_readable_again_continues(story: Any) -> None:
    unreadable, other = await two_jobs(story)
    await story.finish(other.job_id)
    story.world.database.unreadable.clear()  # the newer version is back
    assert (await story.finish(unreadable.job_id)).tally.statistics.put == 1


async def test_an_unreadable_connector_stops_only_its_own_syncs(
    new_story: Callable[..., Any],
) -> None:
    story = new_story(ingest={"queue_url": QUEUE_URL})
    story.ports.ingest_queue.create(QUEUE_URL)
    await story.sync()
    connectors = story.world.database.connectors
    connectors["c0"] = replace(connectors["c1"], connector_id="c0")
    story.world.database.unreadable["c0"] = "KeyError('trigger')"
    page = await story.use_cases.connectors().list_page(limit=20, cursor=None)
    assert [each.connector_id for each in page.items] == ["c1"]
    assert [each.record_id for each in page.unreadable] == ["c0"]

    story.ports.clock.advance(600)
    before = (await story.use_cases.connectors().get("c1")).queue_empty_at
    await story.use_cases.sweep().run(story.deadline())
    seen_empty = (await story.use_cases.connectors().get("c1")).queue_empty_at
    assert seen_empty > before
    logged = [w for w in story.ports.telemetry.warnings if w.name == "connector_not_read"]
    assert [warning.facts["connector_id"] for warning in logged] == ["c0"]
