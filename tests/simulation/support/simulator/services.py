"""What AWS does around the functions: deliver, repeat, lose, be late.

Queue: at least once, with a visibility timeout, and after some receives the dead-letter queue.
Asynchronous invocations: up to two more tries after a failure, and now and then none at all.
Batch jobs: every task is an invocation; temporary failures are redriven. The schedule never stops.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.faults import Fault
from simulator.process import retried
from simulator.scenery import BUCKET
from simulator.systems import draw_system

from application.discover_object import TaskResult
from domain.batch_job import BatchJobStatus
from domain.errors import ChunkHeld, WorkHeld, WorkLost

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_INVOCATION_DELAYS_S = (60.0, 120.0)
_SWEEP_EVERY_S = 300.0


@dataclass(slots=True)
class Message:
    """A chunk message in the queue."""

    job_id: str
    index: int
    receive_count: int = 0


class Services:
    """Everything that invokes functions, but for people."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._batch_jobs_seen: set[str] = set()
        self._engine_orders: list[str] = []
        self._chunk_messages: list[tuple[str, int]] = []
        self._held_is_failure = sim.rng.random() < 0.5
        self._visibility_s = sim.timeouts_s["processor"] * sim.rng.choice([1.1, 6.0])
        self._receive_count_max = sim.rng.choice([1, 2, 5])
        self.system = draw_system(sim)

    def begin(self) -> None:
        """Start the schedule."""
        self._sim.at(self._sim.rng.random() * _SWEEP_EVERY_S, self._sweep, idle=True)

    def collect(self) -> None:
        """Take up what processes have ordered since the last step."""
        ports = self._sim.world.ports
        if ports.invoker.job_ids:
            for job_id in ports.invoker.take():
                self._order_engine(job_id, 0.02)
        if ports.queue.messages:
            self._take_messages()
        if len(ports.batch_jobs.created) > len(self._batch_jobs_seen):
            self._start_batch_jobs()
        self.system.collect()

    def _take_messages(self) -> None:
        queue = self._sim.world.ports.queue
        taken, queue.messages = queue.messages, []
        now = self._sim.clock.now()
        for sent in taken:
            self._chunk_messages.append((sent.job_id, sent.chunk_index))
            delay_s = max(0.0, (sent.visible_at - now).total_seconds())
            self._send(Message(sent.job_id, sent.chunk_index), delay_s)
            if self._sim.faults.happens(Fault.DOUBLED):
                self._send(Message(sent.job_id, sent.chunk_index), delay_s)

    def _start_batch_jobs(self) -> None:
        for batch_job_id in self._sim.world.ports.batch_jobs.created:
            if batch_job_id not in self._batch_jobs_seen:
                self._batch_jobs_seen.add(batch_job_id)
                run = partial(self._begin_batch_job, batch_job_id)
                self._sim.at(self._sim.rng.choice([0.1, 3.0, 200.0]), run)

    def _begin_batch_job(self, batch_job_id: str) -> None:
        self._sim.background(self._run_batch_job(batch_job_id))

    def deliver_all_again(self) -> None:
        """Deliver every order and message that there ever was once more."""
        for job_id in dict.fromkeys(self._engine_orders):
            self._sim.at(0, partial(self._engine, job_id, 2))
        for job_id, index in dict.fromkeys(self._chunk_messages):
            self._sim.at(0, partial(self._receive, Message(job_id, index)))

    def late_s(self) -> float:
        """Return how late something comes; mostly not at all."""
        if self._sim.faults.happens(Fault.DELAYED):
            return self._sim.faults.pause_s()
        return 0.01 * self._sim.rng.random()

    # The engine's asynchronous invocations.

    def _order_engine(self, job_id: str, delay_s: float) -> None:
        self._engine_orders.append(job_id)
        if self._sim.faults.happens(Fault.DROPPED):
            self._sim.note("lambda", "drops", f"engine for {job_id}")
            return
        for _ in range(1 + self._sim.faults.happens(Fault.DOUBLED)):
            self._sim.at(delay_s + self.late_s(), partial(self._engine, job_id, 0))

    def _engine(self, job_id: str, retry_count: int) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            failed = retried(error) or (self._held_is_failure and isinstance(error, WorkHeld))
            if failed and retry_count < len(_INVOCATION_DELAYS_S):
                delay_s = _INVOCATION_DELAYS_S[retry_count]
                self._sim.at(delay_s, partial(self._engine, job_id, retry_count + 1))

        self._sim.spawn(
            "engine",
            "engine",
            "engine",
            lambda engine, deadline: engine.advance(job_id, deadline),
            done,
            expected=(WorkHeld,),
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

    # The processor queue and its dead-letter queue.

    def _send(self, message: Message, delay_s: float) -> None:
        self._sim.at(delay_s + self.late_s(), partial(self._receive, message))

    def _receive(self, message: Message) -> None:
        message.receive_count += 1
        if message.receive_count > self._receive_count_max:
            self._sim.note("sqs", "dead letter", f"{message.index} of {message.job_id}")
            self._bury(message)
            return

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None:
                self._sim.at(self._visibility_s, partial(self._receive, message))
            elif self._sim.faults.happens(Fault.DOUBLED):
                self._sim.at(
                    self.late_s(), partial(self._receive, Message(message.job_id, message.index))
                )

        self._sim.spawn(
            f"chunk {message.index}",
            "processor",
            "process_chunk",
            lambda work, deadline: work.process(message.job_id, message.index, deadline),
            done,
            job_id=message.job_id,
        )

    def _bury(self, message: Message) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if error is not None:
                self._sim.at(self._visibility_s, partial(self._bury, message))

        reason = f"received {self._receive_count_max} times without success"
        self._sim.spawn(
            f"dead letter {message.index}",
            "processor",
            "process_chunk",
            lambda work, deadline: work.give_up(message.job_id, message.index, reason, deadline),
            done,
            expected=(ChunkHeld, WorkLost),
        )

    # S3 Batch Operations.

    async def _run_batch_job(self, batch_job_id: str) -> None:
        sim, batch_jobs = self._sim, self._sim.world.ports.batch_jobs
        job_id = batch_jobs.created[batch_job_id].user_arguments["jobId"]
        batch_job = await batch_jobs.describe(batch_job_id)
        if sim.faults.happens(Fault.BATCH_JOB_FAILS):
            status, reasons = BatchJobStatus.FAILED, ("simulated failure",)
            batch_jobs.set(replace(batch_job, status=status, failure_reasons=reasons))
        elif sim.faults.happens(Fault.BATCH_JOB_CANCELLED):
            batch_jobs.set(replace(batch_job, status=BatchJobStatus.CANCELLED))
        else:
            await batch_jobs.run(batch_job_id, partial(self._invoke_task, job_id))
            if sim.faults.happens(Fault.REPORT_LATE):
                self._hold_report_back(job_id, batch_job_id)
        sim.note("s3 batch", batch_job_id, str((await batch_jobs.describe(batch_job_id)).status))
        self._order_engine(job_id, 0.5)

    def _hold_report_back(self, job_id: str, batch_job_id: str) -> None:
        files = self._sim.world.ports.results.files
        key = f"jobs/{job_id}/reports/job-{batch_job_id}/manifest.json"
        index = files.pop(key, None)
        if index is not None:
            delay_s = self._sim.rng.choice([2.0, 30.0, 1_000.0, 20_000.0])
            self._sim.at(delay_s, lambda: files.setdefault(key, index) and None)

    async def _invoke_task(self, job_id: str, event: dict[str, Any]) -> Mapping[str, Any]:
        key = event["tasks"][0]["s3Key"]
        if self._sim.faults.happens(Fault.TASK_TWICE):
            await self._answer_task(job_id, key)
        answer = await self._answer_task(job_id, key)
        return {"results": [{"resultCode": answer.code, "resultString": answer.text}]}

    def _answer_task(self, job_id: str, key: str) -> Future[TaskResult]:
        answered: Future[TaskResult] = self._sim.loop.create_future()

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None:
                answered.set_result(TaskResult(code="TemporaryFailure", text=repr(error)))
            else:
                answered.set_result(result)

        self._sim.spawn(
            "task",
            "processor",
            "discover_object",
            lambda discover, deadline: discover.answer(job_id, BUCKET, key),
            done,
        )
        return answered
