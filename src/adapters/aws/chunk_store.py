"""The chunk table on DynamoDB, and the transactions that change a job's tally with it.

The tally is on the job's own item, so all settlements of a job write to that item. One item
supports 1,000 write units a second (DynamoDB Developer Guide, "Designing partition keys to
distribute your workload", checked 2026-11). A settlement follows minutes of work, so the rate stays
far below.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adapters.aws.attributes import to_attribute, to_item, to_values
from adapters.aws.backoff import Sleep
from adapters.aws.chunk_item import chunk_item, chunk_key, to_chunk
from adapters.aws.cursors import to_cursor, to_position
from adapters.aws.dynamo_reads import first, of_job, query
from adapters.aws.dynamo_writes import DynamoWriter, Request, put
from adapters.aws.errors import map_aws_errors
from adapters.aws.job_item import job_key, to_job
from adapters.aws.job_store import save_request
from adapters.aws.tally_item import tally_addition
from domain.chunk import Chunk
from domain.job import TERMINAL, Job
from domain.tally import Tally, tally_of
from ports.chunk_store import ADDED_CHUNK_COUNT_MAX, ChunkStore
from ports.errors import NotFound
from ports.paging import Page

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class DynamoChunkStore:
    """Stores chunks in the table `resources.CHUNKS_TABLE`, next to the job table."""

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
        self._writer = DynamoWriter(client, sleep=sleep)

    async def add(self, job: Job, chunks: Sequence[Chunk]) -> Job:
        if len(chunks) > ADDED_CHUNK_COUNT_MAX:
            raise ValueError(f"{len(chunks)} chunks at once; {ADDED_CHUNK_COUNT_MAX} at most")
        if job.terminal:
            raise ValueError(f"job {job.job_id} has ended: it gets no more chunks")
        added = sum(map(tally_of, chunks), start=Tally())
        request = save_request(self._job_table_name, job, add=tally_addition(added))
        await self._writer.transact(
            [{"Update": request}, *({"Put": self._new(chunk)} for chunk in chunks)]
        )
        return replace(job, version=job.version + 1, tally=await self._tally(job.job_id))

    async def get(self, job_id: str, index: int) -> Chunk:
        with map_aws_errors("dynamodb", operation="GetItem", resource=f"table/{self._table_name}"):
            response = await self._client.get_item(
                TableName=self._table_name, Key=chunk_key(job_id, index), ConsistentRead=True
            )
        if "Item" not in response:
            raise NotFound(f"job {job_id} has no chunk {index}", resource=job_id)
        return to_chunk(response["Item"])

    async def save(self, chunk: Chunk) -> Chunk:
        saved, request = self._over(chunk)
        await self._writer.put(request)
        return saved

    async def settle(self, chunk: Chunk, change: Tally) -> Chunk:
        saved, request = self._over(chunk)
        actions = [{"Put": request}]
        if addition := tally_addition(change):
            moved = self._moved(chunk.job_id, addition)
            actions.append({"Update": _while_active(moved) if change.reopens else moved})
        await self._writer.transact(actions)
        return saved

    async def chunks(self, job_id: str) -> AsyncIterator[Chunk]:
        async for item in query(self._client, of_job(self._table_name, job_id)):
            yield to_chunk(item)

    async def covering_page(
        self, job_id: str, key: str, *, limit: int, cursor: str | None = None
    ) -> Page[Chunk]:
        """See `ChunkStore.covering_page`.

        DynamoDB compares strings by their UTF-8, which is the order of code points (DynamoDB
        Developer Guide, "Supported data types and naming rules"), and filters after it has counted
        (API Reference, "Query": `Limit`; both checked 2026-11).
        """
        request = self._page_request(job_id, cursor)
        request |= {"Limit": limit, "FilterExpression": "#first <= :key AND #last >= :key"}
        request["ExpressionAttributeNames"] |= {"#first": "firstKey", "#last": "lastKey"}
        request["ExpressionAttributeValues"] |= {":key": to_attribute(key)}
        with map_aws_errors("dynamodb", operation="Query", resource=f"table/{self._table_name}"):
            response = await self._client.query(**request)
        last = to_values(response.get("LastEvaluatedKey", {})).get("chunkIndex")
        following = None if last is None else to_cursor(_list_name(job_id), (last,))
        return Page(tuple(map(to_chunk, response["Items"])), following)

    async def parked(self, job_id: str, *, after: int, among: int) -> list[Chunk]:
        request = of_job(self._table_name, job_id) | {"Limit": among}
        request["KeyConditionExpression"] += " AND #chunkIndex > :after"
        request["ExpressionAttributeNames"]["#chunkIndex"] = "chunkIndex"
        request["ExpressionAttributeValues"][":after"] = to_attribute(after)
        items, _ = await first(query(self._client, request), among)
        return [chunk for chunk in map(to_chunk, items) if chunk.parked]

    async def list_page(self, job_id: str, *, limit: int, cursor: str | None = None) -> Page[Chunk]:
        request = self._page_request(job_id, cursor) | {"Limit": limit + 1}
        items, more = await first(query(self._client, request), limit)
        chunks = tuple(map(to_chunk, items))
        return Page(chunks, to_cursor(_list_name(job_id), (chunks[-1].index,)) if more else None)

    def _new(self, chunk: Chunk) -> Request:
        return put(self._table_name, chunk_item(replace(chunk, version=1)), absent="jobId")

    def _over(self, chunk: Chunk) -> tuple[Chunk, Request]:
        saved = replace(chunk, version=chunk.version + 1)
        return saved, put(self._table_name, chunk_item(saved), version=chunk.version)

    def _moved(self, job_id: str, addition: dict[str, int]) -> Request:
        """Return the Update that adds to a tally, outside of what the job's version guards."""
        return {
            "TableName": self._job_table_name,
            "Key": job_key(job_id),
            "UpdateExpression": "ADD " + ", ".join(f"#{name} :{name}" for name in addition),
            # ADD on an item that does not exist would create one.
            "ConditionExpression": "attribute_exists(#version)",
            "ExpressionAttributeNames": {f"#{name}": name for name in (*addition, "version")},
            "ExpressionAttributeValues": {
                f":{name}": to_attribute(number) for name, number in addition.items()
            },
        }

    async def _tally(self, job_id: str) -> Tally:
        resource = f"table/{self._job_table_name}"
        with map_aws_errors("dynamodb", operation="GetItem", resource=resource):
            response = await self._client.get_item(
                TableName=self._job_table_name, Key=job_key(job_id), ConsistentRead=True
            )
        return to_job(response.get("Item", {})).tally

    def _page_request(self, job_id: str, cursor: str | None) -> dict[str, Any]:
        request = of_job(self._table_name, job_id)
        if cursor is not None:
            (index,) = to_position(_list_name(job_id), cursor, int)
            request["ExclusiveStartKey"] = to_item({"jobId": job_id, "chunkIndex": index})
        return request


def _while_active(update: Request) -> Request:
    """Return the Update of a job with the further condition that the job has not ended."""
    ended = {f":ended{number}": status for number, status in enumerate(sorted(TERMINAL))}
    names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
    return update | {
        "ConditionExpression": (
            f"{update['ConditionExpression']} AND NOT #status IN ({', '.join(ended)})"
        ),
        "ExpressionAttributeNames": {**names, "#status": "status"},
        "ExpressionAttributeValues": {**values, **to_item(ended)},
    }


def _list_name(job_id: str) -> str:
    return f"chunks of {job_id}"


_: type[ChunkStore] = DynamoChunkStore
