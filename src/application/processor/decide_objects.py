"""Deciding what objects need: their tags, one catalog lookup for a window of them, HeadObject.

An object whose asset the catalog knows costs one read of S3, or none in a job that relies on the
catalog. Every other one costs two, whatever its outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from application.execution.fanout import AdaptiveLimit, fan_out
from application.execution.tuning import Tuning
from application.known_objects import KnownObjects
from application.results.failure_records import failed_outcome
from domain.catalog import CatalogAnswer, CatalogQuestion
from domain.customer_object import ObjectHead, ObjectTags
from domain.decision import (
    Decision,
    Minting,
    Reason,
    Verdict,
    decide,
    known,
    resume,
)
from domain.file_types import Taken
from domain.identity import identity_of
from domain.job import Job
from domain.manifest import ManifestEntry, format_timestamp
from domain.outcome import Outcome, OutcomeKind, decided
from domain.profile import Profile
from domain.trigger_mark import (
    History,
    Patience,
    TriggerMark,
    history_of,
    is_marked_elsewhere,
    mark_of,
    mark_value,
)
from ports.catalog import Catalog
from ports.clock import Clock
from ports.errors import Fatal, NotFound
from ports.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An object whose AssetID the catalog does not know, with its tags and the catalog's answer.

    `answer` is None for an object that this job has already triggered.
    """

    key: str
    tags: ObjectTags
    question: CatalogQuestion
    mark: TriggerMark | None
    answer: CatalogAnswer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The objects of a window that need a HeadObject, and the outcomes of the others."""

    objects: tuple[Candidate, ...]
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedObject:
    """An object with its verdict, and the history of its triggers."""

    key: str
    tags: ObjectTags
    head: ObjectHead
    verdict: Verdict
    mark: TriggerMark | None
    history: History
    decided_at: datetime


class ObjectDecisions:
    """Decides for the objects of one job at a time; writes nothing."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        catalog: Catalog,
        known_objects: KnownObjects,
        profile: Profile,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self._objects = objects
        self._catalog = catalog
        self._known_objects = known_objects
        self._profile = profile
        self._clock = clock
        self._tuning = tuning

    async def known(self, job: Job, entries: Sequence[ManifestEntry]) -> dict[str, Outcome]:
        """Return the outcomes of the objects that need no read of S3, by key.

        If the catalog cannot be queried now, the objects are failures that another attempt may fix.

        Raises:
            Fatal: the catalog cannot be queried; manual intervention is required.
        """
        try:
            return await self._known_objects.among(job, entries)
        except Fatal:
            raise
        except Exception as error:  # noqa: BLE001 - any error concerns only the objects asked for
            return {entry.key: failed_outcome(entry.key, error) for entry in entries}

    async def candidates(self, job: Job, keys: Sequence[str], limit: AdaptiveLimit) -> Candidates:
        """Read the tags of a window of objects, and look them up in the catalog.

        Raises:
            Fatal: the catalog cannot be queried; manual intervention is required.
        """
        tags_by_key, outcomes = await self._read_tags(job, keys, limit)
        found: list[Candidate] = []
        for key in filter(tags_by_key.__contains__, keys):
            try:
                found.append(self._candidate(job, key, tags_by_key[key]))
            except Exception as error:  # noqa: BLE001 - any error concerns only its object
                outcomes[key] = failed_outcome(key, error)
        asked = [each for each in found if each.mark is None or each.mark.job_id != job.job_id]
        try:
            answers = await self._catalog.look_up([each.question for each in asked])
            answered = dict(zip((each.key for each in asked), answers, strict=True))
        except Fatal:
            raise
        except Exception as error:  # noqa: BLE001 - any error concerns only the objects asked for
            outcomes.update((each.key, failed_outcome(each.key, error)) for each in asked)
            answered = {}
        candidates = []
        for each in found:
            answer = answered.get(each.key)
            if answer is not None and answer.asset_known:
                outcomes[each.key] = decided(each.key, known(each.question))
            elif each.key not in outcomes:
                candidates.append(replace(each, answer=answer))
        return Candidates(objects=tuple(candidates), outcomes=outcomes)

    async def decide(self, job: Job, item: Candidate, limit: AdaptiveLimit) -> DecidedObject:
        """Read the object's attributes and decide.

        Raises:
            NotFound, Retryable, Fatal: as `ObjectStore.head`.
        """
        async with limit:
            head = await self._objects.head(job.request.bucket, item.key)
        now = self._clock.now()
        history = history_of(item.mark, head, self._patience(job), now)
        if item.answer is None:
            verdict = resume(item.question, item.mark.action if item.mark else None)
        else:
            verdict = decide(
                item.question,
                item.answer,
                head,
                history=history,
                taken=self._takes(job, head),
                minting=Minting(profile=self._profile, ids=job.request.ingest.ids),
            )
        if verdict.reason is Reason.TAGS_RESTORED and not job.request.ingest.restore_tags:
            verdict = replace(verdict, reason=Reason.KNOWN_BY_PATH)
        return DecidedObject(
            key=item.key,
            tags=item.tags,
            head=head,
            verdict=verdict,
            mark=item.mark,
            history=history,
            decided_at=now,
        )

    async def _read_tags(
        self, job: Job, keys: Sequence[str], limit: AdaptiveLimit
    ) -> tuple[dict[str, ObjectTags], dict[str, Outcome]]:
        """Return the tags by key, and the outcomes of objects whose tags cannot be read."""
        tags_by_key: dict[str, ObjectTags] = {}
        outcomes: dict[str, Outcome] = {}

        async def read(key: str) -> None:
            try:
                async with limit:
                    tags_by_key[key] = await self._objects.read_tags(job.request.bucket, key)
            except NotFound:
                outcomes[key] = gone_outcome(key)
            except Exception as error:  # noqa: BLE001 - any error concerns only its object
                outcomes[key] = failed_outcome(key, error)

        await fan_out(keys, read, limit=self._tuning.calls_in_flight)
        return tags_by_key, outcomes

    def _candidate(self, job: Job, key: str, tags: ObjectTags) -> Candidate:
        mark = mark_of(tags, bucket_name=job.request.bucket.name, key=key)
        question = CatalogQuestion(
            bucket_name=job.request.bucket.name,
            key=key,
            identity=identity_of(tags),
            triggered=mark is not None,
            copied=is_marked_elsewhere(tags, bucket_name=job.request.bucket.name, key=key),
        )
        return Candidate(key=key, tags=tags, question=question, mark=mark, answer=None)

    def _takes(self, job: Job, head: ObjectHead) -> bool:
        file_filter = job.request.ingest.file_filter
        return self._profile.takes(head.key, head.content_type, file_filter) is Taken.YES

    def _patience(self, job: Job) -> Patience:
        return Patience(
            grace=timedelta(seconds=self._tuning.ingest_grace_s),
            trigger_count_max=self._tuning.trigger_count_max,
            queue=job.findings.queue,
            retrigger=job.request.options.retrigger,
        )


