"""Which prefixes of a connector are taken by its active jobs: one item per connector.

It stands in the job table, under a key that no job has and without the attributes that the indexes
need, so no list shows it. It changes only in the transactions that create, end or reopen a job.
Taking prefixes is guarded by the guard's version: of two jobs that read the same guard, one takes.
Giving them free needs no look: removing the job's own entry is right whatever else is in it, and
moves the version too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.aws.attributes import Item, reading, to_attribute, to_item, to_values
from adapters.aws.dynamo_writes import Request, put
from adapters.aws.errors import translated
from domain.job import Job
from domain.prefixes import overlap

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_KEY_PREFIX: Final = "connector#"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixGuard:
    """The guard as it was read; `version` is None if there is none yet."""

    connector_id: str
    version: int | None
    active: Mapping[str, tuple[str, ...]]

    def overlapping(self, job: Job) -> str | None:
        """Return the id of another active job that covers some of the same prefixes, or None."""
        return next(
            (
                job_id
                for job_id, prefixes in sorted(self.active.items())
                if job_id != job.job_id and overlap(prefixes, job.options.prefixes)
            ),
            None,
        )

    def taking(self, table_name: str, job: Job) -> Request:
        """Return the Put that takes the job's prefixes, if the guard is still as it was read."""
        version = self.version or 0
        item = _key(self.connector_id) | to_item(
            {"active": {**self.active, job.job_id: job.options.prefixes}, "version": version + 1}
        )
        if self.version is None:
            return put(table_name, item, absent="jobId")
        return put(table_name, item, version=version)


def freeing(table_name: str, job: Job) -> Request:
    """Return the Update that gives the job's prefixes free; free ones stay so."""
    return {
        "TableName": table_name,
        "Key": _key(job.connector_id),
        "UpdateExpression": "REMOVE #active.#job ADD #version :one",
        "ConditionExpression": "attribute_exists(#active)",
        "ExpressionAttributeNames": {
            "#active": "active",
            "#job": job.job_id,
            "#version": "version",
        },
        "ExpressionAttributeValues": {":one": to_attribute(1)},
    }


def is_guard(job_id: str) -> bool:
    """Tell whether this key of the job table is a guard's and no job's."""
    return job_id.startswith(_KEY_PREFIX)


async def read_guard(client: DynamoDBClient, table_name: str, connector_id: str) -> PrefixGuard:
    """Return the connector's guard."""
    with translated("dynamodb", operation="GetItem", resource=f"table/{table_name}"):
        answer = await client.get_item(
            TableName=table_name, Key=_key(connector_id), ConsistentRead=True
        )
    if "Item" not in answer:
        return PrefixGuard(connector_id=connector_id, version=None, active={})
    with reading(f"the guard of connector {connector_id}"):
        values = to_values(answer["Item"])
        active = {job_id: tuple(prefixes) for job_id, prefixes in values["active"].items()}
        return PrefixGuard(connector_id=connector_id, version=values["version"], active=active)


def _key(connector_id: str) -> Item:
    return to_item({"jobId": f"{_KEY_PREFIX}{connector_id}"})
