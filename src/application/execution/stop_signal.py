"""When a worker has to stop starting objects: its time is nearly over, or its job is ending."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from application.execution.deadline import Deadline
from ports.clock import Clock
from ports.job_store import JobStore


class Unfinished(Exception):
    """Nothing more is started; another attempt does what is left, or goes on with it."""


class Watch:
    """Asked before each object is started.

    Time is read from the clock each time, so a process that was paused beyond its lease starts
    nothing more. The job's record is read every `poll_s` seconds, not per object; a job is only
    CANCELLED after this worker settled its chunk, so nothing is started after that.
    """

    def __init__(
        self,
        *,
        jobs: JobStore,
        job_id: str,
        deadline: Deadline,
        clock: Clock,
        stop_margin_s: float,
        poll_s: float,
    ) -> None:
        self._jobs = jobs
        self._job_id = job_id
        self._deadline = deadline
        self._clock = clock
        self._stop_margin_s = stop_margin_s
        self._poll = timedelta(seconds=poll_s)
        self._polled_at = clock.now()
        self._asking = asyncio.Lock()
        self.job_ending = False

    async def stopped(self, needed_s: float = 0.0) -> bool:
        """Tell whether nothing further may be started, or nothing that takes `needed_s` seconds."""
        if self.job_ending or self._deadline.near(self._stop_margin_s + needed_s):
            return True
        # All workers wait for the one that asks, or they would go on while the answer is under way.
        async with self._asking:
            if self._clock.now() - self._polled_at >= self._poll:
                job = await self._jobs.get(self._job_id)
                self.job_ending = job.ending is not None or job.terminal
                self._polled_at = self._clock.now()
        return self.job_ending


async def go_on(watch: Watch, needed_s: float = 0.0) -> None:
    """Ask just before a write, when its turn has come: waiting for that may have taken long.

    Raises:
        Unfinished: nothing may be started any more, or nothing that takes `needed_s` seconds.
    """
    try:
        stopped = await watch.stopped(needed_s)
    except Exception as error:
        # No failure of the object that is to be written: the next look at the job has it.
        raise Unfinished from error
    if stopped:
        raise Unfinished
