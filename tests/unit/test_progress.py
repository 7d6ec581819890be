"""A job's progress, from its record alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.connector import Bucket
from domain.job import Job, JobStatus, Redrive, Splitting, new_job
from domain.listing import Listing
from domain.outcome import Statistics
from domain.progress import progress_of
from domain.sync_request import SyncRequest
from domain.tally import Tally

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(status: JobStatus, *, listed: int, done: int) -> Job:
    fresh = new_job(
        job_id="j",
        request=SyncRequest(connector_id="c", bucket=Bucket(name="b")),
        now=NOW,
    )
    return replace(
        fresh,
        status=status,
        listing=Listing(objects_listed=listed),
        splitting=Splitting(done=True),
        times=replace(
            fresh.times,
            processing_at=NOW + timedelta(seconds=100),
            ended_at=NOW + timedelta(seconds=200),
        ),
        tally=Tally(statistics=Statistics(put=done)),
    )


def test_there_is_no_estimate_before_the_first_settled_chunk() -> None:
    progress = progress_of(job(JobStatus.DISCOVERING, listed=10, done=0), NOW)
    assert (progress.percent, progress.objects_per_second, progress.eta_s) == (0.0, None, None)


def test_rate_and_rest_are_measured_from_the_first_chunk_on() -> None:
    now = NOW + timedelta(seconds=110)
    progress = progress_of(job(JobStatus.PROCESSING, listed=100, done=20), now)
    assert (progress.percent, progress.objects_per_second, progress.eta_s) == (20.0, 2.0, 40.0)


def test_while_listing_there_is_no_total() -> None:
    now = NOW + timedelta(seconds=110)
    progress = progress_of(job(JobStatus.INITIALIZING, listed=100, done=20), now)
    assert (progress.percent, progress.eta_s) == (0.0, None)


def test_an_active_job_is_never_at_its_end() -> None:
    now = NOW + timedelta(seconds=110)
    progress = progress_of(job(JobStatus.PROCESSING, listed=10, done=10), now)
    assert progress.percent == 99.9


def test_the_progress_of_an_ended_job_does_not_change() -> None:
    ended = job(JobStatus.COMPLETED, listed=10, done=10)
    for age_s in (200, 10_000):
        progress = progress_of(ended, NOW + timedelta(seconds=age_s))
        assert (progress.percent, progress.objects_per_second, progress.eta_s) == (100.0, 0.05, 0.0)
    assert progress_of(job(JobStatus.COMPLETED, listed=0, done=0), NOW).percent == 100.0
    assert progress_of(job(JobStatus.CANCELLED, listed=10, done=4), NOW).percent == 40.0


def test_a_redriven_job_has_no_rate() -> None:
    redriven = replace(job(JobStatus.COMPLETED, listed=10, done=10), redrive=Redrive(number=1))
    assert progress_of(redriven, NOW).objects_per_second is None
    active = replace(redriven, status=JobStatus.PROCESSING)
    assert progress_of(active, NOW + timedelta(seconds=110)).objects_per_second is None


@given(st.sampled_from(JobStatus), st.integers(0, 50), st.integers(0, 50), st.integers(0, 10_000))
def test_progress_stays_within_its_bounds(
    status: JobStatus, listed: int, done: int, age_s: int
) -> None:
    now = NOW + timedelta(seconds=age_s)
    progress = progress_of(job(status, listed=listed, done=min(done, listed)), now)
    assert 0 <= progress.percent <= 100
    assert progress.objects_per_second is None or progress.objects_per_second > 0
    assert progress.eta_s is None or progress.eta_s >= 0
