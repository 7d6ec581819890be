"""How many messages a queue of SQS holds.

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
    """Return the number of messages: waiting, delayed, or being worked on.

    Raises:
        CorruptData: the answer lacks a number.
        ClientError: as SQS answered; the caller translates it.
    """
    answer = await client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=_DEPTH)
    attributes = answer.get("Attributes", {})
    missing = [name for name in _DEPTH if name not in attributes]
    if missing:
        raise CorruptData(
            f"sqs {OPERATION} on {queue_url}: the answer lacks {', '.join(missing)}",
            operation=OPERATION,
            resource=queue_url,
        )
    return sum(int(attributes[name]) for name in _DEPTH)
