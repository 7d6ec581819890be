"""What holds between connectors and their jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.connector import ConnectorStatus
from domain.job import Job

if TYPE_CHECKING:
    from simulator.simulation import Simulation


def a_removed_connector_starts_nothing(
    sim: Simulation, before: Job | None, job: Job
) -> Iterator[str]:
    """A job that starts, or is redriven, has its connector in this moment, and it is enabled; one
    that starts has its settings.
    """
    starts = before is None
    if job.terminal or not (starts or before.terminal):
        return
    name, request = job.request.connector_id, job.request
    connector = sim.world.database.connectors.get(name)
    what = f"{job.job_id} {'starts' if starts else 'is redriven'}"
    if connector is None:
        yield f"{what}, and its connector {name} was removed"
        return
    if connector.status is not ConnectorStatus.ENABLED:
        yield f"{what}, and its connector {name} is {connector.status}"
    if request.connector_created_at != connector.created_at:
        yield f"{what}, and is of another connector that had the id {name}"
    if starts and (request.bucket, request.ingest) != (connector.bucket, connector.ingest):
        yield f"{what} with other settings than its connector {name} has"
    allowed = connector.prefixes
    within = all(each.startswith(allowed) for each in request.options.prefixes or ("",))
    if starts and allowed and not within:
        yield f"{what} on {request.options.prefixes}, and its connector {name} has {allowed}"


def a_job_keeps_its_settings(before: Job | None, job: Job) -> Iterator[str]:
    """What a job does is fixed when it starts."""
    if before is not None and before.request != job.request:
        yield f"{job.job_id} had {before.request}, and has {job.request}"


def an_active_job_has_its_connector(sim: Simulation) -> Iterator[str]:
    """No connector is removed while a job of it is active."""
    for job in sim.world.database.jobs:
        if not job.terminal and job.request.connector_id not in sim.world.database.connectors:
            yield f"connector {job.request.connector_id} was removed, and {job.job_id} is active"
