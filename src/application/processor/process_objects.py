"""What is done with objects: decide, write, announce.

Objects go through in windows, so that the catalog is asked once for a hundred of them, and an
object's tags are read shortly before they are written: what its owner changes between the two is
all that can be lost. An object that is written costs two reads of S3 and one write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from application.execution.fanout import AdaptiveLimit, fan_out
from application.execution.stop_signal import StopRequested
from application.processor.announce_objects import ObjectAnnouncements, Triggered
from application.processor.attempt_context import AttemptContext
from application.processor.decide_objects import (
    Candidate,
    DecidedObject,
    ObjectDecisions,
    gone,
    next_mark,
    skipped,
    writes_nothing,
)
from application.results.failure_records import failed_outcome
from domain.connector import Trigger
from domain.customer_object import (
    ObjectHead,
    WrittenObject,
    is_archived,
    possibly_replaced,
    time_is_conclusive,
)
from domain.decision import Reason
from domain.errors import TagLimitExceeded
from domain.job import Job
from domain.manifest import ManifestEntry
from domain.message import ingest_event
from domain.outcome import Outcome, OutcomeKind, decided
from domain.tagging import tags_after
from ports.clock import Clock
from ports.errors import Archived, Conflict, NotFound, Retryable
from ports.object_store import ObjectStore

# How often an object is looked at that changes between our read and our write, or whose failure
# nobody knows.
_ROUND_COUNT_MAX: Final = 3

# S3 tells times in whole seconds: after one, an object that was left alone is not in doubt. Before
# each further round the pause is twice as long.
_ROUND_PAUSE_S: Final = 1.1


class ObjectProcessor:
    """Decides and carries out, for the objects of one job at a time."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        decisions: ObjectDecisions,
        announcements: ObjectAnnouncements,
        clock: Clock,
        calls_in_flight: int,
        single_copy_bytes_max: int,
    ) -> None:
        self._objects = objects
        self._decisions = decisions
        self._announcements = announcements
        self._clock = clock
        self._calls_in_flight = calls_in_flight
        self._single_copy_bytes_max = single_copy_bytes_max

    async def process(
        self, job: Job, entries: Sequence[ManifestEntry], context: AttemptContext
    ) -> list[Outcome]:
        """Process one window of objects; those not done when the shift is over have no outcome.

        An object that changed while it was read, or that failed for a reason that nobody knows, is
        looked at again, in a bounded number of rounds; its neighbours are done in the first.

        Raises:
            Fatal: the catalog cannot be asked at all; a person must act.
        """
        outcomes: dict[str, Outcome] = {}
        again: dict[str, Outcome] = {}
        keys = [entry.key for entry in entries]
        for round_index in range(_ROUND_COUNT_MAX):
            if not keys or await context.stop_signal.should_stop():
                break
            if round_index:
                await self._clock.sleep(_pause_s(round_index))
            found = await self._decisions.candidates(job, keys, outcomes, context.limit)
            triggered = await self._carry_out(job, found, outcomes, context)
            await self._announcements.announce(job, triggered, outcomes)
            keys = [key for key in keys if key in outcomes and outcomes[key].again]
            again = {key: outcomes.pop(key) for key in keys}
        else:
            outcomes |= again
        return list(outcomes.values())

    async def discover(self, job: Job, key: str) -> Outcome:
        """Decide about one object, writing nothing: the task of S3 Batch Operations.

        The outcome of an object to copy or put carries its size, so that chunks can be packed.

        Raises:
            Retryable: it could not be found out; the task is to be repeated.
            Fatal: the catalog cannot be asked at all.
        """
        outcome = await self._discover(job, key)
        for round_index in range(1, _ROUND_COUNT_MAX):
            if not outcome.again:
                break
            await self._clock.sleep(_pause_s(round_index))
            outcome = await self._discover(job, key)
        return outcome

    async def _discover(self, job: Job, key: str) -> Outcome:
        outcomes: dict[str, Outcome] = {}
        limit = AdaptiveLimit(1)
        for item in await self._decisions.candidates(job, [key], outcomes, limit):
            try:
                return _preview(job, await self._decisions.decide(job, item, limit))
            except NotFound:
                return gone(key)
            except Retryable:
                raise
            except Exception as error:  # noqa: BLE001 - an error of its object, whatever it is
                return failed_outcome(key, error)
        return outcomes[key]

    async def _carry_out(
        self,
        job: Job,
        found: Sequence[Candidate],
        outcomes: dict[str, Outcome],
        context: AttemptContext,
    ) -> list[Triggered]:
        """Write; returns what is to be announced."""
        triggered: list[Triggered] = []

        async def act(item: Candidate) -> None:
            if await context.stop_signal.should_stop():
                return
            result: Outcome | Triggered
            try:
                found = await self._decisions.decide(job, item, context.limit)
                if job.options.dry_run:
                    result = _preview(job, found)
                else:
                    result = await self._write(job, found, context)
            except StopRequested:
                return
            except Conflict as error:
                # In doubt to the last round: another attempt may find it at rest.
                failed = failed_outcome(item.key, error)
                outcomes[item.key] = replace(failed, retryable=True, again=True)
            except NotFound:
                outcomes[item.key] = gone(item.key)
            except Exception as error:  # noqa: BLE001 - an error of its object, whatever it is
                outcomes[item.key] = failed_outcome(item.key, error)
            else:
                if isinstance(result, Outcome):
                    outcomes[item.key] = result
                else:
                    triggered.append(result)

        await fan_out(found, act, limit=self._calls_in_flight)
        return triggered

    async def _write(
        self, job: Job, item: DecidedObject, context: AttemptContext
    ) -> Triggered | Outcome:
        head = item.head
        if possibly_replaced(item.tags, head):
            # The guards of the write are of the head's object; these tags may be of the one before.
            raise Conflict(f"{item.key} was modified while it was read", resource=item.key)
        if writes_nothing(item):
            return skipped(item)
        await self._check_tags(job, item, context)
        if item.verdict.reason is Reason.TAGS_RESTORED:
            return await self._restore_tags(job, item, context)
        written = WrittenObject(e_tag=head.e_tag, version_id=head.version_id)
        if item.verdict.reason is not Reason.ALREADY_TRIGGERED:
            tags = tags_after(item.tags, item.verdict.identity, next_mark(job, item))
            if _cannot_trigger(job, head):
                return _archived(job, head)
            if job.ingest.trigger is Trigger.COPY:
                try:
                    written = await self._rewrite(job, head, tags, context)
                except Archived:
                    return _archived(job, head)
            else:
                async with context.writing():
                    await self._objects.write_tags(job.bucket, head, tags)
        event = ingest_event(
            job,
            key=item.key,
            version_id=written.version_id,
            e_tag=written.e_tag,
            size_bytes=head.size_bytes,
            identity=item.verdict.identity,
            action=item.verdict.decision,
        )
        outcome = replace(
            decided(item.key, item.verdict, size_bytes=head.size_bytes),
            e_tag=written.e_tag,
            version_id=written.version_id,
        )
        return Triggered(event=event, outcome=outcome)

    async def _check_tags(self, job: Job, item: DecidedObject, context: AttemptContext) -> None:
        """Read the tags again where neither version nor time shows whose they were.

        Raises:
            Conflict: the object was replaced while it was read.
        """
        if time_is_conclusive(item.head):
            return
        async with context.limit:
            tags = await self._objects.read_tags(job.bucket, item.key)
        if tags != item.tags:
            raise Conflict(f"{item.key} was replaced while it was read", resource=item.key)

    async def _restore_tags(
        self, job: Job, item: DecidedObject, context: AttemptContext
    ) -> Outcome:
        try:
            tags = tags_after(item.tags, item.verdict.identity)
        except TagLimitExceeded:
            return _known_by_path(item)
        async with context.writing():
            await self._objects.write_tags(job.bucket, item.head, tags)
        return skipped(item)

    async def _rewrite(
        self, job: Job, head: ObjectHead, tags: Mapping[str, str], context: AttemptContext
    ) -> WrittenObject:
        if head.size_bytes > self._single_copy_bytes_max:
            return await context.copies.copy(head, tags)
        async with context.writing():
            return await self._objects.copy_in_place(job.bucket, head, tags)


