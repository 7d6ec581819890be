"""Copies that keep their guards.

S3 API Reference, "CopyObject" and "UploadPartCopy": `x-amz-copy-source-if-match` copies only if
the source's entity tag matches, else 412 PreconditionFailed, and CopyObject heeds If-Match for what
it replaces; moto reads only if-none-match. S3 User Guide, "Categorizing your objects using tags":
at most 10 tags per object (hard limit); AWS refuses the copy, moto copies first and refuses then.
CopyObject has no parameter for a Content-MD5, which only an upload under object lock needs
("PutObject"), and does not copy the website redirect; moto asks a copy for the one, and copies the
other as if it were metadata. All checked 2026-11.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from moto.s3.exceptions import InvalidTagError, MissingKey, PreconditionFailed
from moto.s3.models import FakeKey
from moto.s3.responses import S3Response
from werkzeug.datastructures import Headers

from adapters.local_aws.aws_emulator.moto_patches.patching import replace
from adapters.local_aws.aws_emulator.moto_patches.s3_ownership import check_owner

_TAG_COUNT_MAX: Final = 10


def mend() -> None:
    """Check owner, guard and tags before moto copies anything."""
    for name in ("copy_object", "upload_part_copy"):
        replace(S3Response, name, _guarded)
    replace(S3Response, "_key_response_put", _without_digest)
    replace(FakeKey, "set_metadata", _without_redirect)


def _without_digest(put: Callable[..., Any]) -> Callable[..., Any]:
    def key_response_put(self: S3Response, *arguments: Any) -> Any:
        if "x-amz-copy-source" in self.headers:
            # What moto would rather have; it does not look at it any further.
            self.headers = Headers(self.headers)
            self.headers["x-amz-sdk-checksum-algorithm"] = "CRC32"
        return put(self, *arguments)

    return key_response_put


def _without_redirect(set_metadata: Callable[..., Any]) -> Callable[..., Any]:
    def set_metadata_only(self: Any, metadata: Any, *arguments: Any, **named: Any) -> None:
        # An object has it as an attribute of its own.
        set_metadata(self, metadata, *arguments, **named)
        self.metadata.pop("x-amz-website-redirect-location", None)

    return set_metadata_only


def _guarded(copy: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: S3Response) -> Any:
        _check_source(self)
        _check_target(self)
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


def _check_target(response: S3Response) -> None:
    expected = response.headers.get("If-Match")
    if expected is None:
        return
    found = response.backend.get_object(response.bucket_name, response.parse_key_name())
    if found is None:
        raise MissingKey(key=response.parse_key_name())
    if expected.strip('"') != found.etag.strip('"'):
        raise PreconditionFailed(failed_condition="If-Match")


def _check_tags(header: str) -> None:
    if len(parse_qs(header, keep_blank_values=True)) > _TAG_COUNT_MAX:
        raise InvalidTagError("Object tags cannot be greater than 10")
