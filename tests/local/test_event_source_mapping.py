"""The event source mapping: which messages are deleted or redelivered, and their event's form."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.local_aws.aws_emulator.clients import EmulatorClients
from adapters.local_aws.lambda_service.event_source_mapping import (
    EventSourceMapping,
    MappingSettings,
    failed_ids,
)
from adapters.local_aws.lambda_service.invocation import InvocationRejected, InvocationResult

Unique = Callable[[str], str]


def _result(answer: object, *, error: str | None = None) -> InvocationResult:
    return InvocationResult(
        request_id="r", payload=json.dumps(answer).encode(), function_error=error
    )


@pytest.mark.parametrize(
    "answer",
    [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}],
)
def test_an_answer_that_names_no_failure_means_success(answer: object) -> None:
    assert failed_ids(_result(answer), ["a", "b"]) == frozenset()


def test_only_the_named_messages_failed() -> None:
    answer = {"batchItemFailures": [{"itemIdentifier": "b"}]}
    assert failed_ids(_result(answer), ["a", "b", "c"]) == {"b"}


@pytest.mark.parametrize(
    "failures",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"ItemIdentifier": "a"}],
        [{"itemIdentifier": "unknown"}],
        [{"itemIdentifier": "a"}, {"itemIdentifier": "unknown"}],
        [{"itemIdentifier": ["a"]}],
        ["a"],
        "a",
    ],
)
def test_a_failure_that_is_not_understood_fails_the_whole_batch(failures: object) -> None:
    assert failed_ids(_result({"batchItemFailures": failures}), ["a", "b"]) == {"a", "b"}


@pytest.mark.parametrize("answer", ["done", [], 3])
def test_an_answer_of_another_shape_fails_the_whole_batch(answer: object) -> None:
    assert failed_ids(_result(answer), ["a", "b"]) == {"a", "b"}


def test_an_error_of_the_function_fails_the_whole_batch() -> None:
    answer = {"batchItemFailures": []}
    assert failed_ids(_result(answer, error="Unhandled"), ["a", "b"]) == {"a", "b"}


@dataclass
class Function:
    """Stands for the function: keeps the records of each batch and returns a scripted response."""

    answer: Callable[[Sequence[dict[str, Any]]], InvocationResult | Awaitable[InvocationResult]]
    batches: list[list[dict[str, Any]]] = field(default_factory=list)

    async def __call__(self, _name: str, payload: bytes) -> InvocationResult:
        records = json.loads(payload)["Records"]
        self.batches.append(records)
        result = self.answer(records)
        return result if isinstance(result, InvocationResult) else await result

    @property
    def bodies(self) -> list[str]:
        return [record["body"] for records in self.batches for record in records]


class Queues:
    """A queue with a dead-letter queue, and its event source mappings."""

    def __init__(self, sqs: Any, url: str, arn: str, dead_letter_url: str) -> None:
        self.sqs = sqs
        self.url = url
        self.arn = arn
        self.dead_letter_url = dead_letter_url

    async def depth(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = await self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(value) for value in answer["Attributes"].values())

    @asynccontextmanager
    async def pumped(
        self, function: Function, **settings: Any
    ) -> AsyncIterator[EventSourceMapping]:
        pump = EventSourceMapping(
            MappingSettings(
                queue_url=self.url,
                queue_arn=self.arn,
                function="f",
                **{"retry_visibility_s": 0, "wait_s": 1, **settings},
            ),
            self.sqs,
            function,
        )
        pump.start()
        yield pump
        await pump.stop()

    async def until_empty(self, pump: EventSourceMapping) -> None:
        async with asyncio.timeout(10):
            while await self.depth(self.url) or not pump.is_idle:  # noqa: ASYNC110  # asks a server
                await asyncio.sleep(0.02)


@pytest.fixture
async def queues(clients: EmulatorClients, unique: Unique) -> Queues:
    sqs = await clients.open("sqs")
    dead_letter_url = (await sqs.create_queue(QueueName=unique("dead")))["QueueUrl"]
    names: Any = ["QueueArn"]
    dead = await sqs.get_queue_attributes(QueueUrl=dead_letter_url, AttributeNames=names)
    policy = {"deadLetterTargetArn": dead["Attributes"]["QueueArn"], "maxReceiveCount": 3}
    url = (
        await sqs.create_queue(
            QueueName=unique("source"),
            Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "60"},
        )
    )["QueueUrl"]
    described = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return Queues(sqs, url, described["Attributes"]["QueueArn"], dead_letter_url)


async def test_a_record_has_the_shape_that_lambda_gives_it(queues: Queues) -> None:
    function = Function(lambda _: _result(None))
    async with queues.pumped(function) as pump:
        await queues.sqs.send_message(
            QueueUrl=queues.url,
            MessageBody="hello",
            MessageAttributes={
                "word": {"DataType": "String", "StringValue": "w"},
                "bytes": {"DataType": "Binary", "BinaryValue": b"\x00"},
            },
        )
        await queues.until_empty(pump)

    ((record,),) = function.batches
    assert set(record) == {
        "messageId",
        "receiptHandle",
        "body",
        "attributes",
        "messageAttributes",
        "md5OfBody",
        "eventSource",
        "eventSourceARN",
        "awsRegion",
    }
    assert record["body"] == "hello"
    assert record["md5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert (record["eventSource"], record["awsRegion"]) == ("aws:sqs", "us-east-1")
    assert record["eventSourceARN"] == queues.arn
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["SentTimestamp"].isdigit()
    word, binary = record["messageAttributes"]["word"], record["messageAttributes"]["bytes"]
    assert (word["stringValue"], word["dataType"]) == ("w", "String")
    assert (binary["binaryValue"], binary["dataType"]) == ("AA==", "Binary")


async def test_only_failed_messages_are_redelivered(queues: Queues) -> None:
    def fail_bad_once(records: Sequence[dict[str, Any]]) -> InvocationResult:
        failures = [
            {"itemIdentifier": record["messageId"]}
            for record in records
            if record["body"] == "bad" and record["attributes"]["ApproximateReceiveCount"] == "1"
        ]
        return _result({"batchItemFailures": failures})

    for body in ("good", "bad", "fine"):
        await queues.sqs.send_message(QueueUrl=queues.url, MessageBody=body)
    function = Function(fail_bad_once)
    async with queues.pumped(function, batch_size=10) as pump:
        await queues.until_empty(pump)

    assert sorted(function.bodies) == ["bad", "bad", "fine", "good"]
    assert await queues.depth(queues.dead_letter_url) == 0


async def test_an_unknown_identifier_redelivers_the_whole_batch(queues: Queues) -> None:
    def misname_once(records: Sequence[dict[str, Any]]) -> InvocationResult:
        first = records[0]["attributes"]["ApproximateReceiveCount"] == "1"
        return _result({"batchItemFailures": [{"itemIdentifier": "unknown"}] if first else []})

    for body in ("a", "b"):
        await queues.sqs.send_message(QueueUrl=queues.url, MessageBody=body)
    function = Function(misname_once)
    async with queues.pumped(function, batch_size=10) as pump:
        await queues.until_empty(pump)

    assert sorted(function.bodies) == ["a", "a", "b", "b"]


async def test_after_the_receive_limit_a_message_is_in_the_dead_letter_queue(
    queues: Queues,
) -> None:
    function = Function(lambda _: _result({"errorMessage": "no"}, error="Unhandled"))
    await queues.sqs.send_message(QueueUrl=queues.url, MessageBody="poison")
    async with queues.pumped(function) as pump:
        await queues.until_empty(pump)

    counts = [
        record["attributes"]["ApproximateReceiveCount"]
        for records in function.batches
        for record in records
    ]
    assert counts == ["1", "2", "3"]
    dead = await queues.sqs.receive_message(QueueUrl=queues.dead_letter_url)
    assert [message["Body"] for message in dead["Messages"]] == ["poison"]


async def test_without_a_setting_a_failed_message_waits_for_its_visibility_timeout(
    queues: Queues, eventually: Any
) -> None:
    function = Function(lambda _: _result(None, error="Unhandled"))
    await queues.sqs.send_message(QueueUrl=queues.url, MessageBody="later")
    async with queues.pumped(function, retry_visibility_s=None, wait_s=1):
        await eventually(lambda: function.batches)
        await asyncio.sleep(0.2)

    assert function.bodies == ["later"]
    assert await queues.depth(queues.url) == 1


async def test_concurrency_is_bounded(queues: Queues) -> None:
    running: list[int] = []
    highest: list[int] = []

    async def work() -> InvocationResult:
        running.append(1)
        highest.append(len(running))
        await asyncio.sleep(0.05)
        running.pop()
        return _result(None)

    for number in range(8):
        await queues.sqs.send_message(QueueUrl=queues.url, MessageBody=str(number))
    function = Function(lambda _: work())
    async with queues.pumped(function, concurrency=2) as pump:
        await queues.until_empty(pump)

    assert max(highest) == 2
    assert sorted(function.bodies) == sorted(str(number) for number in range(8))


async def test_a_refused_invocation_redelivers_the_batch(queues: Queues) -> None:
    refusals: list[int] = []

    async def refuse_once() -> InvocationResult:
        if not refusals:
            refusals.append(1)
            raise InvocationRejected("TooManyRequestsException", 429, "slow down")
        return _result(None)

    await queues.sqs.send_message(QueueUrl=queues.url, MessageBody="a")
    function = Function(lambda _: refuse_once())
    async with queues.pumped(function) as pump:
        await queues.until_empty(pump)

    assert function.bodies == ["a", "a"]
