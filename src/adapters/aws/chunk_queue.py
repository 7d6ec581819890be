"""The processor queue on SQS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapters.aws.errors import map_aws_errors
from adapters.aws.queue_batch import send_batch
from adapters.aws.queue_depth import OPERATION as _LOOK
from adapters.aws.queue_depth import queue_depth
from domain.limits import QUEUE_MESSAGE_COUNT_MAX
from domain.message import ChunkMessage
from ports.chunk_queue import ChunkQueue
from ports.errors import Fatal

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient
    from types_aiobotocore_sqs.type_defs import SendMessageBatchRequestEntryTypeDef


class SqsChunkQueue:
    """Sends chunk messages, ten per request."""

    def __init__(self, client: SQSClient, *, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    async def send(self, messages: Sequence[ChunkMessage], *, delay_s: int = 0) -> None:
        for start in range(0, len(messages), QUEUE_MESSAGE_COUNT_MAX):
            group = messages[start : start + QUEUE_MESSAGE_COUNT_MAX]
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {
                    "Id": str(position),
                    "MessageBody": encode_message(message),
                    "DelaySeconds": delay_s,
                }
                for position, message in enumerate(group)
            ]
            results = await send_batch(self._client, self._queue_url, entries)
            errors = [error for error in results if error is not None]
            if errors:
                raise next((error for error in errors if isinstance(error, Fatal)), errors[0])

    async def depth(self) -> int:
        with map_aws_errors("sqs", operation=_LOOK, resource=self._queue_url):
            return await queue_depth(self._client, self._queue_url)


def encode_message(message: ChunkMessage) -> str:
    """Return the body of a message; numbers of its life that are 0 are left out."""
    life = {
        "redriveNumber": message.life.redrive_number,
        "attempt": message.life.released_count,
    }
    numbers = {name: number for name, number in life.items() if number}
    return json.dumps({"jobId": message.job_id, "chunkIndex": message.chunk_index, **numbers})


_: type[ChunkQueue] = SqsChunkQueue
