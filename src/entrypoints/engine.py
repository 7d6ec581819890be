"""The engine's function: jobs, what follows their end, batch jobs, schedules, the sweep."""

from __future__ import annotations

import entrypoints.collector  # noqa: F401 - first, for the imports that follow

# isort: split
from typing import Any

from domain.batch_job import ENDED
from domain.errors import JobLeaseHeld
from entrypoints.engine_events import (
    Advance,
    BatchStatusEvent,
    CompareEvent,
    ListShareEvent,
    OrphansEvent,
    RunSweep,
    ScheduledSync,
    parse_engine_event,
)
from entrypoints.invocation import LambdaContext, deadline_of
from entrypoints.runtime import Runtime
from entrypoints.wiring.aws_engine import open_engine_app
from entrypoints.wiring.engine_app import EngineApp
from ports.errors import NotFound

RUNTIME: Runtime[EngineApp] = Runtime(open_engine_app)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an event. An unknown event, or work to be retried, raises."""
    parsed = parse_engine_event(event)

    async def use(app: EngineApp) -> dict[str, Any]:
        with app.telemetry.invocation(context.aws_request_id):
            match parsed:
                case Advance(jobId=job_id):
                    return await _advance(app, job_id, context)
                case ListShareEvent(jobId=job_id, share=number):
                    return await _list_share(app, job_id, number, context)
                case CompareEvent(jobId=job_id):
                    return await _compare(app, job_id, context)
                case OrphansEvent(jobId=job_id):
                    return await _search_orphans(app, job_id, context)
                case BatchStatusEvent():
                    return await _batch_job_changed(app, parsed, context)
                case ScheduledSync():
                    return await _start_scheduled(app, parsed)
                case RunSweep():
                    return await _sweep(app, context)

    return RUNTIME.run(use)


async def _advance(app: EngineApp, job_id: str, context: LambdaContext) -> dict[str, Any]:
    with app.telemetry.span("advance", job_id=job_id) as span:
        try:
            job = await app.engine.advance(job_id, deadline_of(context, app.clock))
        except JobLeaseHeld as held:
            # An asynchronous invocation was delivered twice; the other one does the work.
            app.telemetry.event("engine_busy", job_id=job_id, cause=str(held))
            status = "BUSY"
        else:
            status = job.status.value
        span.facts(status=status)
        return {"jobId": job_id, "status": status}


async def _list_share(
    app: EngineApp, job_id: str, number: int, context: LambdaContext
) -> dict[str, Any]:
    with app.telemetry.span("list_share", job_id=job_id, share=number) as span:
        worked = await app.list_share.run(job_id, number, deadline_of(context, app.clock))
        span.facts(worked=worked)
        return {"jobId": job_id, "share": number, "worked": worked}


async def _compare(app: EngineApp, job_id: str, context: LambdaContext) -> dict[str, Any]:
    with app.telemetry.span("compare", job_id=job_id) as span:
        worked = await app.compare_syncs.run(job_id, deadline_of(context, app.clock))
        span.facts(worked=worked)
        return {"jobId": job_id, "worked": worked}


async def _search_orphans(app: EngineApp, job_id: str, context: LambdaContext) -> dict[str, Any]:
    with app.telemetry.span("search_orphans", job_id=job_id) as span:
        worked = await app.search_orphans.run(job_id, deadline_of(context, app.clock))
        span.facts(worked=worked)
        return {"jobId": job_id, "worked": worked}


async def _sweep(app: EngineApp, context: LambdaContext) -> dict[str, Any]:
    with app.telemetry.span("sweep") as span:
        checked_count = await app.sweep.run(deadline_of(context, app.clock))
        span.facts(jobs_checked=checked_count)
        return {"jobsChecked": checked_count}


async def _start_scheduled(app: EngineApp, event: ScheduledSync) -> dict[str, Any]:
    run = await app.start_scheduled_sync.start(event.connectorId, event.timer, event.scheduledAt)
    if run is None:
        return {"connectorId": event.connectorId, "ignored": "it is outdated"}
    return {"connectorId": event.connectorId, "run": run.state.value, "jobId": run.job_id}


async def _batch_job_changed(
    app: EngineApp, event: BatchStatusEvent, context: LambdaContext
) -> dict[str, Any]:
    """Continue the job whose batch job has ended.

    The event names only the batch job. The batch job's user arguments name the sync job. No record
    needs to exist for that, so the event cannot arrive too early.

    Raises:
        JobLeaseHeld: Another invocation may have checked the batch job before its end; retry.
        NotFound: S3 does not return the batch job yet; retry.
    """
    details = event.detail.serviceEventDetails
    if details.status not in ENDED:
        return {"batchJobId": details.jobId, "ignored": f"it is {details.status}"}
    batch_job = await app.batch_jobs.describe(details.jobId)
    if batch_job.job_id is None:
        return {"batchJobId": details.jobId, "ignored": "it is not this service's"}
    try:
        job = await app.engine.advance(batch_job.job_id, deadline_of(context, app.clock))
    except NotFound:
        # Another installation in the same account and Region owns it: events go to both.
        app.telemetry.event("unrelated_batch_job", batch_job_id=details.jobId)
        return {"batchJobId": details.jobId, "ignored": "its job is not in the job table"}
    return {"jobId": job.job_id, "status": job.status.value}
