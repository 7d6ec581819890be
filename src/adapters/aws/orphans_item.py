"""A job's search for orphans, as an attribute of its item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from adapters.aws.attempts_item import attempts_values, to_attempts
from adapters.aws.attributes import Value, to_timestamp
from adapters.aws.lease_item import lease_values, to_lease
from adapters.aws.row_upload_item import to_upload, upload_values
from domain.orphan_work import OrphanCounts, OrphanStatus, OrphanWork
from domain.snapshot import Segment
from domain.sorted_run import Run

Values = dict[str, Value | None]


def orphans_values(work: OrphanWork | None) -> Values | None:
    """Return the attribute of a search, None if none was asked for."""
    if work is None:
        return None
    counts = work.counts
    return {
        "requestedAt": work.requested_at,
        "number": work.number,
        "status": work.status,
        "reason": work.reason,
        "indexNumber": work.index_number,
        "segments": [{"cursor": each.cursor, "done": each.done} for each in work.segments],
        "runs": [[each.name, each.size_bytes, each.merged_bytes] for each in work.runs],
        "after": work.after,
        "position": work.position,
        "counts": {each.name: getattr(counts, each.name) for each in fields(OrphanCounts)},
        "unlisted": upload_values(work.unlisted),
        "report": upload_values(work.report),
        "lease": lease_values(work.lease),
        **attempts_values(work.attempts),
    }


def to_orphans(values: Mapping[str, Any] | None) -> OrphanWork | None:
    """Return the search of the attribute."""
    if values is None:
        return None
    return OrphanWork(
        requested_at=to_timestamp(values["requestedAt"]),
        number=values["number"],
        status=OrphanStatus(values["status"]),
        reason=values.get("reason"),
        index_number=values.get("indexNumber"),
        segments=tuple(
            Segment(cursor=each.get("cursor"), done=each["done"]) for each in values["segments"]
        ),
        runs=tuple(
            Run(name=name, size_bytes=size, merged_bytes=merged)
            for name, size, merged in values["runs"]
        ),
        after=values.get("after"),
        position=values["position"],
        counts=OrphanCounts(**values["counts"]),
        unlisted=to_upload(values["unlisted"]),
        report=to_upload(values["report"]),
        lease=to_lease(values.get("lease")),
        attempts=to_attempts(values),
    )
