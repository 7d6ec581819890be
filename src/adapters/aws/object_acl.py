"""Access control lists of objects, in the buckets that still use them.

A copy gets a private ACL unless it is told another (S3 API Reference, "CopyObject"). Since 2023
buckets have ACLs disabled by default, so one look at the bucket saves a look at every object.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.errors import translated
from domain.connector import Bucket
from ports.errors import NotFound, Refused

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import GetObjectAclOutputTypeDef, GranteeTypeDef

# S3 User Guide, "Controlling ownership of objects and disabling ACLs for your bucket".
_ACLS_DISABLED: Final = "BucketOwnerEnforced"

_PARAMETER_OF_PERMISSION: Final = {
    "FULL_CONTROL": "GrantFullControl",
    "READ": "GrantRead",
    "READ_ACP": "GrantReadACP",
    "WRITE_ACP": "GrantWriteACP",
}


class ObjectAcls:
    """Reads what an object's ACL grants, as parameters of a copy."""

    def __init__(self, client: S3Client) -> None:
        self._client = client
        self._enabled: dict[str, bool] = {}

    async def restated(self, bucket: Bucket, key: str, owner: dict[str, Any]) -> dict[str, Any]:
        """Return the Grant parameters that a copy of the object needs; often none.

        `owner` is the parameter of the bucket's expected owner. Whether the bucket uses ACLs is
        asked once.

        Raises:
            AccessDenied: the bucket's ownership controls, or the ACL, cannot be read.
            NotFound: there is no such object.
        """
        if not await self._acls_enabled(bucket, owner):
            return {}
        where = f"{bucket.name}/{key}"
        with translated("s3", operation="GetObjectAcl", resource=where):
            answer = await self._client.get_object_acl(Bucket=bucket.name, Key=key, **owner)
        return _grants(answer)

    async def _acls_enabled(self, bucket: Bucket, owner: dict[str, Any]) -> bool:
        if bucket.name not in self._enabled:
            self._enabled[bucket.name] = await self._ask(bucket, owner)
        return self._enabled[bucket.name]

    async def _ask(self, bucket: Bucket, owner: dict[str, Any]) -> bool:
        operation = "GetBucketOwnershipControls"
        try:
            with translated("s3", operation=operation, resource=bucket.name):
                answer = await self._client.get_bucket_ownership_controls(
                    Bucket=bucket.name, **owner
                )
        except NotFound:
            # A bucket from before these controls, where ACLs decide.
            return True
        except Refused as error:
            # A store that only resembles S3 and has neither controls nor ACLs.
            if error.vendor_code != "NotImplemented":
                raise
            return False
        rules = answer["OwnershipControls"]["Rules"]
        return any(rule["ObjectOwnership"] != _ACLS_DISABLED for rule in rules)


def _grants(answer: GetObjectAclOutputTypeDef) -> dict[str, str]:
    """Return the grants as Grant parameters; none if the ACL is private, as a copy's is."""
    owner_id = answer.get("Owner", {}).get("ID")
    granted: defaultdict[str, list[str]] = defaultdict(list)
    private = True
    for grant in answer.get("Grants", []):
        grantee, permission = grant.get("Grantee"), grant.get("Permission")
        if grantee is None or permission not in _PARAMETER_OF_PERMISSION:
            continue
        if grantee.get("ID") != owner_id or permission != "FULL_CONTROL":
            private = False
        granted[_PARAMETER_OF_PERMISSION[permission]].append(_grantee(grantee))
    return {} if private else {name: ", ".join(grantees) for name, grantees in granted.items()}


def _grantee(grantee: GranteeTypeDef) -> str:
    """Name a grantee as the Grant headers do: an account's canonical id, or a predefined group."""
    if "URI" in grantee:
        return f'uri="{grantee["URI"]}"'
    return f'id="{grantee.get("ID", "")}"'
