"""The ingest queue of a Media Lake on SQS.

This module owns the format of the message, which Media Lake's ingest reads as an S3 event
notification. The facts about that ingest are from the Guidance for a Media Lake on AWS, v1.18.3:
lambdas/ingest/s3/index.py, `normalize_event_contexts`, takes the records of a message body whose
eventSource is `aws:s3` or `medialake.AssetSyncProcessor`, reads the bucket's name, the key and the
version, and decodes the key once, as a form; lambdas/back_end/asset_sync/processor/index.py sends
such messages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from adapters.aws.errors import map_aws_errors
from adapters.aws.queue_age import oldest_age_s
from adapters.aws.queue_batch import OPERATION as _SEND
from adapters.aws.queue_batch import send_batch
from adapters.aws.queue_depth import OPERATION as _LOOK
from adapters.aws.queue_depth import queue_depth
from adapters.aws.queue_urls import region_of
from domain.limits import QUEUE_MESSAGE_COUNT_MAX
from domain.message import IngestMessage
from ports.clock import Clock
from ports.errors import Misconfigured, NotFound, PortError, Refused
from ports.ingest_queue import IngestQueue

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient
    from types_aiobotocore_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

EVENT_SOURCE: Final = "medialake.AssetSyncProcessor"
EVENT_NAME: Final = "ObjectCreated:Put"

# This service's own value. A consumer of a FIFO queue processes one batch of a group at a time.
# This many groups keep any consumer busy, and a batch of ten still finds messages of one group.
MESSAGE_GROUP_COUNT: Final = 256

_NO_QUEUE: Final = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")

OpenClient = Callable[[str | None], Awaitable["SQSClient"]]
"""Returns the client of a Region, or for None that of the service's own."""

OpenMetrics = Callable[[str | None], Awaitable[Any]]
"""Returns the CloudWatch client of a Region, as `OpenClient`."""


class SqsIngestQueue:
    """Sends messages to queues in any Region; the URL shows whether a queue is FIFO.

    SQS also returns NonExistentQueue for a queue of another account that does not grant access.
    """

    def __init__(self, open_client: OpenClient, *, open_metrics: OpenMetrics, clock: Clock) -> None:
        self._open_client = open_client
        self._open_metrics = open_metrics
        self._clock = clock

    async def send(
        self, queue_url: str, messages: Sequence[IngestMessage]
    ) -> list[PortError | None]:
        if not messages:
            return []
        if len(messages) > QUEUE_MESSAGE_COUNT_MAX:
            raise Refused(
                f"sqs {_SEND} on {queue_url}: {len(messages)} messages in one request",
                operation=_SEND,
                resource=queue_url,
            )
        client = await self._open_client(region_of(queue_url))
        now = self._clock.now()
        entries = [
            _entry(position, message, now, fifo=queue_url.endswith(".fifo"))
            for position, message in enumerate(messages)
        ]
        with _queue_of_another():
            return await send_batch(client, queue_url, entries)

    async def depth(self, queue_url: str) -> int:
        client = await self._open_client(region_of(queue_url))
        with _queue_of_another(), map_aws_errors("sqs", operation=_LOOK, resource=queue_url):
            return await queue_depth(client, queue_url)

    async def oldest_age_s(self, queue_url: str) -> int | None:
        client = await self._open_metrics(region_of(queue_url))
        return await oldest_age_s(client, queue_url, self._clock.now())


def encode_message(message: IngestMessage, now: datetime) -> str:
    """Return the body of a message: an S3 event notification with one record.

    S3 User Guide, "Event message structure": the key is encoded as a form, the time is in UTC with
    milliseconds, and a bucket without versions has no versionId.
    """
    entry: dict[str, str | int] = {
        "key": quote_plus(message.object_key),
        "size": message.size_bytes,
        "eTag": message.e_tag,
    }
    if message.version_id is not None:
        entry["versionId"] = message.version_id
    bucket = {"name": message.bucket_name, "arn": f"arn:aws:s3:::{message.bucket_name}"}
    record = {
        "eventVersion": "2.1",
        "eventSource": EVENT_SOURCE,
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
        "eventName": EVENT_NAME,
        "s3": {"s3SchemaVersion": "1.0", "bucket": bucket, "object": entry},
    }
    return json.dumps({"Records": [record]})


def message_group(message: IngestMessage) -> str:
    """Return the group of an object's messages: one of MESSAGE_GROUP_COUNT, always the same."""
    number = int(_digest(message.bucket_name, message.object_key), 16) % MESSAGE_GROUP_COUNT
    return f"asset-sync-{number}"


def deduplication_id(message: IngestMessage) -> str:
    """Return the id by which a FIFO queue recognizes a repeated message.

    It depends on the job and the object's version, so that the message for an object that was
    replaced in the meantime is not dropped as a duplicate.
    """
    return _digest(
        message.job_id,
        message.bucket_name,
        message.object_key,
        message.version_id or "",
        message.e_tag,
    )


def _digest(*parts: str) -> str:
    # As JSON, so that no two sequences of parts give the same text.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _entry(
    position: int, message: IngestMessage, now: datetime, *, fifo: bool
) -> SendMessageBatchRequestEntryTypeDef:
    entry: SendMessageBatchRequestEntryTypeDef = {
        "Id": str(position),
        "MessageBody": encode_message(message, now),
    }
    if fifo:
        entry["MessageGroupId"] = message_group(message)
        entry["MessageDeduplicationId"] = deduplication_id(message)
    return entry


@contextmanager
def _queue_of_another() -> Iterator[None]:
    """Map a queue that does not exist to NotFound, because it is not this service's own."""
    try:
        yield
    except Misconfigured as error:
        if error.vendor_code not in _NO_QUEUE:
            raise
        raise error.converted_to(NotFound) from error


_: type[IngestQueue] = SqsIngestQueue
