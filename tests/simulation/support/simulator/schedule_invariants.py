"""What holds for the jobs that schedules start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from domain.discovery import Discovery
from domain.job import Job, JobStatus
from domain.schedule_runs import timer_of

if TYPE_CHECKING:
    from simulator.process import Process
    from simulator.simulation import Simulation

_WITH_ERRORS = 3


def a_schedule_starts_only_what_is_wanted(
    sim: Simulation, process: Process | None, job: Job
) -> Iterator[str]:
    """When a scheduled job is recorded, its connector has the schedule whose time it is."""
    if process is None or process.function != "scheduled":
        return
    connector = sim.world.database.connectors.get(job.request.connector_id)
    timer = connector and timer_of(connector, now=sim.clock.now())
    revision = sim.schedulers.revisions[process.number]
    if not timer or timer.revision != revision:
        yield f"{job.job_id} starts by {revision}, and its connector has {timer}"


def a_scheduled_job_is_done_as_its_schedule_says(
    sim: Simulation, process: Process | None, job: Job
) -> Iterator[str]:
    """When a scheduled job is recorded, it has its schedule's discovery, and costs no more."""
    if process is None or process.function != "scheduled":
        return
    connector = sim.world.database.connectors.get(job.request.connector_id)
    schedule = connector and connector.schedule
    if not schedule:
        return
    discovery, estimate = job.request.options.discovery, job.request.estimate
    if discovery is not (schedule.discovery or Discovery.BATCH):
        yield f"{job.job_id} has discovery {discovery}, and its schedule {schedule.discovery}"
    if (estimate and estimate.dollars_max) != schedule.max_cost:
        yield f"{job.job_id} has the estimate {estimate}, and its schedule {schedule.max_cost}"
    if estimate and schedule.max_cost is not None and estimate.dollars_high > schedule.max_cost:
        yield f"{job.job_id} may cost {estimate.dollars_high}, above {schedule.max_cost}"


def one_job_per_scheduled_time(sim: Simulation, process: Process | None, job: Job) -> Iterator[str]:
    """A scheduled job has the id of a time that was delivered; so a time has one at most."""
    if process is None or process.function != "scheduled":
        return
    if job.job_id not in sim.schedulers.jobs:
        yield f"{job.job_id} is of no time that was delivered"


def one_scheduled_job_at_a_time(sim: Simulation, job: Job) -> Iterator[str]:
    """No connector has two active jobs by its schedule; what a user redrives does not count."""
    if job.job_id not in sim.schedulers.jobs:
        return
    for other in _scheduled(sim, job):
        if other.job_id != job.job_id and not other.terminal and not other.redrive.number:
            yield f"{job.job_id} starts by schedule, and {other.job_id} is active"


def a_chain_has_no_gap(sim: Simulation, job: Job) -> Iterator[str]:
    """An incremental job begins no later than the last complete job of the same settings did.

    So whatever changed since an object was listed is listed by some later job.
    """
    since = job.request.options.modified_since
    if job.job_id not in sim.schedulers.jobs or since is None:
        return
    settings, covered, with_errors = _settings(job), None, 0
    age_min = timedelta(seconds=job.request.filters.age_min_s or 0)
    for earlier in sorted(_scheduled(sim, job), key=lambda each: each.times.created_at):
        if earlier.job_id == job.job_id or _settings(earlier) != settings:
            continue
        # A job that was redriven since had ended with errors, and may have counted then.
        ends = {version.status for _, version in sim.observer.versions[earlier.job_id]}
        with_errors += JobStatus.COMPLETED_WITH_ERRORS in ends
        if _complete(ends, with_errors) and _continues(earlier, covered):
            covered = earlier.times.created_at
    if covered is None or since > covered - age_min:
        yield f"{job.job_id} begins at {since}, and objects are covered until {covered}"


def _complete(ends: set[JobStatus], with_errors: int) -> bool:
    """Return whether a job may count as complete: one with errors only as the third."""
    if JobStatus.COMPLETED in ends:
        return True
    return JobStatus.COMPLETED_WITH_ERRORS in ends and with_errors >= _WITH_ERRORS


def _continues(job: Job, covered: datetime | None) -> bool:
    since = job.request.options.modified_since
    return since is None or (covered is not None and since <= covered)


def _settings(job: Job) -> tuple[object, ...]:
    request = job.request
    return request.bucket, request.options.prefixes, request.ingest, request.filters


def _scheduled(sim: Simulation, job: Job) -> list[Job]:
    return [
        each
        for each in sim.world.database.jobs
        if each.job_id in sim.schedulers.jobs
        and each.request.connector_id == job.request.connector_id
        and each.request.connector_created_at == job.request.connector_created_at
    ]
