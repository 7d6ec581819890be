"""The ingest queue's adapter: what it sends, and how it reads responses that moto never sends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.aws.ingest_queue import (
    MESSAGE_GROUP_COUNT,
    SqsIngestQueue,
    deduplication_id,
    encode_message,
    message_group,
)
from adapters.aws.queue_urls import region_of
from adapters.memory.system import ManualClock
from domain.message import IngestMessage
from ports.errors import (
    AccessDenied,
    CorruptData,
    Garbled,
    Misconfigured,
    NotFound,
    PortError,
    Refused,
    Throttled,
    Unavailable,
    Unknown,
)

NOW = datetime(2026, 1, 31, 12, 0, 0, 123_999, tzinfo=UTC)
URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/ingest"
MESSAGE = IngestMessage(
    job_id="job-1",
    bucket_name="media",
    object_key="a b+c.mov",
    version_id="v1",
    e_tag="abc",
    size_bytes=1,
)


class Opened:
    """Returns one scripted client for all Regions, and records which were requested."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.regions: list[str | None] = []

    async def __call__(self, region_name: str | None) -> Any:
        self.regions.append(region_name)
        return self.client


@pytest.fixture
def opened(scripted: Callable[[str], Any]) -> Opened:
    client = scripted("sqs")
    client.answers["SendMessageBatch"] = lambda sent: {
        "Successful": [{"Id": entry["Id"]} for entry in sent["Entries"]]
    }
    return Opened(client)


@pytest.fixture
def queue(opened: Opened) -> SqsIngestQueue:
    return SqsIngestQueue(opened, open_metrics=opened, clock=ManualClock(NOW))


def results(**result: Any) -> dict[str, Any]:
    """Return what CloudWatch answers for the one metric."""
    return {"MetricDataResults": [{"Id": "age", "StatusCode": "Complete", **result}]}


@pytest.fixture
def metrics(scripted: Callable[[str], Any]) -> Opened:
    return Opened(scripted("cloudwatch"))


@pytest.fixture
def watched(metrics: Opened, opened: Opened) -> SqsIngestQueue:
    return SqsIngestQueue(opened, open_metrics=metrics, clock=ManualClock(NOW))


async def test_the_age_is_what_was_reported_last(metrics: Opened, watched: SqsIngestQueue) -> None:
    sent = []

    def answer(request: Any) -> Any:
        sent.append(request)
        return results(Values=[121.9, 60.0])

    metrics.client.answers["GetMetricData"] = answer
    assert await watched.oldest_age_s(URL) == 121
    assert metrics.regions == ["eu-west-1"]
    (request,) = sent
    (query,) = request["MetricDataQueries"]
    assert query["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateAgeOfOldestMessage",
            "Dimensions": [{"Name": "QueueName", "Value": URL.rsplit("/", 1)[1]}],
        },
        "Period": 60,
        "Stat": "Maximum",
    }
    assert request["ScanBy"] == "TimestampDescending"
    assert (request["EndTime"] - request["StartTime"]).total_seconds() == 960


async def test_no_datapoint_is_no_age(metrics: Opened, watched: SqsIngestQueue) -> None:
    metrics.client.answers["GetMetricData"] = results(Values=[])
    assert await watched.oldest_age_s(URL) is None


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ({"MetricDataResults": []}, CorruptData),
        ({"MetricDataResults": [{"Id": "other", "Values": [1.0]}]}, CorruptData),
        (results(Values=[-1.0]), CorruptData),
        (results(Values=[float("nan")]), CorruptData),
        (results(StatusCode="InternalError", Values=[]), Unavailable),
        (results(StatusCode="Forbidden", Values=[]), AccessDenied),
    ],
)
async def test_an_answer_without_an_age_is_an_error(
    metrics: Opened,
    watched: SqsIngestQueue,
    answered: dict[str, Any],
    expected: type[PortError],
) -> None:
    metrics.client.answers["GetMetricData"] = answered
    with pytest.raises(expected):
        await watched.oldest_age_s(URL)


async def test_a_metric_that_may_not_be_read_names_the_permission(
    metrics: Opened, watched: SqsIngestQueue, error: Callable[..., Exception]
) -> None:
    metrics.client.answers["GetMetricData"] = error("AccessDenied", 403)
    with pytest.raises(AccessDenied, match=r"grant cloudwatch:GetMetricData on \*"):
        await watched.oldest_age_s(URL)


