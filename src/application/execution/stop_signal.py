"""When a worker must stop starting objects: its time is over, or its job is ending or held."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from application.execution.deadline import Deadline
from domain.hold import hold_of
from domain.job import Job
from domain.job_limits import slot_rate
from ports.clock import Clock
from ports.job_store import JobStore


class StopRequested(Exception):
    """No more work is started; another attempt processes or resumes the rest."""


class StopSignal:
    """Checked before each object is started.

    Time is read from the clock each time, so a process that was paused beyond its lease starts
    nothing more. The job's record is read every `poll_s` seconds, not per object; a job is only
    CANCELLED after this worker settled its chunk, so nothing is started after that. A job that is
    held starts nothing more when this has been read; `look` finds what else holds it, and `keeps`
    is whether the worker has the slot that the job's limits require. `rate` is their rate.
    """

    def __init__(
        self,
        *,
        jobs: JobStore,
        job: Job,
        deadline: Deadline,
        clock: Clock,
        look: Callable[[Job], Awaitable[Job]],
        keeps: Callable[[Job], Awaitable[bool]],
        stop_margin_s: float,
        poll_s: float,
    ) -> None:
        self._jobs = jobs
        self._job_id = job.job_id
        self._deadline = deadline
        self._look = look
        self._keeps = keeps
        self._clock = clock
        self._stop_margin_s = stop_margin_s
        self._poll = timedelta(seconds=poll_s)
        self._polled_at = clock.now()
        self._reading = asyncio.Lock()
        self.job_ending = job.ending is not None
        self.job_held = hold_of(job, clock.now()) is not None
        self.rate = slot_rate(job)

    async def should_stop(self, needed_s: float = 0.0) -> bool:
        """Return whether nothing that takes `needed_s` seconds may be started any longer."""
        stopped = self.job_ending or self.job_held
        if stopped or self._deadline.near(self._stop_margin_s + needed_s):
            return True
        # All tasks wait for the one that reads, or they would start objects while it reads.
        async with self._reading:
            if self._clock.now() - self._polled_at >= self._poll:
                job = await self._look(await self._jobs.get(self._job_id))
                self.job_ending = job.ending is not None or job.terminal
                self.rate = slot_rate(job)
                self.job_held = hold_of(job, self._clock.now()) is not None
                if not self.job_ending and not await self._keeps(job):
                    self.job_held = True
                self._polled_at = self._clock.now()
        return self.job_ending or self.job_held


async def ensure_may_start(stop_signal: StopSignal, needed_s: float = 0.0) -> None:
    """Check just before a write, when it has its slot: waiting for that may have taken long.

    Raises:
        StopRequested: nothing, or nothing that takes `needed_s` seconds, may be started any longer.
    """
    try:
        stopped = await stop_signal.should_stop(needed_s)
    except Exception as error:
        # This is not a failure of the object: the next read of the job reports it.
        raise StopRequested from error
    if stopped:
        raise StopRequested
