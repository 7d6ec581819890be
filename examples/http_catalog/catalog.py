"""The port `Catalog` over the DAM's API.

What an answer costs: an object with both ids whose asset has that AssetID, its share of one
request, which reads fifty assets; an object without an InventoryID, the same and one request for
its path; an object with an InventoryID that the DAM does not have, or has at another path, its
share of a second request of fifty as well. There is no index over asset ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, TypeVar

import aiohttp

from domain.catalog import CatalogAnswer, CatalogQuestion, CatalogRecord, storage_path
from http_catalog.client import DamClient
from ports.catalog import Catalog
from ports.errors import CorruptData

# The DAM's API: ids in one request.
_ID_COUNT_MAX: Final = 50

_Item = TypeVar("_Item")


class HttpCatalog:
    """Answers from a DAM.

    Args:
        client: Sends the requests.
        request_count_max: Requests at once in one call of `look_up`.
    """

    def __init__(self, client: DamClient, *, request_count_max: int = 8) -> None:
        self._client = client
        self._request_count_max = request_count_max

    async def look_up(self, questions: Sequence[CatalogQuestion]) -> list[CatalogAnswer]:
        """See `Catalog.look_up`."""
        records = await self._by_id(
            each.identity.inventory_id or each.minted_inventory_id for each in questions
        )

        def known(question: CatalogQuestion) -> bool:
            return question.names_asset_of(question.own_record(records))

        def at_home(question: CatalogQuestion) -> bool:
            own = question.own_record(records)
            return own is not None and own.may_be_at(question.storage_path)

        # A dictionary keeps the order, so the same questions make the same requests.
        searched = dict.fromkeys(each for each in questions if not (known(each) or at_home(each)))
        by_id = records | await self._by_id(
            each.minted_inventory_id for each in searched if each.identity.inventory_id
        )
        by_path = await self._at_paths(searched)

        def others(question: CatalogQuestion) -> tuple[CatalogRecord, ...]:
            if question not in searched:
                return ()
            found = {each.inventory_id: each for each in by_path[question.storage_path]}
            minted = by_id.get(question.minted_inventory_id)
            if minted is not None:
                found[minted.inventory_id] = minted
            # An InventoryID in the tags names `record`, which is no other.
            found.pop(question.identity.inventory_id or "", None)
            return tuple(found.values())

        return [
            CatalogAnswer(
                asset_known=known(each), record=each.own_record(records), others=others(each)
            )
            for each in questions
        ]

    async def records_at(
        self, bucket_name: str, keys: Sequence[str]
    ) -> list[tuple[CatalogRecord, ...]]:
        """See `Catalog.records_at`."""
        asked = [CatalogQuestion(bucket_name=bucket_name, key=key) for key in keys]
        by_id = await self._by_id(each.minted_inventory_id for each in asked)
        found: dict[str, Sequence[CatalogRecord]] = {}
        for each in asked:
            minted = by_id.get(each.minted_inventory_id)
            if minted is not None and minted.may_be_at(each.storage_path):
                found[each.storage_path] = (minted,)
        found |= await self._at_paths(each for each in asked if each.storage_path not in found)
        return [tuple(found[each.storage_path]) for each in asked]

    async def _by_id(self, inventory_ids: Iterable[str]) -> dict[str, CatalogRecord]:
        """Return the records that exist of these ids, which may repeat."""
        found: dict[str, CatalogRecord] = {}
        remaining = iter(dict.fromkeys(inventory_ids))
        batches = iter(lambda: list(islice(remaining, _ID_COUNT_MAX)), [])

        async def ask(batch: list[str]) -> None:
            for record in _records(await self._client.batch_get(batch)):
                found[record.inventory_id] = record

        await _each(batches, ask, limit=self._request_count_max)
        return found

    async def _at_paths(
        self, questions: Iterable[CatalogQuestion]
    ) -> dict[str, list[CatalogRecord]]:
        """Return the records at the path of each of these objects."""
        found: dict[str, list[CatalogRecord]] = {}

        async def ask(question: CatalogQuestion) -> None:
            path = f"s3://{question.bucket_name}/{question.key}"
            found[question.storage_path] = _records(await self._client.at_path(path))

        one_each = {each.storage_path: each for each in questions}
        await _each(one_each.values(), ask, limit=self._request_count_max)
        return found


@asynccontextmanager
async def open_http_catalog(
    base_url: str, token: str, *, connection_count_max: int = 8, timeout_s: float = 10.0
) -> AsyncIterator[HttpCatalog]:
    """Give a catalog with connections of its own, and close them.

    Args:
        base_url: The API's root.
        token: Authorizes to read assets.
        connection_count_max: Connections in all, whatever the number of calls of `look_up`.
        timeout_s: The longest that one try of a request may take.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connection_count_max),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        headers={"Authorization": f"Bearer {token}"},
    ) as session:
        client = DamClient(session, base_url.rstrip("/"))
        yield HttpCatalog(client, request_count_max=connection_count_max)


def _records(assets: Iterable[object]) -> list[CatalogRecord]:
    """Return the assets as records; an upload that is not finished is no asset."""
    records = []
    for asset in assets:
        if not isinstance(asset, dict) or not (inventory_id := _text(asset.get("id"))):
            raise CorruptData(f"an asset of the DAM has no id: {asset!r}")
        if asset.get("status") != "uploading":
            records.append(_record(inventory_id, asset))
    return records


def _record(inventory_id: str, asset: dict[str, Any]) -> CatalogRecord:
    source, file = _map(asset.get("source")), _map(asset.get("file"))
    bucket_name, key = _text(source.get("bucket")), _text(source.get("key"))
    e_tag, size_bytes = _text(file.get("etag")), file.get("size")
    return CatalogRecord(
        inventory_id=inventory_id,
        asset_id=_text(asset.get("assetId")),
        storage_path=storage_path(bucket_name, key) if bucket_name and key else None,
        e_tag=None if e_tag is None else e_tag.strip('"'),
        # JSON's true is an int in Python.
        size_bytes=size_bytes if type(size_bytes) is int else None,
        last_modified=_timestamp(_text(file.get("modifiedAt"))),
    )


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _timestamp(text: str | None) -> datetime | None:
    """Return the time in UTC, or None if the text has no offset."""
    try:
        timestamp = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return None if timestamp.tzinfo is None else timestamp.astimezone(UTC)


async def _each(
    items: Iterable[_Item], ask: Callable[[_Item], Awaitable[None]], *, limit: int
) -> None:
    """Ask of each item, `limit` at once; the first error ends all and is raised."""
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await ask(item)

    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(limit):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        failure = failures.exceptions[0]
    # Outside of the handler, so that it keeps its own cause.
    if failure is not None:
        raise failure


_: type[Catalog] = HttpCatalog
