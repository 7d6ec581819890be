"""What a live look at a connector's bucket found: its settings, and what this service may do there.

A check writes nothing. What only a write would show is "not probed".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from domain.bucket_check import check_bucket
from domain.connector import BucketInfo, Trigger
from domain.errors import UnsupportedBucket
from domain.job import Job


class Setting(StrEnum):
    """A setting of a bucket, and the permission to read it.

    The values are texts: the Region's name; `Enabled`, `Suspended` or `Off`; `Off`, `Enabled` or
    `Enabled with a default retention`; the encryption, with its key's ARN if S3 returns one; and
    who is notified: `none`, `EventBridge`, `others` or `EventBridge and others`.
    """

    REGION = "region"
    VERSIONING = "versioning"
    OBJECT_LOCK = "objectLock"
    ENCRYPTION = "encryption"
    NOTIFICATIONS = "notifications"


OFF: Final = "Off"
DEFAULT_RETENTION: Final = "Enabled with a default retention"
NO_RECEIVER: Final = "none"
EVENT_BRIDGE: Final = "EventBridge"

PERMISSION_OF: Final[Mapping[Setting, str]] = {
    Setting.VERSIONING: "s3:GetBucketVersioning",
    Setting.OBJECT_LOCK: "s3:GetBucketObjectLockConfiguration",
    Setting.ENCRYPTION: "s3:GetEncryptionConfiguration",
    Setting.NOTIFICATIONS: "s3:GetBucketNotification",
}


class Probed(StrEnum):
    """What is known of a permission."""

    ALLOWED = "allowed"
    DENIED = "denied"
    FAILED = "failed"
    NOT_PROBED = "not probed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One permission; `needed` is whether a sync needs it, `detail` the cause or the reason."""

    action: str
    result: Probed
    needed: bool = True
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketReport:
    """The result of a check.

    Attributes:
        bucket_name: The bucket.
        exists: None if that is not known: every request was denied, or failed.
        owner_confirmed: True if the expected owner owns it, None if no owner is expected or no
            request was allowed.
        settings: Those that could be read.
        permissions: What was probed, and what could not be.
        warnings: What its owner should know before a sync.
    """

    bucket_name: str
    exists: bool | None = None
    owner_confirmed: bool | None = None
    settings: Mapping[Setting, str] = field(default_factory=dict)
    permissions: tuple[Permission, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether nothing that a sync needs is known to be missing."""
        missing = [p for p in self.permissions if p.needed and p.result is Probed.DENIED]
        return bool(self.exists) and not missing


def missing_statement(report: BucketReport, role_arn: str | None) -> dict[str, Any] | None:
    """Return the policy statement with what was denied, None if nothing was."""
    actions = {p.action for p in report.permissions if p.result is Probed.DENIED}
    if not actions:
        return None
    bucket = f"arn:{role_arn.split(':')[1] if role_arn else 'aws'}:s3:::{report.bucket_name}"
    of_objects = any("Object" in action and "Bucket" not in action for action in actions)
    of_bucket = any("Object" not in action or "Bucket" in action for action in actions)
    return {
        "Sid": "AssetSync",
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": [*([bucket] * of_bucket), *([f"{bucket}/*"] * of_objects)],
    }


def bucket_warnings(
    job: Job, info: BucketInfo | None, settings: Mapping[Setting, str]
) -> tuple[str, ...]:
    """Return what the bucket's owner should know before a sync with these settings."""
    return (*_of_configuration(job, info), *_of_settings(job, settings))


def _of_configuration(job: Job, info: BucketInfo | None) -> tuple[str, ...]:
    if info is None:
        return ()
    try:
        return check_bucket(job, info)
    except UnsupportedBucket as error:
        return (str(error),)


def _of_settings(job: Job, settings: Mapping[Setting, str]) -> Iterable[str]:
    if job.request.ingest.trigger is not Trigger.COPY:
        return
    name = job.request.bucket.name
    if settings.get(Setting.NOTIFICATIONS) == NO_RECEIVER:
        yield (
            f"bucket {name} sends no notifications: neither EventBridge is switched on nor another"
            " notification is configured, so that the system does not see the copies of trigger"
            " 'copy'; switch EventBridge on, or use trigger 'event' or 'queue'"
        )
    if settings.get(Setting.OBJECT_LOCK) == DEFAULT_RETENTION:
        yield (
            f"bucket {name} has a default retention, which would lock each copy: only objects with"
            " a retention of their own are copied; use trigger 'event' or 'queue'"
        )
    if settings.get(Setting.ENCRYPTION, "").startswith("aws:kms"):
        yield (
            f"bucket {name} is encrypted with a KMS key: a copy needs kms:Decrypt and"
            " kms:GenerateDataKey on the keys of its objects, which is not probed"
        )
