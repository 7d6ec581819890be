"""Reads of many DynamoDB items: whole lists page by page, and many keys in batches of a hundred.

This module owns paging and the retries of unprocessed keys. It is independent of the items.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.attributes import Item, to_attribute
from adapters.aws.backoff import Backoff, Sleep
from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import Malformed, optional, required

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from types_aiobotocore_dynamodb import DynamoDBClient

# DynamoDB API Reference, BatchGetItem: 100 keys in a call (hard limit, checked 2026-11).
_KEY_COUNT_MAX: Final = 100


def query(client: DynamoDBClient, request: Mapping[str, Any]) -> AsyncGenerator[Item, None]:
    """Yield all items of a query, over all of its pages."""
    return _all_pages(client.query, "Query", request)


def scan(client: DynamoDBClient, request: Mapping[str, Any]) -> AsyncGenerator[Item, None]:
    """Yield all items of a scan, over all of its pages."""
    return _all_pages(client.scan, "Scan", request)


async def _all_pages(
    read: Callable[..., Awaitable[Any]], operation: str, request: Mapping[str, Any]
) -> AsyncGenerator[Item, None]:
    following: Mapping[str, Any] = request
    while True:
        with map_aws_errors("dynamodb", operation=operation, resource=_place(request)):
            items, place = _page(await read(**following), following)
        for item in items:
            yield item
        if place is None:
            return
        following = {**request, "ExclusiveStartKey": place}


def of_job(table_name: str, job_id: str) -> dict[str, Any]:
    """Return the query of a job's items in a table whose partition key is `jobId`."""
    return {
        "TableName": table_name,
        "KeyConditionExpression": "#jobId = :jobId",
        "ExpressionAttributeNames": {"#jobId": "jobId"},
        "ExpressionAttributeValues": {":jobId": to_attribute(job_id)},
        "ConsistentRead": True,
    }


async def first(items: AsyncGenerator[Item, None], count: int) -> tuple[list[Item], bool]:
    """Return the first `count` items, and whether there are more; reads no page beyond that."""
    taken: list[Item] = []
    async with aclosing(items):
        async for item in items:
            if len(taken) == count:
                return taken, True
            taken.append(item)
    return taken, False


async def batches(items: AsyncIterator[Item]) -> AsyncIterator[list[Item]]:
    """Yield the items in lists of the size of a batch read."""
    batch: list[Item] = []
    async for item in items:
        batch.append(item)
        if len(batch) == _KEY_COUNT_MAX:
            yield batch
            batch = []
    if batch:
        yield batch


async def batch_get(
    client: DynamoDBClient,
    table_name: str,
    keys: Sequence[Item],
    *,
    sleep: Sleep,
    options: Mapping[str, Any],
) -> list[Item]:
    """Return the existing items of these unique keys, of any number, in any order.

    Args:
        client: The low-level client.
        table_name: The table.
        keys: The whole keys.
        sleep: Waits between tries for unprocessed keys.
        options: Other parameters of the table in the request: consistency, projection.

    Raises:
        Throttled: The service repeatedly left keys unprocessed.
    """
    items: list[Item] = []
    remaining = iter(keys)
    while batch := list(islice(remaining, _KEY_COUNT_MAX)):
        resource = f"table/{table_name}"
        backoff = Backoff(sleep, operation="BatchGetItem", resource=resource)
        wanted: Any = {table_name: {**options, "Keys": batch}}
        while wanted:
            with map_aws_errors("dynamodb", operation="BatchGetItem", resource=resource):
                response = await client.batch_get_item(RequestItems=wanted)
                responses = required(response, "Responses", of=dict)
                found = optional(responses, table_name, of=list) or []
                wanted = optional(response, "UnprocessedKeys", of=dict)
            items += found
            if found:
                backoff.progressed()
            if wanted:
                await backoff.wait("UnprocessedKeys")
    return items


def _page(
    response: Mapping[str, Any], request: Mapping[str, Any]
) -> tuple[list[Item], Item | None]:
    """Return the items of a page, and the start key of the next one."""
    place = optional(response, "LastEvaluatedKey", of=dict)
    if place is not None and place == request.get("ExclusiveStartKey"):
        raise Malformed("the response names the same page again as its next page")
    items = required(response, "Items", of=list)
    # Some versions of the SDK pass on what is no item.
    if not all(isinstance(item, dict) for item in items):
        raise Malformed("Items of the response has a value that is no item")
    return items, place


def _place(request: Mapping[str, Any]) -> str:
    index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
    return f"table/{request['TableName']}{index}"
