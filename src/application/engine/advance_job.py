"""The engine: advances a job from its current state.

Every trigger (a new job, the end of a batch job, a continuation, the sweep, a redrive) uses the
same entry point. It reads the job's state and runs the next step, under the job's lease. So the
result does not depend on which message arrived, whether it arrived twice, or where an earlier
invocation died.
"""

from __future__ import annotations

from dataclasses import dataclass

from application.engine.attempt_rules import have_died, is_last
from application.engine.batch_discovery import BatchDiscovery
from application.engine.chunk_sources import Source, known_source, manifest_source
from application.engine.end_job import EndJob
from application.engine.job_lease import JobLease
from application.engine.list_bucket import ListBucket
from application.engine.make_index import MakeIndex
from application.engine.requeue_failures import RequeueFailures
from application.engine.requeue_parked import RequeueParked
from application.engine.share_listing import ShareListing
from application.engine.split_into_chunks import SplitIntoChunks
from application.engine.take_snapshot import TakeSnapshot
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.engine_invocation import request_removals
from application.jobs.status_publisher import StatusPublisher
from application.results.failure_records import cause_of, is_final
from application.results.files import known_key
from domain.attempts import step_of
from domain.discovery import Discovery
from domain.errors import JobHeld, LeaseLost, NoProgress
from domain.hold import hold_of, pause_of
from domain.index_work import wants_index
from domain.job import Job, wants_comparison
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.ids import Ids
from ports.job_store import JobStore
from ports.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSteps:
    """What the engine does for a job, in the order of a job's life."""

    requeue_parked: RequeueParked
    take_snapshot: TakeSnapshot
    list_bucket: ListBucket
    share_listing: ShareListing
    discovery: BatchDiscovery
    split: SplitIntoChunks
    requeue: RequeueFailures
    end_job: EndJob
    make_index: MakeIndex


