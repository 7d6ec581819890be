"""Publishing ingest events: on the ingest bus, and to the system's own queue if it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application.execution.fanout import fan_out
from application.execution.tuning import Tuning
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
    """An object that was written, and the event that is still to be published for it."""

    event: IngestEvent
    outcome: Outcome


class ObjectAnnouncements:
    """Publishes the events of triggered objects, ten in a request."""

    def __init__(self, *, bus: IngestBus, queue: IngestQueue, tuning: Tuning) -> None:
        self._bus = bus
        self._queue = queue
        self._tuning = tuning

    async def announce(self, job: Job, triggered: Sequence[Triggered]) -> dict[str, Outcome]:
        """Publish the events and return each object's outcome: FAILED if its event was not sent."""
        groups = [
            triggered[start : start + INGEST_EVENT_COUNT_MAX]
            for start in range(0, len(triggered), INGEST_EVENT_COUNT_MAX)
        ]
        outcomes: dict[str, Outcome] = {}

        async def announce_group(group: Sequence[Triggered]) -> None:
            outcomes.update(await self._announce_group(job, group))

        await fan_out(groups, announce_group, limit=self._tuning.calls_in_flight)
        return outcomes

    async def _announce_group(self, job: Job, group: Sequence[Triggered]) -> dict[str, Outcome]:
        not_enqueued: dict[str, Outcome] = {}
        if job.request.ingest.trigger is Trigger.QUEUE:
            group, not_enqueued = _sent_and_failed(group, await self._enqueue(job, group))
        if not group:
            return not_enqueued
        sent, not_published = _sent_and_failed(group, await self._publish(group))
        return not_enqueued | not_published | {item.outcome.key: item.outcome for item in sent}

    async def _enqueue(self, job: Job, group: Sequence[Triggered]) -> Sequence[Exception | None]:
        try:
            return await self._queue.send(
                job.request.ingest.queue_url or "", [ingest_message(item.event) for item in group]
            )
        except Exception as error:  # noqa: BLE001 - any error concerns only these objects
            return [error] * len(group)

    async def _publish(self, group: Sequence[Triggered]) -> Sequence[Exception | None]:
        try:
            return await self._bus.publish([item.event for item in group])
        except Exception as error:  # noqa: BLE001 - any error concerns only these objects
            return [error] * len(group)


def _sent_and_failed(
    group: Sequence[Triggered], results: Sequence[Exception | None]
) -> tuple[list[Triggered], dict[str, Outcome]]:
    """Return the objects whose event was sent, and the outcomes of the others."""
    sent = []
    failed = {}
    for item, error in zip(group, results, strict=True):
        if error is None:
            sent.append(item)
        else:
            failed[item.outcome.key] = failed_outcome(item.outcome.key, error)
    return sent, failed