def next_mark(job: Job, item: DecidedObject) -> str:
    """Return the value of the trigger mark, a tag, for a trigger of the object by this job."""
    before = item.mark.attempts if item.mark and item.history is History.DUE else 0
    return mark_value(
        job_id=job.job_id,
        action=item.verdict.decision,
        attempts=before + 1,
        triggered_at=item.decided_at,
        e_tag=item.head.e_tag,
        bucket_name=job.request.bucket.name,
        key=item.key,
    )


def skipped_outcome(item: DecidedObject) -> Outcome:
    """Return the outcome of an object for which nothing is written, with the reason in words."""
    outcome = decided(item.key, item.verdict, size_bytes=item.head.size_bytes)
    if item.verdict.reason is Reason.NOT_MEDIA:
        shown = item.head.content_type or "none"
        return replace(outcome, message=f"the system takes no files of content type {shown}")
    waiting = item.verdict.reason in (Reason.INGESTING, Reason.NOT_TAKEN)
    if not waiting or item.mark is None or item.mark.triggered_at is None:
        return outcome
    at, count = item.mark.triggered_at, item.mark.attempts
    times = "once" if count == 1 else f"{count} times"
    age = _age(item.decided_at - at)
    text = f"triggered {times}, last at {format_timestamp(at)} ({age} ago)"
    if item.verdict.reason is Reason.NOT_TAKEN:
        text += (
            "; the system has not taken it. Check the log and the file filter of its ingest,"
            " then sync with retrigger"
        )
    return replace(outcome, triggered_at=format_timestamp(at), trigger_count=count, message=text)


def _age(age: timedelta) -> str:
    """Return a duration in the largest unit that fits: minutes, hours or days."""
    minutes = max(int(age.total_seconds()) // 60, 0)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // (24 * 60)} days"


def gone_outcome(key: str) -> Outcome:
    """Return the outcome of an object that no longer exists."""
    return Outcome(key=key, kind=OutcomeKind.GONE, reason="DELETED_SINCE_LISTED")


def writes_nothing(item: DecidedObject) -> bool:
    """Return whether the verdict leaves the object unchanged."""
    verdict = item.verdict
    return verdict.decision is Decision.SKIP and verdict.reason is not Reason.TAGS_RESTORED
