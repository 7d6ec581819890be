"""Sends the messages of chunks that were parked while their job was held."""

from __future__ import annotations

from application.engine.chunk_enqueuer import ChunkEnqueuer
from application.engine.job_lease import JobLease
from application.execution.free_slots import FreeSlots
from application.execution.tuning import Tuning
from domain.chunk import Chunk
from domain.hold import requeued
from domain.job import Job
from domain.limits import QUEUE_MESSAGE_COUNT_MAX
from ports.chunk_store import ChunkStore


class RequeueParked:
    """The engine's part of a resume: what it does not reach, the sweep does."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        queueing: ChunkEnqueuer,
        free_slots: FreeSlots,
        tuning: Tuning,
    ) -> None:
        self._chunks = chunks
        self._queueing = queueing
        self._free_slots = free_slots
        self._tuning = tuning

    async def run(self, job: Job, lease: JobLease) -> Job | None:
        """Requeue, or return None if it must stop before all chunks were read.

        A loop over invocations. Its measure, which decreases with each, is the number of parked
        chunks: each invocation requeues ten of them at least, if there are so many. Where workers
        need slots, it ends when there is a message for each free one.

        Raises:
            LeaseLost: the job's lease is lost.
        """
        number = job.resumes.number
        free = await self._free_slots.count(job)
        parked: list[Chunk] = []
        async for chunk in self._chunks.chunks(job.job_id):
            if chunk.parked:
                if free == 0:
                    break
                parked.append(chunk)
                free = None if free is None else free - 1
            if len(parked) == QUEUE_MESSAGE_COUNT_MAX:
                await self._queueing.enqueue(parked)
                parked = []
                if await lease.must_stop(self._tuning.stop_margin_s):
                    return None
        await self._queueing.enqueue(parked)
        return await lease.update(job.job_id, lambda j: requeued(j, number))
