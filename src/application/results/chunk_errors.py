"""The error records of a chunk: exactly those of its settlement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from application.execution.tuning import Tuning
from application.results.failure_records import object_failures, warn_of_chunk
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
    """Records the failures of a chunk, and removes those that earlier attempts recorded."""

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
        """Record the failures of a chunk that is about to be settled; idempotent.

        At most `Tuning.errors_per_chunk_max` failed outcomes are recorded: their file has all.

        An attempt may fail between its records and its settlement, and the next attempt may have
        another result. So earlier records are removed first, except the failures that discovery
        counted. `chunk` is the chunk before its settlement.

        Access to the table that is denied does not block the settlement: it is only reported.

        Raises:
            LeaseLost: the lease on the chunk has expired.
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
                    # Two processes may settle a chunk at once: neither removes the records of the
                    # other.
                    await self._errors.clear(
                        chunk.job_id,
                        chunk_error_prefix(chunk.index),
                        keep={failure.error_id for failure in recorded},
                    )
            if recorded:
                self._check(chunk)
                await self._errors.record(recorded)
        except Fatal as error:
            warn_of_chunk(self._telemetry, "errors_not_recorded", chunk, error)

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
        """Return the failures that discovery recorded, None if they cannot be read."""
        if not chunk.discovered.failed:
            return []
        key = discovered_key(chunk.job_id, chunk.index)
        try:
            outcomes = [outcome async for outcome in read_outcomes(self._results, key)]
        except (NotFound, InvalidManifest, Fatal) as error:
            warn_of_chunk(self._telemetry, "errors_not_cleared", chunk, error)
            return None
        return self._failures(chunk, outcomes, attempt_number=1, now=chunk.created_at)


def _tried_before(chunk: Chunk) -> bool:
    """Return whether an attempt before the one with the lease may have recorded failures."""
    attempts = chunk.attempt_count - (chunk.lease is not None)
    return attempts > 0 or chunk.progress_key is not None or chunk.life.redrive_number > 0
