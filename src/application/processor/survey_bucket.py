"""Looking at a bucket before a sync: its configuration, its listing, and a sample of its objects.

It decides about each object of the sample as a sync would, with each trigger and both settings of
`verify`, and writes nothing. In: a request and the size of the sample. Ports: `ObjectStore`,
`Catalog`. The listing ends after `plan_listing_s`, however far it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Final

from application.execution.deadline import Deadline
from application.execution.fanout import AdaptiveLimit, fan_out
from application.execution.tuning import Tuning
from application.processor.decide_objects import Candidate, DecidedObject, ObjectDecisions
from application.processor.write_object import preview
from application.results.failure_records import failed_outcome
from domain import prefixes as prefix_rules
from domain.catalog import storage_path
from domain.connector import Trigger
from domain.customer_object import ObjectHead, time_is_conclusive
from domain.file_types import Taken
from domain.identity import mint_inventory_id
from domain.job import Job, new_job
from domain.manifest import ManifestEntry
from domain.outcome import Outcome, OutcomeKind
from domain.part_copy import plan_parts
from domain.pricing.costing import Costing
from domain.pricing.sample import Sample
from domain.pricing.survey import (
    NO_READS,
    CatalogReads,
    Listed,
    Sampled,
    Survey,
    SurveyRequest,
    grouped,
    is_restored,
    lookup_reads,
)
from domain.profile import Profile
from domain.selection import JobSelection, selection_of
from domain.sync_request import SyncRequest
from domain.verification import known_as_listed
from ports.catalog import Catalog
from ports.clock import Clock
from ports.errors import NotFound
from ports.object_store import ObjectStore

_JOB_ID: Final = "plan"
_CAUSE_COUNT: Final = 3
# S3 API Reference, "ListObjectsV2": a page has up to a thousand keys.
_KEYS_PER_PAGE: Final = 1_000


class SurveyBucket:
    """Makes surveys."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        catalog: Catalog,
        costing: Costing,
        decisions: ObjectDecisions,
        profile: Profile,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self._objects = objects
        self._catalog = catalog
        self._catalog_shape = costing.model.catalog
        self._decisions = decisions
        self._profile = profile
        self._clock = clock
        self._tuning = tuning

    async def run(self, asked: SurveyRequest) -> Survey:
        """List as far as time allows, and read the sample.

        Raises:
            AccessDenied, Misconfigured, Retryable: as `ObjectStore` and `Catalog`. What concerns
                only one object is a failed object of the sample.
        """
        job = new_job(job_id=_JOB_ID, request=asked.request, now=self._clock.now())
        bucket = await self._objects.inspect(asked.request.bucket)
        sample = Sample(asked.sample_size)
        listed = await self._list(job, sample)
        found: list[tuple[Sampled, int]] = []
        causes: list[str] = []
        entries = sample.entries
        size = self._tuning.window_object_count

        async def look(window: Sequence[ManifestEntry]) -> None:
            found.extend((await self._look(job, window, causes)).values())

        windows = [entries[start : start + size] for start in range(0, len(entries), size)]
        await fan_out(windows, look, limit=self._tuning.windows_in_flight)
        return Survey(
            bucket=bucket,
            listed=listed,
            catalog=self._catalog_shape,
            groups=grouped(found),
            unread=tuple(dict.fromkeys(causes))[:_CAUSE_COUNT],
        )

    async def _list(self, job: Job, sample: Sample) -> Listed:
        """List the prefixes, offering each selected object to the sample."""
        deadline = Deadline.after(self._clock, self._tuning.plan_listing_s)
        margin = timedelta(seconds=self._tuning.modified_since_margin_s)
        options = job.request.options
        selection = selection_of(job, margin)
        listed = Listed(page_count=0)
        prefixes = prefix_rules.normalise(options.prefixes) or ("",)
        for index, prefix in enumerate(prefixes):
            before = listed
            pages = self._objects.list_objects(job.request.bucket, prefix=prefix, start_after=None)
            async for page in pages:
                listed = self._with_page(job, listed, page.entries, selection, sample)
                seen = listed.seen - before.seen
                page_count = before.page_count + max(ceil(seen / _KEYS_PER_PAGE), 1)
                listed = replace(listed, page_count=page_count)
                more = page.token is not None or index + 1 < len(prefixes)
                if more and deadline.near(0):
                    return replace(listed, complete=False)
        return listed

    def _with_page(
        self,
        job: Job,
        listed: Listed,
        entries: Sequence[ManifestEntry],
        selection: JobSelection,
        sample: Sample,
    ) -> Listed:
        chosen = [entry for entry in entries if selection.selects(entry)]
        file_filter = job.request.ingest.file_filter
        selected = [
            entry
            for entry in chosen
            if self._profile.takes(entry.key, None, file_filter) is not Taken.NO
        ]
        for entry in selected:
            sample.offer(entry)
        sizes = [entry.size_bytes or 0 for entry in selected]
        large = [size for size in sizes if size > self._tuning.single_copy_bytes_max]
        part_bytes = self._tuning.copy_part_bytes
        return replace(
            listed,
            objects=listed.objects + len(selected),
            size_bytes=listed.size_bytes + sum(sizes),
            filtered=listed.filtered + len(entries) - len(chosen),
            not_media=listed.not_media + len(chosen) - len(selected),
            large_objects=listed.large_objects + len(large),
            large_parts=listed.large_parts
            + sum(sum(1 for _ in plan_parts(size, part_bytes=part_bytes)) for size in large),
        )

    async def _look(
        self, job: Job, window: Sequence[ManifestEntry], causes: list[str]
    ) -> dict[str, tuple[Sampled, int]]:
        """Decide about the objects of a window; return what each would cost, and its size."""
        listed = await self._as_listed(job.request, window)
        limit = AdaptiveLimit(self._tuning.calls_in_flight)
        read = await self._decisions.candidates(job, [entry.key for entry in window], limit)
        looked = {
            key: self._without_head(outcome, causes) for key, outcome in read.outcomes.items()
        }

        async def decide(item: Candidate) -> None:
            looked[item.key] = await self._headed(job, item, limit, causes)

        await fan_out(read.objects, decide, limit=self._tuning.calls_in_flight)
        found = {}
        for entry in window:
            as_listed, reads = listed[entry.key]
            like = replace(looked[entry.key], as_listed=as_listed, listed_reads=reads)
            found[entry.key] = like, entry.size_bytes or 0
        return found

    async def _as_listed(
        self, request: SyncRequest, window: Sequence[ManifestEntry]
    ) -> dict[str, tuple[bool, CatalogReads]]:
        """Return by key whether the catalog has the object as listed, and what it takes to ask."""
        if not self._catalog_shape.table:
            return {entry.key: (False, NO_READS) for entry in window}
        name = request.bucket.name
        records = await self._catalog.records_at(name, [entry.key for entry in window])
        result = {}
        for entry, found in zip(window, records, strict=True):
            path = storage_path(name, entry.key)
            known = entry.e_tag is not None and known_as_listed(entry, path, found) is not None
            minted = mint_inventory_id(name, entry.key)
            by_id = any(each.inventory_id == minted and each.may_be_at(path) for each in found)
            queries = int(self._catalog_shape.path_index and not by_id)
            result[entry.key] = known, CatalogReads(items=1, queries=queries)
        return result

    def _without_head(self, outcome: Outcome, causes: list[str]) -> Sampled:
        if outcome.kind is OutcomeKind.FAILED:
            causes.append(f"{outcome.reason}: {outcome.message}")
        known = outcome.kind is OutcomeKind.SKIPPED
        return Sampled(
            kinds=dict.fromkeys(Trigger, outcome.kind),
            reads=CatalogReads(items=int(known and self._catalog_shape.table)),
        )

    async def _headed(
        self, job: Job, item: Candidate, limit: AdaptiveLimit, causes: list[str]
    ) -> Sampled:
        reads = (
            lookup_reads(self._catalog_shape, item.question, item.answer)
            if item.answer is not None
            else NO_READS
        )
        try:
            decided = await self._decisions.decide(job, item, limit)
        except NotFound:
            return Sampled(kinds=dict.fromkeys(Trigger, OutcomeKind.GONE), reads=reads)
        except Exception as error:  # noqa: BLE001 - any error concerns only its object
            causes.append(f"{failed_outcome(item.key, error).reason}: {error}")
            return Sampled(
                kinds=dict.fromkeys(Trigger, OutcomeKind.FAILED), headed=True, reads=reads
            )
        outcomes = {trigger: _preview(job, decided, trigger) for trigger in Trigger}
        failed = [each for each in outcomes.values() if each.kind is OutcomeKind.FAILED]
        causes += [f"{each.reason}: {each.message}" for each in failed[:1]]
        return Sampled(
            kinds={trigger: outcome.kind for trigger, outcome in outcomes.items()},
            restored=any(is_restored(outcome) for outcome in outcomes.values()),
            headed=True,
            reads=reads,
            reread=not time_is_conclusive(decided.head),
            kms=_asks_kms(decided.head),
            storage_class=decided.head.storage_class,
        )


def _preview(job: Job, decided: DecidedObject, trigger: Trigger) -> Outcome:
    """Return the outcome of the object with another trigger."""
    ingest = replace(job.request.ingest, trigger=trigger)
    other = replace(job, request=replace(job.request, ingest=ingest))
    try:
        return preview(other, decided)
    except Exception as error:  # noqa: BLE001 - any error concerns only its object
        return failed_outcome(decided.key, error)


def _asks_kms(head: ObjectHead) -> bool:
    """Return whether S3 asks KMS for each copy: a bucket key answers for many objects."""
    encryption = head.encryption
    if encryption is None or not encryption.algorithm.startswith("aws:kms"):
        return False
    return encryption.bucket_key_enabled is not True
