"""A worker that gives its slot back has a parked chunk of the job take it."""

from __future__ import annotations

from typing import Final

from application.execution.free_slots import FreeSlots
from application.processor.lease_chunk import ChunkLeases
from application.results.failure_records import cause_of
from domain.hold import hold_of
from domain.job import Job
from domain.limits import QUEUE_MESSAGE_COUNT_MAX
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.job_store import JobStore
from ports.telemetry import Telemetry

# Chunks are parked in about the order of their index, so the next one is near.
_LOOK_AT: Final = 200


class HandOver:
    """Sends the messages of as many parked chunks as there are free slots."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        leases: ChunkLeases,
        free_slots: FreeSlots,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._leases = leases
        self._free_slots = free_slots
        self._clock = clock
        self._telemetry = telemetry

    async def may_start(self, job: Job) -> bool:
        """Return whether a slot is free, or none is needed."""
        return await self._free_slots.count(job) != 0

    async def after(self, job_id: str, index: int) -> None:
        """Look for parked chunks behind this one, or from the first on; in 200 chunks each.

        An error is reported, and not raised: the chunk is done, and the sweep sends the messages.
        """
        try:
            job = await self._jobs.get(job_id)
            if job.terminal or job.ending is not None or hold_of(job, self._clock.now()):
                return
            free = await self._free_slots.count(job)
            count = QUEUE_MESSAGE_COUNT_MAX if free is None else min(free, QUEUE_MESSAGE_COUNT_MAX)
            if not count:
                return
            parked = await self._chunks.parked(job_id, after=index, among=_LOOK_AT)
            if len(parked) < count and index:
                first = await self._chunks.parked(job_id, after=-1, among=_LOOK_AT)
                seen = {chunk.index for chunk in parked}
                parked = [*parked, *(chunk for chunk in first if chunk.index not in seen)]
            for chunk in parked[:count]:
                await self._leases.unpark(chunk)
        except Exception as error:  # noqa: BLE001 - reported; the sweep does it
            self._telemetry.warning(
                "slot_not_handed_over", job_id=job_id, chunk_index=index, cause=cause_of(error)
            )
