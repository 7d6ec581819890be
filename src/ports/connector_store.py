"""The connector table."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.connector import Connector
from ports.paging import Page


class ConnectorStore(Protocol):
    """Stores connectors. Reads by id are strongly consistent.

    Every method may raise the Retryable and Fatal errors of `ports.errors`.
    """

    async def create(self, connector: Connector) -> None:
        """Record a new connector.

        Raises:
            AlreadyExists: A connector has this id; it is not changed.
        """
        ...

    async def get(self, connector_id: str) -> Connector:
        """Return the connector.

        Raises:
            NotFound: There is none.
            CorruptData: It cannot be read.
        """
        ...

    async def list_page(self, *, limit: int, cursor: str | None = None) -> Page[Connector]:
        """Return up to `limit` connectors, each once, in a stable order.

        A record that cannot be read is `unreadable`, and does not prevent others from being listed.

        Raises:
            InvalidCursor: `cursor` is not one of this list.
        """
        ...

    async def record_queue_empty(self, connector_id: str, at: datetime) -> None:
        """Record that the connector's ingest queue was empty at `at`; a later time stays.

        Raises:
            NotFound: There is no such connector.
        """
        ...
