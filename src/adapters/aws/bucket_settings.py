"""Settings of a bucket on S3, one request for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from adapters.aws.errors import code_of, map_aws_errors
from adapters.aws.responses import optional, required
from domain.bucket_report import DEFAULT_RETENTION, EVENT_BRIDGE, NO_RECEIVER, OFF, Setting

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

# The codes of a setting that was never made, or that an S3-compatible store does not have.
_NONE: Final = (
    "ObjectLockConfigurationNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
    "NotImplemented",
)
_OTHERS: Final = (
    "TopicConfigurations",
    "QueueConfigurations",
    "LambdaFunctionConfigurations",
)


async def read_setting(
    client: S3Client, bucket_name: str, setting: Setting, owner: Mapping[str, Any]
) -> str:
    """Return a setting other than the Region, as `Setting` describes it."""
    operation, read = _READS[setting]
    with map_aws_errors("s3", operation=operation, resource=bucket_name):
        try:
            return await read(client, {"Bucket": bucket_name, **owner})
        except ClientError as error:
            if code_of(error) not in _NONE:
                raise
            return NO_RECEIVER if setting is Setting.NOTIFICATIONS else OFF


async def _versioning(client: S3Client, named: dict[str, Any]) -> str:
    return optional(await client.get_bucket_versioning(**named), "Status") or OFF


async def _object_lock(client: S3Client, named: dict[str, Any]) -> str:
    response: Any = await client.get_object_lock_configuration(**named)
    configuration = required(response, "ObjectLockConfiguration", of=dict)
    if required(configuration, "ObjectLockEnabled") != "Enabled":
        return OFF
    rule = optional(configuration, "Rule", of=dict) or {}
    return DEFAULT_RETENTION if "DefaultRetention" in rule else "Enabled"


async def _encryption(client: S3Client, named: dict[str, Any]) -> str:
    response: Any = await client.get_bucket_encryption(**named)
    rules = required(response, "ServerSideEncryptionConfiguration", "Rules", of=list)
    for rule in rules:
        default = optional(rule, "ApplyServerSideEncryptionByDefault", of=dict)
        if default is not None:
            key = optional(default, "KMSMasterKeyID")
            return " ".join(filter(None, (required(default, "SSEAlgorithm"), key)))
    return OFF


async def _notifications(client: S3Client, named: dict[str, Any]) -> str:
    response: Any = await client.get_bucket_notification_configuration(**named)
    # An empty element: the member is there, and has no members.
    event_bridge = optional(response, "EventBridgeConfiguration", of=dict) is not None
    others = any(optional(response, name, of=list) for name in _OTHERS)
    names = [EVENT_BRIDGE] * event_bridge + ["others"] * others
    return " and ".join(names) or NO_RECEIVER


# The operation is named as its permission, which an error quotes.
_READS: Final[
    Mapping[Setting, tuple[str, Callable[[S3Client, dict[str, Any]], Awaitable[str]]]]
] = {
    Setting.VERSIONING: ("GetBucketVersioning", _versioning),
    Setting.OBJECT_LOCK: ("GetBucketObjectLockConfiguration", _object_lock),
    Setting.ENCRYPTION: ("GetEncryptionConfiguration", _encryption),
    Setting.NOTIFICATIONS: ("GetBucketNotification", _notifications),
}
