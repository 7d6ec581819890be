"""Reading the lock of an object version, and setting a bucket's default at any time.

S3 API Reference, "GetObjectRetention" and "GetObjectLegalHold": each returns what was set, or
NoSuchObjectLockConfiguration ("List of error codes") if nothing was set.
"PutObjectLockConfiguration" works for new and existing buckets (all checked 2026-11). moto returns
the object itself for the first, an empty status for the second, and rejects the third if the bucket
has objects.
"""

from collections.abc import Callable
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.s3.exceptions import S3ClientError
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import patch

_ABSENT: Final = "The specified object does not have a ObjectLock configuration"


def apply() -> None:
    """Implement both requests, and allow the configuration of a bucket that has objects."""
    patch(S3Response, "_key_response_get", _with_lock_requests)
    patch(S3Backend, "put_object_lock_configuration", _at_any_time)


def _at_any_time(configure: Callable[..., Any]) -> Callable[..., Any]:
    def put_object_lock_configuration(
        self: S3Backend, bucket_name: str, *arguments: Any, **named: Any
    ) -> None:
        bucket = self.get_bucket(bucket_name)
        # moto only checks whether the bucket is empty.
        objects, bucket.keys = bucket.keys, type(bucket.keys)()
        try:
            configure(self, bucket_name, *arguments, **named)
        finally:
            bucket.keys = objects

    return put_object_lock_configuration


def _with_lock_requests(original: Callable[..., Any]) -> Callable[..., Any]:
    def key_response_get(self: S3Response, query: dict[str, Any], key_name: str) -> Any:
        if "retention" in query:
            return _retention(self, query, key_name)
        if "legal-hold" in query and not _key(self).lock_legal_status:
            raise _NoLock
        return original(self, query, key_name)

    return key_response_get


def _retention(response: S3Response, query: dict[str, Any], key_name: str) -> Any:
    response._set_action("KEY", "GET", query)  # noqa: SLF001  # like moto's own handlers
    response._authenticate_and_authorize_s3_action(  # noqa: SLF001
        bucket_name=response.bucket_name, key_name=key_name
    )
    key = _key(response)
    if not key.lock_mode:
        raise _NoLock
    response.data["Action"] = "GetObjectRetention"
    retention = {"Mode": key.lock_mode, "RetainUntilDate": key.lock_until}
    return response.serialized(ActionResult({"Retention": retention}))


def _key(response: S3Response) -> Any:
    return response._get_key()[0]  # noqa: SLF001


class _NoLock(S3ClientError):
    def __init__(self) -> None:
        super().__init__("NoSuchObjectLockConfiguration", _ABSENT)
