"""Registering and reading connectors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from domain import prefixes as prefix_rules
from domain.bucket_name import bucket_name_error
from domain.connector import (
    Bucket,
    Connector,
    ConnectorStatus,
    IdSource,
    Ingest,
    Trigger,
    Verify,
)
from domain.errors import FieldIssue, InvalidRequest
from domain.item_sizes import connector_issues
from domain.profile import CatalogProfile, Profile
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.ids import Ids
from ports.paging import Page

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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnector:
    """The connector that a caller registers. Without an id, one is generated."""

    bucket_name: str
    connector_id: str | None = None
    prefixes: tuple[str, ...] = ()
    status: ConnectorStatus = ConnectorStatus.ENABLED
    ingest: Ingest = field(default_factory=Ingest)
    verify: Verify = Verify.TAGS
    expected_owner: str | None = None
    role_arn: str | None = None


class Connectors:
    """The use cases of connectors."""

    def __init__(
        self,
        *,
        connectors: ConnectorStore,
        profile: Profile,
        results_bucket_name: str,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._profile = profile
        self._results_bucket_name = results_bucket_name
        self._connectors = connectors
        self._clock = clock
        self._ids = ids

    async def register(self, new: NewConnector) -> Connector:
        """Record a connector. The first sync checks whether its bucket can be read.

        Raises:
            InvalidRequest: one or more fields are invalid; it lists all of them.
            AlreadyExists: the id is taken.
        """
        issues = prefix_rules.check(new.prefixes, path="prefixes")
        name_error = bucket_name_error(new.bucket_name)
        if name_error is not None:
            issues.append(FieldIssue(path="bucketName", message=name_error))
        elif new.bucket_name == self._results_bucket_name:
            issues.append(
                FieldIssue(
                    path="bucketName",
                    message="is this service's own results bucket, which each sync writes to;"
                    " register the bucket that holds your media",
                )
            )
        if new.connector_id is not None and not CONNECTOR_ID.fullmatch(new.connector_id):
            issues.append(
                FieldIssue(
                    path="connectorId",
                    message="must be 1 to 64 letters, digits, dots, hyphens or underscores, and"
                    " begin with a letter or a digit",
                )
            )
        if new.expected_owner is not None and not ACCOUNT_ID.fullmatch(new.expected_owner):
            issues.append(
                FieldIssue(path="expectedBucketOwner", message="is not an account id of 12 digits")
            )
        if new.role_arn is not None and not ROLE_ARN.fullmatch(new.role_arn):
            issues.append(
                FieldIssue(
                    path="roleArn", message="is not a role's ARN: arn:aws:iam::ACCOUNT:role/NAME"
                )
            )
        issues += _queue_issues(new.ingest)
        issues += connector_issues(new.prefixes, new.ingest)
        if self._profile.name is CatalogProfile.NONE and new.ingest.ids is IdSource.ASSIGNED:
            message = "is 'assigned', and without a catalog no system assigns ids; use 'minted'"
            issues.append(FieldIssue(path="ids", message=message))
        if self._profile.name is CatalogProfile.NONE and new.verify is Verify.CATALOG:
            message = "is 'catalog', and this deployment has no catalog to ask; use 'tags'"
            issues.append(FieldIssue(path="verify", message=message))
        if issues:
            raise InvalidRequest(*issues)
        connector = Connector(
            connector_id=new.connector_id or self._ids.new_connector_id(),
            bucket=Bucket(
                name=new.bucket_name, expected_owner=new.expected_owner, role_arn=new.role_arn
            ),
            prefixes=prefix_rules.normalise(new.prefixes),
            status=new.status,
            ingest=new.ingest,
            verify=new.verify,
            created_at=self._clock.now(),
        )
        await self._connectors.create(connector)
        return connector

    async def get(self, connector_id: str) -> Connector:
        """Return a connector.

        Raises:
            NotFound: there is none.
        """
        return await self._connectors.get(connector_id)

    async def list_page(self, *, limit: int, cursor: str | None) -> Page[Connector]:
        """Return a page of connectors.

        Raises:
            InvalidCursor: the cursor does not belong to this list.
        """
        return await self._connectors.list_page(limit=limit, cursor=cursor)


def _queue_issues(ingest: Ingest) -> list[FieldIssue]:
    if ingest.queue_url is None:
        if ingest.trigger is not Trigger.QUEUE:
            return []
        message = "is missing: the trigger 'queue' sends to the system's ingest queue"
        return [FieldIssue(path="ingestQueueUrl", message=message)]
    if QUEUE_URL.fullmatch(ingest.queue_url):
        return []
    message = "is not the URL of an SQS queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
    return [FieldIssue(path="ingestQueueUrl", message=message)]
