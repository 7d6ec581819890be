"""Those who manage connectors: they edit, disable, remove and register them while jobs run.

They have a random generator of their own, so that they change nothing in the seeds without them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.scenery import BUCKET, CONNECTOR_ID, OTHER_CONNECTOR_ID

from application.connectors import NewConnector
from domain.connector import Connector, ConnectorStatus

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_SHARE_OF_SEEDS = 0.25
_PREFIXES = (("a/",), ("b/",), ("a/", "b/"), ())
_IDS = (CONNECTOR_ID, OTHER_CONNECTOR_ID, OTHER_CONNECTOR_ID)


class Managers:
    """Users of the API for connectors."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._rng = random.Random(f"managers {sim.seed}")  # repeatable
        self._at_work = self._rng.random() < _SHARE_OF_SEEDS
        self.done: list[str] = []
        self.edits_of_running = 0

    def plan(self, span_s: float) -> None:
        """Draw their actions, and their times."""
        if not self._at_work:
            return
        for _ in range(self._rng.choice([2, 5, 10])):
            self._sim.people.plan_action(self._rng.random() * span_s, self._act)

    def a_sync_is_asked_for(self) -> None:
        """Act at the same moment, sometimes."""
        if self._at_work and self._rng.random() < 0.5:
            self._sim.people.plan_action(0.2 * self._rng.random(), self._act)

    def restore(self) -> None:
        """Register and enable all connectors, as they were furnished."""
        if not self._at_work:
            return
        self._at_work = False
        for connector_id, prefixes in ((CONNECTOR_ID, ()), (OTHER_CONNECTOR_ID, ("a/",))):
            if connector_id in self._sim.world.database.connectors:
                change = partial(replace, status=ConnectorStatus.ENABLED, prefixes=prefixes)
                self._sim.at(0, partial(self._edit, connector_id, change, "restore"))
            else:
                self._sim.at(0, partial(self._register, connector_id, prefixes))

    def _act(self) -> None:
        connector_id = self._rng.choice(_IDS)
        stored = self._sim.world.database.connectors.get(connector_id)
        if stored is None:
            prefixes = () if connector_id == CONNECTOR_ID else self._rng.choice(_PREFIXES)
            self._register(connector_id, prefixes)
            return
        kind = self._rng.choice(["edit", "edit", "disable", "enable", "enable", "remove"])
        if kind == "remove":
            revisions = self._rng.choice([None, {stored.revision}])
            self._spawn(
                kind,
                lambda use_case, deadline: use_case.remove(connector_id, revisions=revisions),
            )
            return
        if kind == "edit":
            if connector_id == CONNECTOR_ID:
                return  # syncs of parts of it must stay within its prefixes
            change: Callable[[Connector], Connector] = partial(
                replace, prefixes=self._rng.choice(_PREFIXES)
            )
        else:
            status = ConnectorStatus.DISABLED if kind == "disable" else ConnectorStatus.ENABLED
            change = partial(replace, status=status)
        self._edit(connector_id, change, kind)

    def _edit(self, connector_id: str, change: Callable[[Connector], Connector], kind: str) -> None:
        def edit(use_case: Any, deadline: Any) -> Any:
            jobs = self._sim.world.database.jobs
            self.edits_of_running += any(
                job.request.connector_id == connector_id and not job.terminal for job in jobs
            )
            return use_case.edit(connector_id, change)

        self._spawn(kind, edit)

    def _register(self, connector_id: str, prefixes: tuple[str, ...]) -> None:
        new = NewConnector(
            bucket_name=BUCKET,
            connector_id=connector_id,
            prefixes=prefixes,
            ingest=self._sim.connector.ingest,
        )
        self._spawn("register", lambda use_case, deadline: use_case.register(new))

    def _spawn(self, kind: str, body: Any) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                self.done.append(kind)

        self._sim.spawn(f"{kind} connector", "api", "connectors", body, done)
