"""Copies that keep their guards.

S3 API Reference, "CopyObject" and "UploadPartCopy": `x-amz-copy-source-if-match` copies only if
the source's entity tag matches, else 412 PreconditionFailed (checked 2026-11). moto reads only
if-none-match. S3 User Guide, "Categorizing your objects using tags": at most 10 tags per object
(hard limit); AWS refuses the copy, moto copies first and refuses then.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from moto.s3.exceptions import InvalidTagError, PreconditionFailed
from moto.s3.responses import S3Response

from adapters.local.cloud.mends.replacing import replace
from adapters.local.cloud.mends.s3_ownership import check_owner

_TAG_COUNT_MAX: Final = 10


def mend() -> None:
    """Check owner, guard and tags before moto copies anything."""
    for name in ("copy_object", "upload_part_copy"):
        replace(S3Response, name, _guarded)


def _guarded(copy: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: S3Response) -> Any:
        _check_source(self)
        if self.headers.get("x-amz-tagging-directive") == "REPLACE":
            _check_tags(self.headers.get("x-amz-tagging", ""))
        return copy(self)

    return guarded


def _check_source(response: S3Response) -> None:
    source = urlsplit(response.headers["x-amz-copy-source"])
    bucket, key = unquote(source.path).lstrip("/").split("/", 1)
    check_owner(response, bucket, "x-amz-source-expected-bucket-owner")
    expected = response.headers.get("x-amz-copy-source-if-match")
    if expected is None:
        return
    version_id = parse_qs(source.query).get("versionId", [None])[0]
    found = response.backend.get_object(bucket, key, version_id=version_id)
    # A missing source is moto's to report, with the error that belongs to it.
    if found is not None and expected.strip('"') != found.etag.strip('"'):
        raise PreconditionFailed(failed_condition="x-amz-copy-source-If-Match")


def _check_tags(header: str) -> None:
    if len(parse_qs(header, keep_blank_values=True)) > _TAG_COUNT_MAX:
        raise InvalidTagError("Object tags cannot be greater than 10")
