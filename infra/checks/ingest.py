"""Where the system receives objects: its ingest queues, and the bus."""

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.checks.finding import DENIED, Finding, Identity, OpenClient
from infra.config import Config

_NO_QUEUE: Final = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def ingest_queues(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    """Check the queues that are named in full; those of a wildcard may be created later."""
    for arn in config.ingest_queues:
        region, account, name = arn.split(":")[3:]
        if "*" not in name:
            sqs = client("sqs", region_name=region)
            yield from _ingest_queue(config, identity, sqs, arn, account=account, name=name)


def _ingest_queue(
    config: Config, identity: Identity, sqs: Any, arn: str, *, account: str, name: str
) -> Iterator[Finding]:
    foreign = account != identity.account
    try:
        url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["KmsMasterKeyId"])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in DENIED or (code in _NO_QUEUE and foreign):
            # For another account's queue without access, SQS returns the error of a missing queue.
            let_in = (
                f"; the policy of a queue of account {account} must grant access to the outputs"
                " EngineRoleArn and ProcessorRoleArn (docs/deploy.md, Ingest queues)"
                if foreign
                else ""
            )
            yield Finding(False, f"queue {arn} could not be read: {error}{let_in}")
            return
        if code not in _NO_QUEUE:
            raise
        yield Finding(
            True,
            f"there is no queue {arn}: take the ARN from the connector (sqsArn in the connector"
            " table of a Media Lake), and fix CHOICES=ingest_queues=…",
        )
        return
    key = attributes.get("Attributes", {}).get("KmsMasterKeyId", "")
    if key and not key.endswith("alias/aws/sqs") and not config.ingest_queue_keys:
        yield Finding(
            False,
            f"queue {arn} is encrypted with {key}: unless that is AWS's own key, allow it:"
            " CHOICES=ingest_queue_keys=ARN",
        )


def bus(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    """Look whether there is a bus of that name."""
    if config.creates_bus:
        return
    try:
        client("events").describe_event_bus(Name=config.bus)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        # Events for a bus that does not exist are accepted and lost (EventBridge User Guide,
        # "Sending events with PutEvents").
        yield Finding(
            True,
            f"there is no event bus {config.bus} in {identity.region}, and events for it would be"
            " silently lost: fix CHOICES=bus=…",
        )
