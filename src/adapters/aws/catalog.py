"""The Asset Management System's asset table on DynamoDB: read, never written.

The cost of `records_at` for an object whose record has the id that this service generates: its
share of one BatchGetItem. For every other object, also one Query of the index over storage paths.

The cost of `look_up` for N objects in one call:

- An object with both ids whose record has that AssetID: its share of one BatchGetItem, which reads
  a hundred records. The same for an object without an InventoryID; then the record under the id
  that this service generates is read.
- An object whose asset is unknown, and which has no record of its own under its own path: one Query
  of the index over storage paths, if there is one. If it has an InventoryID, also its share of a
  second BatchGetItem, for the record under the id that this service generates.
- An object with an AssetID that its record does not have: one Query of the index over asset ids, if
  there is one.

A query with more than one page of results costs one request per page. A DynamoDB index cannot key
on a nested attribute (DynamoDB Developer Guide, "Using Global Secondary Indexes", checked 2026-11),
so an index over asset ids finds something only if the system also writes the id at the top level of
its items. Media Lake does not (v1.18.3, medialake_stacks/base_infrastructure.py), so leave it out
there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from adapters.aws.attributes import to_attribute
from adapters.aws.backoff import Sleep
from adapters.aws.catalog_record import CatalogAttributes
from adapters.aws.dynamo_reads import batch_get, query
from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import required
from domain.catalog import (
    LOCK_PREFIX,
    CatalogAnswer,
    CatalogQuestion,
    CatalogRecord,
    storage_path,
)
from domain.identity import mint_inventory_id
from ports.catalog import Catalog
from ports.errors import Misconfigured, Refused

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_Records = Mapping[str, CatalogRecord]


@dataclass(frozen=True, slots=True)
class CatalogIndex:
    """An index of the asset table, and its partition key, a top-level attribute."""

    name: str
    key_attribute: str


class DynamoCatalog:
    """Looks objects up in a table with an item per inventory record.

    Args:
        client: The low-level client.
        table_name: The asset table.
        attributes: The places of a record's values in its item.
        asset_index: The index over asset ids; None if there is none to query.
        path_index: The index over storage paths, which must project the attributes; None if there
            is none to query.
        lock_prefix: An item whose inventory id starts with it is not a record; empty: none.
        query_count_max: Concurrent queries of an index.
        sleep: Waits between tries.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        *,
        attributes: CatalogAttributes | None = None,
        asset_index: CatalogIndex | None = None,
        path_index: CatalogIndex | None = None,
        lock_prefix: str = LOCK_PREFIX,
        query_count_max: int = 8,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._attributes = CatalogAttributes() if attributes is None else attributes
        self._projection = self._attributes.projection()
        self._asset_index = asset_index
        self._path_index = path_index
        self._lock_prefix = lock_prefix
        self._query_count_max = query_count_max
        self._sleep = sleep

    async def look_up(self, questions: Sequence[CatalogQuestion]) -> list[CatalogAnswer]:
        with _names_may_be_wrong():
            return await self._look_up_all(questions)

    async def records_at(
        self, bucket_name: str, keys: Sequence[str]
    ) -> list[tuple[CatalogRecord, ...]]:
        with _names_may_be_wrong():
            paths = [storage_path(bucket_name, key) for key in keys]
            minted_ids = [mint_inventory_id(bucket_name, key) for key in keys]
            minted = await self._records(minted_ids)
            found: dict[str, Sequence[CatalogRecord]] = {
                path: (record,)
                for path, inventory_id in zip(paths, minted_ids, strict=True)
                if (record := minted.get(inventory_id)) is not None and record.may_be_at(path)
            }
            found |= await self._at_paths(path for path in paths if path not in found)
        return [tuple(found.get(path, ())) for path in paths]

    async def _look_up_all(self, questions: Sequence[CatalogQuestion]) -> list[CatalogAnswer]:
        records = await self._records(
            each.identity.inventory_id or each.minted_inventory_id for each in questions
        )
        indexed = await self._indexed(
            each.identity.asset_id
            for each in questions
            if each.identity.asset_id and not each.names_asset_of(each.own_record(records))
        )

        def known(question: CatalogQuestion) -> bool:
            return (
                question.names_asset_of(question.own_record(records))
                or question.identity.asset_id in indexed
            )

        def has_own_record(question: CatalogQuestion) -> bool:
            own = question.own_record(records)
            return own is not None and own.may_be_at(question.storage_path)

        open_questions = [each for each in questions if not (known(each) or has_own_record(each))]
        by_key = {
            **records,
            **await self._records(
                each.minted_inventory_id for each in open_questions if each.identity.inventory_id
            ),
        }
        by_path = await self._at_paths(each.storage_path for each in open_questions)
        searched = frozenset(open_questions)

        def others(question: CatalogQuestion) -> tuple[CatalogRecord, ...]:
            if question not in searched:
                return ()
            minted_id = question.minted_inventory_id
            found = {each.inventory_id: each for each in by_path.get(question.storage_path, ())}
            # A record that was read by its key is at least as new as its entry in an index.
            if minted_id in by_key:
                found[minted_id] = by_key[minted_id]
            return tuple(
                found[inventory_id]
                for inventory_id in sorted(found)
                if inventory_id != question.identity.inventory_id
            )

        return [
            CatalogAnswer(
                asset_known=known(each), record=each.own_record(records), others=others(each)
            )
            for each in questions
        ]

    async def _records(self, inventory_ids: Iterable[str]) -> _Records:
        """Return those of these records that exist."""
        # Dictionaries keep their order, so equal questions make equal requests.
        wanted = dict.fromkeys(each for each in inventory_ids if not self._is_lock(each))
        items = await batch_get(
            self._client,
            self._table_name,
            [{self._attributes.inventory_id: to_attribute(each)} for each in wanted],
            sleep=self._sleep,
            options=self._projection,
        )
        return {record.inventory_id: record for record in self._attributes.records(items)}

    async def _indexed(self, asset_ids: Iterable[str | None]) -> set[str]:
        """Return those of these asset ids that are in the index."""
        found: set[str] = set()
        index = self._asset_index
        if index is None:
            return found

        async def ask(asset_id: str) -> None:
            resource = f"table/{self._table_name}/index/{index.name}"
            with map_aws_errors("dynamodb", operation="Query", resource=resource):
                response = await self._client.query(
                    TableName=self._table_name,
                    IndexName=index.name,
                    KeyConditionExpression="#asset = :asset",
                    ExpressionAttributeNames={"#asset": index.key_attribute},
                    ExpressionAttributeValues={":asset": to_attribute(asset_id)},
                    Select="COUNT",
                    Limit=1,
                )
                count = required(response, "Count", of=int)
            if count > 0:
                found.add(asset_id)

        await _each(dict.fromkeys(filter(None, asset_ids)), ask, limit=self._query_count_max)
        return found

    async def _at_paths(self, paths: Iterable[str]) -> dict[str, list[CatalogRecord]]:
        """Return the records by storage path, for those paths that have any."""
        found: dict[str, list[CatalogRecord]] = {}
        index = self._path_index
        if index is None:
            return found

        async def ask(path: str) -> None:
            request = {
                **self._projection,
                "TableName": self._table_name,
                "IndexName": index.name,
                "KeyConditionExpression": "#path = :path",
                "ExpressionAttributeNames": {
                    **self._projection["ExpressionAttributeNames"],
                    "#path": index.key_attribute,
                },
                "ExpressionAttributeValues": {":path": to_attribute(path)},
            }
            items = [item async for item in query(self._client, request)]
            records = self._attributes.records(items)
            kept = [record for record in records if not self._is_lock(record.inventory_id)]
            if kept:
                found[path] = kept

        await _each(dict.fromkeys(paths), ask, limit=self._query_count_max)
        return found

    def _is_lock(self, inventory_id: str) -> bool:
        return bool(self._lock_prefix) and inventory_id.startswith(self._lock_prefix)


@contextmanager
def _names_may_be_wrong() -> Iterator[None]:
    """Report a refused request as Misconfigured.

    Only the names can be wrong in these requests: a missing index, or another key or projection, is
    a ValidationException.
    """
    try:
        yield
    except Refused as error:
        raise Misconfigured(
            f"the catalog's table, index or attribute names do not match: {error}",
            operation=error.operation,
            resource=error.resource,
            vendor_code=error.vendor_code,
        ) from error


_Item = TypeVar("_Item")


async def _each(
    items: Iterable[_Item], ask: Callable[[_Item], Awaitable[None]], *, limit: int
) -> None:
    """Call `ask` for each item, `limit` at once; the first error stops all and is raised."""
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await ask(item)

    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(limit):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        failure = failures.exceptions[0]
    # Outside of the handler, so that the error keeps AWS's error as its cause.
    if failure is not None:
        raise failure


_: type[Catalog] = DynamoCatalog
