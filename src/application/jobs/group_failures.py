"""The causes of a job's failures, from the records of the error table.

A chunk records a bounded number of failures (`Tuning.errors_per_chunk_max`), so the counts are of
records, not of all failed objects. A request stops after `Tuning.read_s` or a bounded number of
records and returns a cursor; the causes of several requests are merged by their ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from domain.failure_causes import FailureCause, FailureCauses
from ports.clock import Clock
from ports.error_log import ErrorLog
from ports.job_store import JobStore

_RECORDS_AT_ONCE: Final = 1_000
_READ_COUNT_MAX: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedFailures:
    """The causes, the most frequent first, of the `read_count` records that a request read.

    `failed_object_count` is the job's own count, whether recorded or not.
    """

    causes: tuple[FailureCause, ...]
    read_count: int
    failed_object_count: int
    cursor: str | None


class GroupFailures:
    """The use case behind `GET /jobs/{id}/causes`."""

    def __init__(self, *, jobs: JobStore, errors: ErrorLog, clock: Clock, tuning: Tuning) -> None:
        self._jobs = jobs
        self._errors = errors
        self._clock = clock
        self._tuning = tuning

    async def group(self, job_id: str, *, cursor: str | None = None) -> GroupedFailures:
        """Return the causes of the failures that are recorded, from the cursor on.

        Raises:
            NotFound: there is no such job.
            InvalidCursor: the cursor does not belong to this list.
        """
        deadline = Deadline.after(self._clock, self._tuning.read_s)
        job = await self._jobs.get(job_id)
        causes = FailureCauses(job.status)
        for _ in range(_READ_COUNT_MAX):
            page = await self._errors.list_page(job_id, limit=_RECORDS_AT_ONCE, cursor=cursor)
            causes.add(page.items)
            cursor = page.cursor
            if cursor is None or deadline.near(0):
                break
        return GroupedFailures(
            causes=tuple(causes.by_count()),
            read_count=causes.failure_count,
            failed_object_count=job.tally.statistics.failed,
            cursor=cursor,
        )
