"""The number of messages in an SQS queue.

The numbers are approximate, and lag behind (`domain.limits.QUEUE_DEPTH_LAG_S`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from ports.errors import CorruptData

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient

OPERATION: Final = "GetQueueAttributes"

_Attribute = Literal[
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
]
_DEPTH: Final[tuple[_Attribute, ...]] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)


async def queue_depth(client: SQSClient, queue_url: str) -> int:
    """Return the number of messages: visible, delayed, or in flight.

    Raises:
        CorruptData: The response lacks a number.
        ClientError: SQS's error; the caller converts it.
    """
    response = await client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=_DEPTH)
    attributes = response.get("Attributes", {})
    missing = [name for name in _DEPTH if name not in attributes]
    if missing:
        raise CorruptData(
            f"sqs {OPERATION} on {queue_url}: the response lacks {', '.join(missing)}",
            operation=OPERATION,
            resource=queue_url,
        )
    return sum(int(attributes[name]) for name in _DEPTH)
