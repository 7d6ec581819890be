"""Records why a job failed, for operators; an error here must not block the end of the job."""

from __future__ import annotations

from typing import Final

from application.results.failure_records import cause_of
from domain.failure import Failure
from ports.error_log import ErrorLog
from ports.telemetry import Telemetry

_TRY_COUNT: Final = 2


class RecordFailure:
    """Writes to the error log, and only warns if that fails twice."""

    def __init__(self, *, errors: ErrorLog, telemetry: Telemetry) -> None:
        self._errors = errors
        self._telemetry = telemetry

    async def run(self, failure: Failure) -> None:
        """Record the failure of a job."""
        for _ in range(_TRY_COUNT):
            try:
                await self._errors.record([failure])
                break
            except Exception as error:  # noqa: BLE001 - reported
                self._telemetry.warning(
                    "failure_not_recorded", job_id=failure.job_id, cause=cause_of(error)
                )
