"""The filters in docs/notifications.md select what their text says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from adapters.aws.ingest_bus import DETAIL_TYPE, REMOVAL_DETAIL_TYPE, SOURCE
from adapters.local_aws.event_bridge.event_patterns import matches

PAGE = Path(__file__).resolve().parents[2] / "docs" / "notifications.md"
BLOCKS = [
    json.loads(block)
    for block in re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
]
(NEEDS_AN_OPERATOR, ENDS, NOT_TAKEN), (ALL_EVENTS, FILMS, LARGE_COPIES, REMOVED) = (
    BLOCKS[:3],
    BLOCKS[3:],
)


@pytest.fixture(autouse=True)
def _cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def _received(policy: Any, scope: str, messages: list[tuple[str, str, int]]) -> list[int]:
    """Return which messages (status, connector, objects not taken) pass a filter on SNS."""
    sns, sqs = (boto3.client(name, region_name="us-east-1") for name in ("sns", "sqs"))
    topic = sns.create_topic(Name="status")["TopicArn"]
    queue = sqs.create_queue(QueueName="filtered")["QueueUrl"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:123456789012:filtered",
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicy": json.dumps(policy),
            "FilterPolicyScope": scope,
        },
    )
    for number, (status, connector, not_taken) in enumerate(messages):
        body = {"number": number, "status": status, "statistics": {"notTaken": not_taken}}
        sns.publish(
            TopicArn=topic,
            Message=json.dumps(body),
            MessageAttributes={
                "status": {"DataType": "String", "StringValue": status},
                "connectorId": {"DataType": "String", "StringValue": connector},
            },
        )
    got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return sorted(json.loads(message["Body"])["number"] for message in got)


def test_jobs_that_need_an_operator() -> None:
    messages = [("FAILED", "a", 0), ("COMPLETED", "a", 0), ("COMPLETED_WITH_ERRORS", "a", 0)]
    assert _received(NEEDS_AN_OPERATOR, "MessageAttributes", messages) == [0, 2]


def test_ends_of_two_connectors() -> None:
    messages = [
        ("COMPLETED", "archive", 0),
        ("COMPLETED", "other", 0),
        ("PROCESSING", "archive", 0),
        ("CANCELLED", "dailies", 0),
    ]
    assert _received(ENDS, "MessageAttributes", messages) == [0, 3]


def test_jobs_with_objects_that_were_not_taken() -> None:
    messages = [("COMPLETED", "a", 0), ("COMPLETED", "a", 2), ("PROCESSING", "a", 2)]
    assert _received(NOT_TAKEN, "MessageBody", messages) == [1]


def _event(key: str = "a.mov", connector: str = "archive", **detail: Any) -> dict[str, Any]:
    facts = {"connectorId": connector, "objectKey": key, "processingAction": "COPY", "size": 10**9}
    return {"source": SOURCE, "detail-type": DETAIL_TYPE, "detail": facts | detail}


def test_rules_for_ingest_events() -> None:
    assert matches(ALL_EVENTS, _event())
    assert not matches(ALL_EVENTS, _event() | {"source": "aws.s3"})
    assert matches(FILMS, _event("b.mxf"))
    assert not matches(FILMS, _event("b.txt"))
    assert not matches(FILMS, _event(connector="other"))
    assert matches(LARGE_COPIES, _event())
    assert not matches(LARGE_COPIES, _event(size=10**9 - 1))
    assert not matches(LARGE_COPIES, _event(processingAction="PUT"))


def test_a_rule_for_removed_objects() -> None:
    def removed(**detail: Any) -> dict[str, Any]:
        facts = {"connectorId": "archive", "objectKey": "a.mov", "newObjectKey": None}
        return {"source": SOURCE, "detail-type": REMOVAL_DETAIL_TYPE, "detail": facts | detail}

    assert matches(REMOVED, removed())
    assert not matches(REMOVED, removed(newObjectKey="b.mov"))
    assert not matches(REMOVED, removed(connectorId="other"))
    assert not matches(REMOVED, _event())
    assert not matches(ALL_EVENTS, removed())
