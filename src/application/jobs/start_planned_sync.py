"""Starting a sync only if it is not expected to cost more than a maximum."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from application.jobs.plan_sync import PlanSync
from application.jobs.start_sync import Started, StartSync
from domain.connector import Connector
from domain.schedule_runs import ScheduleRuns
from domain.sync_request import SyncOptions, SyncRequest


class StartPlannedSync:
    """Starts the syncs that a user asks for, and those of schedules."""

    def __init__(self, *, start_sync: StartSync, planner: PlanSync) -> None:
        self._start_sync = start_sync
        self._planner = planner

    async def start(
        self,
        connector_id: str,
        options: SyncOptions,
        *,
        idempotency_key: str | None = None,
        max_cost: Decimal | None = None,
        check: Callable[[Connector], None] | None = None,
        runs: ScheduleRuns | None = None,
    ) -> Started:
        """Record a job and invoke the engine, as `StartSync.start`.

        With `max_cost`, in dollars, the sync is planned first, and starts only if the upper end of
        its estimate is not above that.

        Raises:
            AboveMaxCost, BucketNotReadable, Retryable: as `PlanSync.affordable`.
            Exception: as `StartSync.start`.
        """
        if max_cost is None:
            return await self._start_sync.start(
                connector_id, options, idempotency_key=idempotency_key, check=check, runs=runs
            )

        async def estimate(request: SyncRequest) -> SyncRequest:
            return await self._planner.affordable(request, max_cost)

        return await self._start_sync.start(
            connector_id,
            options,
            idempotency_key=idempotency_key,
            max_cost=max_cost,
            estimate=estimate,
            check=check,
            runs=runs,
        )
