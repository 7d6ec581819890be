"""The slots of connectors on DynamoDB: one item per slot, in the job table.

A slot is taken over the lease that was read, so of two workers one wins. An item stays when its
lease was given back: it has a lease that has expired.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.attributes import Item, reading, to_attribute, to_item, to_values
from adapters.aws.backoff import Sleep
from adapters.aws.dynamo_reads import batch_get
from adapters.aws.dynamo_writes import DynamoWriter, Request
from adapters.aws.lease_item import lease_values, to_lease
from domain.lease import Lease
from ports.errors import Conflict
from ports.slot_store import SlotStore

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_PREFIX: Final = "slot#"
_TRY_COUNT: Final = 3
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_slot(job_id: str) -> bool:
    """Return whether this key of the job table is that of a slot and not of a job."""
    return job_id.startswith(_PREFIX)


class DynamoSlotStore:
    """Stores slots in the table `resources.JOBS_TABLE`."""

    def __init__(
        self, client: DynamoDBClient, table_name: str, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._sleep = sleep
        self._writer = DynamoWriter(client, sleep=sleep)

    async def take(
        self, connector_id: str, count: int, lease: Lease, now: datetime, *, job_id: str
    ) -> int | None:
        stored = {n: held for n, (held, _) in (await self._read(connector_id, count)).items()}
        for number, found in stored.items():
            if found.token == lease.token and found.live(now):
                return number
        free = [n for n in range(count) if n not in stored or not stored[n].live(now)]
        # Workers that come together begin at different slots.
        first = sum(lease.token.encode()) % len(free) if free else 0
        for number in (free[first:] + free[:first])[:_TRY_COUNT]:
            with suppress(Conflict):
                over = self._over(connector_id, number, stored.get(number), lease, job_id)
                await self._writer.update(over)
                return number
        return None

    async def give_back(self, connector_id: str, number: int, token: str) -> None:
        held = Lease(token=token, expires_at=_LONG_AGO)
        with suppress(Conflict):
            await self._writer.update(self._over(connector_id, number, held, held))

    async def holders(self, connector_id: str, count: int, now: datetime) -> Sequence[str]:
        stored = await self._read(connector_id, count)
        return [holder for lease, holder in stored.values() if lease.live(now)]

    async def _read(self, connector_id: str, count: int) -> dict[int, tuple[Lease, str]]:
        """Return the lease of each slot that was ever taken, and the job that took it last."""
        keys = {slot_id(connector_id, number): number for number in range(count)}
        items = await batch_get(
            self._client,
            self._table_name,
            [to_item({"jobId": key}) for key in keys],
            sleep=self._sleep,
            options={"ConsistentRead": True},
        )
        found = {}
        with reading(f"the slots of connector {connector_id}"):
            for values in map(to_values, items):
                lease = to_lease(values["lease"])
                if lease is None:
                    raise ValueError("a slot without a lease")
                found[keys[values["jobId"]]] = lease, values.get("holder", "")
        return found

    def _over(
        self,
        connector_id: str,
        number: int,
        held: Lease | None,
        lease: Lease,
        job_id: str | None = None,
    ) -> Request:
        """Return the Update to `lease`, over the lease of the token that has it."""
        key: Item = to_item({"jobId": slot_id(connector_id, number)})
        request: dict[str, Any] = {
            "TableName": self._table_name,
            "Key": key,
            "UpdateExpression": "SET #lease = :lease",
            "ExpressionAttributeNames": {"#lease": "lease"},
            "ExpressionAttributeValues": {":lease": to_attribute(lease_values(lease) or {})},
        }
        if job_id is not None:
            request["UpdateExpression"] += ", #holder = :holder"
            request["ExpressionAttributeNames"]["#holder"] = "holder"
            request["ExpressionAttributeValues"][":holder"] = to_attribute(job_id)
        if held is None:
            return request | {"ConditionExpression": "attribute_not_exists(#lease)"}
        request["ExpressionAttributeNames"]["#token"] = "token"
        request["ExpressionAttributeValues"][":held"] = to_attribute(held.token)
        return request | {"ConditionExpression": "#lease.#token = :held"}


def slot_id(connector_id: str, number: int) -> str:
    """Return the key of a slot's item."""
    return f"{_PREFIX}{connector_id}#{number}"


_: type[SlotStore] = DynamoSlotStore
