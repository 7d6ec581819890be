"""Outcomes of earlier attempts at a chunk, so that their objects are not processed again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from application.results.files import outcomes_key, progress_key, read_outcomes, write_outcomes
from domain.chunk import Chunk
from domain.errors import InvalidManifest
from domain.outcome import Outcome, OutcomeKind
from ports.errors import NotFound
from ports.results_store import ResultsStore


class ProgressFiles:
    """Loads and saves the outcomes of chunks that are not settled."""

    def __init__(self, results: ResultsStore) -> None:
        self._results = results

    async def load(self, chunk: Chunk) -> dict[str, Outcome]:
        """Return the saved final outcomes by key, final failures included.

        A redriven chunk starts with the outcomes of its settlement, except failures.

        Raises:
            NotFound: the file that the chunk names does not exist.
            InvalidManifest: the file has an invalid format.
        """
        if chunk.progress_key is not None:
            return await self._read(chunk.progress_key)
        if not chunk.life.redrive_number:
            return {}
        try:
            settled = await self._read(outcomes_key(chunk.job_id, chunk.index))
        except NotFound:
            return {}  # the chunk failed before it had any outcome
        return {k: o for k, o in settled.items() if o.kind is not OutcomeKind.FAILED}

    async def recorded(self, chunk: Chunk) -> dict[str, Outcome]:
        """Return every recorded outcome of the chunk by key, failures included.

        In addition to the saved progress these are the outcomes of an earlier settlement, or of a
        worker that died while it settled. A file with an invalid format counts as missing.
        """
        if not (chunk.attempt_count or chunk.progress_key or chunk.life.redrive_number):
            return {}  # no worker ever leased it
        recorded: dict[str, Outcome] = {}
        with suppress(NotFound, InvalidManifest):
            async for outcome in read_outcomes(
                self._results, outcomes_key(chunk.job_id, chunk.index)
            ):
                recorded[outcome.key] = outcome
        with suppress(NotFound, InvalidManifest):
            recorded |= await self.load(chunk)
        return recorded

    async def save(self, chunk: Chunk, token: str, outcomes: Mapping[str, Outcome]) -> str:
        """Write the final outcomes, even if there are none; return the file's key."""
        key = progress_key(chunk.job_id, chunk.index, token)
        await write_outcomes(
            self._results, key, outcomes.values(), job_id=chunk.job_id, chunk_index=chunk.index
        )
        return key

    async def _read(self, key: str) -> dict[str, Outcome]:
        return {outcome.key: outcome async for outcome in read_outcomes(self._results, key)}
