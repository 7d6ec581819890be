"""Filters as an attribute of connectors and jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.aws.attributes import Value, to_optional_timestamp
from domain.filters import Filters, MediaType, StorageClass


def filters_values(filters: Filters) -> dict[str, Value | None] | None:
    """Return the attribute, None if there are no filters."""
    if not filters.given:
        return None
    return {
        "include": filters.include,
        "exclude": filters.exclude,
        "minSizeBytes": filters.size_min,
        "maxSizeBytes": filters.size_max,
        "modifiedSince": filters.modified_since,
        "modifiedBefore": filters.modified_before,
        "minAgeSeconds": filters.age_min_s,
        "storageClasses": filters.storage_classes,
        "mediaTypes": filters.media_types,
    }


def to_filters(values: Mapping[str, Any] | None) -> Filters:
    """Return the filters of the attribute; an item of an earlier version has none."""
    if values is None:
        return Filters()
    return Filters(
        include=tuple(values["include"]),
        exclude=tuple(values["exclude"]),
        size_min=values.get("minSizeBytes"),
        size_max=values.get("maxSizeBytes"),
        modified_since=to_optional_timestamp(values.get("modifiedSince")),
        modified_before=to_optional_timestamp(values.get("modifiedBefore")),
        age_min_s=values.get("minAgeSeconds"),
        storage_classes=tuple(map(StorageClass, values["storageClasses"])),
        media_types=tuple(map(MediaType, values["mediaTypes"])),
    )
