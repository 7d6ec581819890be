"""The connector table."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.connector import Connector
from ports.paging import Page


class ConnectorStore(Protocol):
    """Keeps connectors. Reads by id see the last write.

    Every method may raise the Retryable and Fatal errors of `ports.errors`.
    """

    async def create(self, connector: Connector) -> None:
        """Record a new connector.

        Raises:
            AlreadyExists: a connector has this id; it is not changed.
        """
        ...

    async def get(self, connector_id: str) -> Connector:
        """Return the connector.

        Raises:
            NotFound: there is none.
            CorruptData: it cannot be read back.
        """
        ...

    async def list_page(self, *, limit: int, cursor: str | None = None) -> Page[Connector]:
        """Return up to `limit` connectors, each once, in an order that stays the same.

        One that cannot be read back is `unreadable` and keeps no other from being shown.

        Raises:
            InvalidCursor: `cursor` is not one of this list.
        """
        ...

    async def note_queue_empty(self, connector_id: str, at: datetime) -> None:
        """Record that the connector's ingest queue was seen empty at `at`; a later time stays.

        Raises:
            NotFound: there is no such connector.
        """
        ...
