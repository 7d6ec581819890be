"""What a connector must be to be saved, whether it is new or edited."""

from __future__ import annotations

import re
from typing import Final

from domain import prefixes as prefix_rules
from domain.bucket_name import bucket_name_error
from domain.connector import Bucket, Connector, IdSource, Trigger, Verify
from domain.errors import FieldIssue
from domain.filters import nothing_passes
from domain.item_sizes import connector_issues
from domain.profile import CatalogProfile, Profile
from domain.removal_settings import removal_issues
from domain.work_limits import limit_issues

CONNECTOR_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}")
ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")
# IAM User Guide, "IAM identifiers" and "IAM and AWS STS quotas": a name of up to 64 characters,
# below a path of up to 512. A path may have only characters that have no special meaning in a
# policy: the policies of this service name the role. An assumed role (arn:aws:sts) is not a role.
ROLE_ARN: Final = re.compile(
    r"(?=.{20,620}$)arn:aws[a-z-]*:iam::[0-9]{12}:role/"
    r"(?:[A-Za-z0-9+=.@_\-]+/)*[A-Za-z0-9+=.@_\-]{1,64}"
)
# SQS Developer Guide, "Amazon SQS queue and message identifiers": a URL ends in the account and
# a name of up to 80 characters, `.fifo` included. Any host is accepted: AWS has several forms, and
# emulators have their own.
QUEUE_URL: Final = re.compile(
    r"https?://[A-Za-z0-9.:\-]{1,255}/(?:[A-Za-z0-9\-]+/)*[0-9]{12}/[A-Za-z0-9_\-]{1,80}(?:\.fifo)?"
)


def faults_of(
    connector: Connector, profile: Profile, *, results_bucket_name: str
) -> list[FieldIssue]:
    """Return all errors in a connector's fields; its prefixes are not yet normalised."""
    issues = prefix_rules.check(connector.prefixes, path="prefixes")
    issues += _bucket_issues(connector.bucket, results_bucket_name)
    if not CONNECTOR_ID.fullmatch(connector.connector_id):
        issues.append(
            FieldIssue(
                path="connectorId",
                message="must be 1 to 64 letters, digits, dots, hyphens or underscores, and"
                " begin with a letter or a digit",
            )
        )
    issues += _access_issues(connector.bucket)
    issues += _queue_issues(connector)
    issues += connector_issues(connector.prefixes, connector.ingest, connector.filters)
    issues += removal_issues(connector.removals)
    issues += limit_issues(connector.limits)
    field = nothing_passes((connector.filters,))
    if field is not None:
        message = "lets no object pass, together with the other filters"
        issues.append(FieldIssue(path=f"filters.{field}", message=message))
    if profile.name is CatalogProfile.NONE and connector.ingest.ids is IdSource.ASSIGNED:
        message = "is 'assigned', and without a catalog no system assigns ids; use 'minted'"
        issues.append(FieldIssue(path="ids", message=message))
    if profile.name is CatalogProfile.NONE and connector.verify is Verify.CATALOG:
        message = "is 'catalog', and this deployment has no catalog to ask; use 'tags'"
        issues.append(FieldIssue(path="verify", message=message))
    return issues


def _bucket_issues(bucket: Bucket, results_bucket_name: str) -> list[FieldIssue]:
    name_error = bucket_name_error(bucket.name)
    if name_error is not None:
        return [FieldIssue(path="bucketName", message=name_error)]
    if bucket.name != results_bucket_name:
        return []
    message = (
        "is this service's own results bucket, which each sync writes to; register the bucket that"
        " holds your media"
    )
    return [FieldIssue(path="bucketName", message=message)]


def _access_issues(bucket: Bucket) -> list[FieldIssue]:
    issues = []
    if bucket.expected_owner is not None and not ACCOUNT_ID.fullmatch(bucket.expected_owner):
        message = "is not an account id of 12 digits"
        issues.append(FieldIssue(path="expectedBucketOwner", message=message))
    if bucket.role_arn is not None and not ROLE_ARN.fullmatch(bucket.role_arn):
        message = "is not a role's ARN: arn:aws:iam::ACCOUNT:role/NAME"
        issues.append(FieldIssue(path="roleArn", message=message))
    return issues


def _queue_issues(connector: Connector) -> list[FieldIssue]:
    ingest = connector.ingest
    if connector.queue_limit is not None and ingest.queue_url is None:
        depth = connector.queue_limit.depth_max is not None
        message = "needs ingestQueueUrl: the queue whose messages are limited"
        name = "ingestQueueMaxDepth" if depth else "ingestQueueMaxAgeSeconds"
        return [FieldIssue(path=name, message=message)]
    if ingest.queue_url is None:
        if ingest.trigger is not Trigger.QUEUE:
            return []
        message = "is missing: the trigger 'queue' sends to the system's ingest queue"
        return [FieldIssue(path="ingestQueueUrl", message=message)]
    if QUEUE_URL.fullmatch(ingest.queue_url):
        return []
    message = "is not the URL of an SQS queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
    return [FieldIssue(path="ingestQueueUrl", message=message)]
