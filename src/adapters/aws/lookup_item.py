"""The stored form of how a job compares its objects with the catalog, and of its snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.aws.attributes import Value, to_timestamp
from domain.snapshot import Lookup, Segment, Snapshot, Way


def lookup_values(lookup: Lookup | None) -> dict[str, Value | None] | None:
    """Return the attribute, None if nothing was chosen."""
    if lookup is None:
        return None
    return {
        "way": lookup.way,
        "reason": lookup.reason,
        "lookupsDollars": _text(lookup.lookups_dollars),
        "snapshotDollars": _text(lookup.snapshot_dollars),
        "catalogBytes": lookup.catalog_bytes,
        "warning": lookup.warning,
        "snapshot": _snapshot_values(lookup.snapshot),
    }


def to_lookup(values: Mapping[str, Any] | None) -> Lookup | None:
    """Return the lookup of the attribute; jobs of earlier versions have none."""
    if values is None:
        return None
    return Lookup(
        way=Way(values["way"]),
        reason=values["reason"],
        lookups_dollars=_dollars(values.get("lookupsDollars")),
        snapshot_dollars=_dollars(values.get("snapshotDollars")),
        catalog_bytes=values.get("catalogBytes"),
        warning=values.get("warning"),
        snapshot=_to_snapshot(values.get("snapshot")),
    )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _dollars(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _snapshot_values(snapshot: Snapshot | None) -> dict[str, Value | None] | None:
    if snapshot is None:
        return None
    return {
        "beganAt": snapshot.began_at,
        "segments": [{"cursor": each.cursor, "done": each.done} for each in snapshot.segments],
        "runs": snapshot.runs,
        "boundsKey": snapshot.bounds_key,
        "partitionCount": snapshot.partition_count,
        "partitionsDone": snapshot.partitions_done,
        "ready": snapshot.ready,
        "recordCount": snapshot.record_count,
    }


def _to_snapshot(values: Mapping[str, Any] | None) -> Snapshot | None:
    if values is None:
        return None
    return Snapshot(
        began_at=to_timestamp(values["beganAt"]),
        segments=tuple(
            Segment(cursor=each.get("cursor"), done=each["done"]) for each in values["segments"]
        ),
        runs=tuple(values["runs"]),
        bounds_key=values.get("boundsKey"),
        partition_count=values["partitionCount"],
        partitions_done=values["partitionsDone"],
        ready=values["ready"],
        record_count=values["recordCount"],
    )
