"""Searches for orphans that die, are throttled, lose responses, and whose bucket changes.

Each seed is a sync of a bucket, and a search after it: processes are killed between any two calls,
and run next to each other; objects come and go while it runs, and records come. What must hold:

- What existed all the time while the search ran is not in its report.
- What had a record and no object, from before the sync to the end of the search, is in it. Without
  an index, this is so from before the search.
- No record is in it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from faulty_ports import Call, Crash, Faults, faulty

from application.execution.tuning import Tuning
from application.results.orphan_files import orphan_report_key, read_orphans
from domain.catalog import storage_path
from domain.orphan_work import OrphanStatus
from domain.packing import ChunkSizing
from entrypoints.wiring.memory import use_cases
from ports.errors import PortError, Throttled

BUCKET = "media"
SEEDS = range(150)


@dataclass
class Search:
    """One seed."""

    story: Any
    rng: Random
    faults: Faults = field(default_factory=Faults)
    ever: set[str] = field(default_factory=set)
    always: set[str] = field(default_factory=set)
    record_count: int = 0

    def key(self) -> str:
        letters = ("a", "b", "é", "\U0001f600", "/\n", "%41")
        return f"{self.rng.choice(letters)}{self.rng.randint(1, 20):02d}.mov"

    def keys(self) -> set[str]:
        return set(self.story.buckets.keys(BUCKET))

    def put(self, key: str) -> None:
        self.story.buckets.put(BUCKET, key, b"content")
        self.ever.add(key)

    def delete(self, key: str) -> None:
        self.story.buckets.delete(BUCKET, key)
        self.always.discard(key)

    def record(self, key: str) -> None:
        self.record_count += 1
        self.story.ports.catalog.ingest(
            inventory_id=f"i{self.record_count}",
            asset_id=f"a{self.record_count}",
            storage_path=storage_path(BUCKET, key),
        )

    def change(self) -> None:
        kind = self.rng.choice(["put", "delete", "record"])
        if kind == "put":
            self.put(self.key())
        elif kind == "record":
            self.record(self.key())
        elif self.keys():
            self.delete(self.rng.choice(sorted(self.keys())))

    def before(self, _: Call) -> Exception | None:
        if self.rng.random() < 0.03:
            raise Crash
        if self.rng.random() < 0.05:
            self.change()
        return Throttled("busy") if self.rng.random() < 0.02 else None

    def after(self, _: Call) -> Exception | None:
        if self.rng.random() < 0.02:
            raise Crash
        return Throttled("the response was lost") if self.rng.random() < 0.02 else None

    async def run(self, job_id: str) -> None:
        """Have a process search, which may die, or be near its end."""
        self.faults.before, self.faults.after = self.before, self.after
        self.story.time_s = self.rng.choice([10.0, 900.0, 900.0])
        process = use_cases(faulty(self.story.ports, self.faults), self.story.tuning)  # type: ignore[arg-type]
        try:
            await process.search_orphans().run(job_id, self.story.deadline())
        except (Crash, PortError):
            pass
        finally:
            self.faults.stop()
            self.story.time_s = 900.0
        # Sometimes the lease of a process that died is still live.
        self.story.ports.clock.advance(self.rng.choice([1, 2_000]))


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_search(new_story: Callable[..., Any], seed: int) -> None:
    rng = Random(f"{seed}-orphans")
    tuning = Tuning(
        looked_for_count=rng.choice([1, 2, 1_000]),
        sizing=ChunkSizing(object_count_max=5),
        manifest_part_bytes=rng.choice([1, 100, 10_000]),
        snapshot_run_bytes=rng.choice([1, 100, 10_000]),
        snapshot_segments=rng.choice([1, 4]),
        engine_attempt_count_max=50,
        calls_in_flight=rng.choice([1, 3, 16]),
        outcome_indexes=rng.random() < 0.8,
    )
    story = new_story(tuning, page_object_count=rng.choice([2, 5, 1_000]))
    story.ports.catalog_scan._page_item_count = rng.choice([1, 3, 500])
    search = Search(story, rng)
    for _ in range(rng.randint(0, 30)):
        search.put(search.key())
    for key in sorted(search.keys()):
        search.record(key)
    listed = search.keys() if tuning.outcome_indexes else set()
    job = await story.sync()
    for _ in range(rng.randint(0, 30)):
        search.change()
    recorded = {
        record.storage_path.partition(":")[2]
        for record in story.world.database.assets.values()
        if record.storage_path
    }
    search.ever, search.always = search.keys(), search.keys()
    await story.use_cases.find_orphans().find(job.job_id)
    for _ in range(200):
        job = await story.ports.jobs.get(job.job_id)
        if not job.orphans.open:
            break
        story.ports.invoker.take_searched()
        await search.run(job.job_id)
        for job_id in story.ports.invoker.take():
            await story.use_cases.engine().advance(job_id, story.deadline())
    else:
        story.ports.clock.advance(2_000)
        await story.turn()
        await story.run_engine()
        job = await story.ports.jobs.get(job.job_id)
    assert job.orphans.status is OrphanStatus.DONE, job.orphans.reason
    name = orphan_report_key(job.job_id, 1)
    rows = [row async for row, _ in read_orphans(story.ports.results, name)]
    found = {row.key for row in rows}
    assert not found & search.always, "exists"
    assert recorded - search.ever - listed <= found, "not found"
    ids = [row.inventory_id for row in rows]
    assert len(ids) == len(set(ids)) == job.orphans.counts.orphans
    assert [row.key for row in rows] == sorted(row.key for row in rows)
