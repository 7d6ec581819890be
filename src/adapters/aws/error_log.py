"""The error table on DynamoDB.

DynamoDB removes an item "within a few days" of its expiry (DynamoDB Developer Guide, "Using time to
live (TTL) in DynamoDB", checked 2026-11), so lists leave out expired items themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from adapters.aws.attributes import Item, reading, to_attribute, to_item, to_timestamp, to_values
from adapters.aws.backoff import Sleep
from adapters.aws.cursors import to_cursor, to_position
from adapters.aws.dynamo_reads import first, of_job, query
from adapters.aws.dynamo_writes import DynamoWriter
from domain.failure import Failure
from ports.clock import Clock
from ports.error_log import ErrorLog
from ports.paging import Page

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_DAY_S: Final = 86_400

# Together well below an item's 400 KB (DynamoDB Developer Guide, "Quotas", hard limit, checked
# 2026-11). The split is this service's own.
_MESSAGE_BYTES_MAX: Final = 64 * 1024
_STACK_TRACE_BYTES_MAX: Final = 256 * 1024
_CUT_MARK: Final = "[truncated: it was longer than the error table allows]"


class DynamoErrorLog:
    """Stores failures in the table `resources.ERRORS_TABLE`, for `retention_days`."""

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        clock: Clock,
        *,
        retention_days: float = 90,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._clock = clock
        self._retention_s = int(retention_days * _DAY_S)
        self._writer = DynamoWriter(client, sleep=sleep)

    async def record(self, failures: Sequence[Failure]) -> None:
        expires_at_s = self._now_s() + self._retention_s
        # DynamoDB rejects a batch that names an item twice; the later failure is kept.
        latest = {(failure.job_id, failure.error_id): failure for failure in failures}
        await self._writer.batch(
            self._table_name,
            [
                {"PutRequest": {"Item": _to_failure_item(failure, expires_at_s)}}
                for failure in latest.values()
            ],
        )

    async def clear(
        self, job_id: str, id_prefix: str, *, keep: Collection[str] = frozenset()
    ) -> None:
        request = of_job(self._table_name, job_id) | {"ProjectionExpression": "#jobId, #errorId"}
        request["ExpressionAttributeNames"]["#errorId"] = "errorId"
        # A value compared with a key must not be empty; an empty prefix means all of the job's
        # failures.
        if id_prefix:
            request["KeyConditionExpression"] += " AND begins_with(#errorId, :prefix)"
            request["ExpressionAttributeValues"][":prefix"] = to_attribute(id_prefix)
        keys = [item async for item in query(self._client, request)]
        await self._writer.batch(
            self._table_name,
            [
                {"DeleteRequest": {"Key": key}}
                for key in keys
                if to_values(key)["errorId"] not in keep
            ],
        )

    async def list_page(
        self, job_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[Failure]:
        name = f"failures of {job_id}"
        request = of_job(self._table_name, job_id) | {
            "FilterExpression": "#expiresAt > :now",
            "Limit": limit + 1,
        }
        request["ExpressionAttributeNames"]["#expiresAt"] = "expiresAt"
        request["ExpressionAttributeValues"][":now"] = to_attribute(self._now_s())
        if cursor is not None:
            (error_id,) = to_position(name, cursor, str)
            request["ExclusiveStartKey"] = to_item({"jobId": job_id, "errorId": error_id})
        items, more = await first(query(self._client, request), limit)
        failures = tuple(map(_to_failure, items))
        return Page(failures, to_cursor(name, (failures[-1].error_id,)) if more else None)

    def _now_s(self) -> int:
        return int(self._clock.now().timestamp())


def _to_failure_item(failure: Failure, expires_at_s: int) -> Item:
    return to_item(
        {
            "jobId": failure.job_id,
            "errorId": failure.error_id,
            "errorClass": failure.error_class,
            "message": _head(failure.message),
            "occurredAt": failure.occurred_at,
            "chunkIndex": failure.chunk_index,
            "objectKey": failure.key,
            "attempt": failure.attempt_number,
            "vendorCode": failure.vendor_code,
            "requestId": failure.request_id,
            "stackTrace": None if failure.stack_trace is None else _tail(failure.stack_trace),
            "expiresAt": expires_at_s,
        }
    )


def _to_failure(item: Item) -> Failure:
    with reading(f"failure {item.get('errorId')} of {item.get('jobId')}"):
        values = to_values(item)
        return Failure(
            job_id=values["jobId"],
            error_id=values["errorId"],
            error_class=values["errorClass"],
            message=values["message"],
            occurred_at=to_timestamp(values["occurredAt"]),
            chunk_index=values.get("chunkIndex"),
            key=values.get("objectKey"),
            attempt_number=values.get("attempt"),
            vendor_code=values.get("vendorCode"),
            request_id=values.get("requestId"),
            stack_trace=values.get("stackTrace"),
        )


def _head(message: str) -> str:
    """Return a message that fits; its start matters most."""
    encoded = _utf8(message)
    if len(encoded) <= _MESSAGE_BYTES_MAX:
        return encoded.decode()
    return f"{encoded[:_MESSAGE_BYTES_MAX].decode(errors='ignore')} {_CUT_MARK}"


def _tail(stack_trace: str) -> str:
    """Return a stack trace that fits; Python puts the error itself last."""
    encoded = _utf8(stack_trace)
    if len(encoded) <= _STACK_TRACE_BYTES_MAX:
        return encoded.decode()
    return f"{_CUT_MARK}\n{encoded[-_STACK_TRACE_BYTES_MAX:].decode(errors='ignore')}"


def _utf8(text: str) -> bytes:
    # Half of a surrogate pair, as in a file name quoted by an error, cannot be stored unchanged.
    return text.encode(errors="backslashreplace")


_: type[ErrorLog] = DynamoErrorLog
