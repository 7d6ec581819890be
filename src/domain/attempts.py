"""The engine's attempts at one step of a job, counted across invocations and bounded.

An attempt is counted when the engine takes the job's work lease, so an attempt whose process died
counts too. The count starts again after progress, which is a change of the place that the job's
record names, or after an attempt that ended without an error.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from domain.discovery import Discovery
from domain.engine_work import NO_ATTEMPTS, Attempts
from domain.job import Job


def step_of(job: Job) -> str:
    """Return the engine's next step, as text for messages."""
    if job.lookup is not None and job.lookup.snapshots:
        return "taking a snapshot of the catalog"
    if not job.listed:
        return "listing the bucket"
    if job.splitting.done:
        return "queueing failed chunks again"
    if job.request.options.discovery is Discovery.DIRECT:
        return "splitting the manifest into chunks"
    if job.discovery.manifest is None:
        return "splitting the known objects into chunks"
    if job.discovery.batch_job_id is None:
        return "creating the batch job"
    return "reading the batch job's report"


def place_of(job: Job) -> str:
    """Return a digest that changes whenever the engine makes progress on the job."""
    listing, splitting = job.listing, job.splitting
    facts = (
        job.status,
        listing.manifest.upload_id,
        listing.prefix_index,
        listing.objects_seen,
        listing.ranges,
        job.discovery.batch_job_id,
        splitting.file_index,
        splitting.position,
        splitting.done,
        job.redrive.number,
        job.lookup,
        job.tally.chunks_settled if job.redrive.active else None,
    )
    return hashlib.sha256(repr(facts).encode(errors="backslashreplace")).hexdigest()[:16]


def begin_attempt(job: Job) -> Job:
    """Return the job with one more attempt at its step."""
    return _with_attempts(job, _attempts_here(job).started())


def fail_attempt(job: Job, cause: str, *, unknown: bool) -> Job:
    """Return the job with the error that ended the attempt; its status reason reports it."""
    failed = _attempts_here(job).failed(cause, unknown=unknown)
    text = f"attempt {failed.count} at {step_of(job)} failed and will be retried: {cause}"
    return replace(_with_attempts(job, failed), status_reason=text)


def end_attempts(job: Job) -> Job:
    """Return the job without failed attempts, because the last one succeeded."""
    is_reported = job.work.attempts.cause is not None and not job.terminal and job.ending is None
    ended = replace(job, work=replace(job.work, attempts=NO_ATTEMPTS, place=None))
    return replace(ended, status_reason=None) if is_reported else ended


def _attempts_here(job: Job) -> Attempts:
    return job.work.attempts if job.work.place == place_of(job) else NO_ATTEMPTS


def _with_attempts(job: Job, attempts: Attempts) -> Job:
    return replace(job, work=replace(job.work, attempts=attempts, place=place_of(job)))
