"""What happened to each object: who wrote it last, and how often it was triggered.

It is derived from outside: from the writes themselves, and from the text of the service's own tag,
which is parsed here independently.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adapters.memory.buckets import StoredObject
from domain.catalog import CatalogRecord
from domain.customer_object import ObjectHead

SYNC_TAG = "SyncJobID"

_SAME_WRITE = timedelta(minutes=15)

_MARK = re.compile(r"([^/]+)/([A-Z]+)/(\d+)/(\d{8}T\d{6}Z)/([0-9a-f]{8})/([^/]*)")


@dataclass(frozen=True, slots=True)
class Mark:
    """The service's tag: the job of the last trigger, the count, the time, the ETag before."""

    job_id: str
    attempts: int
    triggered_at: datetime
    e_tag: str


def mark_in(tags: Mapping[str, str], bucket: str, key: str) -> Mark | None:
    """Read the service's tag; None if it is missing, or was copied with another object's tags."""
    match = _MARK.fullmatch(tags.get(SYNC_TAG, ""))
    if match is None or match[5] != _place(bucket, key):
        return None
    at = datetime.strptime(match[4], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return Mark(job_id=match[1], attempts=int(match[3]), triggered_at=at, e_tag=match[6])


def has_mark_of_another(tags: Mapping[str, str], bucket: str, key: str) -> bool:
    """Return whether the tags were copied from another object that was triggered."""
    match = _MARK.fullmatch(tags.get(SYNC_TAG, ""))
    return match is not None and match[5] != _place(bucket, key)


def _place(bucket: str, key: str) -> str:
    return hashlib.sha256(f"{bucket}\0{key}".encode()).hexdigest()[:8]


def is_another(mark: Mark, stored: StoredObject) -> bool:
    """Return whether an object was visibly replaced since it was marked."""
    return (
        stored.head.e_tag != mark.e_tag
        and stored.head.last_modified > mark.triggered_at + _SAME_WRITE
    )


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an object or its catalog record, by a job (its id), "owner" or "system"."""

    at: datetime
    key: str
    by: str


@dataclass(frozen=True, slots=True)
class Start:
    """The world when a job was created."""

    objects: Mapping[str, StoredObject]
    assets: Mapping[str, CatalogRecord]


@dataclass(frozen=True, slots=True)
class OurWrite:
    """The last write of an object's tags, if it is the service's.

    `looked_up_at` is when the catalog was queried for it, `head` the object that was decided about,
    before this write; `undisturbed` is whether no other process changed the object between the read
    and this write.
    """

    job_id: str
    looked_up_at: datetime
    written_at: datetime
    head: ObjectHead
    undisturbed: bool


@dataclass(slots=True)
class Page:
    """One object.

    Attributes:
        changed_at: When its owner wrote its content last.
        appeared_at: The same; None if it is not there.
        triggers: The jobs that triggered it since then, or since its mark was removed.
        marked: The same since its mark was removed, or since the object was visibly replaced.
        sent: The jobs whose message about it reached the system's queue.
        ours: The last write of its tags; None if it was not the service's.
    """

    changed_at: datetime
    appeared_at: datetime | None = None
    triggers: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    ours: OurWrite | None = None


class Ledger:
    """The pages of all objects of the bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._pages: dict[str, Page] = {}

    def page(self, key: str) -> Page:
        """Return what is known of an object that was there at some time."""
        return self._pages[key]

    def others_changed(
        self, key: str, stored: StoredObject | None, now: datetime, *, content: bool
    ) -> None:
        """Note that the owner or the system changed an object, which is this one now."""
        page = self._pages.setdefault(key, Page(changed_at=now))
        page.ours = None
        if content:
            page.changed_at = now
            page.appeared_at = now if stored else None
            page.triggers = []
        mark = mark_in(stored.tags, self._bucket, key) if stored else None
        if stored is None or mark is None:
            page.triggers, page.marked = [], []
        elif is_another(mark, stored):
            page.marked = []
        elif len(page.marked) < mark.attempts:
            # An owner brought the mark back, together with other tags.
            missing = mark.attempts - len(page.marked)
            page.marked = [*(f"earlier {number}" for number in range(missing)), *page.marked]

    def triggered(self, key: str, job_id: str, *, retrigger: bool) -> None:
        """Note that a job triggered an object; a job that does so twice counts once.

        If another job triggered it in between, it counts again: a redrive may come a day later.
        """
        page = self._pages[key]
        if page.marked and page.marked[-1] == job_id:
            return
        if retrigger:
            page.triggers = []
        page.triggers.append(job_id)
        page.marked.append(job_id)
