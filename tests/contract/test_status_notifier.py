"""The contract of ports.status_notifier."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
import pytest_asyncio

from adapters.aws.clients import Clients
from adapters.aws.status_notifier import SnsStatusNotifier
from adapters.memory.status_notifier import MemoryStatusNotifier
from domain.job import JobStatus
from domain.message import StatusMessage
from domain.outcome import COUNT_NAMES, Statistics
from ports.status_notifier import StatusNotifier

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST = StatusMessage(
    job_id="job-1",
    connector_id="con-1",
    bucket_name="media",
    status=JobStatus.INITIALIZING,
    previous_status=None,
    statistics=Statistics(),
    occurred_at=datetime(2026, 1, 31, 12, 0, 0, 123000, tzinfo=UTC),
)
LAST = StatusMessage(
    job_id="job-1",
    connector_id="con-1",
    bucket_name="media",
    status=JobStatus.COMPLETED_WITH_ERRORS,
    previous_status=JobStatus.PROCESSING,
    statistics=Statistics(skipped=1, copied=2, put=3, archived=4, gone=5, failed=6),
    occurred_at=datetime(2026, 1, 31, 13, tzinfo=UTC),
)


class Subscriber(Protocol):
    notifier: StatusNotifier

    async def received(self) -> list[StatusMessage]:
        """All messages, the oldest first; their status was also an attribute."""


class MemorySubscriber:
    def __init__(self) -> None:
        self._notifier = MemoryStatusNotifier()
        self.notifier: StatusNotifier = self._notifier

    async def received(self) -> list[StatusMessage]:
        return self._notifier.messages


class SnsSubscriber:
    def __init__(self, sns: Any, topic_arn: str, sqs: Any, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self.notifier: StatusNotifier = SnsStatusNotifier(sns, topic_arn=topic_arn)

    async def received(self) -> list[StatusMessage]:
        answer = await self._sqs.receive_message(
            QueueUrl=self._queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return [self._parse(message) for message in answer["Messages"]]

    def _parse(self, message: dict[str, Any]) -> StatusMessage:
        body = json.loads(message["Body"])
        attributes = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
        assert attributes == {"status": body["status"], "connectorId": body["connectorId"]}
        statistics = body.pop("statistics")
        assert statistics.keys() == set(COUNT_NAMES.values())
        return StatusMessage(
            job_id=body.pop("jobId"),
            connector_id=body.pop("connectorId"),
            bucket_name=body.pop("bucketName"),
            status=JobStatus(body.pop("status")),
            previous_status=body["previousStatus"] and JobStatus(body["previousStatus"]),
            statistics=Statistics(
                **{field: statistics[name] for field, name in COUNT_NAMES.items()}
            ),
            occurred_at=datetime.fromisoformat(body.pop("occurredAt")),
        )


@pytest.fixture
def memory_subscriber() -> Subscriber:
    return MemorySubscriber()


@pytest_asyncio.fixture(loop_scope="session")
async def aws_subscriber(unique_name: str, clients: Clients) -> Subscriber:
    sns, sqs = await clients.sns(), await clients.sqs()
    topic = await sns.create_topic(Name=unique_name)
    queue = await sqs.create_queue(QueueName=unique_name)
    await sns.subscribe(
        TopicArn=topic["TopicArn"],
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:us-east-1:123456789012:{unique_name}",
        Attributes={"RawMessageDelivery": "true"},
    )
    return SnsSubscriber(sns, topic["TopicArn"], sqs, queue["QueueUrl"])


@pytest.fixture(params=["memory", "aws"])
def subscriber(request: pytest.FixtureRequest) -> Subscriber:
    chosen: Subscriber = request.getfixturevalue(f"{request.param}_subscriber")
    return chosen


async def test_a_subscriber_gets_what_was_published(subscriber: Subscriber) -> None:
    await subscriber.notifier.publish(FIRST)
    await subscriber.notifier.publish(LAST)

    assert await subscriber.received() == [FIRST, LAST]
