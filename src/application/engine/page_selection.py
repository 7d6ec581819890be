"""Which objects of a listed page a job takes, and how they are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from application.execution.tuning import Tuning
from domain.file_types import Taken
from domain.job import Job
from domain.listing import Listing
from domain.manifest import ManifestEntry
from domain.profile import Profile
from domain.selection import selection_of


class PageSelection:
    """The selection of one job."""

    def __init__(self, job: Job, profile: Profile, tuning: Tuning) -> None:
        margin = timedelta(seconds=tuning.modified_since_margin_s)
        self._selection = selection_of(job, margin)
        self._file_filter = job.request.ingest.file_filter
        self._profile = profile

    def take(
        self, at: Listing, entries: Sequence[ManifestEntry]
    ) -> tuple[Listing, list[ManifestEntry]]:
        """Return the progress with the counts of these entries, and those that are selected."""
        chosen = [entry for entry in entries if self._selection.selects(entry)]
        selected = [entry for entry in chosen if self._may_be_taken(entry)]
        counted = replace(
            at,
            objects_listed=at.objects_listed + len(selected),
            objects_filtered=at.objects_filtered + len(entries) - len(chosen),
            objects_not_media=at.objects_not_media + len(chosen) - len(selected),
            bytes_listed=at.bytes_listed + sum(e.size_bytes or 0 for e in selected),
        )
        return counted, selected

    def _may_be_taken(self, entry: ManifestEntry) -> bool:
        """Return whether the system may ingest the object; a listing has no content type."""
        return self._profile.takes(entry.key, None, self._file_filter) is not Taken.NO
