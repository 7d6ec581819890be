"""The connector table on DynamoDB."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.attributes import Item, read_or_report, reading, to_attribute, to_item
from adapters.aws.backoff import Backoff, Sleep
from adapters.aws.connector_item import (
    at_version,
    connector_key,
    new_connector_item,
    over_baseline,
    save_connector,
    to_connector,
)
from adapters.aws.cursors import to_cursor, to_position
from adapters.aws.dynamo_reads import first, scan
from adapters.aws.dynamo_writes import ConditionsFailed, DynamoWriter, put
from adapters.aws.errors import map_aws_errors
from adapters.aws.prefix_guard import connector_guard_id, is_active, read_guard
from domain.connector import Connector
from domain.removal_settings import Baseline
from ports.connector_store import ConnectorInUse, ConnectorStore, other_baseline
from ports.errors import AlreadyExists, Conflict, NotFound
from ports.paging import Page

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

# The first action of a removal is the connector; the guard of its jobs follows.
_CONNECTOR: Final = 0


class DynamoConnectorStore:
    """Stores connectors in the table `resources.CONNECTORS_TABLE`.

    A removal also reads the guard of the connector's jobs, which is in the job table.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        *,
        job_table_name: str,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._job_table_name = job_table_name
        self._sleep = sleep
        self._writer = DynamoWriter(client, sleep=sleep)

    async def create(self, connector: Connector) -> None:
        try:
            await self._writer.put(
                put(self._table_name, new_connector_item(connector), absent="connectorId")
            )
        except Conflict as error:
            raise AlreadyExists(
                f"connector {connector.connector_id} exists", resource=connector.connector_id
            ) from error

    async def get(self, connector_id: str) -> Connector:
        item = await self._find(connector_id)
        if item is None:
            raise NotFound(f"there is no connector {connector_id}", resource=connector_id)
        return to_connector(item)

    async def save(self, connector: Connector) -> Connector:
        """See `ConnectorStore.save`; the queue read before is that of the version written over."""
        item = await self._find(connector.connector_id)
        stored = None if item is None else to_connector(item)
        if stored is None or stored.revision != connector.revision:
            raise _outdated(connector)
        other_queue = stored.ingest.queue_url != connector.ingest.queue_url
        request = save_connector(self._table_name, connector, other_queue=other_queue)
        return to_connector(await self._writer.update(request))

    async def remove(self, connector: Connector) -> None:
        """See `ConnectorStore.remove`; a job that is created concurrently changes the guard."""
        backoff = Backoff(
            self._sleep, operation="TransactWriteItems", resource=f"table/{self._table_name}"
        )
        guard_id = connector_guard_id(connector.connector_id)
        while True:
            guard = await read_guard(self._client, self._job_table_name, guard_id)
            for job_id in sorted(guard.active):
                if await is_active(self._client, self._job_table_name, job_id):
                    raise ConnectorInUse(connector.connector_id, job_id)
            try:
                await self._writer.transact(
                    [
                        {"Delete": at_version(self._table_name, connector)},
                        {"ConditionCheck": guard.unchanged(self._job_table_name)},
                    ]
                )
            except ConditionsFailed as failed:
                if _CONNECTOR in failed.positions:
                    raise _outdated(connector) from failed
            else:
                return
            await backoff.wait("a job of the connector interfered")

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
            found = [read_or_report(item, "connectorId", to_connector) for item in items]
        return Page.of(found, to_cursor(name, (items[-1]["connectorId"]["S"],)) if more else None)

    async def record_queue_empty(self, connector_id: str, at: datetime, *, queue_url: str) -> None:
        """See `ConnectorStore.record_queue_empty`; timestamps are text that sorts like time."""
        resource = f"table/{self._table_name}"
        try:
            with map_aws_errors("dynamodb", operation="UpdateItem", resource=resource):
                await self._client.update_item(
                    TableName=self._table_name,
                    Key=connector_key(connector_id),
                    UpdateExpression="SET queueEmptyAt = :at",
                    ConditionExpression="ingestQueueUrl = :queue"
                    " AND (attribute_not_exists(queueEmptyAt) OR queueEmptyAt < :at)",
                    ExpressionAttributeValues={
                        ":at": to_attribute(at),
                        ":queue": to_attribute(queue_url),
                    },
                )
        except Conflict:
            # It does not exist, has a later time, or another queue: a read shows which.
            await self.get(connector_id)

    async def record_baseline(self, connector: Connector, baseline: Baseline) -> None:
        try:
            await self._writer.update(over_baseline(self._table_name, connector, baseline))
        except Conflict as error:
            raise other_baseline(connector.connector_id) from error

    async def _find(self, connector_id: str) -> Item | None:
        with map_aws_errors("dynamodb", operation="GetItem", resource=f"table/{self._table_name}"):
            response = await self._client.get_item(
                TableName=self._table_name, Key=connector_key(connector_id), ConsistentRead=True
            )
        return response.get("Item")


def _outdated(connector: Connector) -> Conflict:
    return Conflict(
        f"connector {connector.connector_id} is not at version {connector.version}",
        resource=connector.connector_id,
    )


_: type[ConnectorStore] = DynamoConnectorStore
