"""Starting a sync: from a request to a recorded job and an invoked engine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from application.jobs.engine_invocation import request_advance
from application.jobs.status_publisher import StatusPublisher
from application.jobs.sync_request import sync_request
from domain.connector import Connector, check_may_start
from domain.errors import InvalidRequest
from domain.filter_view import filters_view
from domain.identity import job_id_for
from domain.job import Job, new_job
from domain.job_control import is_of
from domain.job_limits import watched_queue_for
from domain.key_source import source_issues
from domain.manifest import format_timestamp
from domain.schedule_runs import ScheduleRuns
from domain.sync_request import SyncOptions, SyncRequest
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.engine_invoker import EngineInvoker
from ports.errors import AlreadyExists, Conflict, NotFound
from ports.ids import Ids
from ports.job_store import ConnectorChanged, JobStore
from ports.telemetry import Telemetry

Estimate = Callable[[SyncRequest], Awaitable[SyncRequest]]
"""Returns a request with what it would cost."""

# Edits of a connector are rare. The bound only keeps a bug from looping forever.
_MAX_TRIES: Final = 10


class IdempotencyKeyReused(Conflict):
    """The idempotency key was used for another request; `job_id` is the job of that request."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"the idempotency key was used for job {job_id}, whose request was different"
        )
        self.job_id = job_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A job, and whether this request created it; if not, an equal earlier request did."""

    job: Job
    created: bool


class StartSync:
    """Starts syncs, those that a user asks for and those of a schedule."""

    def __init__(
        self,
        *,
        connectors: ConnectorStore,
        jobs: JobStore,
        engine: EngineInvoker,
        status_publisher: StatusPublisher,
        clock: Clock,
        ids: Ids,
        telemetry: Telemetry,
    ) -> None:
        self._connectors = connectors
        self._jobs = jobs
        self._engine = engine
        self._status_publisher = status_publisher
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry

    async def start(
        self,
        connector_id: str,
        options: SyncOptions,
        *,
        idempotency_key: str | None = None,
        max_cost: Decimal | None = None,
        estimate: Estimate | None = None,
        check: Callable[[Connector], None] | None = None,
        runs: ScheduleRuns | None = None,
    ) -> Started:
        """Record a job and invoke the engine.

        With `max_cost`, in dollars, `estimate` gets the request first, and returns it with its
        estimate, or raises. `check` gets the connector as the job is recorded with it, and may
        raise; it is not called if the job exists. `runs` of the connector's schedule are written
        over their version in the same step as the job, and not if the job exists.

        The job is recorded first. If the engine cannot be invoked, or its invocation is lost, the
        sweep starts the job. So this succeeds as soon as the record is written.

        Raises:
            NotFound: there is no such connector.
            ConnectorDisabled: the connector is disabled.
            ConnectorChanged: others kept changing it; with `runs`, it or its runs were changed.
            InvalidRequest: prefixes are invalid or not within the connector's, or options are too
                large to store; or the source cannot give what the options need.
            IdempotencyKeyReused: the key was used for another request.
            OverlappingJob: an active job of any connector of the bucket covers some of the
                prefixes.
            TooManyPrefixes: the bucket's active jobs already have too many.
            Exception: raised by `estimate` or `check`; nothing was recorded.
        """
        fingerprint = _fingerprint(options, max_cost)
        if idempotency_key is not None:
            earlier = await self._find(job_id_for(connector_id, idempotency_key))
            if earlier is not None:
                return await self._replayed(earlier, fingerprint)
        job_id = (
            job_id_for(connector_id, idempotency_key) if idempotency_key else self._ids.new_job_id()
        )
        with self._telemetry.span("start_job", job_id=job_id, connector_id=connector_id):
            try:
                job = await self._record(
                    connector_id, job_id, options, fingerprint, estimate, check, runs
                )
            except AlreadyExists:
                return await self._replayed(await self._jobs.get(job_id), fingerprint)
            # Before the engine is invoked: it would publish the same status.
            job = await self._status_publisher.publish_pending(job)
            await request_advance(self._engine, job.job_id, telemetry=self._telemetry)
            return Started(job=job, created=True)

    async def _record(
        self,
        connector_id: str,
        job_id: str,
        options: SyncOptions,
        fingerprint: str,
        estimate: Estimate | None,
        check: Callable[[Connector], None] | None,
        runs: ScheduleRuns | None,
    ) -> Job:
        """Record the job with the settings that its connector has in the same moment."""
        for _ in range(_MAX_TRIES):
            connector = await self._connectors.get(connector_id)
            check_may_start(connector)
            if check is not None:
                check(connector)
            _check_source(options, has_max_cost=estimate is not None)
            request = replace(sync_request(connector, options), fingerprint=fingerprint)
            if estimate is not None:
                request = await estimate(request)
            job = new_job(
                job_id=job_id,
                request=request,
                now=self._clock.now(),
                limits=connector.limits,
                watched_queue=watched_queue_for(request, connector),
            )
            try:
                return await self._jobs.create(job, connector=connector, runs=runs)
            except ConnectorChanged:
                if runs is not None:
                    # They may be what changed, and only the caller knows what follows from that.
                    raise
                continue
        raise ConnectorChanged(connector_id)

    async def _replayed(self, earlier: Job, fingerprint: str) -> Started:
        """Return the job of an equal earlier request.

        Raises:
            IdempotencyKeyReused: that request was another one, or to another connector, which had
                this one's id before.
        """
        if earlier.request.fingerprint != fingerprint:
            raise IdempotencyKeyReused(earlier.job_id)
        try:
            connector = await self._connectors.get(earlier.request.connector_id)
        except NotFound:
            return Started(job=earlier, created=False)
        if not is_of(earlier, connector):
            raise IdempotencyKeyReused(earlier.job_id)
        return Started(job=earlier, created=False)

    async def _find(self, job_id: str) -> Job | None:
        try:
            return await self._jobs.get(job_id)
        except NotFound:
            return None


def _check_source(options: SyncOptions, *, has_max_cost: bool) -> None:
    issues = source_issues(
        options.source, modified_since=options.modified_since, has_max_cost=has_max_cost
    )
    if issues:
        raise InvalidRequest(*issues)


def _fingerprint(options: SyncOptions, max_cost: Decimal | None) -> str:
    since = options.modified_since
    canonical: dict[str, object] = {
        "prefixes": sorted(options.prefixes),
        "discovery": options.discovery,
        "dryRun": options.dry_run,
        "modifiedSince": format_timestamp(since) if since else None,
        "include": options.include,
        "exclude": options.exclude,
    }
    if options.retrigger:
        # As the next one, only where it is set: a repeated request of an earlier version is equal.
        canonical["retrigger"] = True
    if options.filters.given:
        canonical["filters"] = filters_view(options.filters)
    if options.verify is not None:
        canonical["verify"] = options.verify
    if (source := options.source) is not None:
        canonical["source"] = [source.kind, source.bucket_name, source.key, source.e_tag]
    if max_cost is not None:
        canonical["maxCost"] = str(max_cost.normalize())
    return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()