def test_a_message_is_an_event_notification_of_s3() -> None:
    assert json.loads(encode_message(MESSAGE, NOW)) == {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "medialake.AssetSyncProcessor",
                "eventTime": "2026-01-31T12:00:00.123Z",
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "bucket": {"name": "media", "arn": "arn:aws:s3:::media"},
                    "object": {
                        "key": "a+b%2Bc.mov",
                        "size": 1,
                        "eTag": "abc",
                        "versionId": "v1",
                    },
                },
            }
        ]
    }


def test_a_bucket_without_versions_has_no_version_in_its_message() -> None:
    [record] = json.loads(encode_message(replace(MESSAGE, version_id=None), NOW))["Records"]

    assert "versionId" not in record["s3"]["object"]


async def test_a_standard_queue_gets_no_group(opened: Opened, queue: SqsIngestQueue) -> None:
    assert await queue.send(URL, [MESSAGE]) == [None]

    [entry] = opened.client.sent("SendMessageBatch")["Entries"]
    assert set(entry) == {"Id", "MessageBody"}


async def test_a_fifo_queue_gets_the_group_of_the_object(
    opened: Opened, queue: SqsIngestQueue
) -> None:
    messages = [MESSAGE, replace(MESSAGE, e_tag="other"), replace(MESSAGE, object_key="b")]

    assert await queue.send(f"{URL}.fifo", messages) == [None] * 3

    first, second, third = opened.client.sent("SendMessageBatch")["Entries"]
    assert first["MessageGroupId"] == second["MessageGroupId"] != third["MessageGroupId"]
    ids = {entry["MessageDeduplicationId"] for entry in (first, second, third)}
    assert len(ids) == 3


def test_groups_are_bounded_and_evenly_filled() -> None:
    counts: dict[str, int] = {}
    for number in range(25_600):
        group = message_group(replace(MESSAGE, object_key=f"clip-{number:06}.mov"))
        counts[group] = counts.get(group, 0) + 1

    assert len(counts) == MESSAGE_GROUP_COUNT
    assert max(counts.values()) < 200


def test_ids_of_a_fifo_queue_are_valid_for_sqs() -> None:
    """SQS API Reference, "SendMessage": up to 128 letters, digits and punctuation."""
    for text in (message_group(MESSAGE), deduplication_id(MESSAGE)):
        assert len(text) <= 128
        assert text.isascii()
        assert text.isprintable()
        assert " " not in text


def test_the_parts_of_a_deduplication_id_do_not_run_together() -> None:
    one = replace(MESSAGE, bucket_name="a-b", object_key="c")
    other = replace(MESSAGE, bucket_name="a", object_key="-bc")

    assert deduplication_id(one) != deduplication_id(other)


@pytest.mark.parametrize(
    ("code", "sender_fault", "expected"),
    [
        ("InternalError", False, Unavailable),
        ("RequestThrottled", False, Throttled),
        ("KmsThrottled", True, Throttled),
        ("AccessDenied", True, AccessDenied),
        ("InvalidMessageContents", True, Refused),
        ("SomethingNew", True, Unknown),
        ("SomethingNew", False, Unavailable),
    ],
)
async def test_an_error_stays_with_its_message(
    opened: Opened,
    queue: SqsIngestQueue,
    code: str,
    sender_fault: bool,
    expected: type[PortError],
) -> None:
    failed = {"Id": "1", "Code": code, "SenderFault": sender_fault, "Message": "why"}
    opened.client.answers["SendMessageBatch"] = {
        "Successful": [{"Id": "2"}, {"Id": "0"}],
        "Failed": [failed],
    }

    answers = await queue.send(URL, [MESSAGE] * 3)

    assert [type(answer) for answer in answers] == [type(None), expected, type(None)]
    assert answers[1] is not None
    assert (answers[1].vendor_code, answers[1].resource) == (code, URL)


async def test_a_message_that_the_response_omits_was_not_sent(
    opened: Opened, queue: SqsIngestQueue
) -> None:
    opened.client.answers["SendMessageBatch"] = {"Successful": [{"Id": "0"}]}

    answers = await queue.send(URL, [MESSAGE] * 2)

    assert [type(answer) for answer in answers] == [type(None), Garbled]


