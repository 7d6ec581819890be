"""Checking the bucket of a connector, when it is asked for and before a connector is saved."""

from __future__ import annotations

from dataclasses import dataclass

from application.jobs.sync_request import sync_request
from domain.bucket_report import BucketReport
from domain.connector import Connector
from domain.discovery import Discovery
from domain.errors import FieldIssue, InvalidRequest
from domain.job_limits import watched_queue_for
from domain.pricing.survey import SurveyRequest
from domain.sync_request import SyncOptions
from ports.connector_store import ConnectorStore
from ports.errors import PortError
from ports.surveyor import Surveyor


@dataclass(slots=True)
class Vetting:
    """Checks the bucket of a connector that is about to be saved; `report` is None before."""

    checks: CheckConnector
    discovery: Discovery
    report: BucketReport | None = None

    async def __call__(self, before: Connector | None, connector: Connector) -> None:
        """Check what is new; a check that cannot be made does not keep it from being saved.

        Raises:
            InvalidRequest: there is no such bucket.
        """
        if before is not None and _looked_at(before) == _looked_at(connector):
            self.report = None
            return
        name = connector.bucket.name
        try:
            self.report = await self.checks.look(connector, self.discovery)
        except PortError as error:
            warning = (
                f"the bucket {name} was not checked ({type(error).__name__}); check it later:"
                f" asset-sync connectors check {connector.connector_id}"
            )
            self.report = BucketReport(bucket_name=name, warnings=(warning,))
        if self.report.exists is False:
            message = (
                f"names a bucket that does not exist: {name}; correct it, or create the bucket"
                " first (check=false, or --no-check, registers it unseen)"
            )
            raise InvalidRequest(FieldIssue(path="bucketName", message=message))


class CheckConnector:
    """The use case behind `POST /connectors/{id}/check`."""

    def __init__(self, *, connectors: ConnectorStore, surveyor: Surveyor) -> None:
        self._connectors = connectors
        self._surveyor = surveyor

    async def check(
        self, connector_id: str, discovery: Discovery
    ) -> tuple[Connector, BucketReport]:
        """Return the connector, and what a live look at its bucket found.

        Raises:
            NotFound: there is no such connector.
            Retryable, Unknown: the bucket could not be looked at.
        """
        connector = await self._connectors.get(connector_id)
        return connector, await self.look(connector, discovery)

    def vetting(self, discovery: Discovery) -> Vetting:
        """Return the check of a connector that is about to be saved."""
        return Vetting(self, discovery)

    async def look(self, connector: Connector, discovery: Discovery) -> BucketReport:
        """Return what a live look at the bucket found.

        Raises:
            Retryable, Unknown: the bucket could not be looked at.
        """
        request = sync_request(connector, SyncOptions(discovery=discovery))
        queue = watched_queue_for(request, connector)
        asked = SurveyRequest(request=request, sample_size=0, queue=queue)
        return await self._surveyor.check(asked)


def _looked_at(connector: Connector) -> tuple[object, ...]:
    ingest = connector.ingest
    queue = ingest.queue_url, connector.queue_limit
    return connector.bucket, connector.prefixes, ingest.trigger, queue
