"""The connector table on DynamoDB."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.aws.attributes import (
    Item,
    read_or_report,
    reading,
    to_attribute,
    to_item,
    to_optional_timestamp,
    to_timestamp,
    to_values,
)
from adapters.aws.backoff import Sleep
from adapters.aws.bucket_item import bucket_values, to_bucket
from adapters.aws.cursors import to_cursor, to_position
from adapters.aws.dynamo_reads import first, scan
from adapters.aws.dynamo_writes import DynamoWriter, put
from adapters.aws.errors import map_aws_errors
from adapters.aws.ingest_item import ingest_values, to_ingest
from domain.connector import Connector, ConnectorStatus, Verify
from ports.connector_store import ConnectorStore
from ports.errors import AlreadyExists, Conflict, NotFound
from ports.paging import Page

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class DynamoConnectorStore:
    """Stores connectors in the table `resources.CONNECTORS_TABLE`."""

    def __init__(
        self, client: DynamoDBClient, table_name: str, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._writer = DynamoWriter(client, sleep=sleep)

    async def create(self, connector: Connector) -> None:
        try:
            await self._writer.put(
                put(self._table_name, _to_connector_item(connector), absent="connectorId")
            )
        except Conflict as error:
            raise AlreadyExists(
                f"connector {connector.connector_id} exists", resource=connector.connector_id
            ) from error

    async def get(self, connector_id: str) -> Connector:
        with map_aws_errors("dynamodb", operation="GetItem", resource=f"table/{self._table_name}"):
            response = await self._client.get_item(
                TableName=self._table_name,
                Key=to_item({"connectorId": connector_id}),
                ConsistentRead=True,
            )
        if "Item" not in response:
            raise NotFound(f"there is no connector {connector_id}", resource=connector_id)
        return _to_connector(response["Item"])

    async def list_page(self, *, limit: int, cursor: str | None = None) -> Page[Connector]:
        """See `ConnectorStore.list_page`; the order is that of the ids' hashes."""
        name = "connectors"
        # The list must show a connector that was written just before, and the table is small.
        request: dict[str, Any] = {
            "TableName": self._table_name,
            "ConsistentRead": True,
            "Limit": limit + 1,
        }
        if cursor is not None:
            (connector_id,) = to_position(name, cursor, str)
            request["ExclusiveStartKey"] = to_item({"connectorId": connector_id})
        items, more = await first(scan(self._client, request), limit)
        with reading("a list of connectors"):
            found = [read_or_report(item, "connectorId", _to_connector) for item in items]
        return Page.of(found, to_cursor(name, (items[-1]["connectorId"]["S"],)) if more else None)

    async def record_queue_empty(self, connector_id: str, at: datetime) -> None:
        """See `ConnectorStore.record_queue_empty`; timestamps are text that sorts like time."""
        resource = f"table/{self._table_name}"
        try:
            with map_aws_errors("dynamodb", operation="UpdateItem", resource=resource):
                await self._client.update_item(
                    TableName=self._table_name,
                    Key=to_item({"connectorId": connector_id}),
                    UpdateExpression="SET queueEmptyAt = :at",
                    ConditionExpression="attribute_exists(connectorId)"
                    " AND (attribute_not_exists(queueEmptyAt) OR queueEmptyAt < :at)",
                    ExpressionAttributeValues={":at": to_attribute(at)},
                )
        except Conflict:
            # It does not exist, or has a later time: a read shows which.
            await self.get(connector_id)


def _to_connector_item(connector: Connector) -> Item:
    return to_item(
        {
            "connectorId": connector.connector_id,
            **bucket_values(connector.bucket),
            "prefixes": connector.prefixes,
            "status": connector.status,
            **ingest_values(connector.ingest),
            "verify": connector.verify,
            "queueEmptyAt": connector.queue_empty_at,
            "createdAt": connector.created_at,
        }
    )


def _to_connector(item: Item) -> Connector:
    with reading(f"connector {item.get('connectorId')}"):
        values = to_values(item)
        return Connector(
            connector_id=values["connectorId"],
            bucket=to_bucket(values),
            prefixes=tuple(values["prefixes"]),
            status=ConnectorStatus(values["status"]),
            ingest=to_ingest(values),
            verify=Verify(values.get("verify", Verify.TAGS)),
            queue_empty_at=to_optional_timestamp(values.get("queueEmptyAt")),
            created_at=to_timestamp(values["createdAt"]),
        )


_: type[ConnectorStore] = DynamoConnectorStore
