"""Which listed objects enter the manifest: no folder markers, and what the filters select."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.filters import Filters
from domain.glob import Glob
from domain.job import Job
from domain.manifest import ManifestEntry


@dataclass(frozen=True, slots=True)
class Selection:
    """The filter of one job, applied to each listed object.

    The time of a multipart upload is that of its creation (S3 User Guide, "Working with object
    metadata"), and listings show it after its completion. So an object that is older than
    `modified_since`, by up to `margin`, counts as modified since: it may have been completed later.
    """

    include: tuple[Glob, ...]
    exclude: tuple[Glob, ...]
    modified_since: datetime | None
    margin: timedelta = timedelta(0)

    @classmethod
    def of(
        cls,
        include: Iterable[str],
        exclude: Iterable[str],
        modified_since: datetime | None,
        margin: timedelta = timedelta(0),
    ) -> Selection:
        """Compile the patterns of a job's options."""
        return cls(
            tuple(Glob.compile(p) for p in include),
            tuple(Glob.compile(p) for p in exclude),
            modified_since,
            margin,
        )

    def selects(self, entry: ManifestEntry) -> bool:
        """Return whether the object enters the manifest; exclude wins over include."""
        if is_folder_marker(entry):
            return False
        if self.modified_since is not None and (
            entry.last_modified is None or self.modified_since - entry.last_modified > self.margin
        ):
            return False
        if self.include and not any(glob.matches(entry.key) for glob in self.include):
            return False
        return not any(glob.matches(entry.key) for glob in self.exclude)


@dataclass(frozen=True, slots=True)
class JobSelection:
    """All that a job selects by: its options, and the filters of its connector and of its own."""

    options: Selection
    filters: tuple[Filters, ...]
    started_at: datetime

    def selects(self, entry: ManifestEntry) -> bool:
        """Return whether the object enters the manifest."""
        return self.options.selects(entry) and all(
            each.selects(entry, started_at=self.started_at, margin=self.options.margin)
            for each in self.filters
        )


def selection_of(job: Job, margin: timedelta) -> JobSelection:
    """Return what a job selects."""
    options = job.request.options
    given = (job.request.filters, options.filters)
    return JobSelection(
        Selection.of(options.include, options.exclude, options.modified_since, margin),
        tuple(each for each in given if each.given),
        job.times.created_at,
    )


def is_folder_marker(entry: ManifestEntry) -> bool:
    """Return whether this is the empty object with which consoles represent a folder.

    Where the size is unknown, as in a manifest, the name alone decides.
    """
    return not entry.size_bytes and entry.key.endswith("/")
