"""Size limits of records are reported to the caller, and never reached by a write."""

from __future__ import annotations

from typing import Any

import pytest

import domain.item_sizes
from application.connectors import NewConnector
from domain.connector import Ingest
from domain.discovery import Discovery
from domain.errors import InvalidRequest
from domain.file_types import FileFilter
from domain.job import JobStatus
from domain.sync_request import SyncOptions
from ports.job_store import TooManyPrefixes

LARGE_FILTER = FileFilter(extensions=tuple(f"{number:0256}" for number in range(500)))


def long_prefixes(letter: str) -> tuple[str, ...]:
    """Return as many prefixes of 1,024 bytes as a request may have."""
    return tuple(f"{letter}{number:03}".ljust(1_024, "x") for number in range(100))


async def test_a_fourth_job_with_many_long_prefixes_is_refused(story: Any) -> None:
    jobs = [await story.start(prefixes=long_prefixes(letter)) for letter in "abc"]
    with pytest.raises(TooManyPrefixes):
        await story.start(prefixes=long_prefixes("d"))
    await story.finish(jobs[0].job_id)
    await story.finish((await story.start(prefixes=long_prefixes("d"))).job_id)


async def test_a_redrive_is_refused_as_well(story: Any) -> None:
    key = f"{long_prefixes('d')[0][:-1]}y"
    story.put(key)
    story.buckets.denied.add(("media", key))
    failed = await story.sync(prefixes=(*long_prefixes("d")[1:], key))
    assert failed.status is JobStatus.COMPLETED_WITH_ERRORS
    for letter in "abc":
        await story.start(prefixes=long_prefixes(letter))
    with pytest.raises(TooManyPrefixes):
        await story.use_cases.redrive_job().redrive(failed.job_id)


async def test_options_that_are_too_large_are_refused(story: Any) -> None:
    await story.sync()
    await story.use_cases.connectors().register(
        NewConnector(
            connector_id="c2",
            bucket_name="media-2",
            ingest=Ingest(file_filter=LARGE_FILTER),
        )
    )
    with pytest.raises(InvalidRequest, match="190,000 are allowed"):
        await story.use_cases.start_sync().start("c2", SyncOptions(prefixes=long_prefixes("a")))


async def test_a_connector_that_is_too_large_is_refused(story: Any) -> None:
    new = NewConnector(
        bucket_name="media-2",
        prefixes=long_prefixes("a"),
        ingest=Ingest(file_filter=LARGE_FILTER),
    )
    with pytest.raises(InvalidRequest, match="150,000 are allowed"):
        await story.use_cases.connectors().register(new)


async def test_a_manifest_with_more_parts_than_are_kept_fails_its_job(
    story: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain.item_sizes, "MANIFEST_PART_COUNT_MAX", 4)
    story.put(*(f"{number:02}.jpg" for number in range(15)))
    job = await story.sync(discovery=Discovery.BATCH)
    assert job.status is JobStatus.FAILED
    assert "sync fewer objects at once, by prefixes" in job.status_reason
    assert story.ports.results.open_uploads == []
