"""An event source mapping: receives messages from a queue and invokes a function with them.

Lambda Developer Guide, "Using Lambda with Amazon SQS" and "Handling errors for an SQS event source
in Lambda" (checked 2026-11). With ReportBatchItemFailures the function returns the failed messages,
and Lambda deletes the others; an empty or missing list means that all succeeded. The whole batch
fails if the function raised, if an item identifier is empty, null or unknown, or if the response
has another format. Failed messages are not deleted, so they become visible again.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from adapters.local_aws.lambda_service.invocation import InvocationRejected, InvocationResult

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

logger: Final = logging.getLogger(__name__)

Invoke = Callable[[str, bytes], Awaitable[InvocationResult]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSettings:
    """One mapping.

    Attributes:
        concurrency: Maximum number of batches in progress.
        retry_visibility_s: Seconds until a failed message is visible again; None leaves it to the
            queue's visibility timeout, as on AWS, which would be half an hour.
        wait_s: Wait time of one receive request.
    """

    queue_url: str
    queue_arn: str
    function: str
    batch_size: int = 1
    concurrency: int = 5
    retry_visibility_s: int | None = None
    wait_s: int = 5


class EventSourceMapping:
    """Polls one queue until it is stopped."""

    def __init__(self, settings: MappingSettings, sqs: "SQSClient", invoke: Invoke) -> None:
        self._settings = settings
        self._sqs = sqs
        self._invoke = invoke
        self._batches: set[asyncio.Task[None]] = set()
        self._poller: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no batch is in progress; the queue may still hold messages."""
        return not self._batches

    def start(self) -> None:
        """Start polling."""
        self._poller = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Stop polling and cancel the batches in progress; their messages become visible again."""
        tasks = list(self._batches)
        if self._poller is not None:
            tasks.append(self._poller)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _poll(self) -> None:
        slots = asyncio.Semaphore(self._settings.concurrency)
        while True:
            await slots.acquire()
            messages: Sequence[Mapping[str, Any]] = []
            try:
                messages = await self._receive()
            except (BotoCoreError, ClientError) as error:
                logger.warning("cannot receive from %s: %s", self._settings.queue_arn, error)
                await asyncio.sleep(1)
            if not messages:
                slots.release()
                continue
            task = asyncio.create_task(self._handle(messages))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)
            task.add_done_callback(lambda _: slots.release())

    async def _receive(self) -> Sequence[Mapping[str, Any]]:
        answer: Mapping[str, Any] = await self._sqs.receive_message(
            QueueUrl=self._settings.queue_url,
            MaxNumberOfMessages=min(10, self._settings.batch_size),
            WaitTimeSeconds=self._settings.wait_s,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        received: Sequence[Mapping[str, Any]] = answer.get("Messages", [])
        return received

    async def _handle(self, messages: Sequence[Mapping[str, Any]]) -> None:
        event = {"Records": [_record(message, self._settings.queue_arn) for message in messages]}
        message_ids = [str(message["MessageId"]) for message in messages]
        try:
            result = await self._invoke(self._settings.function, json.dumps(event).encode())
            failed = failed_ids(result, message_ids)
        except InvocationRejected as rejected:
            logger.warning("cannot invoke %s: %s", self._settings.function, rejected)
            failed = frozenset(message_ids)
        for message in messages:
            try:
                await self._settle(message, succeeded=message["MessageId"] not in failed)
            except ClientError as error:
                # Its visibility timeout ended, or it moved to the dead-letter queue.
                logger.warning("cannot settle message %s: %s", message["MessageId"], error)

    async def _settle(self, message: Mapping[str, Any], *, succeeded: bool) -> None:
        if succeeded:
            await self._sqs.delete_message(
                QueueUrl=self._settings.queue_url, ReceiptHandle=message["ReceiptHandle"]
            )
        elif self._settings.retry_visibility_s is not None:
            await self._sqs.change_message_visibility(
                QueueUrl=self._settings.queue_url,
                ReceiptHandle=message["ReceiptHandle"],
                VisibilityTimeout=self._settings.retry_visibility_s,
            )


def failed_ids(result: InvocationResult, message_ids: Sequence[str]) -> frozenset[str]:
    """Return the messages to redeliver, according to the partial batch response."""
    everything = frozenset(message_ids)
    if result.function_error is not None:
        return everything
    response = json.loads(result.payload)
    if response is None or response == {}:
        return frozenset()
    if not isinstance(response, dict):
        return everything
    failures = response.get("batchItemFailures")
    # To Lambda a missing, null or empty list means that all succeeded.
    if failures is None:
        return frozenset()
    if not isinstance(failures, list):
        return everything
    named = [failure.get("itemIdentifier") for failure in failures if isinstance(failure, dict)]
    known = [name for name in named if isinstance(name, str) and name in everything]
    return frozenset(known) if len(known) == len(failures) else everything


def _record(message: Mapping[str, Any], queue_arn: str) -> dict[str, object]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, object]:
    binary = value.get("BinaryValue")
    described: dict[str, object] = {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }
    if "StringValue" in value:
        described["stringValue"] = value["StringValue"]
    if binary is not None:
        described["binaryValue"] = base64.b64encode(binary).decode()
    return described
