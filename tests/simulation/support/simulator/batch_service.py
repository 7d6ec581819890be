"""S3 Batch Operations: every task is an invocation; temporary failures are redriven.

A batch job may wait long before it starts, fail, be cancelled by another user, and write its report
late, or one with a row repeated in place of another.
"""

from __future__ import annotations

import json
from asyncio import Future
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.faults import Fault
from simulator.scenery import BUCKET, Theme

from application.processor.discover_object import TaskResult
from domain.batch_job import BatchJobStatus

if TYPE_CHECKING:
    from simulator.simulation import Simulation


_FAILING = (Fault.REPORT_WRONG, Fault.BATCH_JOB_CANCELLED, Fault.BATCH_JOB_FAILS)


class BatchService:
    """Runs the created batch jobs."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._seen: set[str] = set()
        self.wrong_reports: set[str] = set()
        self._failing: Fault | None = None
        if sim.theme is Theme.FAILED:
            self._failing = _FAILING[sim.seed % len(_FAILING)]

    def _happens(self, kind: Fault) -> bool:
        if self._failing is kind:
            self._sim.faults.note(kind)
            return True
        return self._sim.faults.happens(kind)

    def heal(self) -> None:
        """Let batch jobs succeed from now on."""
        self._failing = None

    def collect(self) -> None:
        """Start the batch jobs that were created since the last step."""
        created = self._sim.world.ports.batch_jobs.created
        if len(created) == len(self._seen):
            return
        for batch_job_id in created:
            if batch_job_id not in self._seen:
                self._seen.add(batch_job_id)
                run = partial(self._begin, batch_job_id)
                delay_s = self._sim.rng.choice([0.1, 0.1, 3.0, 3.0, 200.0, 4_000.0])
                self._sim.at(4_000.0 if self._sim.theme is Theme.CANCELLED else delay_s, run)

    def unknown_yet(self, batch_job_id: str) -> bool:
        """Return whether S3 does not list a batch job yet that it has just created."""
        known = self._sim.world.ports.batch_jobs._jobs.get(batch_job_id)
        fresh = known is not None and known.total_count == 0
        return fresh and self._sim.faults.happens(Fault.BATCH_JOB_UNKNOWN)

    def _begin(self, batch_job_id: str) -> None:
        self._sim.background(self._run(batch_job_id))

    async def _run(self, batch_job_id: str) -> None:
        sim, batch_jobs = self._sim, self._sim.world.ports.batch_jobs
        job_id = batch_jobs.created[batch_job_id].user_arguments["jobId"]
        batch_job = await batch_jobs.describe(batch_job_id)
        if batch_job.status is BatchJobStatus.CANCELLED:
            pass
        elif self._happens(Fault.BATCH_JOB_FAILS):
            status, reasons = BatchJobStatus.FAILED, ("simulated failure",)
            batch_jobs.set(replace(batch_job, status=status, failure_reasons=reasons))
        elif self._happens(Fault.BATCH_JOB_CANCELLED):
            batch_jobs.set(replace(batch_job, status=BatchJobStatus.CANCELLED))
        else:
            await batch_jobs.run(batch_job_id, partial(self._invoke_task, job_id))
            self._spoil_report(job_id, batch_job_id)
        sim.note("s3 batch", batch_job_id, str((await batch_jobs.describe(batch_job_id)).status))
        sim.services.order_engine(job_id, 0.5)

    def _spoil_report(self, job_id: str, batch_job_id: str) -> None:
        files = self._sim.world.ports.results.files
        key = f"jobs/{job_id}/reports/job-{batch_job_id}/manifest.json"
        if key not in files:
            return
        if self._happens(Fault.REPORT_WRONG):
            self._double_a_row(job_id, [each["Key"] for each in json.loads(files[key])["Results"]])
        if self._sim.faults.happens(Fault.REPORT_LATE):
            index = files.pop(key)
            delay_s = self._sim.rng.choice([2.0, 30.0, 1_000.0, 20_000.0])
            self._sim.at(delay_s, lambda: files.setdefault(key, index) and None)

    def _double_a_row(self, job_id: str, names: list[str]) -> None:
        """Repeat a row, in place of another."""
        files = self._sim.world.ports.results.files
        for name in names:
            rows = files[name].splitlines(keepends=True)
            if len(rows) > 1:
                rows[0] = rows[1]
                files[name] = b"".join(rows)
                self.wrong_reports.add(job_id)
                return

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
            subject=job_id,
        )
        return answered
