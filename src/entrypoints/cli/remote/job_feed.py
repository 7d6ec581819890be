"""Jobs and failures as they change, by polling at a bounded rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from domain.job import TERMINAL, JobStatus
from domain.views import Json
from entrypoints.cli.remote.api_client import job_path, jobs_path
from entrypoints.cli.remote.patient_reads import PatientReads

_PAGE_SIZE: Final = 100
# How far back active jobs are looked for when a feed starts.
_FIRST_PAGE_COUNT: Final = 10
_FAILURES_PER_JOB_MAX: Final = 1_000


class JobFeed:
    """The active jobs of a connector or of all, and those that ended since the last poll.

    A poll reads the newest jobs in one request, and each active job that is older. When the feed
    starts, active jobs are looked for among the newest thousand.
    """

    def __init__(self, reads: PatientReads, connector_id: str | None) -> None:
        self._reads = reads
        self._connector_id = connector_id
        self._active: set[str] = set()
        self._known: set[str] | None = None

    def poll(self) -> list[Json]:
        """Return the jobs, the newest first; one that ended is returned once."""
        newest = {job["jobId"]: job for job in self._newest()}
        for job_id in sorted(self._active - newest.keys(), reverse=True):
            newest[job_id] = self._reads.get(job_path(job_id, self._connector_id))
        first = self._known is None
        known = self._known or set()
        # A job that both started and ended between two polls is returned as well.
        found = [
            job
            for job_id, job in newest.items()
            if job["status"] not in TERMINAL
            or job_id in self._active
            or (not first and job_id not in known)
        ]
        self._known = set(newest)
        self._active = {job["jobId"] for job in found if job["status"] not in TERMINAL}
        return found

    def _newest(self) -> Iterator[Json]:
        cursor: str | None = None
        for _ in range(_FIRST_PAGE_COUNT if self._known is None else 1):
            query = {"limit": _PAGE_SIZE, "cursor": cursor}
            page = self._reads.get(jobs_path(self._connector_id), query)
            yield from page["items"]
            cursor = page["nextCursor"]
            if cursor is None:
                return


class FailureFeed:
    """The failures of one job that were not returned before, up to a thousand."""

    def __init__(self, reads: PatientReads, path: str) -> None:
        self._reads = reads
        self._path = path
        self._seen: set[tuple[str, str]] = set()
        self._counts: object = None
        self.complete = True
        """Whether all failures were returned so far."""

    def poll(self, job: Json) -> Iterator[Json]:
        """Yield new failures, if the job's counts say that there may be some."""
        # A job that failed as a whole, or was cancelled, may have a failure of its own.
        ended_early = job["status"] in (JobStatus.FAILED, JobStatus.CANCELLED)
        counts = (job["statistics"]["failed"], job["chunks"]["failed"], ended_early)
        if not any(counts) or counts == self._counts or not self.complete:
            return
        self._counts = counts
        cursor: str | None = None
        while True:
            page = self._reads.get(self._path, {"limit": _PAGE_SIZE, "cursor": cursor})
            for failure in page["items"]:
                # A failure that happened again has the same id.
                key = (failure["errorId"], failure["occurredAt"])
                if key in self._seen:
                    continue
                if len(self._seen) == _FAILURES_PER_JOB_MAX:
                    self.complete = False
                    return
                self._seen.add(key)
                yield failure
            cursor = page["nextCursor"]
            if cursor is None:
                return
