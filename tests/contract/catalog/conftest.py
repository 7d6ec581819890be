"""The catalogs that the contract suite runs over. Add a world here for another catalog.

A world is one catalog with a system behind it that a test can write to. Systems differ in the
fields that they keep and in their indexes; each world states its own.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import aiohttp
import pytest
import pytest_asyncio

from adapters.aws.attributes import to_item
from adapters.aws.catalog import CatalogIndex, DynamoCatalog
from adapters.aws.catalog_record import CatalogAttributes
from adapters.aws.catalog_scan import DynamoCatalogScan
from adapters.aws.clients import Clients
from adapters.aws.resources import ASSETS_TABLE
from adapters.local_aws.stack.provisioning import table_request
from adapters.memory.catalog import MemoryCatalog
from adapters.memory.catalog_scan import MemoryCatalogScan
from adapters.memory.database import MemoryDatabase
from domain.catalog import CatalogRecord
from http_catalog.catalog import HttpCatalog
from http_catalog.client import DamClient
from http_catalog.fake_dam import TOKEN, Failure, FakeDam
from ports.catalog import Catalog
from ports.catalog_scan import CatalogScan
from ports.errors import AccessDenied, Misconfigured, PortError, Retryable

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

IDS_ALONE = CatalogAttributes(
    asset_id="dam", storage_path="", last_modified="", e_tag="", size_bytes=""
)
EVERY_FIELD = frozenset(field.name for field in fields(CatalogRecord))


class World(Protocol):
    """One catalog, and the system behind it.

    Attributes:
        catalog: The adapter.
        keeps: The fields of a record that the system keeps.
        asset_index: Whether there is an index over asset ids.
        path_index: Whether there is an index over storage paths.
    """

    catalog: Catalog
    keeps: frozenset[str]
    asset_index: bool
    path_index: bool

    async def write(self, record: CatalogRecord) -> None:
        """Write a record, or replace the one under its inventory id, as the system does."""

    async def lock(self, inventory_id: str, storage_path: str) -> None:
        """Write an item that is not an asset, if there is one: a lock (`LOCK#…`) or an upload."""

    async def remove(self, inventory_id: str) -> None:
        """Remove a record."""


class BreakableWorld(World, Protocol):
    """A world whose service can fail."""

    def broken(self, kind: type[PortError], *, after: int) -> Any:
        """Return a context in which requests fail with this error, after the first `after`."""


@dataclass(kw_only=True)
class MemoryWorld:
    asset_index: bool
    path_index: bool
    keeps: frozenset[str] = EVERY_FIELD

    def __post_init__(self) -> None:
        self.database = MemoryDatabase()
        self._catalog = MemoryCatalog(
            self.database, asset_index=self.asset_index, path_index=self.path_index
        )
        self.catalog: Catalog = self._catalog

    async def write(self, record: CatalogRecord) -> None:
        self._catalog.ingest(**{name: getattr(record, name) for name in EVERY_FIELD})

    async def lock(self, inventory_id: str, storage_path: str) -> None:
        self._catalog.ingest(
            inventory_id=f"LOCK#{inventory_id}", asset_id=None, storage_path=storage_path
        )

    async def remove(self, inventory_id: str) -> None:
        self._catalog.remove(inventory_id)


class DynamoWorld:
    """A table as Media Lake keeps it, in the emulated cloud, with top-level asset ids."""

    # Responses of DynamoDB, which the adapter maps to the port's errors.
    _CODES: ClassVar[dict[type[PortError], tuple[str, int]]] = {
        Retryable: ("InternalServerError", 500),
        AccessDenied: ("AccessDeniedException", 400),
        Misconfigured: ("ResourceNotFoundException", 400),
    }

    def __init__(
        self, client: DynamoDBClient, table_name: str, *, asset_index: bool, path_index: bool
    ) -> None:
        self._client, self._table_name = client, table_name
        self.asset_index, self.path_index = asset_index, path_index
        self.keeps = EVERY_FIELD
        self.catalog: Catalog = DynamoCatalog(
            client,
            table_name,
            asset_index=CatalogIndex("AssetIDIndex", "DigitalSourceAsset.ID")
            if asset_index
            else None,
            path_index=CatalogIndex("S3PathIndex", "StoragePath") if path_index else None,
            sleep=_no_wait,
        )

    async def write(self, record: CatalogRecord) -> None:
        item = self._item(record)
        if record.asset_id is not None:
            # For the index, whose keys are at the top of an item.
            item["DigitalSourceAsset.ID"] = {"S": record.asset_id}
            item["DigitalSourceAsset.IngestedAt"] = {"S": "2026-01-31T12:00:00Z"}
        await self._client.put_item(TableName=self._table_name, Item=item)

    def _item(self, record: CatalogRecord) -> Any:
        modified = record.last_modified
        info = {"Size": record.size_bytes, "Hash": {"Value": record.e_tag, "MD5Hash": "0"}}
        return to_item(
            {
                "InventoryID": record.inventory_id,
                "StoragePath": record.storage_path,
                "DigitalSourceAsset": {
                    "ID": record.asset_id,
                    "Type": "Image",
                    "lastModifiedDate": None
                    if modified is None
                    else modified.isoformat().replace("+00:00", "Z"),
                    "MainRepresentation": {"StorageInfo": {"PrimaryLocation": {"FileInfo": info}}},
                },
            }
        )

    async def lock(self, inventory_id: str, storage_path: str) -> None:
        await self.write(
            CatalogRecord(inventory_id=f"LOCK#{inventory_id}", storage_path=storage_path)
        )

    async def remove(self, inventory_id: str) -> None:
        await self._client.delete_item(
            TableName=self._table_name, Key={"InventoryID": {"S": inventory_id}}
        )

    @contextmanager
    def broken(self, kind: type[PortError], *, after: int) -> Iterator[None]:
        code, status = self._CODES[kind]
        sound = iter(range(after))

        def before_call(**_: Any) -> Any:
            if next(sound, None) is not None:
                return None
            answer = {
                "Error": {"Code": code, "Message": "by the test"},
                "ResponseMetadata": {"HTTPStatusCode": status},
            }
            return SimpleNamespace(status_code=status), answer

        client: Any = self._client
        events = client.meta.events
        events.register("before-call.dynamodb", before_call)
        # Lean calls have no such event: the SDK makes all of them in the meantime.
        client._paused_until = math.inf
        try:
            yield
        finally:
            events.unregister("before-call.dynamodb", before_call)
            client._paused_until = 0.0


class FlatDynamoWorld(DynamoWorld):
    """A table of another system: top-level attributes of other names, for ids only."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        super().__init__(client, table_name, asset_index=False, path_index=False)
        self.keeps = frozenset({"inventory_id", "asset_id"})
        self.catalog = DynamoCatalog(
            client,
            table_name,
            attributes=IDS_ALONE,
            sleep=_no_wait,
        )

    def _item(self, record: CatalogRecord) -> Any:
        return to_item({"InventoryID": record.inventory_id, "dam": record.asset_id})


