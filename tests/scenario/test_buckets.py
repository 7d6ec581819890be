"""The effect of a bucket's configuration on a job: an error with its next step, or a warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from application.execution.tuning import Tuning
from domain.connector import Trigger
from domain.discovery import Discovery
from domain.job import Job, JobStatus
from domain.packing import ChunkSizing

BUCKET = "media"
DISCOVERIES = pytest.mark.parametrize("discovery", list(Discovery))


def bucket_of(story: Any, **facts: Any) -> None:
    """Change the configuration of the story's bucket."""
    for name, value in facts.items():
        setattr(story.buckets.find(BUCKET), name, value)


async def test_a_bucket_in_another_region_cannot_be_discovered_by_batch(story: Any) -> None:
    bucket_of(story, other_region="eu-central-1")
    story.put("a.jpg")
    job = await story.sync(discovery=Discovery.BATCH)
    assert job.status is JobStatus.FAILED
    for word in ("bucket media", "eu-central-1", "discovery 'direct'"):
        assert word in job.status_reason
    assert [f.error_class for f in await story.failures(job)] == ["UnsupportedBucket"]
    assert story.ports.batch_jobs.created == {}
    assert story.requests["ListObjectsV2"] == 0


async def test_a_bucket_in_another_region_is_synced_directly(story: Any) -> None:
    bucket_of(story, other_region="eu-central-1")
    story.put("a.jpg")
    job = await story.sync(discovery=Discovery.DIRECT)
    assert (job.status, story.kinds(job)) == (JobStatus.COMPLETED, {"a.jpg": "PUT"})
    assert job.findings.warnings == ()


@DISCOVERIES
async def test_a_requester_pays_bucket_is_refused(story: Any, discovery: Discovery) -> None:
    bucket_of(story, requester_pays=True)
    story.put("a.jpg")
    job = await story.sync(discovery=discovery)
    assert (job.status, "Requester Pays" in job.status_reason) == (JobStatus.FAILED, True)


# Noncurrent versions that copies in place leave in a versioned bucket.


def furnish(story: Any) -> None:
    """Put three objects of 1,500,000,000,007 bytes, and one that a filter may leave out."""
    bucket_of(story, versioned=True)
    story.buckets.put(BUCKET, "a.mov", b"stand-in", size_bytes=10**12)
    story.buckets.put(BUCKET, "b.mov", b"stand-in", size_bytes=5 * 10**11)
    story.buckets.put(BUCKET, "c.jpg", b"7 bytes")
    story.put_known("left out.tmp")


AT_MOST = "at most 3 objects and 1.5 TB (1,500,000,000,007 bytes)"


@DISCOVERIES
@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_versioned_bucket_is_warned_with_figures(
    story: Any, discovery: Discovery, dry_run: bool
) -> None:
    furnish(story)
    job = await story.sync(discovery=discovery, dry_run=dry_run, exclude=("*.tmp",))
    [warning] = job.findings.warnings
    assert AT_MOST in warning
    assert story.summary(job)["warnings"] == [warning]


async def test_while_the_listing_runs_the_warning_has_no_figures(
    new_story: Callable[..., Any],
) -> None:
    """Another invocation resumes the work of the first, from the record alone."""
    story = new_story(
        Tuning(sizing=ChunkSizing(object_count_max=5), manifest_part_bytes=1), page_object_count=1
    )
    furnish(story)
    job = await story.start(discovery=Discovery.BATCH, exclude=("*.tmp",))
    listed = await _begin(story, job)
    assert listed.status is JobStatus.INITIALIZING
    assert listed.listing.objects_listed == 1
    [early] = listed.findings.warnings
    assert "versioned" in early
    assert "at most" not in early
    [late] = (await story.finish(job.job_id)).findings.warnings
    assert AT_MOST in late


async def test_a_bucket_that_becomes_versioned_during_the_listing_is_warned(
    new_story: Callable[..., Any],
) -> None:
    story = new_story(page_object_count=1)
    furnish(story)
    bucket_of(story, versioned=False)
    job = await story.start(exclude=("*.tmp",))
    assert (await _begin(story, job)).findings.warnings == ()
    bucket_of(story, versioned=True)
    [warning] = (await story.finish(job.job_id)).findings.warnings
    assert AT_MOST in warning


async def test_the_event_trigger_leaves_nothing_and_warns_of_nothing(
    new_story: Callable[..., Any],
) -> None:
    story = new_story(trigger=Trigger.EVENT)
    furnish(story)
    assert (await story.sync()).findings.warnings == ()


@DISCOVERIES
async def test_noncurrent_versions_are_within_the_warned_figures(
    story: Any, discovery: Discovery
) -> None:
    furnish(story)
    story.put_known("known.jpg")
    job = await story.sync(discovery=discovery)
    versions = [
        stored
        for key in story.buckets.keys(BUCKET)
        for stored in story.buckets.find(BUCKET).versions[key][:-1]
    ]
    assert len(versions) == 3 < job.listing.objects_listed == 5
    assert sum(stored.head.size_bytes for stored in versions) <= job.listing.bytes_listed


@DISCOVERIES
async def test_a_dry_runs_outcomes_give_the_exact_noncurrent_versions(
    story: Any, discovery: Discovery
) -> None:
    furnish(story)
    story.put_half_known("half.jpg")
    dry = await story.sync(discovery=discovery, dry_run=True)
    planned = [
        line["size"]
        for line in story.outcomes(dry).values()
        if line["outcome"] in ("PUT", "COPIED")
    ]
    await story.sync(discovery=discovery)
    behind = [
        stored.head.size_bytes
        for key in story.buckets.keys(BUCKET)
        for stored in story.buckets.find(BUCKET).versions[key][:-1]
    ]
    assert sorted(planned) == sorted(behind)
    assert len(planned) == 4


async def _begin(story: Any, job: Job) -> Job:
    """Let the engine list one page and reach its deadline."""
    time_s, story.time_s = story.time_s, 0
    await story.run_engine()
    story.time_s = time_s
    listed: Job = await story.ports.jobs.get(job.job_id)
    return listed
