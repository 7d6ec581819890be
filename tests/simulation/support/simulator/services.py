"""AWS around the functions: it delivers, repeats, loses and delays.

Asynchronous invocations: up to two retries after a failure, and sometimes none at all. The schedule
never stops. Queues are in `worker_queue`, S3 Batch Operations in `batch_service`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.batch_service import BatchService
from simulator.faults import Fault
from simulator.process import retried
from simulator.systems import draw_system
from simulator.worker_queue import Message, WorkerQueue

from domain.chunk import FIRST_LIFE
from domain.errors import JobLeaseHeld

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_INVOCATION_DELAYS_S = (60.0, 120.0)
_SWEEP_EVERY_S = 300.0
_FORGED = "job-forged"


class Services:
    """Everything that invokes functions, except users."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._engine_orders: list[str] = []
        self._share_orders: list[tuple[str, int]] = []
        self._compared_orders: list[str] = []
        self._searched_orders: list[str] = []
        self._held_is_failure = sim.rng.random() < 0.5
        self.queue = WorkerQueue(sim)
        self.batch = BatchService(sim)
        self.system = draw_system(sim)

    def begin(self) -> None:
        """Start the schedule."""
        self._sim.at(self._sim.rng.random() * _SWEEP_EVERY_S, self._sweep, idle=True)

    def collect(self) -> None:
        """Start what processes have requested since the last step."""
        ports = self._sim.world.ports
        if ports.invoker.job_ids:
            for job_id in ports.invoker.take():
                self.order_engine(job_id, 0.02)
        for job_id, number in ports.invoker.take_shares():
            self.order_share(job_id, number, 0.02)
        for job_id in ports.invoker.take_compared():
            self.order_comparison(job_id, 0.02)
        for job_id in ports.invoker.take_searched():
            self.order_search(job_id, 0.02)
        if ports.queue.messages:
            self.queue.collect()
        self.batch.collect()
        self.system.collect()

    def deliver_all_again(self) -> None:
        """Deliver every past invocation, message and dead letter once more."""
        for job_id in dict.fromkeys(self._engine_orders):
            self._sim.at(0, partial(self._engine, job_id, 2))
        for job_id, number in dict.fromkeys(self._share_orders):
            self._sim.at(0, partial(self._share, job_id, number, 2))
        for job_id in dict.fromkeys(self._compared_orders):
            self._sim.at(0, partial(self._compare, job_id, 2))
        for job_id in dict.fromkeys(self._searched_orders):
            self._sim.at(0, partial(self._search, job_id, 2))
        now = self._sim.clock.now()
        for job_id, index, life in dict.fromkeys(
            (each.job_id, each.index, each.life) for each in self.queue.all
        ):
            self.queue.put(Message(job_id, index, life, now), 0)
        for job in self._sim.world.database.jobs:
            self.queue.replay_letters(job.job_id)

    def late_s(self) -> float:
        """Return how late something comes; mostly not at all."""
        if self._sim.faults.happens(Fault.DELAYED):
            return self._sim.faults.pause_s()
        return 0.01 * self._sim.rng.random()

    def forge(self) -> None:
        """Deliver messages and invocations of other services, or of missing chunks."""
        if not self._sim.faults.happens(Fault.FORGED):
            return
        jobs = [job.job_id for job in self._sim.world.database.jobs]
        job_id = self._sim.rng.choice([*jobs, _FORGED])
        index = self._sim.rng.choice([0, 1, 999])
        now = self._sim.clock.now()
        self.queue.put(Message(job_id, index, FIRST_LIFE, now, forged=True), 0)
        self.order_engine(job_id, 0)
        self.order_share(job_id, index, 0)

    # The engine's asynchronous invocations.

    def order_engine(self, job_id: str, delay_s: float) -> None:
        """Invoke the engine for a job."""
        if job_id != _FORGED:
            self._engine_orders.append(job_id)
        if self._sim.faults.happens(Fault.DROPPED):
            self._sim.note("lambda", "drops", f"engine for {job_id}")
            return
        for _ in range(1 + self._sim.faults.happens(Fault.DOUBLED)):
            self._sim.at(delay_s + self.late_s(), partial(self._engine, job_id, 0))

    def _engine(self, job_id: str, retry_count: int) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            failed = retried(error) or (self._held_is_failure and isinstance(error, JobLeaseHeld))
            if failed and retry_count < len(_INVOCATION_DELAYS_S):
                delay_s = _INVOCATION_DELAYS_S[retry_count]
                self._sim.at(delay_s, partial(self._engine, job_id, retry_count + 1))

        self._sim.spawn(
            "engine",
            "engine",
            "engine",
            lambda engine, deadline: engine.advance(job_id, deadline),
            done,
            expected=(JobLeaseHeld,),
            subject=job_id,
        )

    def order_comparison(self, job_id: str, delay_s: float) -> None:
        """Invoke the engine to compare a job with the sync before."""
        self._compared_orders.append(job_id)
        if self._sim.faults.happens(Fault.DROPPED):
            self._sim.note("lambda", "drops", f"comparison of {job_id}")
            return
        for _ in range(1 + self._sim.faults.happens(Fault.DOUBLED)):
            self._sim.at(delay_s + self.late_s(), partial(self._compare, job_id, 0))

    def _compare(self, job_id: str, retry_count: int) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if retried(error) and retry_count < len(_INVOCATION_DELAYS_S):
                delay_s = _INVOCATION_DELAYS_S[retry_count]
                self._sim.at(delay_s, partial(self._compare, job_id, retry_count + 1))

        self._sim.spawn(
            "compare",
            "engine",
            "compare_syncs",
            lambda compare, deadline: compare.run(job_id, deadline),
            done,
            subject=job_id,
        )

    def order_search(self, job_id: str, delay_s: float) -> None:
        """Invoke the engine to search orphans after a job."""
        self._searched_orders.append(job_id)
        if self._sim.faults.happens(Fault.DROPPED):
            self._sim.note("lambda", "drops", f"search after {job_id}")
            return
        for _ in range(1 + self._sim.faults.happens(Fault.DOUBLED)):
            self._sim.at(delay_s + self.late_s(), partial(self._search, job_id, 0))

    def _search(self, job_id: str, retry_count: int) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if retried(error) and retry_count < len(_INVOCATION_DELAYS_S):
                delay_s = _INVOCATION_DELAYS_S[retry_count]
                self._sim.at(delay_s, partial(self._search, job_id, retry_count + 1))

        self._sim.spawn(
            "search",
            "engine",
            "search_orphans",
            lambda search, deadline: search.run(job_id, deadline),
            done,
            subject=job_id,
        )

    def order_share(self, job_id: str, number: int, delay_s: float) -> None:
        """Invoke a worker for a share of a job's listing."""
        self._share_orders.append((job_id, number))
        if self._sim.faults.happens(Fault.DROPPED):
            self._sim.note("lambda", "drops", f"share {number} of {job_id}")
            return
        for _ in range(1 + self._sim.faults.happens(Fault.DOUBLED)):
            self._sim.at(delay_s + self.late_s(), partial(self._share, job_id, number, 0))

    def _share(self, job_id: str, number: int, retry_count: int) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if retried(error) and retry_count < len(_INVOCATION_DELAYS_S):
                delay_s = _INVOCATION_DELAYS_S[retry_count]
                self._sim.at(delay_s, partial(self._share, job_id, number, retry_count + 1))

        self._sim.spawn(
            f"share {number}",
            "share",
            "list_share",
            lambda worker, deadline: worker.run(job_id, number, deadline),
            done,
            subject=job_id,
        )

    def _sweep(self) -> None:
        self._sim.at(_SWEEP_EVERY_S, self._sweep, idle=True)
        self._sim.spawn(
            "sweep",
            "sweep",
            "sweep",
            lambda sweep, deadline: sweep.run(deadline),
            lambda result, error: None,
        )
