"""Writing one object as decided: its tags, or a copy onto itself that carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from application.execution.tuning import Tuning
from application.processor.announce_objects import Triggered
from application.processor.attempt_context import AttemptContext
from application.processor.decide_objects import (
    DecidedObject,
    next_mark,
    skipped_outcome,
    writes_nothing,
)
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
from domain.message import ingest_event
from domain.outcome import Outcome, OutcomeKind, decided
from domain.tagging import tags_after
from ports.errors import Archived, Conflict
from ports.object_store import ObjectStore


class ObjectWriter:
    """Writes objects under guards: only the version that was read is written."""

    def __init__(self, *, objects: ObjectStore, tuning: Tuning) -> None:
        self._objects = objects
        self._tuning = tuning

    async def write(
        self, job: Job, item: DecidedObject, context: AttemptContext
    ) -> Triggered | Outcome:
        """Write what the verdict requires; return the event to publish, or the final outcome.

        Raises:
            StopRequested: nothing may be started any longer.
            Conflict: the object changed while it was read.
            TagLimitExceeded: the object has no room for this service's tags.
            NotFound, Retryable, Fatal: as the methods of `ObjectStore`.
        """
        head = item.head
        if possibly_replaced(item.tags, head):
            # The write is guarded by the version in `head`; the tags may be of the version before.
            raise Conflict(f"{item.key} was modified while it was read", resource=item.key)
        if writes_nothing(item):
            return skipped_outcome(item)
        await self._check_tags(job, item, context)
        if item.verdict.reason is Reason.TAGS_RESTORED:
            return await self._restore_tags(job, item, context)
        written = WrittenObject(e_tag=head.e_tag, version_id=head.version_id)
        mark: str | None = None
        if item.verdict.reason is not Reason.ALREADY_TRIGGERED:
            mark = next_mark(job, item)
            tags = tags_after(item.tags, item.verdict.identity, mark)
            if _cannot_trigger(job, head):
                return _archived_outcome(job, head)
            if job.request.ingest.trigger is Trigger.COPY:
                try:
                    written = await self._copy_in_place(job, head, tags, context)
                except Archived:
                    return _archived_outcome(job, head)
            else:
                async with context.write_slot():
                    await self._objects.write_tags(job.request.bucket, head, tags)
        return _triggered(job, item, written, mark)

    async def _check_tags(self, job: Job, item: DecidedObject, context: AttemptContext) -> None:
        """Read the tags again if neither version nor time shows which object they belong to.

        Raises:
            Conflict: the object was replaced while it was read.
        """
        if time_is_conclusive(item.head):
            return
        async with context.limit:
            tags = await self._objects.read_tags(job.request.bucket, item.key)
        if tags != item.tags:
            raise Conflict(f"{item.key} was replaced while it was read", resource=item.key)

    async def _restore_tags(
        self, job: Job, item: DecidedObject, context: AttemptContext
    ) -> Outcome:
        try:
            tags = tags_after(item.tags, item.verdict.identity)
        except TagLimitExceeded:
            return _known_by_path(item)
        async with context.write_slot():
            await self._objects.write_tags(job.request.bucket, item.head, tags)
        return replace(skipped_outcome(item), tags_before=dict(item.tags))

    async def _copy_in_place(
        self, job: Job, head: ObjectHead, tags: Mapping[str, str], context: AttemptContext
    ) -> WrittenObject:
        if head.size_bytes > self._tuning.single_copy_bytes_max:
            return await context.copies.copy(head, tags)
        async with context.write_slot():
            return await self._objects.copy_in_place(job.request.bucket, head, tags)


def preview(job: Job, item: DecidedObject) -> Outcome:
    """Return the outcome that `ObjectWriter.write` would lead to, without writing.

    Raises:
        TagLimitExceeded: the object has no room for this service's tags.
    """
    if item.verdict.reason is Reason.TAGS_RESTORED:
        try:
            tags_after(item.tags, item.verdict.identity)
        except TagLimitExceeded:
            return _known_by_path(item)
    if item.verdict.triggers:
        # Only for its error: a write would have the same.
        tags_after(item.tags, item.verdict.identity, next_mark(job, item))
        if _cannot_trigger(job, item.head):
            return _archived_outcome(job, item.head)
    return skipped_outcome(item)


def _triggered(
    job: Job, item: DecidedObject, written: WrittenObject, mark: str | None
) -> Triggered:
    """Return the event of a triggered object; without a mark an earlier attempt has written it."""
    event = ingest_event(
        job,
        key=item.key,
        version_id=written.version_id,
        e_tag=written.e_tag,
        size_bytes=item.head.size_bytes,
        identity=item.verdict.identity,
        action=item.verdict.decision,
    )
    outcome = replace(
        decided(item.key, item.verdict, size_bytes=item.head.size_bytes),
        e_tag=written.e_tag,
        version_id=written.version_id,
        tags_before=None if mark is None else dict(item.tags),
        mark=mark,
    )
    return Triggered(event=event, outcome=outcome)


def _known_by_path(item: DecidedObject) -> Outcome:
    """Return the outcome of a known object with no room for this service's tags."""
    verdict = replace(item.verdict, reason=Reason.KNOWN_BY_PATH)
    return skipped_outcome(replace(item, verdict=verdict))


def _cannot_trigger(job: Job, head: ObjectHead) -> bool:
    """Return whether the object is archived in a way that the trigger does not support.

    A copy would end a restore. The system's own ingest reads the bytes, which it can while the
    object is restored.
    """
    if job.request.ingest.trigger is Trigger.QUEUE:
        return is_archived(head) and not head.restored
    return job.request.ingest.trigger is Trigger.COPY and is_archived(head)


def _archived_outcome(job: Job, head: ObjectHead) -> Outcome:
    """Return the outcome of an archived object; the message has the next step for its reason."""
    if job.request.ingest.trigger is Trigger.QUEUE:
        place = head.archive_status or head.storage_class
        return Outcome(
            key=head.key,
            kind=OutcomeKind.ARCHIVED,
            reason="ARCHIVED",
            size_bytes=head.size_bytes,
            message=f"its bytes are archived ({place}), and the system's ingest reads its bytes;"
            " restore it, then sync again",
        )
    reason, step = "ARCHIVED", "restore it and copy it into another storage class permanently"
    if not is_archived(head):
        cause = "it was archived after it was read"
    elif head.archive_status is not None:
        cause = f"it is in an archive tier ({head.archive_status})"
        step = "restore it, which moves it out of that tier"
    elif head.restored:
        reason, step = "RESTORED", "copy it into another storage class permanently"
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
