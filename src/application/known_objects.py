"""Recognising objects without reading S3, in jobs that rely on the catalog.

In: listed objects. Out: the outcomes of those that the system has exactly as they are listed. The
job's snapshot of the catalog, if it has one, is read first; the catalog is asked for the others.
Ports: `Catalog`, `ResultsStore`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from application.execution.fanout import fan_out
from application.execution.tuning import Tuning
from application.results.snapshot_files import SnapshotReader
from domain.catalog import storage_path
from domain.job import Job
from domain.manifest import ManifestEntry
from domain.outcome import Outcome
from domain.verification import known_as_listed
from ports.catalog import Catalog
from ports.clock import Clock
from ports.errors import NotFound

# DynamoDB reads a hundred items at once; a page of a listing has a thousand objects.
_WINDOW_OBJECT_COUNT: Final = 100
_REQUESTS_IN_FLIGHT: Final = 10


class KnownObjects:
    """Asks the catalog about listed objects."""

    def __init__(
        self, *, catalog: Catalog, snapshots: SnapshotReader, clock: Clock, tuning: Tuning
    ) -> None:
        self._catalog = catalog
        self._snapshots = snapshots
        self._clock = clock
        self._tuning = tuning

    async def among(self, job: Job, entries: Sequence[ManifestEntry]) -> dict[str, Outcome]:
        """Return the outcomes of the known objects, by key; none if the job reads all tags.

        Entries without an ETag are left out: their version is not known.

        Raises:
            Retryable, Misconfigured, AccessDenied, CorruptData: as `Catalog.records_at`, or the
                snapshot cannot be read.
        """
        if not job.request.options.trusts_catalog:
            return {}
        bucket_name = job.request.bucket.name
        asked = [entry for entry in entries if entry.e_tag is not None]
        outcomes = await self._in_snapshot(job, asked)
        asked = [entry for entry in asked if entry.key not in outcomes]

        async def ask(window: Sequence[ManifestEntry]) -> None:
            records = await self._catalog.records_at(bucket_name, [entry.key for entry in window])
            for entry, found in zip(window, records, strict=True):
                outcome = known_as_listed(entry, storage_path(bucket_name, entry.key), found)
                if outcome is not None:
                    outcomes[entry.key] = outcome

        starts = range(0, len(asked), _WINDOW_OBJECT_COUNT)
        windows = (asked[start : start + _WINDOW_OBJECT_COUNT] for start in starts)
        await fan_out(windows, ask, limit=min(len(starts), _REQUESTS_IN_FLIGHT))
        return outcomes

    async def _in_snapshot(self, job: Job, entries: Sequence[ManifestEntry]) -> dict[str, Outcome]:
        """Return the outcomes of the objects that the job's snapshot has as they are listed."""
        now, age_max_s = self._clock.now(), self._tuning.snapshot_age_max_s
        snapshot = job.lookup.trusted(now, age_max_s) if job.lookup is not None else None
        outcomes: dict[str, Outcome] = {}
        if snapshot is None:
            return outcomes
        bucket_name = job.request.bucket.name
        for entry in entries:
            path = storage_path(bucket_name, entry.key)
            try:
                found = await self._snapshots.records(job.job_id, snapshot, path)
            except NotFound:
                # Its files were removed: the catalog itself is asked.
                return outcomes
            # Of several records none is preferred: the catalog is asked.
            outcome = known_as_listed(entry, path, found)
            if outcome is not None:
                outcomes[entry.key] = outcome
        return outcomes
