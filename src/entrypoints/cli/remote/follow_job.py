"""Polling a job until it ends, with its progress on the terminal."""

from __future__ import annotations

import time

from domain.job import TERMINAL
from domain.views import Json
from entrypoints.cli.remote.api_client import ApiClient, job_path
from entrypoints.cli.remote.patient_reads import PatientReads
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.job_progress import JobProgress
from entrypoints.cli.terminal.output import report_trouble

_POLL_S = 1.0


def follow_job(
    client: ApiClient,
    job: Json,
    *,
    connector_id: str | None = None,
    poll_s: float = _POLL_S,
    stalled_after_s: float | None = None,
) -> Json:
    """Poll a job until it has ended, and show its progress; returns the ended job.

    With `connector_id` it is read below its connector. A poll that fails is repeated for a time.

    Raises:
        ApiProblem: a request failed, or the job made no progress for `stalled_after_s`.
    """
    reads = PatientReads(client, report_trouble)
    path = job_path(job["jobId"], connector_id)
    changed_at = time.monotonic()
    with JobProgress() as progress:
        while True:
            progress.show(job)
            if job["status"] in TERMINAL:
                return job
            time.sleep(poll_s)
            found = reads.get(path)
            if found["updatedAt"] != job["updatedAt"] or found["chunks"] != job["chunks"]:
                changed_at = time.monotonic()
            elif stalled_after_s is not None and time.monotonic() - changed_at > stalled_after_s:
                raise ApiProblem(
                    f"job {job['jobId']} made no progress for {stalled_after_s:.0f} s"
                    f" ({job['status']})"
                )
            job = found
