"""A job's progress, its rate, and its remaining time, from its record alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.hold import hold_of
from domain.job import Job, JobStatus
from domain.work_limits import closed_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`percent` is 0 to 100; rate and remaining seconds are None while unknown."""

    percent: float
    objects_per_second: float | None
    eta_s: float | None


def progress_of(job: Job, now: datetime) -> Progress:
    """Estimate from the numbers of objects with an outcome and of objects listed.

    Counts change when a chunk settles, so they do not change while chunks are being processed, or
    during discovery by S3 Batch Operations. Time in which the job is held does not count. A job
    that was redriven has no rate: most of it was done long before.
    """
    done = job.tally.statistics.total
    listed = job.listing.objects_listed
    if job.terminal:
        ended = job.times.ended_at or job.times.updated_at
        elapsed_s = (ended - job.times.created_at).total_seconds() - job.resumes.held_s
        nothing = 100.0 if job.status is JobStatus.COMPLETED else 0.0
        percent = 100.0 * done / listed if listed else nothing
        rate = done / elapsed_s if elapsed_s > 0 and done and not job.redrive.number else None
        return Progress(percent=round(percent, 1), objects_per_second=rate, eta_s=0.0)
    if not listed or not done:
        return Progress(percent=0.0, objects_per_second=None, eta_s=None)
    hold = hold_of(job, now)
    until = now if hold is None else hold.since
    began_at = job.times.processing_at or job.times.created_at
    elapsed_s = (until - began_at).total_seconds() - job.resumes.held_s
    elapsed_s -= closed_s(job.limits, began_at, until)
    rate = done / elapsed_s if elapsed_s > 0 and not job.redrive.number else None
    remaining = max(listed - done, 0)
    eta_s = remaining / rate if rate and job.listed and hold is None else None
    percent = min(100.0 * done / listed, 99.9) if job.listed else 0.0
    return Progress(percent=round(percent, 1), objects_per_second=rate, eta_s=eta_s)
