"""What a look at a bucket found: the listing as far as it went, and a sample of its objects.

A survey writes nothing. It says of each object of the sample what a sync would do with it, with
each trigger, so that one survey prices every way to sync.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from domain.catalog import CatalogAnswer, CatalogQuestion
from domain.connector import BucketInfo, Trigger
from domain.decision import Reason
from domain.outcome import Outcome, OutcomeKind
from domain.queue_limit import WatchedQueue
from domain.sync_request import SyncRequest


class Work(IntEnum):
    """What an object costs, in steps: each step makes the requests of those before it, and more.

    LISTED: the catalog has it as it is listed, which is all that is asked. TAGS: its tags are read.
    HEAD: HeadObject as well. RETAG: its tags are written. WRITE: it is copied or tagged, and
    announced.
    """

    LISTED = 0
    TAGS = 1
    HEAD = 2
    RETAG = 3
    WRITE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogShape:
    """Which requests a catalog takes: none without a table, and whether it has these indexes."""

    table: bool = True
    asset_index: bool = False
    path_index: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogReads:
    """Reads of the catalog: items of its table, and queries of its indexes."""

    items: int = 0
    queries: int = 0

    def __add__(self, other: CatalogReads) -> CatalogReads:
        return CatalogReads(items=self.items + other.items, queries=self.queries + other.queries)


NO_READS = CatalogReads()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What a sync would do with an object of the sample.

    Attributes:
        kinds: Its outcome by trigger.
        restored: Whether its tags would be restored.
        headed: Whether HeadObject was needed to decide.
        as_listed: Whether the catalog has it as it is listed.
        listed_reads: The catalog reads to find that out.
        reads: The catalog reads of its lookup by tags.
        reread: Whether its tags would be read once more before a write: neither version nor time
            shows which content they belong to.
        kms: Whether a copy of it makes requests to KMS: its key is not used through a bucket key.
        storage_class: S3's own name.
    """

    kinds: Mapping[Trigger, OutcomeKind]
    restored: bool = False
    headed: bool = False
    as_listed: bool = False
    listed_reads: CatalogReads = NO_READS
    reads: CatalogReads = NO_READS
    reread: bool = False
    kms: bool = False
    storage_class: str = "STANDARD"

    def kind(self, trigger: Trigger, *, by_catalog: bool) -> OutcomeKind:
        """Return its outcome; with `by_catalog`, objects that are known as listed are SKIPPED."""
        return OutcomeKind.SKIPPED if by_catalog and self.as_listed else self.kinds[trigger]

    def work(self, trigger: Trigger, *, by_catalog: bool) -> Work:
        """Return what it costs with this trigger."""
        if by_catalog and self.as_listed:
            return Work.LISTED
        if self.kinds[trigger] in (OutcomeKind.COPIED, OutcomeKind.PUT):
            return Work.WRITE
        if self.restored:
            return Work.RETAG
        return Work.HEAD if self.headed else Work.TAGS


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleGroup:
    """Objects of the sample that are alike, their number and bytes."""

    like: Sampled
    count: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What was listed.

    Attributes:
        complete: Whether it is all of the job's prefixes. If not, all numbers are lower bounds.
        page_count: Pages of a thousand keys, one at least for each prefix.
        objects: Objects that the job selects, and their bytes.
        filtered, not_media: Objects that it leaves out.
        large_objects: Those above the limit of one copy request.
        large_parts: The parts in which these are copied.
    """

    complete: bool = True
    page_count: int = 1
    objects: int = 0
    size_bytes: int = 0
    filtered: int = 0
    not_media: int = 0
    large_objects: int = 0
    large_parts: int = 0

    @property
    def seen(self) -> int:
        """All objects that were listed, selected or not."""
        return self.objects + self.filtered + self.not_media


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRequest:
    """What to look at, and how many objects of it to read; a check also looks at the queue."""

    request: SyncRequest
    sample_size: int
    queue: WatchedQueue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The result: bucket, listing, and sample. `unread` are causes why objects were not read."""

    bucket: BucketInfo
    listed: Listed
    catalog: CatalogShape = CatalogShape()
    groups: tuple[SampleGroup, ...] = ()
    unread: tuple[str, ...] = field(default=())

    @property
    def sampled(self) -> int:
        """The number of objects in the sample."""
        return sum(group.count for group in self.groups)

    @property
    def exact(self) -> bool:
        """Whether every object was listed and read."""
        return self.listed.complete and self.sampled >= self.listed.objects


def grouped(found: Iterable[tuple[Sampled, int]]) -> tuple[SampleGroup, ...]:
    """Return the groups of objects with their bytes."""
    sums: dict[str, tuple[Sampled, int, int]] = {}
    for like, size_bytes in found:
        name = repr(like)
        _, count, total = sums.get(name, (like, 0, 0))
        sums[name] = like, count + 1, total + size_bytes
    return tuple(
        SampleGroup(like=like, count=count, size_bytes=size_bytes)
        for _, (like, count, size_bytes) in sorted(sums.items())
    )


def lookup_reads(
    shape: CatalogShape, question: CatalogQuestion, answer: CatalogAnswer
) -> CatalogReads:
    """Return the catalog reads of one lookup by tags (see `adapters.aws.catalog`)."""
    if not shape.table:
        return NO_READS
    items, queries = 1, 0
    if question.identity.asset_id and not question.names_asset_of(answer.record):
        queries += shape.asset_index
    own = answer.record is not None and answer.record.may_be_at(question.storage_path)
    if not answer.asset_known and not own:
        items += bool(question.identity.inventory_id)
        queries += shape.path_index
    return CatalogReads(items=items, queries=queries)


def is_restored(outcome: Outcome) -> bool:
    """Return whether the outcome is that of an object whose tags are restored."""
    return outcome.reason == Reason.TAGS_RESTORED
