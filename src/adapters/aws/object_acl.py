"""Access control lists of objects, in the buckets that still use them.

A copy gets a private ACL unless the request sets another, and belongs to the account that copies
(S3 API Reference, "CopyObject"). That need not be the account that can read the object now, so a
private ACL is also set explicitly. Since 2023 buckets have ACLs disabled by default, so one check
of the bucket saves a check of every object.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import required
from domain.connector import Bucket
from ports.clock import Clock
from ports.errors import NotFound, Refused

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

# S3 User Guide, "Controlling ownership of objects and disabling ACLs for your bucket".
_ACLS_DISABLED: Final = "BucketOwnerEnforced"

_PARAMETER_OF_PERMISSION: Final = {
    "FULL_CONTROL": "GrantFullControl",
    "READ": "GrantRead",
    "READ_ACP": "GrantReadACP",
    "WRITE_ACP": "GrantWriteACP",
}


_EVERYBODY: Final = "http://acs.amazonaws.com/groups/global/AllUsers"

# How long a bucket's setting is cached.
_KEPT_FOR: Final = timedelta(minutes=1)


class ObjectAcls:
    """Reads the grants of an object's ACL, as parameters of a copy."""

    def __init__(self, client: S3Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._enabled: dict[str, tuple[bool, datetime]] = {}
        # Many objects need the setting at once; one task requests it.
        self._asking = asyncio.Lock()

    async def copy_parameters(
        self, bucket: Bucket, key: str, owner: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the ACL parameters that a copy of the object needs; often none.

        `owner` is the parameter of the bucket's expected owner. Whether the bucket uses ACLs is
        requested once a minute.

        Raises:
            AccessDenied: The bucket's ownership controls, or the ACL, cannot be read.
            NotFound: There is no such object.
            Refused: A copy cannot have this ACL.
        """
        if not await self._acls_enabled(bucket, owner):
            return {}
        where = f"{bucket.name}/{key}"
        with map_aws_errors("s3", operation="GetObjectAcl", resource=where):
            response = await self._client.get_object_acl(Bucket=bucket.name, Key=key, **owner)
            return _parameters(response, where)

    async def _acls_enabled(self, bucket: Bucket, owner: dict[str, Any]) -> bool:
        async with self._asking:
            enabled, asked_at = self._enabled.get(bucket.name, (False, None))
            now = self._clock.now()
            if asked_at is None or now - asked_at >= _KEPT_FOR:
                enabled = await self._ask(bucket, owner)
                self._enabled[bucket.name] = enabled, now
            return enabled

    async def _ask(self, bucket: Bucket, owner: dict[str, Any]) -> bool:
        operation = "GetBucketOwnershipControls"
        try:
            with map_aws_errors("s3", operation=operation, resource=bucket.name):
                response = await self._client.get_bucket_ownership_controls(
                    Bucket=bucket.name, **owner
                )
                rules = required(response, "OwnershipControls", "Rules", of=list)
                return any(required(rule, "ObjectOwnership") != _ACLS_DISABLED for rule in rules)
        except NotFound:
            # A bucket from before these controls, where ACLs decide.
            return True
        except Refused as error:
            # An S3-compatible store that has neither ownership controls nor ACLs.
            if error.vendor_code != "NotImplemented":
                raise
            return False


def _parameters(response: Mapping[str, Any], where: str) -> dict[str, str]:
    """Return the grants as Grant parameters, or the one canned ACL that these cannot express.

    WRITE has no effect on an object, but `public-read-write` leaves it there, and a copy has no
    parameter for it ("Access control list (ACL) overview", read in 2026-11).
    """
    owner_id = required(response, "Owner", "ID")
    granted: defaultdict[str, list[str]] = defaultdict(list)
    for grant in required(response, "Grants", of=list):
        grantee = required(grant, "Grantee", of=dict)
        granted[required(grant, "Permission")].append(_grantee(grantee))
    if granted.keys() <= _PARAMETER_OF_PERMISSION.keys():
        return {
            _PARAMETER_OF_PERMISSION[permission]: ", ".join(grantees)
            for permission, grantees in granted.items()
        }
    everybody = [f'uri="{_EVERYBODY}"']
    if granted == {"FULL_CONTROL": [f'id="{owner_id}"'], "READ": everybody, "WRITE": everybody}:
        return {"ACL": "public-read-write"}
    raise Refused(
        f"{where}: its ACL grants WRITE, which a copy cannot set; use the connector trigger"
        " 'event', which does not copy",
        operation="CopyObject",
        resource=where,
        vendor_code="WriteGrant",
    )


def _grantee(grantee: Mapping[str, Any]) -> str:
    """Return a grantee in the form of the Grant headers: a canonical user id or a group's URI."""
    if "URI" in grantee:
        return f'uri="{grantee["URI"]}"'
    return f'id="{required(grantee, "ID")}"'
