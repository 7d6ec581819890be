"""The connector table."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.connector import Connector
from domain.removal_settings import Baseline
from ports.errors import Conflict
from ports.paging import Page


class ConnectorInUse(Conflict):
    """A job of the connector is active; `job_id` is its id."""

    def __init__(self, connector_id: str, job_id: str) -> None:
        super().__init__(
            f"job {job_id} of connector {connector_id} is active", resource=connector_id
        )
        self.job_id = job_id


def other_baseline(connector_id: str) -> Conflict:
    """Return the error that a connector's baseline is not as it was read."""
    return Conflict(
        f"connector {connector_id} was removed, or another comparison has changed its baseline",
        resource=connector_id,
    )


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

    async def save(self, connector: Connector) -> Connector:
        """Write the connector over its version; return it as stored, with its next version.

        Every field is written except `baseline`, which stays, and `queue_empty_at`: that stays,
        unless the ingest queue is another one than before. Then it is removed.

        Raises:
            Conflict: The stored version differs, or there is no such connector (`same_as`).
        """
        ...

    async def remove(self, connector: Connector) -> None:
        """Remove the connector, if it has this version and no active job; its jobs stay.

        Of a removal and a `JobStore.create` or `reopen` for the same connector, one wins.

        Raises:
            ConnectorInUse: A job of this id is active, or cannot be read.
            Conflict: The stored version differs, or there is no such connector (`same_as`).
        """
        ...

    async def list_page(self, *, limit: int, cursor: str | None = None) -> Page[Connector]:
        """Return up to `limit` connectors, each once, in a stable order.

        A record that cannot be read is `unreadable`, and does not prevent others from being listed.

        Raises:
            InvalidCursor: `cursor` is not one of this list.
        """
        ...

    async def record_queue_empty(self, connector_id: str, at: datetime, *, queue_url: str) -> None:
        """Record that the connector's ingest queue was empty at `at`; a later time stays.

        Nothing is recorded if the connector has another queue now. The version does not change.

        Raises:
            NotFound: There is no such connector.
        """
        ...

    async def record_baseline(self, connector: Connector, baseline: Baseline) -> None:
        """Record `baseline` over the one that the connector was read with.

        The version does not change.

        Raises:
            Conflict: The stored baseline differs, or there is no such connector (`same_as`).
        """
        ...
