"""Which prefixes of a bucket are reserved by its active jobs: one item per bucket.

It is stored in the job table, under a key that no job has and without the attributes that the
indexes need, so no list shows it. It changes only in the transactions that create, end or reopen a
job. A reservation is guarded by the guard's version: of two jobs that read the same guard, only one
succeeds. A release needs no read: removing the job's own entry is right whatever else is in the
item, and it changes the version too.

Version 0.1 had a guard per connector instead. A job reserves its prefixes in that one as well, so
that jobs of both versions exclude each other where they did in 0.1, whichever was deployed last. An
entry that a job of another version left behind is stale if its job has ended or does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.aws.attributes import Item, reading, to_attribute, to_item, to_values
from adapters.aws.dynamo_writes import Request, put
from adapters.aws.errors import map_aws_errors
from domain.item_sizes import active_prefix_bytes
from domain.job import TERMINAL, Job
from domain.prefixes import overlap

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_OF_BUCKET: Final = "bucket#"
_OF_CONNECTOR: Final = "connector#"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixGuard:
    """A guard as it was read; `version` is None if there is none yet."""

    guard_id: str
    version: int | None
    active: Mapping[str, tuple[str, ...]]

    def overlapping(self, job: Job) -> list[str]:
        """Return the ids of other jobs whose entries overlap with its prefixes."""
        return [
            job_id
            for job_id, prefixes in sorted(self.active.items())
            if job_id != job.job_id and overlap(prefixes, job.request.options.prefixes)
        ]

    def without(self, void: Iterable[str]) -> PrefixGuard:
        """Return the guard without the entries of these jobs."""
        kept = {job_id: self.active[job_id] for job_id in self.active.keys() - set(void)}
        return PrefixGuard(guard_id=self.guard_id, version=self.version, active=kept)

    def size_bytes(self, job: Job) -> int:
        """Return the guard's size after the job has reserved its prefixes."""
        active = {**self.active, job.job_id: job.request.options.prefixes}
        return active_prefix_bytes(active.values())

    def reserve(self, table_name: str, job: Job) -> Request:
        """Return the Put that reserves the job's prefixes, if the guard is unchanged."""
        version = self.version or 0
        item = _key(self.guard_id) | to_item(
            {
                "active": {**self.active, job.job_id: job.request.options.prefixes},
                "version": version + 1,
            }
        )
        if self.version is None:
            return put(table_name, item, absent="jobId")
        return put(table_name, item, version=version)

    def unchanged(self, table_name: str) -> Request:
        """Return the ConditionCheck that the guard is as it was read."""
        if self.version is None:
            write = put(table_name, {}, absent="jobId")
        else:
            write = put(table_name, {}, version=self.version)
        condition = {name: value for name, value in write.items() if name != "Item"}
        return {**condition, "Key": _key(self.guard_id)}


def guard_ids(job: Job) -> tuple[str, ...]:
    """Return the ids of the guards in which the job reserves its prefixes."""
    return f"{_OF_BUCKET}{job.request.bucket.name}", connector_guard_id(job.request.connector_id)


def connector_guard_id(connector_id: str) -> str:
    """Return the id of the guard that has an entry for each active job of the connector."""
    return f"{_OF_CONNECTOR}{connector_id}"


def release(table_name: str, guard_id: str, job: Job) -> Request:
    """Return the Update that releases the job's prefixes; idempotent."""
    return {
        "TableName": table_name,
        "Key": _key(guard_id),
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
    """Return whether this key of the job table is a guard's and not a job's."""
    return job_id.startswith((_OF_BUCKET, _OF_CONNECTOR))


async def read_guard(client: DynamoDBClient, table_name: str, guard_id: str) -> PrefixGuard:
    """Return the guard with this id."""
    with map_aws_errors("dynamodb", operation="GetItem", resource=f"table/{table_name}"):
        response = await client.get_item(
            TableName=table_name, Key=_key(guard_id), ConsistentRead=True
        )
    if "Item" not in response:
        return PrefixGuard(guard_id=guard_id, version=None, active={})
    with reading(f"the guard {guard_id}"):
        values = to_values(response["Item"])
        active = {job_id: tuple(prefixes) for job_id, prefixes in values["active"].items()}
        return PrefixGuard(guard_id=guard_id, version=values["version"], active=active)


async def is_active(client: DynamoDBClient, table_name: str, job_id: str) -> bool:
    """Return whether the job exists and has not ended; an unreadable one may be active.

    The result is valid as long as a guard with its entry is unchanged: a job that is created or
    reopened changes it.
    """
    with map_aws_errors("dynamodb", operation="GetItem", resource=f"table/{table_name}"):
        response = await client.get_item(
            TableName=table_name,
            Key=_key(job_id),
            ConsistentRead=True,
            ProjectionExpression="#status",
            ExpressionAttributeNames={"#status": "status"},
        )
    return "Item" in response and response["Item"].get("status", {}).get("S") not in TERMINAL


def _key(guard_id: str) -> Item:
    return to_item({"jobId": guard_id})
