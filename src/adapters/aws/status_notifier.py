"""The status topic on SNS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import required
from domain.manifest import format_timestamp
from domain.message import StatusMessage
from domain.outcome import counts_by_name
from ports.status_notifier import StatusNotifier

if TYPE_CHECKING:
    from types_aiobotocore_sns.client import SNSClient


class SnsStatusNotifier:
    """Publishes status messages as JSON; status and connector are attributes for filters."""

    def __init__(self, client: SNSClient, *, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    async def publish(self, message: StatusMessage) -> None:
        with map_aws_errors("sns", operation="Publish", resource=self._topic_arn):
            response = await self._client.publish(
                TopicArn=self._topic_arn,
                Message=encode_status(message),
                MessageAttributes={
                    "status": {"DataType": "String", "StringValue": message.status},
                    "connectorId": {"DataType": "String", "StringValue": message.connector_id},
                },
            )
            required(response, "MessageId")


def encode_status(message: StatusMessage) -> str:
    """Return the message for subscribers, who rely on these names."""
    return json.dumps(
        {
            "jobId": message.job_id,
            "connectorId": message.connector_id,
            "bucketName": message.bucket_name,
            "status": message.status,
            "previousStatus": message.previous_status,
            "statistics": counts_by_name(message.statistics),
            "occurredAt": format_timestamp(message.occurred_at),
        }
    )


_: type[StatusNotifier] = SnsStatusNotifier
