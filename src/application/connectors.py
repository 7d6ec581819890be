"""Registering, reading, editing and removing connectors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Final

from application.connector_rules import faults_of
from application.keep_timers import KeepTimers
from application.limit_jobs import LimitJobs
from domain import prefixes as prefix_rules
from domain.connector import Bucket, Connector, ConnectorStatus, Ingest, Verify
from domain.errors import FieldIssue, InvalidRequest
from domain.filters import NO_FILTERS, Filters
from domain.profile import Profile
from domain.queue_limit import QueueLimit
from domain.removal_settings import Removals
from domain.work_limits import WorkLimits
from ports.clock import Clock
from ports.connector_store import ConnectorInUse, ConnectorStore
from ports.errors import Conflict
from ports.ids import Ids
from ports.paging import Page

# A connector has few writers. The bound only keeps a bug from looping forever.
_MAX_TRIES: Final = 10


Vet = Callable[[Connector | None, Connector], Awaitable[None]]
"""Accepts a connector that is about to be saved, or raises; it gets the one before, if any."""


class Outdated(Conflict):
    """The connector is not in a state for which its caller asked for the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnector:
    """The connector that a caller registers. Without an id, one is generated."""

    bucket_name: str
    connector_id: str | None = None
    prefixes: tuple[str, ...] = ()
    status: ConnectorStatus = ConnectorStatus.ENABLED
    ingest: Ingest = field(default_factory=Ingest)
    verify: Verify = Verify.TAGS
    filters: Filters = NO_FILTERS
    removals: Removals | None = None
    limits: WorkLimits | None = None
    queue_limit: QueueLimit | None = None
    expected_owner: str | None = None
    role_arn: str | None = None


class Connectors:
    """The use cases of connectors."""

    def __init__(
        self,
        *,
        connectors: ConnectorStore,
        profile: Profile,
        results_bucket_name: str,
        clock: Clock,
        ids: Ids,
        timers: KeepTimers,
        limit_jobs: LimitJobs,
    ) -> None:
        self._profile = profile
        self._results_bucket_name = results_bucket_name
        self._connectors = connectors
        self._clock = clock
        self._ids = ids
        self._timers = timers
        self._limit_jobs = limit_jobs

    async def register(self, new: NewConnector, *, vet: Vet | None = None) -> Connector:
        """Record a connector, after `vet` has accepted it.

        Raises:
            Exception: raised by `vet`; nothing was written.
            InvalidRequest: one or more fields are invalid; it lists all of them.
            AlreadyExists: the id is taken.
        """
        connector = Connector(
            connector_id=(
                self._ids.new_connector_id() if new.connector_id is None else new.connector_id
            ),
            bucket=Bucket(
                name=new.bucket_name, expected_owner=new.expected_owner, role_arn=new.role_arn
            ),
            prefixes=new.prefixes,
            status=new.status,
            ingest=new.ingest,
            verify=new.verify,
            filters=new.filters,
            removals=new.removals,
            limits=new.limits,
            queue_limit=new.queue_limit,
            created_at=self._clock.now(),
        )
        connector = self._checked(connector)
        if vet is not None:
            await vet(None, connector)
        await self._connectors.create(connector)
        return connector

    async def edit(
        self,
        connector_id: str,
        change: Callable[[Connector], Connector],
        *,
        revisions: Collection[str] | None = None,
        vet: Vet | None = None,
    ) -> Connector:
        """Return the connector as stored after `change`; jobs that have started keep what it was.

        Except its limits, those of its ingest queue included, which hold for them at once.

        With `revisions`, only if it is in one of these states (`Connector.revision`). Without, a
        change by another caller at the same time is kept, as far as this one does not replace it.
        `vet` gets the connector before and after the change, before it is written. A timer of its
        schedule follows the change; if it cannot, the sweep has it follow.

        Raises:
            Exception: raised by `vet`; nothing was written.
            NotFound: there is none.
            InvalidRequest: the changed fields are invalid; it lists all of them.
            Outdated: it is in none of the states `revisions`.
            Conflict: other callers kept changing it.
        """
        for _ in range(_MAX_TRIES):
            connector = await self._current(connector_id, revisions)
            changed = self._checked(change(connector), before=connector)
            if changed == connector:
                return connector
            if vet is not None:
                await vet(connector, changed)
            try:
                saved = await self._connectors.save(changed)
            except Conflict:
                continue
            if saved.schedule is not None:
                await self._timers.follow(connector_id)
            if _limits_of(saved) != _limits_of(connector):
                await self._limit_jobs.follow(saved)
            return saved
        raise _kept_changing(connector_id)

    async def remove(self, connector_id: str, *, revisions: Collection[str] | None = None) -> None:
        """Remove the connector; its jobs can still be read, and none of them can be redriven.

        Raises:
            NotFound: there is none.
            Outdated: it is in none of the states `revisions`.
            ConnectorInUse: a job of it is active.
            Conflict: other callers kept changing it.
        """
        for _ in range(_MAX_TRIES):
            connector = await self._current(connector_id, revisions)
            try:
                await self._connectors.remove(connector)
            except ConnectorInUse:
                raise
            except Conflict:
                continue
            if connector.schedule is not None:
                await self._timers.follow(connector_id)
            return
        raise _kept_changing(connector_id)

    async def get(self, connector_id: str) -> Connector:
        """Return a connector.

        Raises:
            NotFound: there is none.
        """
        return await self._connectors.get(connector_id)

    async def list_page(self, *, limit: int, cursor: str | None) -> Page[Connector]:
        """Return a page of connectors.

        Raises:
            InvalidCursor: the cursor does not belong to this list.
        """
        return await self._connectors.list_page(limit=limit, cursor=cursor)

    async def _current(self, connector_id: str, revisions: Collection[str] | None) -> Connector:
        connector = await self._connectors.get(connector_id)
        if revisions is not None and connector.revision not in revisions:
            raise Outdated(
                f"connector {connector_id} was changed since it was read", resource=connector_id
            )
        return connector

    def _checked(self, connector: Connector, *, before: Connector | None = None) -> Connector:
        """Return the connector as it is saved.

        What was wrong `before` does not keep an edit from being saved: a connector of an earlier
        version, which had fewer rules, can always be disabled.

        Raises:
            InvalidRequest: one or more fields are invalid; it lists all of them.
        """
        known = [] if before is None else self._faults(before)
        issues = [issue for issue in self._faults(connector) if issue not in known]
        if issues:
            raise InvalidRequest(*issues)
        return replace(connector, prefixes=prefix_rules.normalise(connector.prefixes))

    def _faults(self, connector: Connector) -> list[FieldIssue]:
        return faults_of(connector, self._profile, results_bucket_name=self._results_bucket_name)


def _limits_of(connector: Connector) -> tuple[object, ...]:
    """Return what an edit also changes in jobs that are active."""
    return connector.limits, connector.queue_limit, connector.ingest.queue_url


def _kept_changing(connector_id: str) -> Conflict:
    return Conflict(
        f"connector {connector_id} was changed by others {_MAX_TRIES} times in a row",
        resource=connector_id,
    )
