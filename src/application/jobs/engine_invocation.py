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
