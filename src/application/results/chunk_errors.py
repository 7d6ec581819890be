"""The error records of a chunk: those of its settlement, and none of one that never was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from application.execution.tuning import Tuning
from application.results.failure_records import object_failures
from application.results.files import discovered_key, read_outcomes
from domain.chunk import Chunk, check_lease
from domain.errors import InvalidManifest
from domain.failure import Failure, chunk_error_prefix
from domain.outcome import Outcome
from ports.clock import Clock
from ports.error_log import ErrorLog
from ports.errors import Fatal, NotFound
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry


class ChunkErrors:
    """Records what failed of a chunk, in the place of what earlier attempts recorded."""

    def __init__(
        self,
        *,
        errors: ErrorLog,
        results: ResultsStore,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._errors = errors
        self._results = results
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def replace(
        self, chunk: Chunk, outcomes: Iterable[Outcome], *, whole: Failure | None = None
    ) -> None:
        """Record the failures of a chunk that is settled next; may be repeated.

        Of the failed ones among its outcomes a bounded number is recorded: their file has all.

        An attempt may die, or fail, between its records and its settlement, and the next one comes
        to another end. So whatever was recorded before is removed first, but for the failures that
        discovery counted. `chunk` is as it was before it is settled.

        A table that is denied to us does not keep the chunk from its end: that is only warned of.

        Raises:
            LeaseLost: the lease on the chunk ran out.
            Retryable: the records cannot be written now.
        """
        recorded = self._failures(
            chunk, outcomes, attempt_number=chunk.attempt_count, now=self._clock.now()
        )
        if whole is not None:
            recorded.append(whole)
        try:
            if _tried_before(chunk):
                discovered = await self._discovered(chunk)
                if discovered is not None:
                    recorded += discovered
                    self._check(chunk)
                    # Two processes may end a chunk at once: neither removes what the other records.
                    await self._errors.clear(
                        chunk.job_id,
                        chunk_error_prefix(chunk.index),
                        keep={failure.error_id for failure in recorded},
                    )
            if recorded:
                self._check(chunk)
                await self._errors.record(recorded)
        except Fatal as error:
            self._warn_of("errors_not_recorded", chunk, error)

    def _check(self, chunk: Chunk) -> None:
        if chunk.lease is not None:
            check_lease(chunk, token=chunk.lease.token, now=self._clock.now())

    def _failures(
        self, chunk: Chunk, outcomes: Iterable[Outcome], *, attempt_number: int, now: datetime
    ) -> list[Failure]:
        failures = object_failures(
            outcomes,
            job_id=chunk.job_id,
            chunk_index=chunk.index,
            attempt_number=attempt_number,
            now=now,
        )
        return failures[: self._tuning.errors_per_chunk_max]

    async def _discovered(self, chunk: Chunk) -> list[Failure] | None:
        """Return the failures that discovery recorded, None if they can not be read again."""
        if not chunk.discovered.failed:
            return []
        key = discovered_key(chunk.job_id, chunk.index)
        try:
            outcomes = [outcome async for outcome in read_outcomes(self._results, key)]
        except (NotFound, InvalidManifest, Fatal) as error:
            self._warn_of("errors_not_cleared", chunk, error)
            return None
        return self._failures(chunk, outcomes, attempt_number=1, now=chunk.created_at)

    def _warn_of(self, name: str, chunk: Chunk, error: Exception) -> None:
        self._telemetry.warning(
            name, job_id=chunk.job_id, chunk_index=chunk.index, cause=str(error)
        )


def _tried_before(chunk: Chunk) -> bool:
    """Tell whether another attempt than the one that has the lease may have recorded failures."""
    attempts = chunk.attempt_count - (chunk.lease is not None)
    return attempts > 0 or chunk.progress_key is not None or chunk.life.redrive_number > 0
