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
    """Loads and saves what is done of a chunk that is not settled."""

    def __init__(self, results: ResultsStore) -> None:
        self._results = results

    async def load(self, chunk: Chunk) -> dict[str, Outcome]:
        """Return the outcomes that stand, by key: those saved, failures that stand among them.

        A redriven chunk begins with the outcomes that it was settled with, but for failures.

        Raises:
            NotFound: the file that the chunk names is gone.
            InvalidManifest: the file is not ours.
        """
        if chunk.progress_key is not None:
            return await self._read(chunk.progress_key)
        if not chunk.life.redrive_number:
            return {}
        try:
            settled = await self._read(outcomes_key(chunk.job_id, chunk.index))
        except NotFound:
            return {}  # it was given up before any of its outcomes was known
        return {k: o for k, o in settled.items() if o.kind is not OutcomeKind.FAILED}

    async def known(self, chunk: Chunk) -> dict[str, Outcome]:
        """Return every outcome that is recorded of the chunk, failures included, by key.

        Beside the progress that was saved these are the outcomes of an earlier settlement, or of a
        worker that died while it settled. What cannot be read is not known.
        """
        if not (chunk.attempt_count or chunk.progress_key or chunk.life.redrive_number):
            return {}  # no worker ever had it
        known: dict[str, Outcome] = {}
        with suppress(NotFound, InvalidManifest):
            async for outcome in read_outcomes(
                self._results, outcomes_key(chunk.job_id, chunk.index)
            ):
                known[outcome.key] = outcome
        with suppress(NotFound, InvalidManifest):
            known |= await self.load(chunk)
        return known

    async def save(self, chunk: Chunk, token: str, outcomes: Mapping[str, Outcome]) -> str:
        """Write the outcomes that stand, be there none; returns the file's key."""
        key = progress_key(chunk.job_id, chunk.index, token)
        await write_outcomes(
            self._results, key, outcomes.values(), job_id=chunk.job_id, chunk_index=chunk.index
        )
        return key

    async def _read(self, key: str) -> dict[str, Outcome]:
        return {outcome.key: outcome async for outcome in read_outcomes(self._results, key)}
