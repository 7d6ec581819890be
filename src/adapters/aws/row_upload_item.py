"""The upload of a file of rows, as attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.aws.attributes import Value
from domain.listing import RowUpload


def upload_values(upload: RowUpload) -> dict[str, Value | None]:
    """Return the attributes of an upload."""
    return {
        "uploadId": upload.upload_id,
        "partETags": upload.part_e_tags,
        "restKey": upload.rest_key,
    }


def to_upload(values: Mapping[str, Any]) -> RowUpload:
    """Return the upload of these attributes; others are not read."""
    return RowUpload(
        upload_id=values.get("uploadId"),
        part_e_tags=tuple(values["partETags"]),
        rest_key=values.get("restKey"),
    )
