"""Invoking the engine for a job whose record has the next step."""

from __future__ import annotations

from application.results.failure_records import cause_of
from ports.engine_invoker import EngineInvoker
from ports.telemetry import Telemetry


async def request_advance(engine: EngineInvoker, job_id: str, *, telemetry: Telemetry) -> None:
    """Request that the engine runs the next step of the job.

    Never fails: a failed invocation is logged, and the sweep finds the job from its record.
    """
    try:
        await engine.advance(job_id)
    except Exception as error:  # noqa: BLE001 - reported
        telemetry.warning("engine_not_invoked", job_id=job_id, cause=cause_of(error))


async def request_share(
    engine: EngineInvoker, job_id: str, number: int, *, telemetry: Telemetry
) -> None:
    """Request that a worker continues a share of the job's listing.

    Never fails: a failed invocation is logged, and the engine requests another one.
    """
    try:
        await engine.list_share(job_id, number)
    except Exception as error:  # noqa: BLE001 - reported
        telemetry.warning("share_not_requested", job_id=job_id, share=number, cause=cause_of(error))


async def request_orphans(engine: EngineInvoker, job_id: str, *, telemetry: Telemetry) -> None:
    """Request that the engine continues to search orphans after the job.

    Never fails: a failed invocation is logged, and the sweep finds the job from its record.
    """
    try:
        await engine.orphans(job_id)
    except Exception as error:  # noqa: BLE001 - reported
        telemetry.warning("orphans_not_requested", job_id=job_id, cause=cause_of(error))


async def request_removals(engine: EngineInvoker, job_id: str, *, telemetry: Telemetry) -> None:
    """Request that the engine continues to compare the job with the sync before.

    Never fails: a failed invocation is logged, and the sweep finds the job from its record.
    """
    try:
        await engine.removals(job_id)
    except Exception as error:  # noqa: BLE001 - reported
        telemetry.warning("removals_not_requested", job_id=job_id, cause=cause_of(error))
