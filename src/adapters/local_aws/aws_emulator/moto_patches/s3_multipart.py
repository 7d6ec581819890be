"""Uploads in parts that give the object all that it was begun with, and keep their guard.

S3 API Reference, "CreateMultipartUpload": bucket key, website redirect and object lock are told
there and are the finished object's; its ACL is private unless told. "CompleteMultipartUpload":
with If-Match it completes only over an object with that entity tag, else 412, or 404 if there is
none, and answers with a version only where there are versions. There and in "UploadPartCopy", an
upload that was ended is NoSuchUpload (all checked 2026-11). moto forgets the first, leaves the ACL
empty, reads only If-None-Match, always answers with a version, fails over an unknown upload, and
answers a missing source without a document.
"""

from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import MissingKey, NoSuchUpload, PreconditionFailed
from moto.s3.models import get_canned_acl
from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import replace

_TOLD = "_asset_sync_told"


def mend() -> None:
    """Remember what an upload was begun with, and guard its end."""
    replace(S3Response, "_key_response_post", _remembering)
    replace(S3Response, "upload_part_copy", _knowing_the_upload)


def _knowing_the_upload(unmended: Callable[..., Any]) -> Callable[..., Any]:
    def upload_part_copy(self: S3Response) -> Any:
        upload_id = self.querystring["uploadId"][0]
        if upload_id not in self.backend.get_bucket(self.bucket_name).multiparts:
            raise NoSuchUpload(upload_id=upload_id)
        answer = unmended(self)
        if answer[0] == 404:
            raise MissingKey(key=self.headers["x-amz-copy-source"])
        return answer

    return upload_part_copy


def _remembering(unmended: Callable[..., Any]) -> Callable[..., Any]:
    def key_response_post(
        self: S3Response, request: Any, body: bytes, bucket_name: str, query: Any, key_name: str
    ) -> Any:
        uploads: dict[str, Any] = self.backend.get_bucket(bucket_name).multiparts
        ended_id = query.get("uploadId", [""])[0]
        ending = uploads.get(ended_id)
        if ending is not None:
            _check_guard(self, key_name)
        elif ended_id:
            raise NoSuchUpload(upload_id=ended_id)
        answer = unmended(self, request, body, bucket_name, query, key_name)
        if "uploads" in query:
            begun = list(uploads.values())[-1]
            setattr(begun, _TOLD, _told(self))
            begun.acl = begun.acl or get_canned_acl("private")
        elif ending is not None and ending.id not in uploads:
            finished = self.backend.get_object(bucket_name, key_name)
            vars(finished).update(getattr(ending, _TOLD, {}))
            if not self.backend.get_bucket(bucket_name).is_versioned:
                answer[1].pop("x-amz-version-id", None)
        return answer

    return key_response_post


def _told(response: S3Response) -> dict[str, Any]:
    bucket = response.backend.get_bucket(response.bucket_name)
    hold, mode, until = response._get_lock_details(  # noqa: SLF001  # what moto does for a put
        bucket, bucket.object_lock_enabled
    )
    told: dict[str, Any] = {
        "lock_legal_status": hold,
        "lock_mode": mode,
        "lock_until": until,
        "website_redirect_location": response.headers.get("x-amz-website-redirect-location"),
    }
    bucket_key = response.headers.get("x-amz-server-side-encryption-bucket-key-enabled")
    # Otherwise it is the bucket's default, which moto applies.
    return told if bucket_key is None else told | {"bucket_key_enabled": bucket_key.lower()}


def _check_guard(response: S3Response, key_name: str) -> None:
    expected = response.headers.get("If-Match")
    if expected is None:
        return
    found = response.backend.get_object(response.bucket_name, key_name)
    if found is None:
        raise MissingKey(key=key_name)
    if expected.strip('"') != found.etag.strip('"'):
        raise PreconditionFailed(failed_condition="If-Match")
