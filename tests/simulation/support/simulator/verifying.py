"""Runs whose jobs rely on the catalog, some with snapshots of it, and what must hold for these.

The draws have a source of their own: other runs do not change with them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from adapters.memory.catalog_scan import MemoryCatalogScan
from application.execution.tuning import Tuning
from domain.connector import Verify
from domain.discovery import Discovery
from domain.sync_request import SyncOptions
from ports.catalog_scan import CatalogSize

if TYPE_CHECKING:
    from simulator.observer import Observer
    from simulator.process import Process
    from simulator.simulation import Simulation


class LargeCatalogScan(MemoryCatalogScan):
    """A scan of a catalog that seems large and cheap to read: snapshots are chosen."""

    async def size(self) -> CatalogSize:
        return CatalogSize(item_count=1_000_000_000, size_bytes=1)


class Verifying:
    """What the jobs of one run do."""

    def __init__(self, sim: Simulation, seed: int) -> None:
        self._rng = random.Random(f"verify {seed}")
        rng = self._rng
        kind = rng.choice(["tags", "catalog", "snapshot", "snapshot"])
        self._by_catalog, self._snapshots = kind != "tags", kind == "snapshot"
        self._sizes: dict[str, Any] = {
            "snapshot_segments": rng.choice([1, 2, 3]),
            "snapshot_run_bytes": rng.choice([1, 300, 32 * 1024**2]),
            "snapshot_age_max_s": rng.choice([60.0, 3_600.0, 21_600.0]),
        }
        count = rng.choice([1, 3, 500])
        scan = LargeCatalogScan(sim.world.database, page_item_count=count)
        sim.world = replace(sim.world, ports=replace(sim.world.ports, catalog_scan=scan))

    def tuned(self, tuning: Tuning) -> Tuning:
        """Return the tuning of this run."""
        if not self._snapshots:
            return tuning
        return replace(tuning, catalog_snapshots=True, **self._sizes)

    def begin(self, sim: Simulation) -> None:
        """Plan that the system loses records between syncs that take snapshots."""
        if not self._snapshots:
            return
        delay_s = 0.0
        for _ in range(2):
            delay_s += self._rng.choice([100.0, 2_000.0, 10_000.0])
            discovery = self._rng.choice(list(Discovery))
            options = SyncOptions(discovery=discovery, verify=Verify.CATALOG)
            sim.people.plan_sync(delay_s, options)
            sim.people.plan_loss(delay_s - 50.0 * self._rng.random())

    def options(self, options: SyncOptions) -> SyncOptions:
        """Return a request's options; most of such a run rely on the catalog."""
        if not self._by_catalog or self._rng.random() < 0.2:
            return options
        return replace(options, verify=Verify.CATALOG)


def an_old_snapshot_is_not_used(
    observer: Observer, process: Process, method: str, args: tuple[Any, ...]
) -> Iterator[str]:
    """No process looks objects up in a snapshot that is older than it may be trusted."""
    if method != "read_range" or "/progress/snapshot/" not in args[0]:
        return
    if "/progress/snapshot/run-" in args[0]:
        return
    job = observer.jobs.get(args[0].split("/")[1])
    snapshot = job and job.lookup and job.lookup.snapshot
    if not snapshot:
        yield f"{process.label} reads {args[0]} of a job without a snapshot"
        return
    sim = observer.sim
    age = sim.clock.now() - snapshot.began_at
    # A call takes a moment, or is paused, between the check and its effect.
    if age > timedelta(seconds=sim.tuning.snapshot_age_max_s):
        yield f"{process.label} looks into a snapshot of {age} ago"
