"""Several connectors on one bucket: overlapping jobs exclude each other."""

from __future__ import annotations

from typing import Any

import pytest

from application.connectors import NewConnector
from domain.discovery import Discovery
from domain.job import JobStatus
from domain.sync_request import SyncOptions
from ports.job_store import OverlappingJob

DISCOVERIES = pytest.mark.parametrize("discovery", list(Discovery))


async def another_connector(story: Any, **more: Any) -> None:
    """Register a second connector on the bucket of the first."""
    connector = story.world.database.connectors["c1"]
    new = NewConnector(
        connector_id="c2",
        bucket_name=connector.bucket.name,
        role_arn=connector.bucket.role_arn,
        ingest=connector.ingest,
        **more,
    )
    await story.use_cases.connectors().register(new)


@DISCOVERIES
async def test_an_object_is_written_and_announced_once(story: Any, discovery: Discovery) -> None:
    story.put("1.jpg", "2.jpg", "3.jpg", "4.jpg")
    first = await story.start(discovery=discovery)
    await another_connector(story)
    start = story.use_cases.start_sync().start
    for _ in range(3):
        with pytest.raises(OverlappingJob) as caught:
            await start("c2", SyncOptions(discovery=discovery))
        assert caught.value.job_id == first.job_id
        await story.run_engine()
        await story.run_batch_jobs()
    assert (await story.finish(first.job_id)).status is JobStatus.COMPLETED
    assert story.writes()["CopyObject"] == story.writes()["events"] == 4

    second = (await start("c2", SyncOptions(discovery=discovery))).job
    assert set(story.kinds(await story.finish(second.job_id)).values()) == {"INGESTING"}
    assert story.writes()["CopyObject"] == story.writes()["events"] == 4


async def test_other_prefixes_of_the_bucket_are_free(story: Any) -> None:
    story.put("a/1.jpg", "b/1.jpg")
    first = await story.start(prefixes=("a/",))
    await another_connector(story, prefixes=("b/",))
    second = (await story.use_cases.start_sync().start("c2", SyncOptions())).job
    for job in (first, second):
        assert (await story.finish(job.job_id)).tally.statistics.put == 1


async def test_a_redrive_waits_for_the_other_connector_s_job(story: Any) -> None:
    story.put("a.jpg", "b.jpg")
    story.buckets.denied.add(("media", "a.jpg"))
    first = await story.sync()
    assert first.status is JobStatus.COMPLETED_WITH_ERRORS
    await another_connector(story)
    second = (await story.use_cases.start_sync().start("c2", SyncOptions())).job
    with pytest.raises(OverlappingJob) as caught:
        await story.use_cases.redrive_job().redrive(first.job_id)
    assert caught.value.job_id == second.job_id
