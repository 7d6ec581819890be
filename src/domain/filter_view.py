"""The JSON form of filters: one shape for the API and the CLI."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.filters import Filters
from domain.manifest import format_timestamp


def filters_view(filters: Filters) -> dict[str, Any]:
    """Return the filters in the API's form."""
    return {
        "include": list(filters.include),
        "exclude": list(filters.exclude),
        "minSizeBytes": filters.size_min,
        "maxSizeBytes": filters.size_max,
        "modifiedSince": _time(filters.modified_since),
        "modifiedBefore": _time(filters.modified_before),
        "minAgeSeconds": filters.age_min_s,
        "storageClasses": [each.value for each in filters.storage_classes],
        "mediaTypes": [each.value for each in filters.media_types],
    }


def _time(time: datetime | None) -> str | None:
    return None if time is None else format_timestamp(time)
