"""The connector that a job was started for, as it is now."""

from __future__ import annotations

from domain.connector import Connector
from domain.job import Job
from domain.job_control import is_of
from ports.connector_store import ConnectorStore
from ports.errors import NotFound


async def own_connector(connectors: ConnectorStore, job: Job) -> Connector | None:
    """Return the job's connector; None if it was removed, even if its id was used again.

    Raises:
        Retryable, Fatal: as `ConnectorStore.get`.
    """
    try:
        connector = await connectors.get(job.request.connector_id)
    except NotFound:
        return None
    return connector if is_of(job, connector) else None
