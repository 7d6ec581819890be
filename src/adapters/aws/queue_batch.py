"""Batches of messages to SQS queues, and the results of their entries.

SQS API Reference, "SendMessageBatch": the status is 200 even if some or all entries failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.errors import error_of_code, map_aws_errors
from adapters.aws.responses import optional, required
from ports.errors import Garbled, PortError, Unavailable, Unknown

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient
    from types_aiobotocore_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

OPERATION: Final = "SendMessageBatch"


async def send_batch(
    client: SQSClient, queue_url: str, entries: Sequence[SendMessageBatchRequestEntryTypeDef]
) -> list[PortError | None]:
    """Send messages; return for each, in order, None or the error.

    Raises:
        PortError: The request failed as a whole.
    """
    with map_aws_errors("sqs", operation=OPERATION, resource=queue_url):
        response = await client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        sent = {required(each, "Id") for each in optional(response, "Successful", of=list) or []}
        failed = {
            required(each, "Id"): _entry_error(queue_url, each)
            for each in optional(response, "Failed", of=list) or []
        }
    lacking = Garbled(
        f"sqs {OPERATION} on {queue_url}: the response lacks an entry",
        operation=OPERATION,
        resource=queue_url,
    )
    ids = [entry["Id"] for entry in entries]
    return [None if each in sent else failed.get(each, lacking) for each in ids]


def _entry_error(queue_url: str, failed: Mapping[str, Any]) -> PortError:
    """Return the port's error for a failed entry; an unknown code depends on `SenderFault`."""
    known = error_of_code(
        "sqs",
        required(failed, "Code"),
        optional(failed, "Message") or "",
        operation=OPERATION,
        resource=queue_url,
    )
    service_fault = not required(failed, "SenderFault", of=bool)
    return (
        known.converted_to(Unavailable) if isinstance(known, Unknown) and service_fault else known
    )
