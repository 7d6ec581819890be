"""Batches of messages to queues of SQS, and what an answer says of their entries.

SQS API Reference, "SendMessageBatch": the answer is 200 even if some or all entries failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.aws.errors import error_of_code
from ports.errors import PortError, Refused, Unavailable

if TYPE_CHECKING:
    from types_aiobotocore_sqs.type_defs import BatchResultErrorEntryTypeDef

OPERATION: Final = "SendMessageBatch"


def entry_error(queue_url: str, failed: BatchResultErrorEntryTypeDef) -> PortError:
    """Return the port's error for a failed entry; an unknown code goes by `SenderFault`."""
    code, message = failed["Code"], failed.get("Message", "")
    known = error_of_code("sqs", code, message, operation=OPERATION, resource=queue_url)
    kind = Refused if failed["SenderFault"] else Unavailable
    return known or kind(
        f"sqs {OPERATION} on {queue_url}: {code}: {message}",
        operation=OPERATION,
        resource=queue_url,
        vendor_code=code,
    )