def _pause_s(round_index: int) -> float:
    pause_s: float = _ROUND_PAUSE_S * 2 ** (round_index - 1)
    return pause_s


def _preview(job: Job, item: DecidedObject) -> Outcome:
    """Return the outcome that a write would have, writing nothing."""
    if item.verdict.reason is Reason.TAGS_RESTORED:
        try:
            tags_after(item.tags, item.verdict.identity)
        except TagLimitExceeded:
            return _known_by_path(item)
    if item.verdict.triggers:
        tags_after(item.tags, item.verdict.identity, next_mark(job, item))
        if _cannot_trigger(job, item.head):
            return _archived(job, item.head)
    return skipped(item)


def _known_by_path(item: DecidedObject) -> Outcome:
    """Return the outcome of a known object that has no room for our tags; it needs nothing else."""
    verdict = replace(item.verdict, reason=Reason.KNOWN_BY_PATH)
    return skipped(replace(item, verdict=verdict))


def _cannot_trigger(job: Job, head: ObjectHead) -> bool:
    """Tell whether the object is in an archive that the trigger cannot work with.

    A copy would end a restore; the system's own ingest reads the bytes, which it can while they
    are restored.
    """
    if job.ingest.trigger is Trigger.QUEUE:
        return is_archived(head) and not head.restored
    return job.ingest.trigger is Trigger.COPY and is_archived(head)


def _archived(job: Job, head: ObjectHead) -> Outcome:
    """Return the outcome of an object in an archive; each reason has a next step of its own."""
    if job.ingest.trigger is Trigger.QUEUE:
        place = head.archive_status or head.storage_class
        return Outcome(
            key=head.key,
            kind=OutcomeKind.ARCHIVED,
            reason="ARCHIVED",
            size_bytes=head.size_bytes,
            message=f"its bytes are archived ({place}), and the system's ingest reads its bytes;"
            " restore it, then sync again",
        )
    reason, step = "ARCHIVED", "restore it and copy it into another storage class for good"
    if not is_archived(head):
        cause = "it was archived after it was read"
    elif head.archive_status is not None:
        cause = f"it is in an archive tier ({head.archive_status})"
        step = "restore it, which moves it out of that tier"
    elif head.restored:
        reason, step = "RESTORED", "copy it into another storage class for good"
        cause = f"it is restored, and a copy in {head.storage_class} would end the restore"
    else:
        cause = f"its bytes are archived ({head.storage_class})"
    return Outcome(
        key=head.key,
        kind=OutcomeKind.ARCHIVED,
        reason=reason,
        size_bytes=head.size_bytes,
        message=f"{cause}; use the connector trigger 'event', which does not copy, or {step}",
    )
