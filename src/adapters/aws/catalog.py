"""The Asset Management System's table of assets on DynamoDB: read, never written.

The inventory id is the table's key, so records are read by the hundred, and each names its asset
in a nested attribute. A DynamoDB index cannot key on a nested attribute (DynamoDB Developer Guide,
"Using Global Secondary Indexes", checked 2026-11), so an index over asset ids finds something only
where the system also writes the id at the top of its items. It is asked last, and can be left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from adapters.aws.attributes import Item, to_attribute
from adapters.aws.backoff import Sleep
from adapters.aws.dynamo_reads import batch_get
from adapters.aws.errors import translated
from adapters.aws.resources import ASSETS_TABLE
from domain.decision import CatalogAnswer
from domain.identity import Identity
from ports.catalog import Catalog
from ports.errors import Misconfigured, Refused

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class DynamoCatalog:
    """Answers from a table of the shape `resources.ASSETS_TABLE`.

    Args:
        client: The low-level client.
        table_name: The table of assets.
        inventory_id_attribute: Its partition key.
        asset_id_attribute: Dotted path of the asset's id in a record.
        index_name: The index over asset ids; empty if there is none to ask.
        index_key_attribute: That index's partition key, a top-level attribute.
        index_query_count_max: Questions to the index at once.
        sleep: Waits between tries.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        *,
        inventory_id_attribute: str = ASSETS_TABLE.partition_key.name,
        asset_id_attribute: str = "DigitalSourceAsset.ID",
        index_name: str = "AssetIDIndex",
        index_key_attribute: str = "DigitalSourceAsset.ID",
        index_query_count_max: int = 8,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._inventory_id_attribute = inventory_id_attribute
        self._asset_id_path = asset_id_attribute.split(".")
        self._index_name = index_name
        self._index_key_attribute = index_key_attribute
        self._index_query_count_max = index_query_count_max
        self._sleep = sleep

    async def look_up(self, identities: Sequence[Identity]) -> list[CatalogAnswer]:
        """See `Catalog.look_up`."""
        # Dictionaries keep the order, so the same question makes the same requests.
        inventory_ids = dict.fromkeys(each.inventory_id for each in identities if each.inventory_id)
        asset_ids = dict.fromkeys(each.asset_id for each in identities if each.asset_id)
        try:
            records = await self._records(inventory_ids)
            assets = {asset_id for asset_id in records.values() if asset_id is not None}
            assets |= await self._indexed(each for each in asset_ids if each not in assets)
        except Refused as error:
            # Of these requests only the names can be wrong: an index that does not exist, or a key
            # that is another, is a ValidationException.
            raise Misconfigured(
                f"the catalog's table, index or attribute names do not fit: {error}",
                operation=error.operation,
                resource=error.resource,
                vendor_code=error.vendor_code,
            ) from error
        return [
            CatalogAnswer(
                asset_known=each.asset_id in assets, inventory_known=each.inventory_id in records
            )
            for each in identities
        ]

    async def _records(self, inventory_ids: Iterable[str]) -> dict[str, str | None]:
        """Return the asset id, if it has one, of each of these records that exists."""
        steps = {f"#step{number}": name for number, name in enumerate(self._asset_id_path)}
        items = await batch_get(
            self._client,
            self._table_name,
            [{self._inventory_id_attribute: to_attribute(each)} for each in inventory_ids],
            sleep=self._sleep,
            options={
                "ProjectionExpression": f"#inventory, {'.'.join(steps)}",
                "ExpressionAttributeNames": {
                    "#inventory": self._inventory_id_attribute,
                    **steps,
                },
            },
        )
        return {item[self._inventory_id_attribute]["S"]: self._asset_id(item) for item in items}

    def _asset_id(self, item: Item) -> str | None:
        """Return the text at the path of the asset id; a record may have none, or another type."""
        attribute: Mapping[str, Any] = {"M": item}
        for step in self._asset_id_path:
            attribute = attribute.get("M", {}).get(step, {})
        return attribute.get("S")

    async def _indexed(self, asset_ids: Iterable[str]) -> set[str]:
        """Return those of these asset ids that the index knows."""
        found: set[str] = set()
        if not self._index_name:
            return found
        remaining = iter(asset_ids)

        async def worker() -> None:
            for asset_id in remaining:
                if await self._in_index(asset_id):
                    found.add(asset_id)

        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._index_query_count_max):
                    group.create_task(worker())
        except BaseExceptionGroup as failures:
            failure = failures.exceptions[0]
        # Outside of the handler, so that it keeps the vendor's error as its cause.
        if failure is not None:
            raise failure
        return found

    async def _in_index(self, asset_id: str) -> bool:
        resource = f"table/{self._table_name}/index/{self._index_name}"
        with translated("dynamodb", operation="Query", resource=resource):
            answer = await self._client.query(
                TableName=self._table_name,
                IndexName=self._index_name,
                KeyConditionExpression="#asset = :asset",
                ExpressionAttributeNames={"#asset": self._index_key_attribute},
                ExpressionAttributeValues={":asset": to_attribute(asset_id)},
                Select="COUNT",
                Limit=1,
            )
        return answer["Count"] > 0


_: type[Catalog] = DynamoCatalog
