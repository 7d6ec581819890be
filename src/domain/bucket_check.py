"""Checks of a bucket's configuration: whether a sync works there, and what it costs the owner."""

from __future__ import annotations

from typing import Final

from domain.connector import BucketInfo, Trigger
from domain.discovery import Discovery
from domain.errors import UnsupportedBucket
from domain.job import Job
from domain.listing import Listing

_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


def check_bucket(job: Job, facts: BucketInfo, *, listed: Listing | None = None) -> tuple[str, ...]:
    """Return the warnings for the bucket's owner, with figures if the bucket is `listed`.

    Raises:
        UnsupportedBucket: A sync cannot work in this bucket.
    """
    name = job.request.bucket.name
    if facts.requester_pays:
        raise UnsupportedBucket(
            f"bucket {name} has Requester Pays turned on: S3 refuses requests that do not"
            " offer to pay, and this service's do not; turn it off, or sync another bucket"
        )
    if facts.other_region is not None and job.request.options.discovery is Discovery.BATCH:
        # S3 User Guide, "Creating an S3 Batch Operations job" (checked 2026-11).
        raise UnsupportedBucket(
            f"bucket {name} is in {facts.other_region}, and S3 Batch Operations works only on"
            " objects in its own Region, which is this service's; start the sync with discovery"
            " 'direct', or deploy the service there"
        )
    if facts.versioned and job.request.ingest.trigger is Trigger.COPY:
        at_most = (
            f", at most {figures(listed.objects_listed, listed.bytes_listed)}" if listed else ""
        )
        warning = (
            f"bucket {name} is versioned: each object that is copied or put leaves a noncurrent"
            f" version behind{at_most}, which is billed until a lifecycle rule expires it; the"
            " connector triggers 'event' and 'queue' leave none"
        )
        return (warning,)
    return ()


def figures(object_count: int, byte_count: int) -> str:
    """Return a number of objects and their size, as text."""
    exact = f"{byte_count:,} bytes"
    human = _human(byte_count)
    objects = f"{object_count:,} object{'' if object_count == 1 else 's'}"
    return f"{objects} and {exact if human is None else f'{human} ({exact})'}"


def _human(byte_count: int) -> str | None:
    """Return a number of bytes in its largest decimal unit, None if it is below 1 kB."""
    if byte_count < 1000:
        return None
    exponent = 1
    # Compare the rounded number: 999,999 bytes are shown as 1.0 MB.
    while round(byte_count / 1000**exponent, 1) >= 1000 and exponent < len(_UNITS) - 1:
        exponent += 1
    return f"{byte_count / 1000**exponent:.1f} {_UNITS[exponent]}"
