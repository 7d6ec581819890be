"""Which listed objects a connector, or one sync of it, is about.

Both are applied: a sync narrows its connector's filters and never widens them. Everything is
decided by what a listing shows, so an object that is left out costs no request of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

from domain.glob import Glob
from domain.identity import media_kind
from domain.manifest import ManifestEntry


class StorageClass(StrEnum):
    """S3's storage classes; an object without one is in STANDARD."""

    STANDARD = "STANDARD"
    REDUCED_REDUNDANCY = "REDUCED_REDUNDANCY"
    STANDARD_IA = "STANDARD_IA"
    ONEZONE_IA = "ONEZONE_IA"
    INTELLIGENT_TIERING = "INTELLIGENT_TIERING"
    GLACIER_IR = "GLACIER_IR"
    GLACIER = "GLACIER"
    DEEP_ARCHIVE = "DEEP_ARCHIVE"
    EXPRESS_ONEZONE = "EXPRESS_ONEZONE"
    OUTPOSTS = "OUTPOSTS"
    SNOW = "SNOW"


class MediaType(StrEnum):
    """What an object is by the extension of its key."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    OTHER = "other"


_TYPE_OF_KIND = {
    "img": MediaType.IMAGE,
    "vid": MediaType.VIDEO,
    "aud": MediaType.AUDIO,
    "doc": MediaType.DOCUMENT,
    "oth": MediaType.OTHER,
}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What an object must be; empty and None let every object pass.

    Attributes:
        include: Globs, of which its key matches one.
        exclude: Globs, of which its key matches none.
        size_min: Its least size in bytes.
        size_max: Its largest size in bytes.
        modified_since: It was modified then or later. S3 dates a multipart upload at its start, so
            that an object may be older by the margin of `selects`.
        modified_before: It was modified before that.
        age_min_s: It was modified at least so long before the job started.
        storage_classes: Its storage class is one of these.
        media_types: Its media type is one of these.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    size_min: int | None = None
    size_max: int | None = None
    modified_since: datetime | None = None
    modified_before: datetime | None = None
    age_min_s: int | None = None
    storage_classes: tuple[StorageClass, ...] = ()
    media_types: tuple[MediaType, ...] = ()

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return any(getattr(self, each.name) not in (None, ()) for each in fields(self))

    @property
    def by_key(self) -> bool:
        """Whether the key of an object decides alone."""
        others = replace(self, include=(), exclude=(), media_types=())
        return not others.given

    @cached_property
    def _globs(self) -> tuple[tuple[Glob, ...], tuple[Glob, ...]]:
        return tuple(map(Glob.compile, self.include)), tuple(map(Glob.compile, self.exclude))

    def selects(self, entry: ManifestEntry, *, started_at: datetime, margin: timedelta) -> bool:
        """Return whether an object passes, in a job that started at that time."""
        if not self._size_passes(entry.size_bytes):
            return False
        if not self._time_passes(entry.last_modified, started_at, margin):
            return False
        if self.storage_classes:
            in_class = entry.storage_class or StorageClass.STANDARD
            if in_class not in self.storage_classes:
                return False
        if self.media_types and _TYPE_OF_KIND[media_kind(entry.key)] not in self.media_types:
            return False
        include, exclude = self._globs
        if include and not any(glob.matches(entry.key) for glob in include):
            return False
        return not any(glob.matches(entry.key) for glob in exclude)

    def _size_passes(self, size: int | None) -> bool:
        if size is None:
            return self.size_min is None and self.size_max is None
        return (self.size_min or 0) <= size and (self.size_max is None or size <= self.size_max)

    def _time_passes(
        self, modified: datetime | None, started_at: datetime, margin: timedelta
    ) -> bool:
        if modified is None:
            times = (self.modified_since, self.modified_before, self.age_min_s)
            return all(each is None for each in times)
        if self.modified_before is not None and modified >= self.modified_before:
            return False
        if self.age_min_s is not None and started_at - modified < timedelta(seconds=self.age_min_s):
            return False
        return self.modified_since is None or self.modified_since - modified <= margin


NO_FILTERS: Final = Filters()


def nothing_passes(all_of: Sequence[Filters]) -> str | None:
    """Return the name of the first field that, over all of these, no object can pass."""
    size_min = max((each.size_min or 0 for each in all_of), default=0)
    if any(each.size_max is not None and each.size_max < size_min for each in all_of):
        return "maxSizeBytes"
    since = _known(each.modified_since for each in all_of)
    before = _known(each.modified_before for each in all_of)
    if since and before and max(since) >= min(before):
        return "modifiedBefore"
    if _disjoint(each.storage_classes for each in all_of):
        return "storageClasses"
    if _disjoint(each.media_types for each in all_of):
        return "mediaTypes"
    return None


def _known(times: Iterable[datetime | None]) -> list[datetime]:
    return [each for each in times if each is not None]


def _disjoint(choices: Iterable[Sequence[str]]) -> bool:
    given = [set(each) for each in choices if each]
    return bool(given) and not set.intersection(*given)
