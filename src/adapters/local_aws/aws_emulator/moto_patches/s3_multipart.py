"""Multipart uploads: parameters of the create request, and conditions of the complete request.

S3 API Reference, "CreateMultipartUpload": bucket key, website redirect and object lock are
specified there and apply to the completed object; its ACL is private by default.
"CompleteMultipartUpload": with If-Match it fails with 412 unless the existing object has that ETag,
or with 404 if there is none, and returns a version only in a versioned bucket. There and in
"UploadPartCopy", an upload that was completed or aborted is NoSuchUpload (all checked 2026-11).
moto ignores the first, leaves the ACL empty, reads only If-None-Match, always returns a version,
raises for an unknown upload, and responds to a missing source without a document.
"""

from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import MissingKey, NoSuchUpload
from moto.s3.models import get_canned_acl
from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import patch
from adapters.local_aws.aws_emulator.moto_patches.s3_conditions import check_if_match

_CREATE_PARAMS = "_asset_sync_create_params"


def apply() -> None:
    """Apply the parameters of the create request, and check the conditions at completion."""
    patch(S3Response, "_key_response_post", _with_create_params)
    patch(S3Response, "upload_part_copy", _checking_the_upload)


def _checking_the_upload(original: Callable[..., Any]) -> Callable[..., Any]:
    def upload_part_copy(self: S3Response) -> Any:
        upload_id = self.querystring["uploadId"][0]
        if upload_id not in self.backend.get_bucket(self.bucket_name).multiparts:
            raise NoSuchUpload(upload_id=upload_id)
        result = original(self)
        if result[0] == 404:
            raise MissingKey(key=self.headers["x-amz-copy-source"])
        return result

    return upload_part_copy


def _with_create_params(original: Callable[..., Any]) -> Callable[..., Any]:
    def key_response_post(
        self: S3Response, request: Any, body: bytes, bucket_name: str, query: Any, key_name: str
    ) -> Any:
        uploads: dict[str, Any] = self.backend.get_bucket(bucket_name).multiparts
        upload_id = query.get("uploadId", [""])[0]
        upload = uploads.get(upload_id)
        if upload is not None:
            check_if_match(self, key_name)
        elif upload_id:
            raise NoSuchUpload(upload_id=upload_id)
        result = original(self, request, body, bucket_name, query, key_name)
        if "uploads" in query:
            created = list(uploads.values())[-1]
            setattr(created, _CREATE_PARAMS, _create_params(self))
            created.acl = created.acl or get_canned_acl("private")
        elif upload is not None and upload.id not in uploads:
            completed = self.backend.get_object(bucket_name, key_name)
            vars(completed).update(getattr(upload, _CREATE_PARAMS, {}))
            if not self.backend.get_bucket(bucket_name).is_versioned:
                result[1].pop("x-amz-version-id", None)
        return result

    return key_response_post


def _create_params(response: S3Response) -> dict[str, Any]:
    bucket = response.backend.get_bucket(response.bucket_name)
    hold, mode, until = response._get_lock_details(  # noqa: SLF001  # as moto does for PutObject
        bucket, bucket.object_lock_enabled
    )
    params: dict[str, Any] = {
        "lock_legal_status": hold,
        "lock_mode": mode,
        "lock_until": until,
        "website_redirect_location": response.headers.get("x-amz-website-redirect-location"),
    }
    bucket_key = response.headers.get("x-amz-server-side-encryption-bucket-key-enabled")
    # Otherwise moto applies the bucket's default.
    return params if bucket_key is None else params | {"bucket_key_enabled": bucket_key.lower()}