@pytest.mark.parametrize("operation", ["SendMessageBatch", "GetQueueAttributes"])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AWS.SimpleQueueService.NonExistentQueue", NotFound),
        ("QueueDoesNotExist", NotFound),
        ("InvalidAddress", Misconfigured),
        ("AccessDenied", AccessDenied),
        ("AccessDeniedException", AccessDenied),
        ("KmsAccessDenied", AccessDenied),
        ("RequestThrottled", Throttled),
        ("InternalFailure", Unavailable),
    ],
)
async def test_a_request_that_failed_is_an_error(
    opened: Opened,
    queue: SqsIngestQueue,
    error: Callable[..., Exception],
    operation: str,
    code: str,
    expected: type[PortError],
) -> None:
    opened.client.answers[operation] = error(code)

    with pytest.raises(expected) as raised:
        await (queue.send(URL, [MESSAGE]) if operation[0] == "S" else queue.depth(URL))

    assert type(raised.value) is expected
    assert (raised.value.operation, raised.value.resource) == (operation, URL)
    assert raised.value.vendor_code == code


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("SendMessageBatch", "sqs:SendMessage"),
        ("GetQueueAttributes", "sqs:GetQueueAttributes"),
    ],
)
async def test_a_refusal_says_what_to_grant(
    opened: Opened,
    queue: SqsIngestQueue,
    error: Callable[..., Exception],
    operation: str,
    permission: str,
) -> None:
    opened.client.answers[operation] = error("AccessDenied", 403)

    with pytest.raises(AccessDenied, match=f"grant {permission} on {URL}"):
        await (queue.send(URL, [MESSAGE]) if operation[0] == "S" else queue.depth(URL))


async def test_the_depth_is_what_waits_is_worked_on_and_is_delayed(
    opened: Opened, queue: SqsIngestQueue
) -> None:
    opened.client.answers["GetQueueAttributes"] = {
        "Attributes": {
            "ApproximateNumberOfMessages": "1",
            "ApproximateNumberOfMessagesNotVisible": "20",
            "ApproximateNumberOfMessagesDelayed": "300",
        }
    }

    assert await queue.depth(URL) == 321


async def test_a_number_that_is_missing_is_not_zero(opened: Opened, queue: SqsIngestQueue) -> None:
    opened.client.answers["GetQueueAttributes"] = {
        "Attributes": {"ApproximateNumberOfMessages": "0"}
    }

    with pytest.raises(CorruptData, match="NotVisible"):
        await queue.depth(URL)


async def test_each_queue_is_called_in_its_own_region(
    opened: Opened, queue: SqsIngestQueue
) -> None:
    opened.client.answers["GetQueueAttributes"] = {
        "Attributes": {
            f"ApproximateNumberOfMessages{kind}": "0" for kind in ("", "NotVisible", "Delayed")
        }
    }
    await queue.send(URL, [MESSAGE])
    await queue.depth(URL.replace("eu-west-1", "us-west-2"))
    await queue.send("http://127.0.0.1:4566/123456789012/ingest", [MESSAGE])

    assert opened.regions == ["eu-west-1", "us-west-2", None]


@pytest.mark.parametrize(
    ("host", "region_name"),
    [
        ("sqs.eu-west-1.amazonaws.com", "eu-west-1"),
        ("sqs.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("sqs-fips.us-east-2.amazonaws.com", "us-east-2"),
        ("sqs.eu-west-1.api.aws", "eu-west-1"),
        ("eu-west-1.queue.amazonaws.com", "eu-west-1"),
        ("cn-north-1.queue.amazonaws.com.cn", "cn-north-1"),
        ("queue.amazonaws.com", "us-east-1"),
        ("SQS.eu-west-1.AmazonAWS.com", "eu-west-1"),
        ("sqs.eu-west-1.amazonaws.com:443", "eu-west-1"),
        ("127.0.0.1:4566", None),
        ("localhost", None),
        ("sqs.us-east-1.localhost.localstack.cloud:4566", None),
        ("sqs.eu-west-1.amazonaws.com.example.com", None),
        ("example.com", None),
    ],
)
def test_the_host_of_a_queue_says_its_region(host: str, region_name: str | None) -> None:
    assert region_of(f"https://{host}/123456789012/ingest.fifo") == region_name
