"""Bucket ownership: no ACLs on a new bucket, no access for other accounts.

S3 User Guide, "Controlling ownership of objects and disabling ACLs for your bucket": every new
bucket has Object Ownership set to BucketOwnerEnforced, under which a request that sets any ACL but
bucket-owner-full-control fails with AccessControlListNotSupported. S3 User Guide, "Verifying bucket
ownership with bucket owner condition": a request that expects another owner than the bucket has
fails with 403 Access Denied. S3 User Guide, "Identity and Access Management for Amazon S3": only
the account that created a bucket has access to it unless it grants more (checked 2026-11). moto has
no setting on a new bucket, accepts any ACL, ignores the expected owner, and grants every account
access. Bucket policies that grant another account access are not evaluated: use a role of the
owner's account.
"""

import os
from collections.abc import Callable
from typing import Any, Final

from moto.s3.exceptions import S3AccessDeniedError, S3ClientError
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import patch

_ENFORCED: Final = "BucketOwnerEnforced"
_ALLOWED_ACL: Final = "bucket-owner-full-control"


def apply() -> None:
    """Give new buckets the default of AWS, and check owner and ACL before anything else."""
    os.environ["MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS"] = "false"
    patch(FakeBucket, "__init__", _owner_enforced)
    patch(S3Response, "_authenticate_and_authorize_s3_action", _checked)


def check_owner(response: S3Response, bucket_name: str, header: str) -> None:
    """Deny the request if `header` expects another owner than the bucket has."""
    expected = response.headers.get(header)
    if expected is None:
        return
    if response.backend.get_bucket(bucket_name).account_id != expected:
        raise S3AccessDeniedError


def _owner_enforced(initialize: Callable[..., Any]) -> Callable[..., Any]:
    def owner_enforced(self: Any, *arguments: Any, **named: Any) -> None:
        initialize(self, *arguments, **named)
        # A setting of the create request is applied after this.
        self.ownership_rule = _ENFORCED

    return owner_enforced


def _checked(authorize: Callable[..., Any]) -> Callable[..., Any]:
    def authorize_checked(self: S3Response, *arguments: Any, **named: Any) -> Any:
        bucket_name = named.get("bucket_name") or self.bucket_name
        check_owner(self, bucket_name, "x-amz-expected-bucket-owner")
        if named.get("key_name") and self.method in ("PUT", "POST"):
            _check_acl(self, bucket_name)
        return authorize(self, *arguments, **named)

    return authorize_checked


def _check_acl(response: S3Response, bucket_name: str) -> None:
    canned = response.headers.get("x-amz-acl", _ALLOWED_ACL)
    grants = any(name.lower().startswith("x-amz-grant-") for name, _ in response.headers.items())
    if canned == _ALLOWED_ACL and not grants:
        return
    ownership: Any = response.backend.get_bucket(bucket_name).ownership_rule
    if ownership == _ENFORCED:
        raise S3ClientError("AccessControlListNotSupported", "The bucket does not allow ACLs")
