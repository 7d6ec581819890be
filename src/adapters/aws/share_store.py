"""The shares of listings on DynamoDB: items of the job table, next to their job.

A record adds to the tally of the job's item, as settlements do. Workers record 25 chunks at once,
so 64 of them write less than 100 times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adapters.aws.attributes import to_attribute, to_item
from adapters.aws.backoff import Sleep
from adapters.aws.chunk_item import chunk_item
from adapters.aws.dynamo_reads import batch_get
from adapters.aws.dynamo_writes import DynamoWriter, Request, put
from adapters.aws.errors import map_aws_errors
from adapters.aws.job_item import job_key, to_job
from adapters.aws.job_store import save_request
from adapters.aws.share_item import share_item, share_key, to_share
from adapters.aws.tally_item import tally_addition
from domain.chunk import Chunk
from domain.job import TERMINAL, Job
from domain.listing_share import SHARE_COUNT_MAX, ListingShare
from domain.tally import Tally, tally_of
from ports.errors import NotFound
from ports.share_store import RECORDED_CHUNK_COUNT_MAX, ShareStore

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class DynamoShareStore:
    """Stores shares in the table `resources.JOBS_TABLE`."""

    def __init__(
        self,
        client: DynamoDBClient,
        job_table_name: str,
        *,
        chunk_table_name: str,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._job_table_name = job_table_name
        self._chunk_table_name = chunk_table_name
        self._sleep = sleep
        self._writer = DynamoWriter(client, sleep=sleep)

    async def start(self, job: Job, shares: Sequence[ListingShare]) -> Job:
        _check(job, shares)
        new = [
            put(self._job_table_name, share_item(replace(share, version=1)), absent="jobId")
            for share in shares
        ]
        return await self._with_job(job, [{"Put": request} for request in new])

    async def get(self, job_id: str, number: int) -> ListingShare:
        with map_aws_errors("dynamodb", operation="GetItem", resource=self._resource):
            response = await self._client.get_item(
                TableName=self._job_table_name, Key=share_key(job_id, number), ConsistentRead=True
            )
        if "Item" not in response:
            raise NotFound(f"job {job_id} has no share {number}", resource=job_id)
        return to_share(response["Item"])

    async def shares(self, job_id: str, share_count: int) -> list[ListingShare]:
        items = await batch_get(
            self._client,
            self._job_table_name,
            [share_key(job_id, number) for number in range(share_count)],
            sleep=self._sleep,
            options={"ConsistentRead": True},
        )
        return sorted(map(to_share, items), key=lambda share: share.number)

    async def save(self, share: ListingShare) -> ListingShare:
        saved, request = self._over(share)
        await self._writer.put(request)
        return saved

    async def record(self, share: ListingShare, chunks: Sequence[Chunk]) -> ListingShare:
        if len(chunks) > RECORDED_CHUNK_COUNT_MAX:
            raise ValueError(f"{len(chunks)} chunks at once; {RECORDED_CHUNK_COUNT_MAX} at most")
        saved, request = self._over(share)
        added = [
            put(self._chunk_table_name, chunk_item(replace(chunk, version=1)), absent="jobId")
            for chunk in chunks
        ]
        await self._writer.transact(
            [
                {"Put": request},
                {"Update": self._addition(share.job_id, chunks)},
                *({"Put": each} for each in added),
            ]
        )
        return saved

    async def hand_on(
        self, giver: ListingShare, taker: ListingShare
    ) -> tuple[ListingShare, ListingShare]:
        (kept, kept_request), (taken, taken_request) = self._over(giver), self._over(taker)
        await self._writer.transact([{"Put": kept_request}, {"Put": taken_request}])
        return kept, taken

    async def close(self, job: Job, shares: Sequence[ListingShare]) -> Job:
        _check(job, shares)
        removals = [
            self._removal(share.job_id, share.number)
            | {
                "ConditionExpression": "#version = :read",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":read": to_attribute(share.version)},
            }
            for share in shares
        ]
        return await self._with_job(job, [{"Delete": request} for request in removals])

    async def discard(self, job_id: str, share_count: int) -> None:
        numbers = range(share_count)
        await self._writer.transact(
            [{"Delete": self._removal(job_id, number)} for number in numbers]
        )

    @property
    def _resource(self) -> str:
        return f"table/{self._job_table_name}"

    def _over(self, share: ListingShare) -> tuple[ListingShare, Request]:
        saved = replace(share, version=share.version + 1)
        return saved, put(self._job_table_name, share_item(saved), version=share.version)

    def _removal(self, job_id: str, number: int) -> Request:
        return {"TableName": self._job_table_name, "Key": share_key(job_id, number)}

    def _addition(self, job_id: str, chunks: Sequence[Chunk]) -> Request:
        """Return the Update that adds chunks to the tally, also none, while the job goes on."""
        added = {"chunksTotal": 0} | tally_addition(sum(map(tally_of, chunks), start=Tally()))
        ended = {f":ended{number}": status for number, status in enumerate(sorted(TERMINAL))}
        return {
            "TableName": self._job_table_name,
            "Key": job_key(job_id),
            "UpdateExpression": "ADD " + ", ".join(f"#{name} :{name}" for name in added),
            # ADD on an item that does not exist would create one.
            "ConditionExpression": (
                "attribute_exists(#version) AND attribute_not_exists(#ending)"
                f" AND NOT #status IN ({', '.join(ended)})"
            ),
            "ExpressionAttributeNames": {
                f"#{name}": name for name in (*added, "version", "ending", "status")
            },
            "ExpressionAttributeValues": {
                **{f":{name}": to_attribute(number) for name, number in added.items()},
                **to_item(ended),
            },
        }

    async def _with_job(self, job: Job, actions: Sequence[dict[str, Any]]) -> Job:
        """Save the job and execute the actions; return the job as stored."""
        request = save_request(self._job_table_name, job)
        await self._writer.transact([{"Update": request}, *actions])
        with map_aws_errors("dynamodb", operation="GetItem", resource=self._resource):
            response = await self._client.get_item(
                TableName=self._job_table_name, Key=job_key(job.job_id), ConsistentRead=True
            )
        tally = to_job(response.get("Item", {})).tally
        return replace(job, version=job.version + 1, tally=tally)


def _check(job: Job, shares: Sequence[ListingShare]) -> None:
    if len(shares) > SHARE_COUNT_MAX:
        raise ValueError(f"{len(shares)} shares at once; {SHARE_COUNT_MAX} at most")
    if job.terminal:
        raise ValueError(f"job {job.job_id} has ended: its listing cannot be shared out")


_: type[ShareStore] = DynamoShareStore
