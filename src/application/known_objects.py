"""Recognising objects without reading S3, in jobs that rely on the catalog.

In: listed objects. Out: the outcomes of those that the system has exactly as they are listed. Port:
`Catalog`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from application.execution.fanout import fan_out
from domain.catalog import storage_path
from domain.job import Job
from domain.manifest import ManifestEntry
from domain.outcome import Outcome
from domain.verification import known_as_listed
from ports.catalog import Catalog

# DynamoDB reads a hundred items at once; a page of a listing has a thousand objects.
_WINDOW_OBJECT_COUNT: Final = 100
_REQUESTS_IN_FLIGHT: Final = 10


class KnownObjects:
    """Asks the catalog about listed objects."""

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    async def among(self, job: Job, entries: Sequence[ManifestEntry]) -> dict[str, Outcome]:
        """Return the outcomes of the known objects, by key; none if the job reads all tags.

        Entries without an ETag are left out: their version is not known.

        Raises:
            Retryable, Misconfigured, AccessDenied, CorruptData: as `Catalog.records_at`.
        """
        if not job.request.options.trusts_catalog:
            return {}
        bucket_name = job.request.bucket.name
        asked = [entry for entry in entries if entry.e_tag is not None]
        outcomes: dict[str, Outcome] = {}

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
