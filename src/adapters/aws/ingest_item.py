"""How a connector's objects are ingested, as attributes of connectors and jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.aws.attributes import Value
from domain.connector import IdSource, Ingest, Trigger
from domain.file_types import FileFilter, FilterMode


def ingest_values(ingest: Ingest) -> dict[str, Value | None]:
    """Return the attributes; they are at the top level of the item."""
    return {
        "trigger": ingest.trigger,
        "ids": ingest.ids,
        "restoreTags": ingest.restore_tags,
        "ingestQueueUrl": ingest.queue_url,
        "fileFilter": _filter_values(ingest.file_filter),
    }


def to_ingest(values: Mapping[str, Any]) -> Ingest:
    """Return the value of the attributes; an item of version 0.1 has only a trigger."""
    return Ingest(
        trigger=Trigger(values["trigger"]),
        ids=IdSource(values.get("ids", IdSource.MINTED)),
        restore_tags=values.get("restoreTags", True),
        queue_url=values.get("ingestQueueUrl"),
        file_filter=_to_filter(values.get("fileFilter")),
    )


def _filter_values(file_filter: FileFilter | None) -> dict[str, Value | None] | None:
    if file_filter is None:
        return None
    return {
        "mode": file_filter.mode,
        "extensions": file_filter.extensions,
        "mimeTypes": file_filter.mime_types,
    }


def _to_filter(values: Mapping[str, Any] | None) -> FileFilter | None:
    if values is None:
        return None
    return FileFilter(
        mode=FilterMode(values["mode"]),
        extensions=tuple(values["extensions"]),
        mime_types=tuple(values["mimeTypes"]),
    )
