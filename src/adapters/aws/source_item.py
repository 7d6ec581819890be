"""A job's source of keys, within the job's item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.aws.attributes import Value
from domain.key_source import NOTHING_LEFT_OUT, KeySource, SourceCounts, SourceKind


def source_values(source: KeySource | None) -> dict[str, Value | None] | None:
    """Return the source as a map of a job's item."""
    if source is None:
        return None
    return {
        "kind": source.kind,
        "bucketName": source.bucket_name,
        "key": source.key,
        "eTag": source.e_tag,
    }


def to_source(values: Mapping[str, Any] | None) -> KeySource | None:
    """Return the source of such a map."""
    if values is None:
        return None
    return KeySource(
        kind=SourceKind(values["kind"]),
        bucket_name=values["bucketName"],
        key=values["key"],
        e_tag=values.get("eTag"),
    )


def source_count_values(counts: SourceCounts) -> dict[str, Value | None] | None:
    """Return the counts as a map; None if nothing was left out, as without a source."""
    if counts == NOTHING_LEFT_OUT:
        return None
    return {
        "outside": counts.outside,
        "notCurrent": counts.not_current,
        "repeated": counts.repeated,
    }


def to_source_counts(values: Mapping[str, Any] | None) -> SourceCounts:
    """Return the counts of such a map."""
    if values is None:
        return NOTHING_LEFT_OUT
    return SourceCounts(
        outside=values["outside"], not_current=values["notCurrent"], repeated=values["repeated"]
    )
