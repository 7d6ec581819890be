"""A scan of the asset table on DynamoDB, for snapshots of the catalog.

DynamoDB Developer Guide, "Scanning tables" (checked 2026-11): a page reads up to 1 MB, and is
billed for what it reads, not for the attributes that the projection leaves. Reads are eventually
consistent, which costs half.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from adapters.aws.catalog_record import CatalogAttributes
from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import Malformed, optional, required
from domain.catalog import LOCK_PREFIX
from ports.catalog_scan import CatalogScan, CatalogSize, ScanPage
from ports.errors import Misconfigured, Refused

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class DynamoCatalogScan:
    """Reads the asset table in segments.

    Args:
        client: The low-level client.
        table_name: The asset table.
        attributes: The places of a record's values in its item.
        lock_prefix: An item whose inventory id starts with it is not a record; empty: none.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        *,
        attributes: CatalogAttributes | None = None,
        lock_prefix: str = LOCK_PREFIX,
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._resource = f"table/{table_name}"
        self._attributes = CatalogAttributes() if attributes is None else attributes
        self._lock_prefix = lock_prefix

    async def size(self) -> CatalogSize:
        with map_aws_errors("dynamodb", operation="DescribeTable", resource=self._resource):
            response = await self._client.describe_table(TableName=self._table_name)
            table = required(response, "Table", of=dict)
            return CatalogSize(
                item_count=required(table, "ItemCount", of=int),
                size_bytes=required(table, "TableSizeBytes", of=int),
            )

    async def page(self, *, segment: int, segment_count: int, cursor: str | None) -> ScanPage:
        request: dict[str, Any] = {
            **self._attributes.projection(),
            "TableName": self._table_name,
            "Segment": segment,
            "TotalSegments": segment_count,
        }
        if cursor is not None:
            request["ExclusiveStartKey"] = json.loads(cursor)
        try:
            with map_aws_errors("dynamodb", operation="Scan", resource=self._resource):
                response = await self._client.scan(**request)
                items = required(response, "Items", of=list)
                if not all(isinstance(item, dict) for item in items):
                    raise Malformed("Items of the response has a value that is no item")
                place = optional(response, "LastEvaluatedKey", of=dict)
                following = None if place is None else json.dumps(place, sort_keys=True)
                if following is not None and following == cursor:
                    raise Malformed("the response names the same page again as its next page")
        except Refused as error:
            # Only the names can be wrong in this request.
            text = f"the catalog's attribute names do not match: {error}"
            raise Misconfigured(
                text,
                operation=error.operation,
                resource=error.resource,
                vendor_code=error.vendor_code,
            ) from error
        records = self._attributes.records(items)
        return ScanPage(
            records=tuple(each for each in records if not self._is_lock(each.inventory_id)),
            seen=len(items),
            cursor=following,
        )

    def _is_lock(self, inventory_id: str) -> bool:
        return bool(self._lock_prefix) and inventory_id.startswith(self._lock_prefix)


_: type[CatalogScan] = DynamoCatalogScan
