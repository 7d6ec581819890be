"""The runs of schedules on DynamoDB, as an attribute of the connector's item."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.attributes import Item, reading, to_attribute, to_item, to_values
from adapters.aws.backoff import Sleep
from adapters.aws.connector_item import connector_key
from adapters.aws.dynamo_writes import DynamoWriter, Request
from adapters.aws.errors import map_aws_errors
from adapters.aws.schedule_item import runs_values, to_runs
from domain.connector import Connector
from domain.schedule_runs import ScheduleRuns
from ports.errors import Conflict
from ports.schedule_runs import ScheduleRunStore

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_NAMES: Final = {
    "#runs": "scheduleRuns",
    "#runsVersion": "scheduleRunsVersion",
    "#createdAt": "createdAt",
}


class DynamoScheduleRunStore:
    """Stores the runs in the table `resources.CONNECTORS_TABLE`."""

    def __init__(
        self, client: DynamoDBClient, table_name: str, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._writer = DynamoWriter(client, sleep=sleep)

    async def get(self, connector: Connector) -> ScheduleRuns:
        with map_aws_errors("dynamodb", operation="GetItem", resource=f"table/{self._table_name}"):
            response = await self._client.get_item(
                TableName=self._table_name,
                Key=connector_key(connector.connector_id),
                ConsistentRead=True,
                ProjectionExpression=", ".join(_NAMES),
                ExpressionAttributeNames=_NAMES,
            )
        item = response.get("Item")
        if item is None or item.get("createdAt") != to_attribute(connector.created_at):
            return ScheduleRuns()
        return _runs_of(connector, item)

    async def save(self, connector: Connector, runs: ScheduleRuns) -> ScheduleRuns:
        item = await self._writer.update(runs_request(self._table_name, connector, runs))
        saved = _runs_of(connector, item)
        if saved.version != runs.version + 1:
            # The response was lost, and before the repetition a job was recorded with its run.
            raise Conflict(
                f"the runs of connector {connector.connector_id} were written again",
                resource=connector.connector_id,
            )
        return saved


def _runs_of(connector: Connector, item: Item) -> ScheduleRuns:
    with reading(f"the runs of connector {connector.connector_id}"):
        values: dict[str, Any] = to_values(
            {name: item[name] for name in _NAMES.values() if name in item}
        )
        version = values.get("scheduleRunsVersion", 0)
        return to_runs(values.get("scheduleRuns"), version=version)


def runs_request(table_name: str, connector: Connector, runs: ScheduleRuns) -> Request:
    """Return the Update of the connector's item that writes the runs over their version."""
    first = " OR attribute_not_exists(#runsVersion)" if runs.version == 0 else ""
    return {
        "TableName": table_name,
        "Key": connector_key(connector.connector_id),
        "UpdateExpression": "SET #runs = :runs, #runsVersion = :next",
        "ConditionExpression": f"#createdAt = :createdAt AND (#runsVersion = :runsRead{first})",
        "ExpressionAttributeNames": dict(_NAMES),
        "ExpressionAttributeValues": to_item(
            {
                ":runs": runs_values(runs),
                ":next": runs.version + 1,
                ":runsRead": runs.version,
                ":createdAt": connector.created_at,
            }
        ),
    }


_: type[ScheduleRunStore] = DynamoScheduleRunStore
