"""The slot that a worker holds while it works on a chunk of a connector with limits."""

from __future__ import annotations

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.results.failure_records import cause_of
from domain.job import Job
from domain.job_limits import slot_count
from domain.lease import Lease
from ports.clock import Clock
from ports.ids import Ids
from ports.slot_store import SlotStore
from ports.telemetry import Telemetry


class WorkerSlot:
    """One worker's slot, which it has or has not; without limits it makes no request.

    Its lease is a little longer than the process can live, as that of a chunk.
    """

    def __init__(
        self,
        *,
        slots: SlotStore,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
        ids: Ids,
        deadline: Deadline,
    ) -> None:
        self._slots = slots
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning
        self._ids = ids
        self._token: str | None = None
        self._deadline = deadline
        self._held: tuple[str, int] | None = None

    async def keep(self, job: Job) -> bool:
        """Return whether the worker may work on the job, with the slot that it has or takes now.

        False if it needs one and none is free, or its own is beyond a limit that was lowered.

        Raises:
            Retryable, Fatal: the slots cannot be read or written now.
        """
        count = slot_count(job)
        if count is None:
            return True
        if self._held is not None:
            return self._held[1] < count
        connector_id, now = job.request.connector_id, self._clock.now()
        lease_s = self._deadline.remaining_s() + self._tuning.lease_margin_s
        self._token = self._token or self._ids.new_token()
        lease = Lease(token=self._token, expires_at=Deadline.after(self._clock, lease_s).at)
        number = await self._slots.take(connector_id, count, lease, now, job_id=job.job_id)
        if number is None:
            return False
        self._held = connector_id, number
        return True

    async def give_back(self) -> bool:
        """Give the slot back, if there is one; return whether there was.

        If that fails, it is free when its lease has expired.
        """
        if self._held is None or self._token is None:
            return False
        (connector_id, number), self._held = self._held, None
        try:
            await self._slots.give_back(connector_id, number, self._token)
        except Exception as error:  # noqa: BLE001 - reported; the lease expires
            self._telemetry.warning(
                "slot_not_given_back", connector_id=connector_id, cause=cause_of(error)
            )
        return True


class WorkerSlots:
    """Makes a slot for each message that a worker receives."""

    def __init__(
        self, *, slots: SlotStore, clock: Clock, ids: Ids, telemetry: Telemetry, tuning: Tuning
    ) -> None:
        self._slots = slots
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry
        self._tuning = tuning

    def of(self, deadline: Deadline) -> WorkerSlot:
        """Return the slot of a worker that must end by the deadline; it is not taken yet."""
        return WorkerSlot(
            slots=self._slots,
            clock=self._clock,
            telemetry=self._telemetry,
            tuning=self._tuning,
            ids=self._ids,
            deadline=deadline,
        )
