"""The largest allowed records can be written, and larger ones are refused with their own error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from domain.connector import Bucket, Connector, ConnectorStatus, Ingest
from domain.file_types import FileFilter
from domain.item_sizes import MANIFEST_PART_COUNT_MAX, connector_issues, option_issues
from domain.job import Findings, Job, JobCancelled, evolve
from domain.key_ranges import RANGE_COUNT_MAX, KeyRange
from domain.listing import Listing, RowUpload
from domain.pause import Backlog, Pause, Resumes
from domain.queue_limit import QueueLimit, WatchedQueue
from domain.sync_request import SyncOptions
from domain.work_limits import CONCURRENCY_MAX, WINDOW_COUNT_MAX, TimeWindow, WorkLimits
from ports.job_store import TooManyPrefixes

MakeJob = Callable[..., Job]
NOW = datetime(2026, 3, 1, tzinfo=UTC)

# The largest that the API accepts, and the longest name of the IANA database.
ALL_LIMITS = WorkLimits(
    concurrency=CONCURRENCY_MAX,
    objects_per_second=1_234.5678901234567,
    windows=tuple(TimeWindow(start=time(n), end=time(23, 59 - n)) for n in range(WINDOW_COUNT_MAX)),
    time_zone="America/North_Dakota/New_Salem",
)
LARGE = QueueLimit(depth_max=1_000_000_000, age_max_s=1_209_600)
LONG_URL = f"https://{'h' * 255}/{'p' * 255}/210987654321/{'q' * 75}.fifo"


def long_prefixes(letter: str, count: int = 100) -> tuple[str, ...]:
    """Return as many prefixes of 1,024 bytes as a request may have."""
    return tuple(f"{letter}{number:03}".ljust(1_024, "x") for number in range(count))


async def test_the_prefixes_of_active_jobs_of_a_bucket(state: Any, make_job: MakeJob) -> None:
    first = await state.jobs.create(make_job("job-1", *long_prefixes("a")))
    await state.jobs.create(make_job("job-2", *long_prefixes("b"), connector_id="con-2"))
    await state.jobs.create(make_job("job-3", *long_prefixes("c"), connector_id="con-3"))
    with pytest.raises(TooManyPrefixes, match=r"bucket media .* 390,000 are allowed"):
        await state.jobs.create(make_job("job-4", *long_prefixes("d"), connector_id="con-4"))
    await state.jobs.create(make_job("job-5", *long_prefixes("e", 80)))
    with pytest.raises(TooManyPrefixes):
        await state.jobs.create(make_job("job-6", "f/"))
    await state.jobs.create(
        make_job("job-7", *long_prefixes("g"), connector_id="con-5", bucket_name="media-2")
    )

    await state.jobs.save(evolve(first, JobCancelled(reason="enough"), NOW))
    await state.jobs.create(make_job("job-4", *long_prefixes("d")))


async def test_a_job_with_all_options_and_parts(state: Any, make_job: MakeJob) -> None:
    prefixes = long_prefixes("a")
    include = tuple(f"{number:02}".ljust(256, "x") for number in range(50))
    ingest = Ingest(file_filter=FileFilter(extensions=tuple(f"{n:0256}" for n in range(240))))
    options = SyncOptions(prefixes=prefixes, include=include, exclude=include[:-1])
    assert option_issues(options, ingest) == []
    assert option_issues(replace(options, exclude=(*include, "x" * 300)), ingest)
    made = make_job()
    request = replace(made.request, options=options, ingest=ingest)
    job = await state.jobs.create(replace(made, request=request))
    e_tags = tuple(f"{number:032x}" for number in range(MANIFEST_PART_COUNT_MAX + 2))
    listing = Listing(
        objects_listed=2 * 10**9,
        ranges=tuple(
            KeyRange(after="k" * 1_024, up_to="l" * 1_024, token="t" * 1_500)
            for _ in range(RANGE_COUNT_MAX)
        ),
        manifest=RowUpload(upload_id="u" * 1_024, part_e_tags=e_tags[::2]),
        known=RowUpload(upload_id="u" * 1_024, part_e_tags=e_tags[1::2]),
    )
    listed = replace(
        job,
        listing=listing,
        findings=Findings(warnings=("w" * 1_000,) * 4),
        status_reason="r" * 4_000,
        limits=ALL_LIMITS,
        watched_queue=WatchedQueue(url=LONG_URL, limit=LARGE),
        pause=Pause(since=NOW, reason="\U0001f3ac" * 200, by="a" * 2_048),
        backlog=Backlog(since=NOW, depth=None, cause="c" * 4_000, unread_since=NOW),
        resumes=Resumes(number=10**6, requeued=10**6, at=NOW, held_s=10**9),
    )
    assert await state.jobs.save(listed) == await state.jobs.get(job.job_id)


async def test_a_connector_with_all_prefixes_and_a_large_filter(state: Any) -> None:
    ingest = Ingest(file_filter=FileFilter(extensions=tuple(f"{n:0256}" for n in range(180))))
    connector = Connector(
        connector_id="con-1",
        bucket=Bucket(name="media"),
        prefixes=long_prefixes("a"),
        status=ConnectorStatus.ENABLED,
        ingest=replace(ingest, queue_url=LONG_URL),
        limits=ALL_LIMITS,
        queue_limit=LARGE,
        created_at=NOW,
    )
    assert connector_issues(connector.prefixes, ingest) == []
    await state.connectors.create(connector)
    assert await state.connectors.get("con-1") == connector