async def _no_wait(_: float) -> None:
    """Sleep for no time: tests do not wait for a backoff."""


class HttpWorld:
    """The example of `examples/http_catalog/`: a DAM behind an HTTP API."""

    _STATUSES: ClassVar[dict[type[PortError], int]] = {
        Retryable: 503,
        AccessDenied: 403,
        Misconfigured: 404,
    }

    def __init__(self, dam: FakeDam, catalog: Catalog) -> None:
        self._dam, self.catalog = dam, catalog
        self.keeps, self.asset_index, self.path_index = EVERY_FIELD, False, True

    async def write(self, record: CatalogRecord) -> None:
        modified, path = record.last_modified, record.storage_path
        bucket_name, _, key = (path or "").partition(":")
        self._dam.assets[record.inventory_id] = {
            "id": record.inventory_id,
            "assetId": record.asset_id,
            "status": "ready",
            "source": None if path is None else {"bucket": bucket_name, "key": key},
            "file": {
                "etag": None if record.e_tag is None else f'"{record.e_tag}"',
                "size": record.size_bytes,
                "modifiedAt": None if modified is None else modified.isoformat(),
            },
        }

    async def lock(self, inventory_id: str, storage_path: str) -> None:
        for name in (inventory_id, f"LOCK#{inventory_id}"):
            await self.write(CatalogRecord(inventory_id=name, storage_path=storage_path))
            self._dam.assets[name]["status"] = "uploading"

    async def remove(self, inventory_id: str) -> None:
        self._dam.assets.pop(inventory_id, None)

    @contextmanager
    def broken(self, kind: type[PortError], *, after: int) -> Iterator[None]:
        self._dam.failures = [None] * after + [Failure(status=self._STATUSES[kind])] * 100
        try:
            yield
        finally:
            self._dam.failures = []


