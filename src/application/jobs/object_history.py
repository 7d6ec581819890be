"""What happened to one object: in the connector's latest jobs, and what is there now.

Each job is asked as `ExplainObject` asks it, and one look is taken at the object. What could not be
read is part of the result, with the reason: one job, or the look, does not hide the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from application.execution.fanout import fan_out
from application.jobs.explain_object import ExplainObject, Explanation
from application.jobs.removal_pages import RemovalPages
from application.jobs.sync_request import sync_request
from application.results.failure_records import cause_of
from domain import prefixes as prefix_rules
from domain.connector import Connector
from domain.discovery import Discovery
from domain.identity import event_id
from domain.job import Job
from domain.object_look import LookRequest, ObjectLook
from domain.removal_rows import RemovalRow
from domain.sync_request import SyncOptions
from ports.connector_store import ConnectorStore
from ports.errors import NotFound, PortError
from ports.job_store import JobStore
from ports.surveyor import Surveyor

_JOBS_IN_FLIGHT: Final = 5


class Sighting(StrEnum):
    """What a job says of an object.

    OUTCOME: it has an outcome. NO_OUTCOME: it may be among the job's objects, and is not done.
    NOT_IN_JOB: it is not among them. OUT_OF_SCOPE: the job was about other prefixes. NOT_SEARCHED:
    the job has no index, and its files take more than this request. NOT_READ: it cannot be read.
    """

    OUTCOME = "OUTCOME"
    NO_OUTCOME = "NO_OUTCOME"
    NOT_IN_JOB = "NOT_IN_JOB"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    NOT_SEARCHED = "NOT_SEARCHED"
    NOT_READ = "NOT_READ"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSighting:
    """What one job says.

    Attributes:
        event_id: The id of the ingest event that it sent.
        removal: The outcome of an object that an earlier sync saw and this one did not.
        reason: Why it says nothing, or not all.
    """

    job: Job
    sighting: Sighting
    explanation: Explanation | None = None
    event_id: str | None = None
    removal: RemovalRow | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of an object of a connector.

    `connector` is None if it was removed; its jobs remain. Without a `look`, `not_looked` is why.
    `jobs` are the latest, the newest first.
    """

    connector_id: str
    key: str
    connector: Connector | None
    look: ObjectLook | None
    not_looked: str | None
    jobs: tuple[JobSighting, ...]
    more_jobs: bool


class ObjectHistory:
    """The use case behind `GET /connectors/{id}/objects?key=…`."""

    def __init__(
        self,
        *,
        connectors: ConnectorStore,
        jobs: JobStore,
        explain_object: ExplainObject,
        removal_pages: RemovalPages,
        surveyor: Surveyor,
    ) -> None:
        self._connectors = connectors
        self._jobs = jobs
        self._explain_object = explain_object
        self._removal_pages = removal_pages
        self._surveyor = surveyor

    async def of(
        self, connector_id: str, key: str, *, job_count: int, discovery: Discovery
    ) -> History:
        """Return what is known of the object of a key.

        Raises:
            NotFound: there is no such connector, and no job of one.
            Retryable: connectors or jobs cannot be read now.
        """
        connector: Connector | None = None
        missing: NotFound | None = None
        try:
            connector = await self._connectors.get(connector_id)
        except NotFound as error:
            missing = error
        page = await self._jobs.list_page(connector_id=connector_id, limit=job_count)
        if missing is not None and not page.items:
            raise missing
        found: dict[str, JobSighting] = {}
        looks: list[tuple[ObjectLook | None, str | None]] = []

        async def ask(job: Job | None) -> None:
            if job is None:
                looks.append(await self._look(connector, key, discovery))
            else:
                found[job.job_id] = await self._sighting(job, key)

        # The look is the slowest; it goes first.
        await fan_out((None, *page.items), ask, limit=1 + _JOBS_IN_FLIGHT)
        [(look, not_looked)] = looks
        return History(
            connector_id=connector_id,
            key=key,
            connector=connector,
            look=look,
            not_looked=not_looked,
            jobs=tuple(found[job.job_id] for job in page.items),
            more_jobs=page.cursor is not None,
        )

    async def _look(
        self, connector: Connector | None, key: str, discovery: Discovery
    ) -> tuple[ObjectLook | None, str | None]:
        if connector is None:
            return None, "the connector was removed, and with it the right to read its bucket"
        request = sync_request(connector, SyncOptions(discovery=discovery))
        try:
            return await self._surveyor.look(LookRequest(request=request, key=key)), None
        except PortError as error:
            return None, f"{type(error).__name__}: {cause_of(error)}"

    async def _sighting(self, job: Job, key: str) -> JobSighting:
        if not _is_in(key, job.request.options.prefixes):
            return JobSighting(job=job, sighting=Sighting.OUT_OF_SCOPE)
        try:
            found = await self._explain_object.explain(job.job_id, key)
        except NotFound:
            return await self._absence(job, key)
        except Exception as error:  # noqa: BLE001 - it is part of the result
            reason = f"{type(error).__name__}: {cause_of(error)}"
            return JobSighting(job=job, sighting=Sighting.NOT_READ, reason=reason)
        if found.outcome is not None:
            return JobSighting(
                job=job,
                sighting=Sighting.OUTCOME,
                explanation=found,
                event_id=_event_id(job, found),
            )
        if found.cursor is not None:
            reason = f"the search takes several requests: asset-sync explain {job.job_id} KEY"
            return JobSighting(
                job=job, sighting=Sighting.NOT_SEARCHED, explanation=found, reason=reason
            )
        return JobSighting(job=job, sighting=Sighting.NO_OUTCOME, explanation=found)

    async def _absence(self, job: Job, key: str) -> JobSighting:
        try:
            removal = await self._removal_pages.find(job, key)
        except PortError as error:
            reason = (
                "the report of removed objects cannot be read:"
                f" {type(error).__name__}: {cause_of(error)}"
            )
            return JobSighting(job=job, sighting=Sighting.NOT_IN_JOB, reason=reason)
        return JobSighting(job=job, sighting=Sighting.NOT_IN_JOB, removal=removal)


def _is_in(key: str, prefixes: Sequence[str]) -> bool:
    return key.startswith(prefix_rules.normalise(prefixes) or ("",))


def _event_id(job: Job, found: Explanation) -> str | None:
    """Return the id of the event that the job sent for the object; None if it sent none."""
    outcome = found.outcome
    # Only the outcome of an object that was triggered has an ETag: that of its event.
    if outcome is None or outcome.e_tag is None:
        return None
    bucket_name = job.request.bucket.name
    return event_id(
        job.job_id, bucket_name, found.key, e_tag=outcome.e_tag, version_id=outcome.version_id
    )
