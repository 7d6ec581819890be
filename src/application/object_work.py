"""What is done with objects: read, look up, decide, write, announce.

Objects go through in windows, so that the catalog is asked once for a hundred of them, and an
object's tags are read shortly before they are written: what its owner changes between the two is
all that can be lost. An object that is SKIP costs one read of S3, one that is not two reads and
one write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.failures import failed_outcome
from application.fanout import AdaptiveLimit, fan_out
from application.shift import Shift
from application.watch import Unfinished
from domain.connector import Trigger
from domain.customer_object import (
    ObjectHead,
    ObjectTags,
    WrittenObject,
    is_archived,
    may_be_another,
    time_tells,
)
from domain.decision import CatalogAnswer, Decision, Verdict, decide, resume
from domain.errors import DomainError
from domain.identity import SYNC_JOB_ID_TAG, Identity, identity_of
from domain.job import Job
from domain.limits import INGEST_EVENT_COUNT_MAX
from domain.manifest import ManifestEntry
from domain.message import IngestEvent, ingest_event
from domain.outcome import Outcome, OutcomeKind, decided
from domain.tagging import merge_tags
from ports.catalog import Catalog
from ports.clock import Clock
from ports.errors import Archived, Conflict, NotFound, PortError, Retryable
from ports.ingest_bus import IngestBus
from ports.object_store import ObjectStore

# How often an object that changes between our read and our write is read again.
_ROUND_COUNT_MAX: Final = 3

# S3 tells times in whole seconds: after one, an object that was left alone is not in doubt.
_ROUND_PAUSE_S: Final = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """An object with its tags and what is to be done with it."""

    key: str
    tags: ObjectTags
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class _Triggered:
    """An object whose ingestion is set off; its event is still to be sent."""

    event: IngestEvent
    outcome: Outcome


class ObjectWork:
    """Decides and carries out, for the objects of one job at a time."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        catalog: Catalog,
        bus: IngestBus,
        clock: Clock,
        calls_in_flight: int,
        single_copy_bytes_max: int,
    ) -> None:
        self._clock = clock
        self._objects = objects
        self._catalog = catalog
        self._bus = bus
        self._calls_in_flight = calls_in_flight
        self._single_copy_bytes_max = single_copy_bytes_max

    async def process(
        self, job: Job, entries: Sequence[ManifestEntry], shift: Shift
    ) -> list[Outcome]:
        """Process one window of objects; those not done when the shift is over have no outcome.

        Raises:
            Fatal: the catalog cannot be asked at all; a person must act.
        """
        outcomes: dict[str, Outcome] = {}
        changed: dict[str, Outcome] = {}
        keys = [entry.key for entry in entries]
        for round_index in range(_ROUND_COUNT_MAX):
            if not keys or await shift.watch.stopped():
                break
            if round_index:
                await self._clock.sleep(_ROUND_PAUSE_S)
            found = await self._decide(job, keys, outcomes, shift.limit)
            triggered, changed = await self._carry_out(job, found, outcomes, shift)
            await self._announce(triggered, outcomes)
            keys = list(changed)
        else:
            # In doubt to the last: another attempt may find them at rest.
            outcomes |= changed
        return list(outcomes.values())

    async def discover(self, job: Job, key: str) -> Outcome:
        """Decide about one object, writing nothing: the task of S3 Batch Operations.

        The outcome of an object to copy or put carries its size, so that chunks can be packed.

        Raises:
            Retryable: it could not be found out; the task is to be repeated.
            Fatal: the catalog cannot be asked at all.
        """
        outcomes: dict[str, Outcome] = {}
        limit = AdaptiveLimit(1)
        found = await self._decide(job, [key], outcomes, limit)
        for item in found:
            try:
                return await self._preview(job, item, limit)
            except NotFound:
                return _gone(key)
            except Retryable:
                raise
            except (PortError, DomainError) as error:
                return failed_outcome(key, error)
        return outcomes[key]

    async def _decide(
        self, job: Job, keys: Sequence[str], outcomes: dict[str, Outcome], limit: AdaptiveLimit
    ) -> list[_Decided]:
        """Return what is to be written; what needs no write gets its outcome here."""
        tags_by_key: dict[str, ObjectTags] = {}

        async def read(key: str) -> None:
            try:
                async with limit:
                    tags_by_key[key] = await self._objects.read_tags(job.bucket, key)
            except NotFound:
                outcomes[key] = _gone(key)
            except PortError as error:
                outcomes[key] = failed_outcome(key, error)

        await fan_out(keys, read, limit=self._calls_in_flight)
        readable = [key for key in keys if key in tags_by_key]
        identities = [identity_of(tags_by_key[key]) for key in readable]
        try:
            answers = await self._catalog.look_up(identities)
        except Retryable as error:
            outcomes.update((key, failed_outcome(key, error)) for key in readable)
            return []
        found = []
        for key, identity, answer in zip(readable, identities, answers, strict=True):
            tags = tags_by_key[key]
            verdict = _verdict(job, key, tags, identity, answer)
            if verdict.decision is Decision.SKIP:
                outcomes[key] = decided(key, verdict)
            else:
                found.append(_Decided(key=key, tags=tags, verdict=verdict))
        return found

    async def _carry_out(
        self, job: Job, found: Sequence[_Decided], outcomes: dict[str, Outcome], shift: Shift
    ) -> tuple[list[_Triggered], dict[str, Outcome]]:
        """Write; returns what is to be announced, and what is to be read again with its failure."""
        triggered: list[_Triggered] = []
        changed: dict[str, Outcome] = {}

        async def act(item: _Decided) -> None:
            if await shift.watch.stopped():
                return
            result: Outcome | _Triggered
            try:
                if job.options.dry_run:
                    result = await self._preview(job, item, shift.limit)
                else:
                    result = await self._write(job, item, shift)
            except Unfinished:
                return
            except Conflict as error:
                changed[item.key] = replace(failed_outcome(item.key, error), retryable=True)
            except NotFound:
                outcomes[item.key] = _gone(item.key)
            except (PortError, DomainError) as error:
                outcomes[item.key] = failed_outcome(item.key, error)
            else:
                if isinstance(result, Outcome):
                    outcomes[item.key] = result
                else:
                    triggered.append(result)

        await fan_out(found, act, limit=self._calls_in_flight)
        return triggered, changed

    async def _preview(self, job: Job, item: _Decided, limit: AdaptiveLimit) -> Outcome:
        """Return what `_write` would come to, writing nothing."""
        merge_tags(item.tags, item.verdict.identity, job.job_id)
        async with limit:
            head = await self._objects.head(job.bucket, item.key)
        if job.trigger is Trigger.COPY and is_archived(head):
            return _archived(item.key, head)
        return decided(item.key, item.verdict, size_bytes=head.size_bytes)

    async def _write(self, job: Job, item: _Decided, shift: Shift) -> _Triggered | Outcome:
        verdict = item.verdict
        merged = merge_tags(item.tags, verdict.identity, job.job_id)
        async with shift.limit:
            head = await self._objects.head(job.bucket, item.key)
        if may_be_another(item.tags, head):
            # The guards of the write are of the head's object; these tags may be of the one before.
            raise Conflict(f"{item.key} was modified while it was read", resource=item.key)
        if not time_tells(head):
            async with shift.limit:
                tags = await self._objects.read_tags(job.bucket, item.key)
            if tags != item.tags:
                raise Conflict(f"{item.key} was replaced while it was read", resource=item.key)
        written = WrittenObject(e_tag=head.e_tag, version_id=head.version_id)
        if item.tags.get(SYNC_JOB_ID_TAG) != job.job_id:
            if job.trigger is Trigger.EVENT:
                async with shift.writing():
                    await self._objects.write_tags(job.bucket, head, merged)
            elif is_archived(head):
                return _archived(item.key, head)
            else:
                try:
                    written = await self._rewrite(job, head, merged, shift)
                except Archived:
                    return _archived(item.key, head)
        event = ingest_event(
            job,
            key=item.key,
            version_id=written.version_id,
            e_tag=written.e_tag,
            size_bytes=head.size_bytes,
            identity=verdict.identity,
            action=verdict.decision,
        )
        outcome = replace(
            decided(item.key, verdict, size_bytes=head.size_bytes),
            e_tag=written.e_tag,
            version_id=written.version_id,
        )
        return _Triggered(event=event, outcome=outcome)

    async def _rewrite(
        self, job: Job, head: ObjectHead, tags: Mapping[str, str], shift: Shift
    ) -> WrittenObject:
        if head.size_bytes > self._single_copy_bytes_max:
            return await shift.copies.copy(head, tags)
        async with shift.writing():
            return await self._objects.rewrite(job.bucket, head, tags)

    async def _announce(
        self, triggered: Sequence[_Triggered], outcomes: dict[str, Outcome]
    ) -> None:
        groups = [
            triggered[start : start + INGEST_EVENT_COUNT_MAX]
            for start in range(0, len(triggered), INGEST_EVENT_COUNT_MAX)
        ]

        async def publish(group: Sequence[_Triggered]) -> None:
            try:
                results = await self._bus.publish([item.event for item in group])
            except PortError as error:
                results = [error] * len(group)
            for item, failure in zip(group, results, strict=True):
                key = item.outcome.key
                outcomes[key] = failed_outcome(key, failure) if failure else item.outcome

        await fan_out(groups, publish, limit=self._calls_in_flight)


def _verdict(
    job: Job, key: str, tags: dict[str, str], identity: Identity, answer: CatalogAnswer
) -> Verdict:
    # Triggered by an attempt whose outcome got lost: if the catalog knows it by now, that is our
    # own doing, and its event may still be missing.
    rule = resume if tags.get(SYNC_JOB_ID_TAG) == job.job_id else decide
    return rule(identity, answer, bucket_name=job.bucket.name, key=key)


def _gone(key: str) -> Outcome:
    return Outcome(key=key, kind=OutcomeKind.GONE, reason="DELETED_SINCE_LISTED")


def _archived(key: str, head: ObjectHead) -> Outcome:
    """Return the outcome of an object in an archive; each reason has a next step of its own."""
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
        key=key,
        kind=OutcomeKind.ARCHIVED,
        reason=reason,
        size_bytes=head.size_bytes,
        message=f"{cause}; use the connector trigger 'event', which does not copy, or {step}",
    )
