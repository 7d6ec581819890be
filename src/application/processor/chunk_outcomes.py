"""The outcomes of a chunk at its end: collected from attempts and files, completed, written.

The chunk must end even if its outcomes cannot be read or written. Such an error is raised for a
bounded number of attempts, so that a retry can fix it; after that it is only reported.
"""

from __future__ import annotations

from collections.abc import Mapping

from application.execution.tuning import Tuning
from application.results.failure_records import is_final, warn_of_chunk
from application.results.files import chunk_key, outcomes_key, read_entries, write_outcomes
from application.results.progress_files import ProgressFiles
from domain.chunk import Chunk, check_lease
from domain.errors import LeaseLost
from domain.outcome import Outcome, OutcomeKind
from ports.clock import Clock
from ports.errors import Conflict, Fatal, NotFound
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry


def must_end(chunk: Chunk, tuning: Tuning) -> bool:
    """Return whether even failing the chunk failed as often as an attempt may."""
    return chunk.attempt_count > 2 * tuning.chunk_attempt_count_max


class ChunkOutcomes:
    """Reads and writes the outcomes of a leased chunk that is about to be settled."""

    def __init__(
        self, *, results: ResultsStore, clock: Clock, telemetry: Telemetry, tuning: Tuning
    ) -> None:
        self._results = results
        self._progress = ProgressFiles(results)
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def recorded(
        self, chunk: Chunk, outcomes: Mapping[str, Outcome]
    ) -> dict[str, Outcome] | None:
        """Return the outcomes of this attempt and the recorded ones; None if reading is denied."""
        try:
            return {**await self._progress.recorded(chunk), **outcomes}
        except Exception as error:
            if not (isinstance(error, Fatal) or must_end(chunk, self._tuning)):
                raise
            warn_of_chunk(self._telemetry, "outcomes_unreadable", chunk, error)
            # The outcomes of an attempt include those that were recorded before it.
            return dict(outcomes) if outcomes else None

    async def with_failed(
        self, chunk: Chunk, recorded: Mapping[str, Outcome] | None, reason: str, message: str
    ) -> dict[str, Outcome]:
        """Return the recorded outcomes, and FAILED for all other entries of the chunk.

        If the recorded ones cannot be read, return nothing: they must not be overwritten.
        """
        if recorded is None:
            return {}
        outcomes = dict(recorded)
        try:
            async for entry in read_entries(self._results, chunk_key(chunk)):
                if entry.key not in outcomes:
                    outcomes[entry.key] = Outcome(
                        key=entry.key, kind=OutcomeKind.FAILED, reason=reason, message=message
                    )
        except Exception as error:
            if not (is_final(error) or must_end(chunk, self._tuning)):
                raise
            # The chunk's own file is unreadable; its other objects still count as failed.
            warn_of_chunk(self._telemetry, "chunk_unreadable", chunk, error)
        return outcomes

    async def write(self, chunk: Chunk, outcomes: Mapping[str, Outcome]) -> None:
        """Write the file that the settlement counts; without outcomes, keep an earlier one.

        Raises:
            LeaseLost: the lease on the chunk has expired.
        """
        if not outcomes:
            return
        check_lease(chunk, token=chunk.lease_token, now=self._clock.now())
        key = outcomes_key(chunk.job_id, chunk.index)
        await write_outcomes(
            self._results, key, outcomes.values(), job_id=chunk.job_id, chunk_index=chunk.index
        )

    async def try_to_write(self, chunk: Chunk, outcomes: Mapping[str, Outcome]) -> Exception | None:
        """Write the file, or return why that is denied.

        Outcomes that are not in the file must not be counted.
        """
        try:
            await self.write(chunk, outcomes)
        except (LeaseLost, Conflict):
            raise
        except Exception as error:
            if not (isinstance(error, Fatal | NotFound) or must_end(chunk, self._tuning)):
                raise
            warn_of_chunk(self._telemetry, "outcomes_not_written", chunk, error)
            return error
        return None