@asynccontextmanager
async def memory(_: Clients, __: str) -> AsyncIterator[World]:
    yield MemoryWorld(asset_index=False, path_index=True)


@asynccontextmanager
async def memory_with_asset_index(_: Clients, __: str) -> AsyncIterator[World]:
    yield MemoryWorld(asset_index=True, path_index=False)


@asynccontextmanager
async def dynamodb(clients: Clients, name: str) -> AsyncIterator[World]:
    client = await _with_table(clients, name)
    yield DynamoWorld(client, name, asset_index=False, path_index=True)


@asynccontextmanager
async def dynamodb_by_sdk(clients: Clients, name: str) -> AsyncIterator[World]:
    """With the SDK's own calls."""
    client: Any = await _with_table(clients, name)
    yield DynamoWorld(client.sdk, name, asset_index=False, path_index=True)


@asynccontextmanager
async def dynamodb_with_both_indexes(clients: Clients, name: str) -> AsyncIterator[World]:
    client = await _with_table(clients, name)
    yield DynamoWorld(client, name, asset_index=True, path_index=True)


@asynccontextmanager
async def dynamodb_with_ids_alone(clients: Clients, name: str) -> AsyncIterator[World]:
    yield FlatDynamoWorld(await _with_table(clients, name), name)


@asynccontextmanager
async def http_example(_: Clients, __: str) -> AsyncIterator[World]:
    async with (
        FakeDam.serving() as dam,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
    ):
        yield HttpWorld(dam, HttpCatalog(DamClient(session, dam.url, sleep=_no_wait)))


async def _with_table(clients: Clients, name: str) -> DynamoDBClient:
    client = await clients.dynamodb()
    await client.create_table(**{**table_request(ASSETS_TABLE), "TableName": name})
    return client


WORLDS = (
    memory,
    memory_with_asset_index,
    dynamodb,
    dynamodb_by_sdk,
    dynamodb_with_both_indexes,
    dynamodb_with_ids_alone,
    http_example,
)
# Those whose service can fail.
BREAKABLE = (dynamodb, dynamodb_with_both_indexes, http_example)


def _id(opener: Any) -> str:
    return str(opener.__name__)


@pytest_asyncio.fixture(loop_scope="session", params=WORLDS, ids=_id)
async def world(
    request: pytest.FixtureRequest, clients: Clients, unique_name: str
) -> AsyncIterator[World]:
    async with request.param(clients, unique_name) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session", params=BREAKABLE, ids=_id)
async def breakable_world(
    request: pytest.FixtureRequest, clients: Clients, unique_name: str
) -> AsyncIterator[World]:
    async with request.param(clients, unique_name) as opened:
        yield opened


@asynccontextmanager
async def memory_scan(_: Clients, __: str) -> AsyncIterator[tuple[World, CatalogScan]]:
    world = MemoryWorld(asset_index=False, path_index=True)
    yield world, MemoryCatalogScan(world.database, page_item_count=2)


@asynccontextmanager
async def dynamodb_scan(clients: Clients, name: str) -> AsyncIterator[tuple[World, CatalogScan]]:
    client = await _with_table(clients, name)
    world = DynamoWorld(client, name, asset_index=False, path_index=True)
    yield world, DynamoCatalogScan(client, name)


@asynccontextmanager
async def dynamodb_scan_of_ids(
    clients: Clients, name: str
) -> AsyncIterator[tuple[World, CatalogScan]]:
    client = await _with_table(clients, name)
    yield FlatDynamoWorld(client, name), DynamoCatalogScan(client, name, attributes=IDS_ALONE)


@pytest_asyncio.fixture(
    loop_scope="session", params=(memory_scan, dynamodb_scan, dynamodb_scan_of_ids), ids=_id
)
async def scanned(
    request: pytest.FixtureRequest, clients: Clients, unique_name: str
) -> AsyncIterator[tuple[World, CatalogScan]]:
    async with request.param(clients, unique_name) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def breakable_scan(
    clients: Clients, unique_name: str
) -> AsyncIterator[tuple[World, CatalogScan]]:
    async with dynamodb_scan(clients, unique_name) as opened:
        yield opened
