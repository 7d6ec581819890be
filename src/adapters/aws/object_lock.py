"""Object lock: the parameters that lock a copy as the object was locked, and no longer.

A copy is a new version. It gets no retention and no legal hold unless the request sets them, but
gets the bucket's default retention if the request sets none (S3 User Guide, "Locking objects with
Object Lock"). A default cannot be declined, and in mode COMPLIANCE it cannot be removed, so an
object without retention is not copied in such a bucket.

HeadObject omits the lock's headers for a caller without s3:GetObjectRetention or
s3:GetObjectLegalHold (S3 API Reference, "HeadObject"). What it omits is therefore requested by its
own operation, where a missing permission is an error and not an unlocked object. Both pages read in
2026-11.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from adapters.aws.errors import code_of, map_aws_errors
from adapters.aws.responses import optional, required
from domain.connector import Bucket
from domain.customer_object import ObjectHead, ObjectLock
from ports.clock import Clock
from ports.errors import Refused

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

# How long a bucket's configuration is cached.
_KEPT_FOR: Final = timedelta(minutes=1)

_NO_LOCKS: Final = ("ObjectLockConfigurationNotFoundError", "NotImplemented")
_NO_LOCK: Final = ("NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError")


@dataclass(frozen=True, slots=True)
class _Configuration:
    locks: bool
    default_retention: bool
    asked_at: datetime


class ObjectLocks:
    """Reads the lock of an object, as parameters of a copy."""

    def __init__(self, client: S3Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._configurations: dict[str, _Configuration] = {}
        # Many objects need the configuration at once; one task requests it.
        self._asking = asyncio.Lock()

    async def copy_parameters(
        self, bucket: Bucket, head: ObjectHead, owner: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the ObjectLock parameters that a copy of the object needs; often none.

        `owner` is the parameter of the bucket's expected owner. Only versions can be locked, so
        without a version, or if the head has all parts of a lock, no request is sent. The version
        "null" counts: an object from before the bucket had versions may now be in a bucket with
        locks.

        Raises:
            AccessDenied: It is unknown whether the object is locked.
            NotFound: There is no such object.
            Refused: The copy would be locked and the object is not.
        """
        lock = head.lock or ObjectLock()
        now = self._clock.now()
        parameters = _parameters(lock, now)
        retained, held = "ObjectLockMode" in parameters, lock.legal_hold is not None
        if head.version_id is None or (retained and held):
            return parameters
        configuration = await self._configuration(bucket, owner)
        if not configuration.locks:
            return parameters
        version = {"Bucket": bucket.name, "Key": head.key, "VersionId": head.version_id, **owner}
        if lock.mode is None:
            lock = await self._with_retention(lock, version)
        if lock.legal_hold is None:
            lock = await self._with_legal_hold(lock, version)
        parameters = _parameters(lock, now)
        if configuration.default_retention and "ObjectLockMode" not in parameters:
            raise Refused(
                f"{bucket.name}/{head.key} has no retention, and the bucket's default retention"
                " would lock its copy; use the connector trigger 'event', which does not copy",
                operation="CopyObject",
                resource=f"{bucket.name}/{head.key}",
                vendor_code="DefaultRetention",
            )
        return parameters

    async def _configuration(self, bucket: Bucket, owner: dict[str, Any]) -> _Configuration:
        async with self._asking:
            known = self._configurations.get(bucket.name)
            if known is None or self._clock.now() - known.asked_at >= _KEPT_FOR:
                known = await self._ask(bucket, owner)
                self._configurations[bucket.name] = known
            return known

    async def _ask(self, bucket: Bucket, owner: dict[str, Any]) -> _Configuration:
        now = self._clock.now()
        # The operation is GetObjectLockConfiguration; this is the name of its permission.
        with map_aws_errors(
            "s3", operation="GetBucketObjectLockConfiguration", resource=bucket.name
        ):
            try:
                response: Any = await self._client.get_object_lock_configuration(
                    Bucket=bucket.name, **owner
                )
            except ClientError as error:
                if code_of(error) not in _NO_LOCKS:
                    raise
                return _Configuration(locks=False, default_retention=False, asked_at=now)
            configuration = required(response, "ObjectLockConfiguration", of=dict)
            rule = optional(configuration, "Rule", of=dict) or {}
            return _Configuration(
                locks=required(configuration, "ObjectLockEnabled") == "Enabled",
                default_retention="DefaultRetention" in rule,
                asked_at=now,
            )

    async def _with_retention(self, lock: ObjectLock, version: dict[str, Any]) -> ObjectLock:
        where = f"{version['Bucket']}/{version['Key']}"
        with map_aws_errors("s3", operation="GetObjectRetention", resource=where):
            try:
                response: Any = await self._client.get_object_retention(**version)
            except ClientError as error:
                if code_of(error) not in _NO_LOCK:
                    raise
                return replace(lock, mode=None, retain_until=None)
            return replace(
                lock,
                mode=required(response, "Retention", "Mode"),
                retain_until=required(response, "Retention", "RetainUntilDate", of=datetime),
            )

    async def _with_legal_hold(self, lock: ObjectLock, version: dict[str, Any]) -> ObjectLock:
        where = f"{version['Bucket']}/{version['Key']}"
        with map_aws_errors("s3", operation="GetObjectLegalHold", resource=where):
            try:
                response: Any = await self._client.get_object_legal_hold(**version)
            except ClientError as error:
                if code_of(error) not in _NO_LOCK:
                    raise
                return replace(lock, legal_hold=None)
            return replace(lock, legal_hold=required(response, "LegalHold", "Status"))


def _parameters(lock: ObjectLock, now: datetime) -> dict[str, Any]:
    """Return the lock as parameters of a copy.

    A retention that has ended is left out: S3 accepts no date in the past, and it protects nothing.
    """
    parameters: dict[str, Any] = {}
    if lock.mode is not None and lock.retain_until is not None and lock.retain_until > now:
        parameters["ObjectLockMode"] = lock.mode
        parameters["ObjectLockRetainUntilDate"] = lock.retain_until
    if lock.legal_hold is not None:
        parameters["ObjectLockLegalHoldStatus"] = lock.legal_hold
    return parameters
