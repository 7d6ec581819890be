"""The connector table in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from adapters.memory.database import MemoryDatabase, page_of
from domain.connector import Connector
from domain.removal_settings import Baseline
from ports.connector_store import ConnectorInUse, ConnectorStore, other_baseline
from ports.errors import AlreadyExists, Conflict, NotFound
from ports.paging import Page


class MemoryConnectorStore:
    """Stores connectors in a `MemoryDatabase`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def create(self, connector: Connector) -> None:
        known = self._database.connectors
        if connector.connector_id in known:
            raise AlreadyExists(
                f"connector {connector.connector_id} exists", resource=connector.connector_id
            )
        known[connector.connector_id] = connector

    async def get(self, connector_id: str) -> Connector:
        connector = self._database.connectors.get(connector_id)
        if connector is None:
            raise NotFound(f"there is no connector {connector_id}", resource=connector_id)
        self._database.check_readable(connector_id)
        return connector

    async def save(self, connector: Connector) -> Connector:
        stored = self._at_version(connector)
        same_queue = stored.ingest.queue_url == connector.ingest.queue_url
        saved = replace(
            connector,
            version=connector.version + 1,
            queue_empty_at=stored.queue_empty_at if same_queue else None,
            baseline=stored.baseline,
        )
        self._database.connectors[connector.connector_id] = saved
        return saved

    async def remove(self, connector: Connector) -> None:
        stored = self._at_version(connector)
        for job in self._database.jobs:
            if job.request.connector_id == stored.connector_id and not job.terminal:
                raise ConnectorInUse(stored.connector_id, job.job_id)
        del self._database.connectors[connector.connector_id]

    def _at_version(self, connector: Connector) -> Connector:
        stored = self._database.connectors.get(connector.connector_id)
        if stored is None or stored.revision != connector.revision:
            raise Conflict(
                f"connector {connector.connector_id} is not at version {connector.version}",
                resource=connector.connector_id,
            )
        return stored

    async def record_queue_empty(self, connector_id: str, at: datetime, *, queue_url: str) -> None:
        connector = await self.get(connector_id)
        if connector.ingest.queue_url != queue_url:
            return
        if connector.queue_empty_at is None or connector.queue_empty_at < at:
            updated = replace(connector, queue_empty_at=at)
            self._database.connectors[connector_id] = updated

    async def record_baseline(self, connector: Connector, baseline: Baseline) -> None:
        stored = self._database.connectors.get(connector.connector_id)
        if stored is None or not stored.same_as(connector) or stored.baseline != connector.baseline:
            raise other_baseline(connector.connector_id)
        self._database.connectors[connector.connector_id] = replace(stored, baseline=baseline)

    async def list_page(self, *, limit: int, cursor: str | None = None) -> Page[Connector]:
        """See `ConnectorStore.list_page`; the order is that of the ids."""
        page = page_of(
            self._database.connectors.values(),
            position=lambda connector: (connector.connector_id,),
            list_name="connectors",
            limit=limit,
            cursor=cursor,
        )
        found = [self._database.readable(each.connector_id, each) for each in page.items]
        return Page.of(found, page.cursor)


_: type[ConnectorStore] = MemoryConnectorStore
