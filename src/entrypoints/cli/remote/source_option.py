"""The option --source of a sync."""

from __future__ import annotations

from typing import Final

import typer

from domain.key_source import SourceKind
from domain.views import Json

_SCHEME: Final = "s3://"
_INDEX: Final = "manifest.json"


def source_of(url: str | None, e_tag: str | None) -> Json | None:
    """Return the source in the API's form: an inventory if the file is a manifest.json.

    Raises:
        BadParameter: The URL is not one of a file in S3, or there is an ETag and no URL.
    """
    if url is None:
        if e_tag is not None:
            raise typer.BadParameter("--source-etag needs --source")
        return None
    bucket_name, _, key = url.removeprefix(_SCHEME).partition("/")
    if not url.startswith(_SCHEME) or not bucket_name or not key:
        raise typer.BadParameter(f"--source must be s3://bucket/key, not {url!r}")
    is_index = key.rpartition("/")[2] == _INDEX
    kind = SourceKind.INVENTORY if is_index else SourceKind.MANIFEST
    return {"kind": kind.value, "bucketName": bucket_name, "key": key, "eTag": e_tag}
