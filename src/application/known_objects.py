"""Recognising objects without reading S3, in jobs that rely on the catalog.

In: listed objects. Out: the outcomes of those that the system has exactly as they are listed. Port:
`Catalog`.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.catalog import storage_path
from domain.job import Job
from domain.manifest import ManifestEntry
from domain.outcome import Outcome, decided
from domain.verification import known_as_listed
from ports.catalog import Catalog


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
        if not job.options.trusts_catalog:
            return {}
        bucket_name = job.bucket.name
        asked = [entry for entry in entries if entry.e_tag is not None]
        records = await self._catalog.records_at(bucket_name, [entry.key for entry in asked])
        outcomes: dict[str, Outcome] = {}
        for entry, found in zip(asked, records, strict=True):
            verdict = known_as_listed(entry, storage_path(bucket_name, entry.key), found)
            if verdict is not None:
                outcomes[entry.key] = decided(entry.key, verdict)
        return outcomes
