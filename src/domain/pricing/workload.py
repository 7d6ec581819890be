"""The work of one sync: how many objects take which requests, seen, expected, or at most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from domain.connector import Trigger, Verify
from domain.discovery import Discovery
from domain.job import Job
from domain.outcome import OutcomeKind, count_of
from domain.pricing.afterwards import (
    Comparison,
    Scanned,
    comparison_of,
    comparison_of_job,
    snapshot_of_job,
)
from domain.pricing.confidence import count_interval
from domain.pricing.model import KEYS_PER_PAGE
from domain.pricing.survey import (
    NO_READS,
    CatalogReads,
    CatalogShape,
    Sampled,
    SampleGroup,
    Survey,
    Work,
)
from domain.removal_settings import Removals


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to sync."""

    discovery: Discovery
    trigger: Trigger
    verify: Verify
    dry_run: bool = False

    @property
    def by_catalog(self) -> bool:
        """Whether objects that the catalog has as listed are known without their tags."""
        return self.verify is Verify.CATALOG


CHOICES: Final = tuple(
    Choice(discovery=discovery, trigger=trigger, verify=verify)
    for discovery in Discovery
    for trigger in Trigger
    for verify in Verify
)
"""Every way to sync."""


class Bound(Enum):
    """Which end of the interval a workload is at."""

    LOW = "low"
    EXPECTED = "expected"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a sync does.

    Attributes:
        objects: Objects by what they cost.
        lookups: The catalog reads of one lookup by tags of all objects of that cost.
        listed_reads: The catalog reads that find objects as they are listed, with verify `catalog`.
        page_count: Pages of the listing.
        size_bytes: Bytes of all listed objects.
        written_bytes: Bytes of objects that are copied or put.
        large_written: Those above the limit of one copy request.
        large_parts: The parts in which these are copied.
        rereads: Objects whose tags are read once more before they are written.
        kms_copies: Objects whose copies make requests to KMS.
        source_rows: Rows of the file that names the keys; 0 if the bucket is listed.
        snapshot: The scan of the catalog, if a snapshot of it is taken.
        comparison: The comparison with the sync before, if there is one.
    """

    objects: Mapping[Work, int] = field(default_factory=dict)
    lookups: Mapping[Work, CatalogReads] = field(default_factory=dict)
    listed_reads: CatalogReads = NO_READS
    page_count: int = 1
    size_bytes: int = 0
    written_bytes: int = 0
    large_written: int = 0
    large_parts: int = 0
    rereads: int = 0
    kms_copies: int = 0
    source_rows: int = 0
    snapshot: Scanned | None = None
    comparison: Comparison | None = None

    @property
    def total(self) -> int:
        """All objects of the manifest."""
        return sum(self.objects.values())

    def at_least(self, work: Work) -> int:
        """Return how many objects cost this or more."""
        return sum(count for each, count in self.objects.items() if each >= work)


def workload_of(
    survey: Survey,
    choice: Choice,
    bound: Bound = Bound.EXPECTED,
    *,
    removals: Removals | None = None,
) -> Workload:
    """Return the workload that a survey suggests for a way to sync.

    HIGH is the dearest that agrees with the sample at the confidence of `confidence`: as many
    objects as may be take each step of `Work`. Its requests include those of EXPECTED, and these
    those of LOW, whatever the prices are, except for the file of objects that are known as listed,
    which is there if one is. Without a sample, LOW writes nothing, and EXPECTED is
    HIGH, which writes every object.

    With `removals` it is compared with the sync before. How many objects are gone since is not
    known: LOW and EXPECTED have none, HIGH as many as the guard lets pass.
    """
    listed, shape = survey.listed, survey.catalog
    by_work: dict[Work, list[SampleGroup]] = {work: [] for work in Work}
    for group in survey.groups:
        by_work[group.like.work(choice.trigger, by_catalog=choice.by_catalog)].append(group)
    seen = {work: sum(group.count for group in by_work[work]) for work in Work}
    objects = _scaled(seen, listed.objects, bound, choice)
    written = objects[Work.WRITE]

    def among(work: Work, value: Callable[[Sampled], int], default: int = 0) -> int:
        """Return the sum over the objects of this cost, from those of the sample."""
        groups = by_work[work] or survey.groups
        count = sum(group.count for group in groups)
        total = sum(group.count * value(group.like) for group in groups)
        return round(objects[work] * (total / count if count else default))

    lookups = {
        work: CatalogReads(
            items=among(work, lambda like: like.reads.items, shape.table),
            queries=among(work, lambda like: like.reads.queries, shape.path_index),
        )
        for work in Work
        if work > Work.LISTED
    }
    share = written / listed.objects if listed.objects else 0.0
    of_large = 1.0 if bound is Bound.HIGH and written else share
    copies = choice.trigger is Trigger.COPY
    return Workload(
        objects=objects,
        lookups=lookups,
        listed_reads=_listed_reads(survey) if choice.by_catalog else NO_READS,
        page_count=listed.page_count,
        size_bytes=listed.size_bytes,
        written_bytes=_written_bytes(survey, by_work[Work.WRITE], written),
        large_written=min(round(listed.large_objects * of_large), written),
        large_parts=round(listed.large_parts * of_large),
        rereads=sum(among(work, lambda like: like.reread) for work in (Work.RETAG, Work.WRITE)),
        kms_copies=among(Work.WRITE, lambda like: like.kms) if copies else 0,
        comparison=comparison_of(removals, listed.objects, at_most=bound is Bound.HIGH),
    )


def workload_of_job(job: Job, shape: CatalogShape) -> Workload:
    """Return the workload of a job that has ended, from its counts.

    Retries are not in it: a job counts each object once. What a job does not count is assumed: that
    known objects have the inventory ids that this service makes, and that no object was copied by
    multipart copy, read twice, or encrypted with a key that is billed for each copy.
    """
    counts = job.tally.statistics
    options = job.request.options
    written, restored = counts.copied + counts.put, counts.tags_restored
    as_listed = counts.known_as_listed
    known = counts.skipped - restored - as_listed
    headed = sum(
        count_of(counts, kind)
        for kind in (
            OutcomeKind.INGESTING,
            OutcomeKind.NOT_TAKEN,
            OutcomeKind.NOT_MEDIA,
            OutcomeKind.ARCHIVED,
            OutcomeKind.FAILED,
        )
    )
    objects = {
        Work.LISTED: as_listed,
        Work.TAGS: known + counts.gone,
        Work.HEAD: headed,
        Work.RETAG: restored,
        Work.WRITE: written,
    }
    share = written / counts.total if counts.total else 0.0
    asked = counts.total if options.trusts_catalog and shape.table else 0
    snapshot = snapshot_of_job(job)
    if snapshot is not None:
        # What the snapshot does not have is asked for as without it.
        asked -= as_listed
    source, seen = job.listing.source, job.listing.objects_seen
    return Workload(
        objects=objects,
        lookups={work: _usual_reads(work, count, shape) for work, count in objects.items()},
        listed_reads=CatalogReads(
            items=asked, queries=(headed + restored + written) * shape.path_index if asked else 0
        ),
        page_count=0 if job.request.options.source else pages_of(job),
        size_bytes=job.listing.bytes_listed,
        written_bytes=round(job.listing.bytes_listed * share),
        source_rows=max(seen, 1) + source.not_current if job.request.options.source else 0,
        snapshot=snapshot,
        comparison=comparison_of_job(job),
    )


def _usual_reads(work: Work, count: int, shape: CatalogShape) -> CatalogReads:
    if work is Work.LISTED or not shape.table:
        return NO_READS
    queries = count * shape.path_index if work > Work.TAGS else 0
    return CatalogReads(items=count, queries=queries)


def _scaled(seen: Mapping[Work, int], total: int, bound: Bound, choice: Choice) -> dict[Work, int]:
    """Return the objects by cost among `total`, from those in the sample."""
    sampled = sum(seen.values())
    cheapest = Work.LISTED if choice.by_catalog else Work.TAGS
    scaled, cumulative, above = dict.fromkeys(Work, 0), 0, 0
    for work in sorted(Work, reverse=True):
        cumulative += seen[work]
        low, high = count_interval(cumulative, sampled, total)
        expected = min(max(round(total * cumulative / sampled), low), high) if sampled else high
        at_least = {Bound.LOW: low, Bound.EXPECTED: expected, Bound.HIGH: high}[bound]
        if work <= cheapest:
            at_least = total
        scaled[work], above = at_least - above, at_least
    return scaled


def _listed_reads(survey: Survey) -> CatalogReads:
    if not survey.catalog.table:
        return NO_READS
    total, sampled = survey.listed.objects, survey.sampled
    queries = total * survey.catalog.path_index
    if sampled:
        found = sum(group.count * group.like.listed_reads.queries for group in survey.groups)
        queries = round(total * found / sampled)
    return CatalogReads(items=total, queries=queries)


def _written_bytes(survey: Survey, groups: list[SampleGroup], written: int) -> int:
    """Return the bytes of the objects to be written: as large as those of the sample."""
    listed = survey.listed
    count = sum(group.count for group in groups)
    if count:
        each = sum(group.size_bytes for group in groups) / count
    else:
        each = listed.size_bytes / listed.objects if listed.objects else 0.0
    return min(round(each * written), listed.size_bytes)


def pages_of(job: Job) -> int:
    """Return the pages of the listing of a job's bucket."""
    return max(-(-job.listing.objects_seen // KEYS_PER_PAGE), 1)
