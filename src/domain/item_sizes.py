"""What one record may hold, so that it stays below the 400 KB of a DynamoDB item.

DynamoDB Developer Guide, "Quotas": an item has at most 400 KB, names included; text counts in bytes
of UTF-8, an element of a list one more ("DynamoDB item sizes and formats"; read in 2026-11). A
job's record holds its options, the ETags of its manifest's parts (5,000 of 33 bytes), its listing's
ranges, and some more kilobytes: its limits, and what it waits for, are 9 KB at most. A connector's
record holds those options that belong to the connector. A bucket's guard holds the prefixes of all
active jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from domain.connector import Ingest
from domain.errors import FieldIssue, ManifestTooLarge
from domain.filters import NO_FILTERS, Filters
from domain.sync_request import SyncOptions

JOB_OPTIONS_BYTES_MAX: Final = 190_000
CONNECTOR_BYTES_MAX: Final = 150_000
ACTIVE_PREFIX_BYTES_MAX: Final = 390_000
MANIFEST_PART_COUNT_MAX: Final = 5_000

# The id of the job in a guard, and the overhead of a list.
_ACTIVE_JOB_BYTES: Final = 100
_PARTS_PER_SIZE: Final = 1_000
_SIZE_DOUBLINGS_MAX: Final = 4


def option_issues(
    options: SyncOptions, ingest: Ingest, filters: Filters = NO_FILTERS
) -> list[FieldIssue]:
    """Return errors in the size of a job's options, its connector's filter included."""
    texts = (*options.prefixes, *options.include, *options.exclude)
    globs = sum(map(_glob_bytes, (options.filters, filters)))
    names = "prefixes, include, exclude, filters and the connector's filters and fileFilter"
    return _faults(names, _bytes(texts) + globs + _filter_bytes(ingest), JOB_OPTIONS_BYTES_MAX)


def connector_issues(
    prefixes: Sequence[str], ingest: Ingest, filters: Filters = NO_FILTERS
) -> list[FieldIssue]:
    """Return errors in the size of a connector."""
    size_bytes = _bytes(prefixes) + _filter_bytes(ingest) + _glob_bytes(filters)
    return _faults("prefixes, filters and fileFilter", size_bytes, CONNECTOR_BYTES_MAX)


def active_prefix_bytes(active: Iterable[Sequence[str]]) -> int:
    """Return the size of a bucket's guard for the prefixes of its active jobs."""
    return sum(_ACTIVE_JOB_BYTES + _bytes(prefixes) for prefixes in active)


def part_bytes(first_bytes: int, part_count: int) -> int:
    """Return the size of a manifest's next part, after `part_count` parts.

    Parts double in size after each thousand, up to 16 times, so that 5,000 of them make a manifest
    of 31,000 times `first_bytes`.

    Raises:
        ManifestTooLarge: There are as many parts as a record can hold.
    """
    if part_count >= MANIFEST_PART_COUNT_MAX:
        raise ManifestTooLarge(
            f"the manifest has {part_count} parts, as many as a job's record can hold; sync fewer"
            " objects at once, by prefixes"
        )
    return first_bytes << min(part_count // _PARTS_PER_SIZE, _SIZE_DOUBLINGS_MAX)


def _bytes(texts: Iterable[str]) -> int:
    return sum(1 + len(text.encode("utf-8", "surrogatepass")) for text in texts)


def _glob_bytes(filters: Filters) -> int:
    return _bytes((*filters.include, *filters.exclude))


def _filter_bytes(ingest: Ingest) -> int:
    named = ingest.file_filter
    return 0 if named is None else _bytes((*named.extensions, *named.mime_types))


def _faults(names: str, size_bytes: int, bytes_max: int) -> list[FieldIssue]:
    if size_bytes <= bytes_max:
        return []
    message = f"is too large: {names} have {size_bytes:,} bytes, and {bytes_max:,} are allowed"
    return [FieldIssue(path="body", message=message)]
