"""Conditional writes to DynamoDB, single, in transactions and in batches.

This module distinguishes a lost race from a lost response. botocore sends a request again if its
response did not arrive. The retry then finds what the first request wrote, and its condition fails.
A transaction carries a ClientRequestToken, with which DynamoDB recognizes the retry. A single write
has none, so this module writes its own mark into the item, `writeId`, and a failed condition is a
conflict only if the item has another mark.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from adapters.aws.attributes import Item, Value, to_attribute, to_item
from adapters.aws.backoff import Backoff, Sleep
from adapters.aws.errors import code_of, map_aws_errors
from adapters.aws.responses import optional, required
from ports.errors import Conflict

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

Request = dict[str, Any]
"""A Put or an Update, with the same parameters in a transaction and in a single call."""

# DynamoDB API Reference, BatchWriteItem: 25 requests in a call (hard limit, checked 2026-11).
_BATCH_COUNT_MAX: Final = 25
_WRITE_ID: Final = "writeId"


class ConditionsFailed(Conflict):
    """Conditions of a transaction failed; `positions` are those of their actions."""

    def __init__(self, positions: frozenset[int]) -> None:
        super().__init__(
            f"the conditions of actions {sorted(positions)} failed",
            operation="TransactWriteItems",
            vendor_code="ConditionalCheckFailed",
        )
        self.positions = positions


def put(table_name: str, item: Item, *, absent: str | None = None, version: int = 0) -> Request:
    """Return the Put of a whole item: if no item has the key `absent`, or over `version`."""
    request: Request = {"TableName": table_name, "Item": item}
    if absent is not None:
        return request | {
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": absent},
        }
    return request | {
        "ConditionExpression": "#version = :read",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":read": to_attribute(version)},
    }


def update(
    table_name: str,
    key: Item,
    values: Mapping[str, Value | None],
    *,
    version: int,
    add: Mapping[str, int],
) -> Request:
    """Return the Update over `version` that sets values (None removes) and adds to numbers."""
    values = {**values, "version": version + 1}
    assigned = to_item(values)
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in assigned)
    if removed := values.keys() - assigned.keys():
        expression += " REMOVE " + ", ".join(f"#{name}" for name in sorted(removed))
    if add:
        expression += " ADD " + ", ".join(f"#{name} :{name}" for name in add)
    return {
        "TableName": table_name,
        "Key": key,
        "UpdateExpression": expression,
        "ConditionExpression": "#version = :read",
        "ExpressionAttributeNames": {f"#{name}": name for name in (*values, *add)},
        "ExpressionAttributeValues": {
            **{f":{name}": attribute for name, attribute in (assigned | to_item(add)).items()},
            ":read": to_attribute(version),
        },
    }


class DynamoWriter:
    """Executes conditional writes."""

    def __init__(self, client: DynamoDBClient, *, sleep: Sleep) -> None:
        self._client = client
        self._sleep = sleep

    async def put(self, request: Request) -> None:
        """Execute one Put.

        Raises:
            Conflict: Its condition failed.
        """
        mark = to_attribute(uuid.uuid4().hex)
        marked = request | {"Item": {**request["Item"], _WRITE_ID: mark}}
        await self._write("PutItem", marked, mark)

    async def update(self, request: Request) -> Item:
        """Execute one Update, and return the item as it was stored.

        Raises:
            Conflict: Its condition failed.
        """
        mark = to_attribute(uuid.uuid4().hex)
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        marked = request | {
            "UpdateExpression": request["UpdateExpression"].replace(
                "SET ", "SET #mark = :mark, ", 1
            ),
            "ExpressionAttributeNames": {**names, "#mark": _WRITE_ID},
            "ExpressionAttributeValues": {**values, ":mark": mark},
            "ReturnValues": "ALL_NEW",
        }
        return await self._write("UpdateItem", marked, mark)

    async def transact(self, actions: Sequence[Mapping[str, Request]]) -> None:
        """Execute all actions or none; retry while other writes of the same items are in progress.

        Raises:
            ConditionsFailed: At least one condition failed.
            Throttled: Other writes kept interfering, or the service throttles.
        """
        resource = ", ".join(sorted({_table(action) for action in actions}))
        backoff = Backoff(self._sleep, operation="TransactWriteItems", resource=resource)
        while True:
            with map_aws_errors("dynamodb", operation="TransactWriteItems", resource=resource):
                try:
                    # The stubs require literal dictionaries.
                    await self._client.transact_write_items(TransactItems=list[Any](actions))
                except ClientError as error:
                    reasons = _cancellation_reasons(error)
                    failed = frozenset(
                        position
                        for position, code in enumerate(reasons)
                        if code == "ConditionalCheckFailed"
                    )
                    # This also holds next to a conflict: a version that is not the one read stays
                    # so.
                    if failed:
                        raise ConditionsFailed(failed) from error
                    if set(reasons) - {"None"} != {"TransactionConflict"}:
                        raise
                else:
                    return
            await backoff.wait("TransactionConflict")

    async def batch(self, table_name: str, requests: Sequence[Request]) -> None:
        """Execute any number of Puts and Deletes with different keys; not atomic.

        Raises:
            Throttled: The service repeatedly left requests unprocessed.
        """
        resource = f"table/{table_name}"
        remaining = iter(requests)
        while batch := list(islice(remaining, _BATCH_COUNT_MAX)):
            backoff = Backoff(self._sleep, operation="BatchWriteItem", resource=resource)
            wanted: Any = {table_name: batch}
            while wanted:
                sent_count = len(wanted[table_name])
                with map_aws_errors("dynamodb", operation="BatchWriteItem", resource=resource):
                    response = await self._client.batch_write_item(RequestItems=wanted)
                    wanted = optional(response, "UnprocessedItems", of=dict)
                    if wanted:
                        required(wanted, table_name, of=list)
                if wanted:
                    if len(wanted[table_name]) < sent_count:
                        backoff.progressed()
                    await backoff.wait("UnprocessedItems")

    async def _write(self, operation: str, request: Request, mark: Mapping[str, str]) -> Item:
        resource = f"table/{request['TableName']}"
        backoff = Backoff(self._sleep, operation=operation, resource=resource)
        marked = request | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        while True:
            with map_aws_errors("dynamodb", operation=operation, resource=resource):
                try:
                    if operation == "PutItem":
                        await self._client.put_item(**marked)
                        return {}
                    response = await self._client.update_item(**marked)
                    return required(response, "Attributes", of=dict)
                except ClientError as error:
                    code = code_of(error)
                    # The stubs declare the members of most errors; a failed condition has more.
                    stored: Item = dict[str, Any](error.response).get("Item", {})
                    if code == "ConditionalCheckFailedException" and stored.get(_WRITE_ID) == mark:
                        return stored
                    if code != "TransactionConflictException":
                        raise
            await backoff.wait("TransactionConflictException")


def _cancellation_reasons(error: ClientError) -> list[str]:
    reasons: Sequence[Mapping[str, str]] = dict[str, Any](error.response).get(
        "CancellationReasons", ()
    )
    return [reason.get("Code", "None") for reason in reasons]


def _table(action: Mapping[str, Request]) -> str:
    (request,) = action.values()
    return f"table/{request['TableName']}"
