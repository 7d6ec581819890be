"""Those who pause and resume jobs, and the whole stage, at any time.

They have a random generator of their own, so that they change nothing in the seeds without them.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from domain.errors import NotPausable
from domain.queue_limit import QueueLimit

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_SHARE_OF_SEEDS = 0.15
_PAUSES_S = (0.5, 5.0, 60.0, 2_000.0, 20_000.0)
_AGAIN_S = 60.0
_OCCASIONS = (
    "job INITIALIZING",
    "job DISCOVERING",
    "job PROCESSING",
    "chunk QUEUED",
    "chunk PROCESSING",
    "chunk COMPLETED",
    "copy created",
    "batch job created",
)


class Operators:
    """Users of the API who pause."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._rng = random.Random(f"operators {sim.seed}")  # repeatable
        self._at_work = self._rng.random() < _SHARE_OF_SEEDS
        if self._at_work:
            poll_s = self._rng.choice([1.0, 2.0, 5.0])
            sim.tuning = replace(sim.tuning, hold_poll_s=poll_s)
        self.done: list[str] = []

    def furnish(self) -> None:
        """Limit the depth of the connectors' ingest queue, in some of these seeds."""
        depth_max = self._rng.choice([None, 3, 8])
        connectors = self._sim.world.database.connectors
        for name, each in list(connectors.items()) if self._at_work else []:
            if each.ingest.queue_url is not None:
                limit = None if depth_max is None else QueueLimit(depth_max=depth_max)
                connectors[name] = replace(each, queue_limit=limit)

    def plan(self, span_s: float) -> None:
        """Draw their actions, and their times."""
        if not self._at_work:
            return
        for _ in range(self._rng.choice([1, 2, 5])):
            self._sim.people.plan_action(self._rng.random() * span_s, self._pause)
        for _ in range(self._rng.choice([2, 5, 10])):
            delay_s = self._rng.choice([0.0, 0.05, 1.0]) * self._rng.random()
            occasion = self._rng.choice(_OCCASIONS)
            self._sim.people.plan_occasion(occasion, delay_s, self._pause)

    def calm(self) -> None:
        """From now on no one pauses, and all that is paused is resumed."""
        if self._at_work:
            self._at_work = False
            self.resume_everything()

    def resume_everything(self) -> None:
        """Resume all that is paused; a job whose record cannot be read stays so."""
        if self._is_paused() or any(job.pause for job in self._sim.world.database.jobs):
            self._sim.at(0, self._resume_everything)

    def _resume_everything(self) -> None:
        """Resume again and again, until nothing is paused."""
        if self._sim.world.database.stage_pause is not None:
            self._resume_stage()
        for job in self._sim.jobs:
            if job.pause is not None:
                self._resume(job.job_id)
        # One that cannot be read yet may be readable later; the run does not wait for that.
        jobs = self._sim.world.database.jobs
        if self._is_paused() or any(job.pause is not None for job in jobs):
            self._sim.at(_AGAIN_S, self._resume_everything, idle=not self._is_paused())

    def _is_paused(self) -> bool:
        stage = self._sim.world.database.stage_pause is not None
        return stage or any(job.pause is not None for job in self._sim.jobs)

    def _pause(self) -> None:
        if not self._at_work:
            return
        open_jobs = [job.job_id for job in self._sim.world.database.jobs if not job.terminal]
        jobs = open_jobs or [job.job_id for job in self._sim.world.database.jobs]
        delay_s = self._rng.choice(_PAUSES_S) * self._rng.random()
        if not jobs or self._rng.random() < 0.3:
            self._spawn("pause all", "pause_stage", lambda use_case: use_case.pause(**_WHY))
            self._sim.people.plan_action(delay_s, self._resume_stage)
            return
        job_id = self._rng.choice(jobs)
        self._spawn("pause", "pause_job", lambda use_case: use_case.pause(job_id, **_WHY))
        self._sim.people.plan_action(delay_s, lambda: self._resume(job_id))

    def _resume(self, job_id: str) -> None:
        self._spawn("resume", "pause_job", lambda use_case: use_case.resume(job_id))

    def _resume_stage(self) -> None:
        self._spawn("resume all", "pause_stage", lambda use_case: use_case.resume())

    def _spawn(self, kind: str, use_case: str, call: Any) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                self.done.append(kind)

        self._sim.spawn(
            kind, "api", use_case, lambda each, deadline: call(each), done, expected=(NotPausable,)
        )


_WHY = {"reason": "quiet", "by": None}
