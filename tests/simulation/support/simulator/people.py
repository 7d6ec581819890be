"""What people do: start syncs, cancel and redrive them, and change their bucket meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.faults import Fault
from simulator.scenery import BUCKET, CONNECTOR_ID, FOLDERS, put_object

from domain.errors import NotRedrivable
from domain.job import Discovery, JobStatus, SyncOptions
from ports.errors import Outcome
from ports.job_store import OverlappingJob

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_PREFIXES = ((), (), ("a/",), ("b/",), ("a/", "b/"))
_API_TRY_COUNT_MAX = 4

_OCCASIONS = (
    "job DISCOVERING",
    "job PROCESSING",
    "job COMPLETED_WITH_ERRORS",
    "chunk QUEUED",
    "chunk PROCESSING",
    "chunk COMPLETED",
)


class People:
    """Users of the API, and owners of the bucket."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._left = 0
        self._key_count = 0
        self._occasions: list[tuple[str, float, Callable[[], None]]] = []

    @property
    def done(self) -> bool:
        """Whether nobody wants anything any more."""
        return not self._left

    def plan(self) -> None:
        """Draw what people will do, and when."""
        rng = self._sim.rng
        span_s = rng.choice([2.0, 20.0, 400.0, 4_000.0])
        self._plan(0.0, self._sync)
        for _ in range(rng.choice([0, 1, 3])):
            self._plan(rng.random() * span_s, self._sync)
        for _ in range(rng.choice([0, 0, 1, 2])):
            self._plan(rng.random() * span_s, self._cancel)
        for _ in range(rng.choice([0, 0, 1, 3])):
            self._plan(rng.random() * span_s * 2, self._redrive)
        for _ in range(rng.choice([0, 3, 15])):
            self._plan(rng.random() * span_s, self._change_bucket)
        for _ in range(rng.choice([0, 1, 2, 4])):
            occasion = rng.choice(_OCCASIONS)
            action = rng.choice([self._cancel, self._cancel, self._change_bucket, self._sync])
            delay_s = rng.choice([0.0, 0.02, 0.2, 2.0]) * rng.random()
            self._occasions.append((occasion, delay_s, action))
        self._plan(span_s, lambda: None)

    def saw(self, occasion: str) -> None:
        """Let people act on what they were waiting for, once."""
        for waiting in [each for each in self._occasions if each[0] == occasion]:
            self._occasions.remove(waiting)
            self._plan(waiting[1], waiting[2])

    def calm(self) -> None:
        """Undo denials, in some seeds, and redrive what failed."""
        self._occasions.clear()
        rng = self._sim.rng
        if rng.random() < 0.5:
            self._sim.world.buckets.denied.clear()
        for _ in range(rng.choice([0, 1, 2])):
            self._sim.at(5_000 * rng.random(), self._redrive)

    def heal(self) -> None:
        """Give back the rights on everything."""
        self._sim.world.buckets.denied.clear()

    def sync_all(self) -> None:
        """Sync the whole bucket, for good."""
        discovery = self._sim.rng.choice(list(Discovery))
        options = SyncOptions(discovery=discovery)
        self._sim.at(0, partial(self._start, options, None, _API_TRY_COUNT_MAX))

    def _plan(self, delay_s: float, action: Any) -> None:
        self._left += 1

        def act() -> None:
            self._left -= 1
            action()

        self._sim.at(delay_s, act)

    # Users of the API.

    def _sync(self) -> None:
        rng = self._sim.rng
        options = SyncOptions(
            prefixes=rng.choice(_PREFIXES),
            discovery=rng.choice(list(Discovery)),
            dry_run=rng.random() < 0.15,
            exclude=rng.choice([(), (), ("*.wav",)]),
        )
        self._key_count += 1
        self._start(options, rng.choice([None, f"key-{self._key_count}"]), 0)

    def _start(self, options: SyncOptions, idempotency_key: str | None, try_count: int) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if (
                error is None
                or isinstance(error, OverlappingJob)
                or try_count >= _API_TRY_COUNT_MAX
            ):
                return
            self._sim.at(3.0, partial(self._start, options, idempotency_key, try_count + 1))

        async def start(use_case: Any, deadline: Any) -> Any:
            return await use_case.start(CONNECTOR_ID, options, idempotency_key=idempotency_key)

        self._sim.spawn("sync", "api", "start_sync", start, done)
        if idempotency_key and self._sim.faults.happens(Fault.DOUBLED):
            self._sim.spawn("sync again", "api", "start_sync", start, lambda result, error: None)

    def _cancel(self) -> None:
        jobs = [job.job_id for job in self._sim.world.database.jobs if not job.terminal]
        if not jobs:
            return
        job_id = self._sim.rng.choice(jobs)
        self._sim.spawn(
            "cancel",
            "api",
            "cancel_job",
            lambda use_case, deadline: use_case.cancel(job_id),
            lambda result, error: None,
        )

    def _redrive(self) -> None:
        jobs = [
            job.job_id
            for job in self._sim.world.database.jobs
            if job.status is JobStatus.COMPLETED_WITH_ERRORS
        ]
        if not jobs:
            return
        job_id = self._sim.rng.choice(jobs)
        self._sim.spawn(
            "redrive",
            "api",
            "redrive_job",
            lambda use_case, deadline: use_case.redrive(job_id),
            lambda result, error: None,
            expected=(NotRedrivable, Outcome),
        )

    # Owners of the bucket.

    def _change_bucket(self) -> None:
        rng, buckets, observer = self._sim.rng, self._sim.world.buckets, self._sim.observer
        keys = [key for key in buckets.keys(BUCKET) if (BUCKET, key) not in buckets.denied]
        kind = rng.choice(["put", "overwrite", "delete", "tag", "untag"])
        self._sim.note("owner", kind, "")
        if kind == "put" or not keys:
            put_object(self._sim, f"{rng.choice(FOLDERS)}new {rng.randint(1, 99)}.jpg", "untagged")
            return
        copying = sorted({upload.begun.head.key for upload in buckets.uploads.values()} & {*keys})
        # What is being copied in parts is what it is interesting to change.
        key = rng.choice(copying if copying and rng.random() < 0.7 else keys)
        stored = buckets.get(BUCKET, key)
        tags = dict(stored.tags)
        if kind == "overwrite":
            put_object(self._sim, key, rng.choice(["untagged", "owner's tags", "asset known"]))
        elif kind == "delete":
            buckets.delete(BUCKET, key)
        elif kind == "tag" and len(tags) < 10:
            buckets.set_tags(BUCKET, stored.head, {**tags, f"own {rng.randint(1, 9)}": "new"})
        elif kind == "untag" and tags:
            tags.pop(rng.choice(sorted(tags)))
            buckets.set_tags(BUCKET, stored.head, tags)
        observer.owner_changed(key)
