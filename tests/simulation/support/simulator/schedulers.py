"""Those who set schedules, and EventBridge Scheduler, which delivers their times.

A time is delivered once, twice, late, out of order, never, or after its schedule was removed.

They are at work in seeds of their own, from `FIRST_SEED` on, and have a random generator of their
own, so that they change nothing in the runs of other seeds. Some schedules have a maximum cost: a
survey of a bucket then finds few objects or many.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.process import retried
from simulator.scenery import CONNECTOR_ID, OTHER_CONNECTOR_ID

from application.schedules.schedules import NewSchedule
from domain.connector import BucketInfo, ConnectorStatus
from domain.discovery import Discovery
from domain.errors import InvalidRequest
from domain.identity import job_id_for
from domain.manifest import format_timestamp
from domain.pricing.survey import Listed, Survey, SurveyRequest
from domain.schedule import ScheduleMode
from ports.errors import NotFound

if TYPE_CHECKING:
    from simulator.simulation import Simulation

FIRST_SEED = 100_000
PORTS = ("scheduler", "schedule_runs")
"""The ports that only these runs use."""

_IDS = (CONNECTOR_ID, CONNECTOR_ID, OTHER_CONNECTOR_ID)
_EXPRESSIONS = ("rate(1 minute)", "rate(5 minutes)", "cron(* * * * ? *)")
_PREFIXES = (("a/",), ("b/",), ("a/", "b/"), ())
_INVOCATION_DELAYS_S = (60.0, 120.0)
_CALM_TIMES = 6
_MAX_COSTS = (Decimal(1), Decimal(1_000))
_PLAIN_BUCKET = BucketInfo()


@dataclass(frozen=True, slots=True)
class _Event:
    """One time of a timer, as it is delivered."""

    connector_id: str
    revision: str
    scheduled_at: datetime


class Schedulers:
    """Users of schedules, and the service that runs them.

    `jobs` are the jobs that the delivered times may have, `revisions` the timer that each process
    was invoked for, by its number.
    """

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._rng = random.Random(f"schedules {sim.seed}")  # repeatable
        self.at_work = sim.seed >= FIRST_SEED
        self._options_rng = random.Random(f"options of schedules {sim.seed}")  # repeatable
        if self.at_work:
            sim.world.ports.surveyor.answer = self._survey
        self._timers: dict[str, tuple[str, datetime]] = {}
        self._handled: list[_Event] = []
        self.jobs: set[str] = set()
        self.revisions: dict[int, str] = {}
        self.done: list[str] = []

    def plan(self, span_s: float) -> None:
        """Draw their actions, and when times come."""
        if not self.at_work:
            return
        rng, plan = self._rng, self._sim.people.plan_action
        plan(0.0, partial(self._set, CONNECTOR_ID))
        plan(0.1, partial(self._set, OTHER_CONNECTOR_ID))
        for _ in range(rng.choice([2, 6, 12])):
            plan(rng.random() * span_s, self._act)
        for _ in range(rng.choice([5, 15, 40])):
            plan(rng.random() * span_s * 2, self._tick)
        for _ in range(rng.choice([0, 3, 6])):
            self._plan_change_between_times(rng.random() * span_s)

    def _plan_change_between_times(self, at: float) -> None:
        """Let times come shortly before and after a change: it may be made between any two lines.

        A schedule that is switched off is set again later.
        """
        rng, plan = self._rng, self._sim.people.plan_action
        connector_id = rng.choice(_IDS)
        change = rng.choice(
            [
                partial(self._edit, OTHER_CONNECTOR_ID, "edit", prefixes=rng.choice(_PREFIXES)),
                partial(self._set, connector_id, enabled=False),
            ]
        )
        plan(at, partial(self._set, OTHER_CONNECTOR_ID))
        plan(at + 1.0, self._tick)
        plan(at + 1.0 + rng.choice([0.2, 2.0]) * rng.random(), change)
        plan(at + 1.0 + rng.choice([0.3, 5.0]) * rng.random(), self._tick)
        plan(at + 60.0, partial(self._set, connector_id))

    def calm(self) -> None:
        """Let some more times come, and objects change in between."""
        if not self.at_work:
            return
        self._sim.at(10.0, partial(self._set, CONNECTOR_ID))
        for number in range(_CALM_TIMES):
            self._sim.at(4_000.0 * (number + 1), self._tick)

    def restore(self) -> None:
        """Enable all connectors again, as they were furnished."""
        if not self.at_work:
            return
        for connector_id, prefixes in ((CONNECTOR_ID, ()), (OTHER_CONNECTOR_ID, ("a/",))):
            changes = {"status": ConnectorStatus.ENABLED, "prefixes": prefixes}
            if connector_id in self._sim.world.database.connectors:
                self._sim.at(0, partial(self._edit, connector_id, "enable", **changes))

    def deliver_all_again(self) -> None:
        """Deliver every time once more that was handled."""
        for event in dict.fromkeys(self._handled):
            self._sim.at(0, partial(self._deliver, event, 2))

    # Users.

    def _act(self) -> None:
        connector_id = self._rng.choice(_IDS)
        kind = self._rng.choice(["set", "set", "unset", "switch", "edit", "enable", "enable"])
        match kind:
            case "set" | "switch":
                self._set(connector_id, enabled=kind == "set")
            case "unset":
                self._spawn(
                    "unset",
                    "schedules",
                    lambda use_case, deadline: use_case.remove(connector_id),
                )
            case "edit":
                prefixes = self._rng.choice(_PREFIXES)
                self._edit(OTHER_CONNECTOR_ID, "edit", prefixes=prefixes)
            case _:
                status = self._rng.choice(list(ConnectorStatus))
                self._edit(connector_id, "enable", status=status)

    def _set(self, connector_id: str, *, enabled: bool = True) -> None:
        new = NewSchedule(
            expression=self._rng.choice(_EXPRESSIONS),
            mode=self._rng.choice([ScheduleMode.INCREMENTAL] * 3 + [ScheduleMode.FULL]),
            full_every=self._rng.choice([2, 3, 7, 100]),
            enabled=enabled,
            discovery=self._options_rng.choice([None, Discovery.DIRECT, Discovery.BATCH]),
            max_cost=self._options_rng.choice([None, None, *_MAX_COSTS]),
        )
        self._spawn("set", "schedules", lambda use_case, deadline: use_case.set(connector_id, new))

    async def _survey(self, request: SurveyRequest) -> Survey:
        """Find so much that a sync costs less, or more, than the lower maximum."""
        listed = Listed(objects=self._options_rng.choice([0, 1_000_000]))
        return Survey(bucket=_PLAIN_BUCKET, listed=listed)

    def _edit(self, connector_id: str, kind: str, **changes: Any) -> None:
        self._spawn(
            kind,
            "connectors",
            lambda use_case, deadline: use_case.edit(
                connector_id, lambda connector: replace(connector, **changes)
            ),
        )

    def _spawn(self, kind: str, use_case: str, body: Any) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                self.done.append(kind)

        self._sim.spawn(f"{kind} schedule", "api", use_case, body, done)

    # The service.

    def _tick(self) -> None:
        """Deliver a time of each timer, and sometimes one of a timer that was removed."""
        database, rng = self._sim.world.database, self._rng
        running = self._sim.world.ports.scheduler.timers
        for connector_id, timer in running.items():
            connector = database.connectors.get(connector_id)
            if connector is not None:
                self._timers[timer.revision] = (connector_id, connector.created_at)
        current = [timer.revision for timer in running.values() if timer.revision in self._timers]
        stale = [each for each in self._timers if each not in current]
        for revision in [*current, *(rng.sample(stale, 1) if stale and rng.random() < 0.3 else ())]:
            connector_id, created_at = self._timers[revision]
            now = self._sim.clock.now()
            event = _Event(connector_id, revision, now)
            times = map(format_timestamp, (created_at, now))
            self.jobs.add(job_id_for(connector_id, f"schedule {' '.join(times)}"))
            kind = rng.choice(["once", "once", "twice", "twice", "late", "never"])
            if kind == "never" and self._sim.faults.left:
                continue
            self._sim.at(0.01 * rng.random(), partial(self._deliver, event, 0))
            if kind == "twice":
                delay_s = rng.choice([0.0, 0.1, 5.0, 500.0]) * rng.random()
                self._sim.at(delay_s, partial(self._deliver, event, 0))
            elif kind == "late":
                self._sim.at(rng.choice([30.0, 3_000.0]), partial(self._deliver, event, 0))

    def _deliver(self, event: _Event, retry_count: int) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if error is None and result is not None:
                self._handled.append(event)
                self.done.append(result.state)
                if result.state == "STARTED":
                    self.done.append(result.mode)
            if retried(error) and retry_count < len(_INVOCATION_DELAYS_S):
                delay_s = _INVOCATION_DELAYS_S[retry_count]
                self._sim.at(delay_s, partial(self._deliver, event, retry_count + 1))

        self.revisions[self._sim.process_count + 1] = event.revision
        self._sim.spawn(
            "scheduled",
            "scheduled",
            "start_scheduled_sync",
            lambda use_case, deadline: use_case.start(
                event.connector_id, event.revision, event.scheduled_at
            ),
            done,
            expected=(InvalidRequest, NotFound),
        )
