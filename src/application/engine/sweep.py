"""The sweep: a scheduled pass that recovers what is stuck.

It checks every open job, and repairs what a lost message, a lost event or a dead process can leave
behind: statuses that were not published, a job that no engine works on, a batch job whose end was
not reported, chunks whose message was lost or whose worker died, a last settlement that did not end
the job. It also puts the timers of schedules that do not run, removes those that no connector has,
and gives jobs the limits that their connectors have. It decides by the records, the clock, and the
depth of the processor queue. It is safe to run it twice, or at the same time as any other process.

It is a loop over invocations: the next one continues with what this one did not reach. Its measure,
which decreases with each, is the number of stale chunks: each chunk that is sent or released gets
the present time before the next ones are, so a sweep that dies leaves fewer of them.
"""

from __future__ import annotations

from application.engine.repair_chunks import RepairChunks
from application.engine.repair_job import RepairJob
from application.engine.watch_connectors import WatchConnectors
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.results.failure_records import cause_of
from domain.job import Job
from ports.job_store import JobStore
from ports.paging import Unreadable
from ports.telemetry import Telemetry


class Sweep:
    """The use case of the schedule."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        repair_job: RepairJob,
        repair_chunks: RepairChunks,
        watch_connectors: WatchConnectors,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._repair_job = repair_job
        self._repair_chunks = repair_chunks
        self._watch_connectors = watch_connectors
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, deadline: Deadline) -> int:
        """Repair all open jobs, the oldest first; returns how many were checked.

        A job that cannot be repaired, or not even be read, does not stop the pass; the first error
        is raised at the end.

        Raises:
            Exception: a job could not be repaired; the next sweep tries again.
        """
        checked_count = 0
        active: list[Job] = []
        waiting, first_error = await self._repair_chunks.read_queue_depth()
        async for job in self._jobs.open_jobs():
            if deadline.near(self._tuning.stop_margin_s):
                break
            checked_count += 1
            if isinstance(job, Unreadable):
                # No retry can fix this: an operator must act. An alarm watches this log event.
                self._telemetry.warning("job_not_repaired", job_id=job.record_id, cause=job.cause)
                continue
            if not job.terminal:
                active.append(job)
            try:
                await self._repair_job.run(job, waiting, deadline)
            except Exception as error:  # noqa: BLE001 - reported
                self._telemetry.warning(
                    "job_not_repaired", job_id=job.job_id, cause=cause_of(error)
                )
                first_error = first_error or error
        try:
            await self._repair_chunks.send_lost(waiting, deadline)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning("messages_not_sent_again", cause=cause_of(error))
            first_error = first_error or error
        first_error = await self._watch_connectors.run(deadline, active) or first_error
        if deadline.near(self._tuning.stop_margin_s):
            self._telemetry.warning("sweep_incomplete", checked_count=checked_count)
        self._telemetry.event("sweep_done", checked_count=checked_count)
        if first_error is not None:
            raise first_error
        return checked_count
