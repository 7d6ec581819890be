"""Orders to the engine from those who have recorded what it is to do."""

from __future__ import annotations

from ports.engine_invoker import EngineInvoker
from ports.telemetry import Telemetry


async def request_advance(engine: EngineInvoker, job_id: str, *, telemetry: Telemetry) -> None:
    """Have the engine go on with a job whose record says what is next.

    It never fails: an order that is not taken is logged, and the sweep finds the job by its record.
    """
    try:
        await engine.advance(job_id)
    except Exception as error:  # noqa: BLE001 - reported
        telemetry.warning("engine_not_invoked", job_id=job_id, cause=str(error))
