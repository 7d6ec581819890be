"""Comparisons that die, are throttled, lose responses, meet each other, and whose bucket changes.

Each seed is a history of one bucket: its owner puts, deletes and moves objects, also while syncs
are compared; syncs run; processes that compare are killed between any two calls. What must hold:

- An event is only ever sent for an object that does not exist in that moment.
- There are at most as many events, by id, as there were disappearances.
- What the guard stops is not announced without a confirmation.
- In the end, every object that was seen and is gone was announced after it disappeared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from faulty_ports import Call, Crash, Faults, faulty

from application.execution.tuning import Tuning
from application.results.removal_files import missing_key, read_removals, report_key
from domain.errors import NotConfirmable
from domain.message import RemovalEvent
from domain.packing import ChunkSizing
from domain.removal_settings import Removals
from domain.removal_work import RemovalStatus
from entrypoints.wiring.memory import use_cases
from ports.errors import PortError, Throttled

BUCKET = "media"
SEEDS = range(100)
SETTINGS = Removals(announce=True, max_share=Decimal("0.4"), min_count=3)


@dataclass
class History:
    """One seed."""

    story: Any
    rng: Random
    faults: Faults = field(default_factory=Faults)
    disappeared: Counter[str] = field(default_factory=Counter)
    confirmed: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return list(self.story.buckets.keys(BUCKET))

    # The owner.

    def change(self) -> None:
        """Put, delete or move an object."""
        kind = self.rng.choice(["put", "put", "delete", "delete", "move", "many"])
        if kind == "put" or len(self.keys) < 3:
            gone = sorted(set(self.disappeared) - set(self.keys))
            back = self.rng.choice(gone) if gone and self.rng.random() < 0.5 else None
            self.put(back or f"{self.rng.choice('ab')}/{self.rng.randint(1, 30):02d}.mov")
        elif kind == "many":
            for key in self.rng.sample(self.keys, k=self.rng.randint(1, len(self.keys) - 1)):
                self.delete(key)
        else:
            key = self.rng.choice(self.keys)
            content = self.story.buckets.get(BUCKET, key).content
            self.delete(key)
            if kind == "move":
                self.put(f"c/{key[2:]}", content)

    def put(self, key: str, content: bytes | None = None) -> None:
        self.story.buckets.put(BUCKET, key, content or f"content of {key}".encode())

    def delete(self, key: str) -> None:
        self.story.buckets.delete(BUCKET, key)
        self.disappeared[key] += 1

    async def check_reports(self) -> None:
        """Each missing object is in the report of its comparison, once, and in its counts."""
        for job in self.story.world.database.jobs:
            work = job.removals
            if work is None or work.status is not RemovalStatus.DONE or not work.counts.missing:
                continue
            keys = [await self.keys_in(name(job.job_id)) for name in (report_key, missing_key)]
            assert keys[0] == keys[1] == sorted(set(keys[1]))
            assert len(keys[0]) == work.counts.missing == work.counts.checked

    async def keys_in(self, name: str) -> list[str]:
        return [row.key async for row, _ in read_removals(self.story.ports.results, name)]

    # Syncs and comparisons.

    async def sync(self) -> None:
        """Run a sync, and have its index made; no process compares in the meantime."""
        self.story.compares = False
        job = await self.story.sync()
        for _ in range(10):
            job = await self.story.ports.jobs.get(job.job_id)
            if job.index is None or job.index.ready:
                break
            await self.story.turn()
        self.story.compares = True

    async def seen(self) -> set[str]:
        """Return the keys that the next sync is compared with."""
        baseline = (await self.story.ports.connector_store.get("c1")).baseline
        found = set()
        if baseline.index_number is not None:
            objects = self.story.use_cases.index_reader().objects
            found = {o.key async for o in objects(baseline.job_id, baseline.index_number)}
        if baseline.carried_key is not None:
            rows = read_removals(self.story.ports.results, baseline.carried_key)
            found |= {row.key async for row, _ in rows}
        return found

    def container(self) -> Any:
        """Return the use cases of a new process."""
        return use_cases(faulty(self.story.ports, self.faults), self.story.tuning)  # type: ignore[arg-type]

    def before(self, call: Call) -> Exception | None:
        name, arguments = call
        if name == "bus.publish_removals":
            self.judge(arguments[0])
        if self.rng.random() < 0.03:
            raise Crash
        if self.rng.random() < 0.02:
            return Throttled("busy")
        # An object that comes back between the look and the event cannot be noticed.
        if name.startswith("jobs.") and self.rng.random() < 0.05:
            self.change()
        return None

    def after(self, _: Call) -> Exception | None:
        if self.rng.random() < 0.02:
            raise Crash
        return Throttled("the response was lost") if self.rng.random() < 0.02 else None

    def judge(self, events: list[RemovalEvent]) -> None:
        for event in events:
            job = self.story.world.database.jobs.find(event.job_id)
            if event.object_key in self.keys:
                self.broken.append(f"{event.object_key} exists")
            counts = job.removals.counts
            over = counts.missing >= 3 and counts.missing > SETTINGS.max_share * counts.seen_before
            stops = over or counts.missing == counts.seen_before
            if stops and event.job_id not in self.confirmed:
                self.broken.append("the guard was passed")

    async def compare(self, job_id: str) -> None:
        """Have a process compare, which may die, or be near its end."""
        self.faults.before, self.faults.after = self.before, self.after
        self.story.time_s = self.rng.choice([10.0, 900.0, 900.0])
        try:
            await self.container().compare_syncs().run(job_id, self.story.deadline())
        except (Crash, PortError):
            pass
        finally:
            self.faults.stop()
            self.story.time_s = 900.0
        # Sometimes the lease of a process that died is still live.
        self.story.ports.clock.advance(self.rng.choice([1, 2_000]))

    async def compare_some(self) -> None:
        """Run processes for all jobs that are open, and confirm some that were stopped."""
        for _ in range(self.rng.randint(0, 6)):
            self.story.ports.invoker.take_compared()
            jobs = [job for job in self.story.world.database.jobs if job.removals is not None]
            waiting = [job for job in jobs if job.removals.open]
            if waiting:
                await self.compare(self.rng.choice(waiting).job_id)
            for job in jobs:
                if job.removals.status is RemovalStatus.STOPPED and self.rng.random() < 0.2:
                    await self.confirm(job)

    async def confirm(self, job: Any) -> bool:
        """Confirm what was stopped; False if a later sync was compared before."""
        confirm = self.story.use_cases.confirm_removals()
        try:
            await confirm.confirm(job.job_id, expected=job.removals.counts.missing)
        except NotConfirmable:
            return False
        self.confirmed.add(job.job_id)
        return True

    async def calm(self) -> None:
        """Let everything end: no faults, no changes, and all that was stopped is confirmed."""
        for _ in range(40):
            self.story.ports.clock.advance(2_000)
            await self.story.turn()
            await self.story.run_engine()
            jobs = [job for job in self.story.world.database.jobs if job.removals is not None]
            last = max(jobs, key=lambda job: job.times.created_at)
            if last.removals.status is RemovalStatus.STOPPED:
                # One that was compared before its predecessor is outdated.
                if not await self.confirm(last):
                    await self.sync()
            elif not any(job.removals.open for job in jobs):
                return
        pytest.fail(f"comparisons do not end: {[job.removals for job in jobs]}")


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_history(new_story: Callable[..., Any], seed: int) -> None:
    rng = Random(f"{seed}-removals")
    tuning = Tuning(
        looked_for_count=rng.choice([1, 2, 1_000]),
        keys_per_look=rng.choice([1, 3, 2_000]),
        sizing=ChunkSizing(object_count_max=5),
        manifest_part_bytes=rng.choice([1, 300, 10_000]),
        engine_attempt_count_max=10,
        calls_in_flight=rng.choice([1, 3, 16]),
    )
    story = new_story(
        tuning, connector={"removals": SETTINGS}, page_object_count=rng.choice([2, 5, 1_000])
    )
    history = History(story, rng)
    for _ in range(12):
        history.change()
    for _ in range(rng.randint(2, 5)):
        await history.sync()
        await history.compare_some()
        for _ in range(rng.randint(0, 4)):
            history.change()
    await history.sync()
    await history.calm()
    seen = await history.seen()
    assert seen >= set(history.keys)
    for key in rng.sample(history.keys, k=len(history.keys) // 2):
        history.delete(key)
    sent_before = len(story.ports.bus.removals)
    await history.sync()
    await history.calm()
    assert history.broken == []
    await history.check_reports()
    events = story.ports.bus.removals
    announced = [event.object_key for event in events[sent_before:]]
    assert sorted(announced) == sorted(seen - set(history.keys))
    ids: dict[str, set[str]] = {}
    for event in events:
        ids.setdefault(event.object_key, set()).add(event.event_id)
    for key, found in ids.items():
        assert len(found) <= history.disappeared[key], f"{key} has {len(found)} events"
