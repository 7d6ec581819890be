"""Announcing triggered objects: on the ingest bus, and to the system's own queue if it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application.execution.fanout import fan_out
from application.results.failure_records import failed_outcome
from domain.connector import Trigger
from domain.job import Job
from domain.limits import INGEST_EVENT_COUNT_MAX
from domain.message import IngestEvent, ingest_message
from domain.outcome import Outcome
from ports.ingest_bus import IngestBus
from ports.ingest_queue import IngestQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """An object that is written; its event is still to be sent."""

    event: IngestEvent
    outcome: Outcome


class ObjectAnnouncements:
    """Sends what was triggered, ten objects a request."""

    def __init__(self, *, bus: IngestBus, queue: IngestQueue, calls_in_flight: int) -> None:
        self._bus = bus
        self._queue = queue
        self._calls_in_flight = calls_in_flight

    async def announce(
        self, job: Job, triggered: Sequence[Triggered], outcomes: dict[str, Outcome]
    ) -> None:
        """Announce the objects; each gets its outcome, FAILED if it could not be announced."""
        groups = [
            triggered[start : start + INGEST_EVENT_COUNT_MAX]
            for start in range(0, len(triggered), INGEST_EVENT_COUNT_MAX)
        ]

        async def publish(group: Sequence[Triggered]) -> None:
            if job.ingest.trigger is Trigger.QUEUE:
                group = self._sorted_out(group, await self._enqueue(job, group), outcomes)
            if not group:
                return
            results: Sequence[Exception | None]
            try:
                results = await self._bus.publish([item.event for item in group])
            except Exception as error:  # noqa: BLE001 - an error of these objects, whatever it is
                results = [error] * len(group)
            for item in self._sorted_out(group, results, outcomes):
                outcomes[item.outcome.key] = item.outcome

        await fan_out(groups, publish, limit=self._calls_in_flight)

    async def _enqueue(self, job: Job, group: Sequence[Triggered]) -> Sequence[Exception | None]:
        try:
            return await self._queue.send(
                job.ingest.queue_url or "", [ingest_message(item.event) for item in group]
            )
        except Exception as error:  # noqa: BLE001 - an error of these objects, whatever it is
            return [error] * len(group)

    @staticmethod
    def _sorted_out(
        group: Sequence[Triggered],
        results: Sequence[Exception | None],
        outcomes: dict[str, Outcome],
    ) -> list[Triggered]:
        """Return what was sent; the others failed."""
        sent = []
        for item, failure in zip(group, results, strict=True):
            if failure is None:
                sent.append(item)
            else:
                outcomes[item.outcome.key] = failed_outcome(item.outcome.key, failure)
        return sent
