"""The processor queue on SQS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from adapters.aws.errors import error_of_code, translated
from adapters.aws.queue_depth import OPERATION as _LOOK
from adapters.aws.queue_depth import queue_depth
from domain.limits import QUEUE_MESSAGE_COUNT_MAX
from domain.message import ChunkMessage
from ports.chunk_queue import ChunkQueue
from ports.errors import Fatal, PortError, Refused, Unavailable

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient
    from types_aiobotocore_sqs.type_defs import (
        BatchResultErrorEntryTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

_OPERATION: Final = "SendMessageBatch"


class SqsChunkQueue:
    """Sends chunk messages, ten to a request."""

    def __init__(self, client: SQSClient, *, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    async def send(self, messages: Sequence[ChunkMessage], *, delay_s: int = 0) -> None:
        """See the port."""
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
            with translated("sqs", operation=_OPERATION, resource=self._queue_url):
                answer = await self._client.send_message_batch(
                    QueueUrl=self._queue_url, Entries=entries
                )
            # SQS API Reference, "SendMessageBatch": 200 even if some or all entries failed.
            errors = [self._error(failed) for failed in answer.get("Failed", [])]
            if errors:
                raise next((error for error in errors if isinstance(error, Fatal)), errors[0])

    async def depth(self) -> int:
        """See the port."""
        with translated("sqs", operation=_LOOK, resource=self._queue_url):
            return await queue_depth(self._client, self._queue_url)

    def _error(self, failed: BatchResultErrorEntryTypeDef) -> PortError:
        code, message = failed["Code"], failed.get("Message", "")
        known = error_of_code("sqs", code, message, operation=_OPERATION, resource=self._queue_url)
        kind = Refused if failed["SenderFault"] else Unavailable
        return known or kind(
            f"sqs {_OPERATION} on {self._queue_url}: {code}: {message}",
            operation=_OPERATION,
            resource=self._queue_url,
            vendor_code=code,
        )


def encode_message(message: ChunkMessage) -> str:
    """Return the body of a message; numbers of its life that are 0 are left out."""
    life = {
        "redriveNumber": message.life.redrive_number,
        "attempt": message.life.handed_back_count,
    }
    numbers = {name: number for name, number in life.items() if number}
    return json.dumps({"jobId": message.job_id, "chunkIndex": message.chunk_index, **numbers})


_: type[ChunkQueue] = SqsChunkQueue
