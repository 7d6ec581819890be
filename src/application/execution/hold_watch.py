"""Whether a job has come to be held, or has ended, while a long invocation works on it."""

from __future__ import annotations

from datetime import timedelta

from domain.hold import pause_of
from ports.clock import Clock
from ports.job_store import JobStore


class HoldWatch:
    """Reads the job's record every `poll_s` seconds at most, however often it is asked."""

    def __init__(self, *, jobs: JobStore, clock: Clock, poll_s: float) -> None:
        self._jobs = jobs
        self._clock = clock
        self._poll = timedelta(seconds=poll_s)
        self._polled_at = clock.now()
        self._held = False

    async def is_held(self, job_id: str) -> bool:
        """Return whether the job is held, as of some seconds ago at most."""
        if not self._held and self._clock.now() - self._polled_at >= self._poll:
            job, now = await self._jobs.get(job_id), self._clock.now()
            self._held, self._polled_at = pause_of(job, now) is not None, now
        return self._held