class Engine:
    """The use case of the engine's function."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        steps: EngineSteps,
        status_publisher: StatusPublisher,
        invoker: EngineInvoker,
        clock: Clock,
        ids: Ids,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._steps = steps
        self._status_publisher = status_publisher
        self._invoker = invoker
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry
        self._tuning = tuning

    async def advance(self, job_id: str, deadline: Deadline) -> Job:
        """Run the next steps of the job, until it waits for others or the deadline is near.

        Work that is left at the deadline is requested as another invocation. Of a job that has
        ended, what is left is its index; then its comparison with the sync before is requested.

        Raises:
            NotFound: there is no such job.
            JobLeaseHeld: another invocation holds the job's lease.
            Exception: Lambda must retry the invocation; nothing is lost. After a bounded number of
                failed attempts at one step the job fails instead.
        """
        job = await self._advance(job_id, deadline)
        job = await self._steps.make_index.run(job, deadline)
        if wants_comparison(job) and not wants_index(job):
            await request_removals(self._invoker, job_id, telemetry=self._telemetry)
        return job

    async def _advance(self, job_id: str, deadline: Deadline) -> Job:
        lease = JobLease(
            jobs=self._jobs,
            clock=self._clock,
            token=self._ids.new_token(),
            job_id=job_id,
            deadline=deadline,
            poll_s=self._tuning.hold_poll_s,
        )
        try:
            job = await lease.acquire(job_id, margin_s=self._tuning.lease_margin_s)
        except JobHeld as held_job:
            self._telemetry.event("job_held", job_id=job_id, cause=str(held_job))
            # It may have been cancelled since: then its batch job and upload must be stopped.
            return await self._end_or_announce(job_id, deadline)
        except LeaseLost:
            return await self._end_or_announce(job_id, deadline)
        if have_died(job.work.attempts, self._tuning):
            # The engine's processes die in the middle of this step, without an error.
            await lease.release(job_id)
            return await self._fail(job_id, NoProgress(_no_attempts_left(job)), deadline, None)
        try:
            finished = await self._run_steps(job, lease)
        except LeaseLost:
            await lease.release(job_id)
            return await self._end_or_announce(job_id, deadline)
        except Exception as error:
            held = lease.holds(await self._jobs.get(job_id))
            job = await lease.release_failed(job_id, error)
            if not held:
                # The job is ending, or another invocation holds it: its state must not change.
                self._telemetry.event("engine_work_lost", job_id=job_id, cause=cause_of(error))
                return await self._end_or_announce(job_id, deadline)
            self._telemetry.warning("engine_attempt_failed", job_id=job_id, cause=cause_of(error))
            if not is_last(job.work.attempts, error, self._tuning):
                raise
            reason = None if is_final(error) else _no_attempts_left(job)
            return await self._fail(job_id, error, deadline, reason)
        job = await lease.release(job_id)
        # A resume that found the lease held has changed the job, so it was read again.
        if not finished and pause_of(job, self._clock.now()) is None:
            await self._invoker.advance(job_id)
        if job.splitting.done:
            return await self._status_publisher.finish_if_settled(job_id)
        # It may have been cancelled since: then its batch job and upload must be stopped.
        return await self._end_or_announce(job_id, deadline)

    async def _fail(
        self, job_id: str, error: Exception, deadline: Deadline, reason: str | None
    ) -> Job:
        self._telemetry.warning("job_failed", job_id=job_id, cause=reason or cause_of(error))
        failed = await self._steps.end_job.fail(job_id, error, deadline, reason=reason)
        return await self._or_continue(job_id, failed)

    async def _end_or_announce(self, job_id: str, deadline: Deadline) -> Job:
        job = await self._jobs.get(job_id)
        if job.ending is not None:
            return await self._or_continue(job_id, await self._steps.end_job.drain(job, deadline))
        return await self._status_publisher.publish_pending(job)

    async def _or_continue(self, job_id: str, drained: Job | None) -> Job:
        """Request another invocation for a job that could not be ended before the deadline."""
        if drained is not None:
            return drained
        await self._invoker.advance(job_id)
        return await self._jobs.get(job_id)

    async def _run_steps(self, job: Job, lease: JobLease) -> bool:
        """Advance the job; True if it now waits or has ended, False if it had to stop before."""
        job = await self._status_publisher.publish_pending(job)
        if job.resumes.pending and hold_of(job, self._clock.now()) is None:
            resumed = await self._steps.requeue_parked.run(job, lease)
            if resumed is None:
                return False
            job = resumed
        if job.listing.sharing is not None:
            job = await self._steps.share_listing.watch(job, lease)
            if job.listing.sharing is not None:
                return True
        if not job.listed:
            ready = await self._steps.take_snapshot.run(job, lease)
            if ready is None:
                return False
            listed = await self._steps.list_bucket.run(ready, lease)
            if listed is None:
                return False
            job = await self._status_publisher.publish_pending(listed)
            if not job.listed:
                return True
        if job.terminal:
            return True
        if not job.splitting.done:
            if await lease.is_held():
                return False
            source = await self._source(job, lease)
            if source is None:
                return True
            job = await self._jobs.get(job.job_id)
            if await self._steps.split.run(job, lease, source) is None:
                return False
        if job.redrive.active:
            return await self._steps.requeue.run(job, lease) is not None
        return True

    async def _source(self, job: Job, lease: JobLease) -> Source | None:
        manifest = job.discovery.manifest
        if job.request.options.discovery is Discovery.DIRECT:
            # Only a job that an earlier version began has a manifest for direct discovery.
            return manifest_source(manifest.key) if manifest else None
        if manifest is None:
            return known_source(known_key(job.job_id))
        if job.discovery.batch_job_id is None:
            job = await self._steps.discovery.begin(job, lease)
        return await self._steps.discovery.report(job, lease)


def _no_attempts_left(job: Job) -> str:
    """Return why a job fails whose step has no attempts left, and what to do."""
    attempts = job.work.attempts
    died = "the process died, or its time ran out"
    ended = f"the last one with: {attempts.cause}" if attempts.cause else died
    return (
        f"{attempts.count} attempts at {step_of(job)} failed, {ended}. Remove the cause and start a"
        " new sync: objects that are done are skipped"
    )
