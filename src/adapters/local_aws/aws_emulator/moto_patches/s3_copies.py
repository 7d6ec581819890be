"""Conditional copies, and what a copy does not take over.

S3 API Reference, "CopyObject" and "UploadPartCopy": with `x-amz-copy-source-if-match` the copy
fails with 412 PreconditionFailed unless the source's ETag matches, and CopyObject evaluates
If-Match for the object that it replaces; moto reads only if-none-match. S3 User Guide,
"Categorizing your objects using tags": at most 10 tags per object (hard limit); AWS rejects the
copy, moto copies first and then fails. CopyObject has no parameter for a Content-MD5, which only an
upload under object lock needs ("PutObject"), and does not copy the website redirect; moto requires
the first for a copy, and copies the second as if it were metadata. All checked 2026-11.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from moto.s3.exceptions import InvalidTagError, PreconditionFailed
from moto.s3.models import FakeKey
from moto.s3.responses import S3Response
from werkzeug.datastructures import Headers

from adapters.local_aws.aws_emulator.moto_patches.patching import patch
from adapters.local_aws.aws_emulator.moto_patches.s3_conditions import check_if_match
from adapters.local_aws.aws_emulator.moto_patches.s3_ownership import check_owner

_TAG_COUNT_MAX: Final = 10


def apply() -> None:
    """Check owner, conditions and tags before moto copies anything."""
    for name in ("copy_object", "upload_part_copy"):
        patch(S3Response, name, _conditional)
    patch(S3Response, "_key_response_put", _without_digest)
    patch(FakeKey, "set_metadata", _without_redirect)


def _without_digest(put: Callable[..., Any]) -> Callable[..., Any]:
    def key_response_put(self: S3Response, *arguments: Any) -> Any:
        if "x-amz-copy-source" in self.headers:
            # moto accepts this instead, and does not evaluate it.
            self.headers = Headers(self.headers)
            self.headers["x-amz-sdk-checksum-algorithm"] = "CRC32"
        return put(self, *arguments)

    return key_response_put


def _without_redirect(set_metadata: Callable[..., Any]) -> Callable[..., Any]:
    def set_metadata_only(self: Any, metadata: Any, *arguments: Any, **named: Any) -> None:
        # moto stores it in an attribute of its own.
        set_metadata(self, metadata, *arguments, **named)
        self.metadata.pop("x-amz-website-redirect-location", None)

    return set_metadata_only


def _conditional(copy: Callable[..., Any]) -> Callable[..., Any]:
    def conditional_copy(self: S3Response) -> Any:
        _check_source(self)
        check_if_match(self, self.parse_key_name())
        if self.headers.get("x-amz-tagging-directive") == "REPLACE":
            _check_tags(self.headers.get("x-amz-tagging", ""))
        return copy(self)

    return conditional_copy


def _check_source(response: S3Response) -> None:
    source = urlsplit(response.headers["x-amz-copy-source"])
    bucket, key = unquote(source.path).lstrip("/").split("/", 1)
    check_owner(response, bucket, "x-amz-source-expected-bucket-owner")
    expected = response.headers.get("x-amz-copy-source-if-match")
    if expected is None:
        return
    version_id = parse_qs(source.query).get("versionId", [None])[0]
    found = response.backend.get_object(bucket, key, version_id=version_id)
    # moto itself reports a missing source.
    if found is not None and expected.strip('"') != found.etag.strip('"'):
        raise PreconditionFailed(failed_condition="x-amz-copy-source-If-Match")


def _check_tags(header: str) -> None:
    if len(parse_qs(header, keep_blank_values=True)) > _TAG_COUNT_MAX:
        raise InvalidTagError("Object tags cannot be greater than 10")
