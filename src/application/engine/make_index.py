"""Makes the index of a job that has ended, as `build_index` says.

The end does not wait for it. A job that ends wants an index; the engine makes it right after an end
of its own, and the sweep requests it otherwise. One invocation at a time works on it, under a lease
in the job's record. Attempts are bounded: an index that cannot be made is FAILED, with the cause.

A job that is redriven forgets its index, and wants a new one, of another number, at its next end.
"""

from __future__ import annotations

from collections.abc import Callable

from application.engine.build_index import BuildIndex
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.update_job import update_job
from application.results.failure_records import cause_of
from domain.errors import DomainError, JobLeaseHeld, LeaseLost, NoProgress
from domain.index_work import (
    begin_index,
    index_failed,
    index_made,
    index_released,
    wants_index,
)
from domain.job import Job
from domain.outcome_index import JobIndex
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.errors import CorruptData, NotFound
from ports.ids import Ids
from ports.job_store import JobStore
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry


class MakeIndex:
    """The engine's work on jobs that have ended."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        results: ResultsStore,
        invoker: EngineInvoker,
        clock: Clock,
        ids: Ids,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._results = results
        self._invoker = invoker
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job: Job, deadline: Deadline) -> Job:
        """Work on the index that the job wants, if it wants one, until it is ready or the deadline.

        An attempt that fails is reported and recorded, and repeated by the sweep; after a bounded
        number of them the index is FAILED. The job itself is not touched.

        Raises:
            Retryable: the job's record cannot be read or written.
        """
        if not wants_index(job):
            return job
        token = self._ids.new_token()
        lease_s = deadline.remaining_s() + self._tuning.lease_margin_s
        try:
            job = await self._update(
                job,
                lambda j: begin_index(j, token=token, now=self._clock.now(), lease_s=lease_s),
            )
        except (JobLeaseHeld, LeaseLost):
            return job
        index = job.index
        if index is not None and index.attempt_count > self._tuning.engine_attempt_count_max:
            return await self._failed(job, token, NoProgress(_died(index)))
        work = BuildIndex(
            job,
            token=token,
            deadline=deadline,
            chunks=self._chunks,
            results=self._results,
            tuning=self._tuning,
        )
        try:
            done = await work.run()
            if done:
                made = await self._update(
                    job, lambda j: index_made(j, token=token, now=self._clock.now())
                )
                self._telemetry.event(
                    "index_made", job_id=job.job_id, object_count=work.object_count
                )
                return made
            job = await self._update(
                job,
                lambda j: index_released(
                    j, token=token, now=self._clock.now(), progressed=work.progressed
                ),
            )
            await self._invoker.advance(job.job_id)
        except LeaseLost:
            return await self._jobs.get(job.job_id)
        except Exception as error:  # noqa: BLE001 - reported and recorded
            return await self._failed(job, token, error)
        return job

    async def _failed(self, job: Job, token: str, error: Exception) -> Job:
        cause = cause_of(error)
        self._telemetry.warning("index_attempt_failed", job_id=job.job_id, cause=cause)
        try:
            job = await self._update(
                job,
                lambda j: index_failed(
                    j,
                    token=token,
                    now=self._clock.now(),
                    reason=cause,
                    final=isinstance(error, DomainError | NotFound | CorruptData),
                    attempt_count_max=self._tuning.engine_attempt_count_max,
                ),
            )
        except LeaseLost:
            return await self._jobs.get(job.job_id)
        if not wants_index(job):
            self._telemetry.warning("index_failed", job_id=job.job_id, cause=cause)
        return job

    async def _update(self, job: Job, change: Callable[[Job], Job]) -> Job:
        return await update_job(self._jobs, job.job_id, change)


def _died(index: JobIndex) -> str:
    ended = f"the last one with: {index.reason}" if index.reason else "the process died"
    return f"{index.attempt_count - 1} attempts at the index of outcomes failed, {ended}"
