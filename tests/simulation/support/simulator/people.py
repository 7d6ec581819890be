"""The users' actions: start syncs, cancel and redrive them, and change their bucket in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator import removing, searching
from simulator.faults import Fault
from simulator.lasting import OF_BATCH_JOBS
from simulator.scenery import BUCKET, CONNECTOR_ID, FOLDERS, OTHER_CONNECTOR_ID, Theme, put_object

from adapters.memory.buckets import StoredObject
from domain.customer_object import is_archived
from domain.discovery import Discovery
from domain.errors import ConnectorDisabled, ConnectorRemoved, InvalidRequest, NotRedrivable
from domain.job import JobStatus
from domain.sync_request import SyncOptions
from ports.errors import ExpectedError, Throttled
from ports.job_store import OverlappingJob, TooManyPrefixes

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_CHANGES = (
    "put",
    "overwrite",
    "overwrite, tags kept",
    "overwrite, tags kept",
    "copy",
    "copy",
    "delete",
    "tag",
    "untag",
    "untag",
    "untag all",
)
_PREFIXES = ((), (), ("a/",), ("b/",), ("a/", "b/"))
_API_TRY_COUNT_MAX = 4
_FOLDERS_OF_FILES = ("chunks/", "chunks/", "outcomes/", "progress/", "reports/", "manifest.csv")
_COMPLETED = (JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS)

_OCCASIONS = (
    "job DISCOVERING",
    "job PROCESSING",
    "job COMPLETED_WITH_ERRORS",
    "chunk QUEUED",
    "chunk PROCESSING",
    "chunk COMPLETED",
    "copy created",
    "copy created",
)
_REDRIVE_OCCASIONS = ("job COMPLETED_WITH_ERRORS", "job COMPLETED_WITH_ERRORS", "chunk FAILED")


class People:
    """Users of the API, and owners of the bucket."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._left = 0
        self._key_count = 0
        self._occasions: list[tuple[str, float, Callable[[], None]]] = []

    @property
    def done(self) -> bool:
        """Whether no action is left."""
        return not self._left

    def plan(self) -> None:
        """Draw the users' actions, and their times."""
        rng = self._sim.rng
        span_s = rng.choice([2.0, 20.0, 400.0, 4_000.0, 4_000.0])
        self._plan(0.0, self._sync)
        for _ in range(rng.choice([0, 1, 3, 5])):
            self._plan(rng.random() * span_s, self._sync)
        for _ in range(rng.choice([0, 0, 1, 2])):
            self._plan(rng.random() * span_s, self._cancel)
        for _ in range(rng.choice([0, 0, 1, 3])):
            self._plan(rng.random() * span_s * 2, self._redrive)
        for _ in range(rng.choice([0, 3, 15])):
            self._plan(rng.random() * span_s, self._change_bucket)
        for _ in range(rng.choice([0, 0, 1, 3])):
            self._plan(rng.random() * span_s, self._lose_a_record)
        for _ in range(rng.choice([0, 1, 2, 4])):
            occasion = rng.choice(_OCCASIONS)
            action = rng.choice([self._cancel, self._cancel, self._change_bucket, self._sync])
            delay_s = rng.choice([0.0, 0.02, 0.2, 2.0]) * rng.random()
            self._occasions.append((occasion, delay_s, action))
        for _ in range(rng.choice([0, 0, 1, 2])):
            delay_s = rng.choice([0.0, 1.0, 300.0]) * rng.random()
            self._occasions.append((rng.choice(_REDRIVE_OCCASIONS), delay_s, self._redrive))
        if not OF_BATCH_JOBS.isdisjoint(self._sim.lasting.planned):
            delay_s = rng.choice([0.1, 1.0]) * rng.random()
            self._occasions.append(("job DISCOVERING", delay_s, self._cancel))
        for _ in range(rng.choice([0, 0, 0, 1, 3])):
            self._plan(rng.random() * span_s, self._remove_files)
        for _ in range(rng.choice([0, 0, 0, 2])):
            self._plan(rng.random() * span_s, self._sim.services.forge)
        for _ in range(rng.choice([0, 0, 3])):
            self._plan(rng.random() * span_s, self._upload_multipart)
        if rng.random() < 0.04:
            for number in range(5):
                self._plan(0.01 * number, partial(self._sync_long_prefixes, number))
        self._plan_theme()
        self._sim.lasting.plan(span_s)
        self._sim.managers.plan(span_s)
        self._sim.operators.plan(span_s)
        self._sim.schedulers.plan(span_s)
        removing.plan(self._sim, span_s)
        searching.plan(self._sim, span_s)
        self._plan(span_s, lambda: None)

    def _plan_theme(self) -> None:
        match self._sim.theme:
            case Theme.REPLACED:
                self._occasions.append(("announced", 0.0, self._replace_announced))
            case Theme.SHORT_LIVES:
                if self._sim.rng.random() < 0.5:
                    self._occasions.append(("chunk QUEUED", 0.0, self._cancel))
                else:
                    self._sim.world.ports.bus.refuse = lambda event: Throttled("simulated")
                    self._sim.faults.began = True
                    self._occasions.append(("job COMPLETED_WITH_ERRORS", 0.0, self._redrive_all))
                    self._plan(4_000.0, lambda: None)
            case Theme.LATE_UPLOADS:
                for number in range(4):
                    self._plan(100.0 * number, self._upload_multipart)
                    self._plan(300.0 * number + 200, self._sync)
            case Theme.CANCELLED:
                self._occasions.append(("batch job created", 0.0, self._cancel_in_a_crash))
            case Theme.RETAGGED:
                self._occasions += [("copy created", 1.0, self._tag_what_is_copied)] * 3
                self._plan(400.0, lambda: None)
            case Theme.FAILED:
                self._occasions.append(("failure recorded", 0.0, self._cancel))

    def _tag_what_is_copied(self) -> None:
        for upload in list(self._sim.world.buckets.uploads.values()):
            key = upload.initial.head.key
            if key in self._sim.world.buckets.keys(BUCKET):
                self._change("tag", key, key)

    def _redrive_all(self) -> None:
        """Redrive a job of which nothing was announced, now that the bus accepts events again."""
        self._sim.world.ports.bus.refuse = lambda event: None
        self._redrive()

    def _cancel_in_a_crash(self) -> None:
        """Cancel a job whose engine dies before it has recorded its batch job."""
        for job in self._sim.world.database.jobs:
            if job.status is JobStatus.DISCOVERING and job.discovery.batch_job_id is None:
                self._sim.crash("engine", job.job_id)
                self._plan(0.0, self._cancel)

    def saw(self, occasion: str) -> None:
        """Let users act once on an event that they waited for."""
        for waiting in [each for each in self._occasions if each[0] == occasion]:
            self._occasions.remove(waiting)
            self._plan(waiting[1], waiting[2])

    def calm(self) -> None:
        """Undo denials, in some seeds, redrive what failed, and upload some objects again."""
        self._occasions.clear()
        self._sim.operators.calm()
        rng = self._sim.rng
        if rng.random() < 0.5:
            self._sim.world.buckets.denied.clear()
        for _ in range(rng.choice([0, 1, 2])):
            self._sim.at(5_000 * rng.random(), self._redrive)
        for _ in range(rng.choice([0, 0, 2])):
            self._sim.at(1_000 + 4_000 * rng.random(), self._replace)

    def heal(self) -> None:
        """Restore all permissions."""
        self._sim.world.buckets.denied.clear()
        self._sim.lasting.end()
        self._sim.services.batch.heal()
        self._sim.managers.restore()
        self._sim.operators.resume_everything()
        self._sim.schedulers.restore()
        self._sim.world.ports.bus.refuse = lambda event: None

    def sync_all(self) -> None:
        """Sync the whole bucket, not as a dry run."""
        discovery = self._sim.rng.choice(list(Discovery))
        options = SyncOptions(discovery=discovery)
        self._sim.at(0, partial(self._start, CONNECTOR_ID, options, None, _API_TRY_COUNT_MAX))

    def plan_sync(self, delay_s: float, options: SyncOptions) -> None:
        """Plan a sync with these options."""
        self._plan(delay_s, partial(self._start, CONNECTOR_ID, options, None, 0))

    def plan_loss(self, delay_s: float) -> None:
        """Plan that the system loses a record."""
        self._plan(delay_s, self._lose_a_record)

    def plan_action(self, delay_s: float, action: Callable[[], None]) -> None:
        """Plan an action of others; `done` waits for it."""
        self._plan(delay_s, action)

    def plan_occasion(self, occasion: str, delay_s: float, action: Callable[[], None]) -> None:
        """Plan an action of others at an event, if it happens."""
        self._occasions.append((occasion, delay_s, action))

    def _plan(self, delay_s: float, action: Any) -> None:
        self._left += 1

        def act() -> None:
            self._left -= 1
            action()

        self._sim.at(delay_s, act)

    # Users of the API.

    def _sync(self) -> None:
        rng = self._sim.rng
        connector_id = OTHER_CONNECTOR_ID if rng.random() < 0.2 else CONNECTOR_ID
        of_other = connector_id == OTHER_CONNECTOR_ID
        options = SyncOptions(
            prefixes=() if of_other else rng.choice(_PREFIXES),
            modified_since=self._last_sync() if self._incremental() else None,
            discovery=self._discovery(),
            dry_run=rng.random() < 0.15,
            exclude=rng.choice([(), (), ("*.wav",)]),
            retrigger=rng.random() < 0.1,
        )
        self._key_count += 1
        options = self._sim.verifying.options(options)
        self._start(connector_id, options, rng.choice([None, f"key-{self._key_count}"]), 0)

    def _discovery(self) -> Discovery:
        drawn = self._sim.rng.choice(list(Discovery))
        by_batch = self._sim.theme in (Theme.CANCELLED, Theme.FAILED)
        return Discovery.BATCH if by_batch else drawn

    def _incremental(self) -> bool:
        return self._sim.rng.random() < (0.9 if self._sim.theme is Theme.LATE_UPLOADS else 0.3)

    def _last_sync(self) -> datetime | None:
        """Return when the last complete sync of everything began."""
        return max(
            (
                job.times.created_at
                for job in self._sim.world.database.jobs
                if job.status in _COMPLETED and not job.request.options.prefixes
            ),
            default=None,
        )

    def _sync_long_prefixes(self, number: int) -> None:
        """Sync many folders with long names, which are empty: their names fill records."""
        prefixes = tuple(f"{number:02}/{index:02}/{'x' * 1_015}/" for index in range(100))
        self._start(CONNECTOR_ID, SyncOptions(prefixes=prefixes), None, _API_TRY_COUNT_MAX)

    def _start(
        self, connector_id: str, options: SyncOptions, idempotency_key: str | None, try_count: int
    ) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            final = isinstance(error, OverlappingJob | TooManyPrefixes)
            if error is None or final or try_count >= _API_TRY_COUNT_MAX:
                return
            again = partial(self._start, connector_id, options, idempotency_key, try_count + 1)
            self._sim.at(3.0, again)

        async def start(use_case: Any, deadline: Any) -> Any:
            return await use_case.start(connector_id, options, idempotency_key=idempotency_key)

        expected = (InvalidRequest, ConnectorDisabled)
        self._sim.managers.a_sync_is_asked_for()
        self._sim.spawn("sync", "api", "start_sync", start, done, expected=expected)
        if idempotency_key and self._sim.faults.happens(Fault.DOUBLED):
            self._sim.spawn(
                "sync again",
                "api",
                "start_sync",
                start,
                lambda result, error: None,
                expected=expected,
            )

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

        def done(result: Any, error: BaseException | None) -> None:
            if error is None and self._sim.rng.random() < 0.5:
                self._sim.services.queue.replay_letters(job_id)

        self._sim.spawn(
            "redrive",
            "api",
            "redrive_job",
            lambda use_case, deadline: use_case.redrive(job_id),
            done,
            expected=(NotRedrivable, ConnectorDisabled, ConnectorRemoved, ExpectedError),
        )

    # Owners of the bucket, and the operators of the system.

    def _lose_a_record(self) -> None:
        self._sim.services.system.lose_a_record()

    def _remove_files(self) -> None:
        """Remove files of a job, as a lifecycle rule for other files may do."""
        jobs = [job.job_id for job in self._sim.world.database.jobs]
        if not jobs:
            return
        self._sim.faults.note(Fault.FILES_REMOVED)
        rng, files = self._sim.rng, self._sim.world.ports.results.files
        folder = f"jobs/{rng.choice(jobs)}/{rng.choice(_FOLDERS_OF_FILES)}"
        names = [name for name in files if name.startswith(folder)]
        self._sim.note("lifecycle", "removes", f"{len(names)} of {folder}")
        for name in names:
            del files[name]
        self._sim.removed.update(names)
        if rng.random() < 0.5:
            self._sim.at(rng.random() * 60, self._redrive)

    def _upload_multipart(self) -> None:
        """Create a multipart upload: its object appears later, with the time of the creation."""
        rng, created_at = self._sim.rng, self._sim.clock.now()
        key = f"{rng.choice(FOLDERS)}slow {rng.randint(1, 99)}.mov"
        duration_s = rng.random() * self._sim.tuning.modified_since_margin_s * 0.9

        def complete() -> None:
            if key not in self._sim.world.buckets.keys(BUCKET):
                put_object(self._sim, key, "untagged", created_at=created_at)

        self._plan(rng.choice([min(duration_s, 60.0), duration_s]), complete)

    def _change_bucket(self) -> None:
        rng, buckets = self._sim.rng, self._sim.world.buckets
        keys = [key for key in buckets.keys(BUCKET) if (BUCKET, key) not in buckets.denied]
        kind = rng.choice(_CHANGES)
        self._sim.note("owner", kind, "")
        if kind == "put" or not keys:
            put_object(self._sim, f"{rng.choice(FOLDERS)}new {rng.randint(1, 99)}.jpg", "untagged")
            return
        copying = sorted({upload.initial.head.key for upload in buckets.uploads.values()} & {*keys})
        # Changes of objects during their multipart copy are the interesting ones.
        key = rng.choice(copying if copying and rng.random() < 0.7 else keys)
        if key in copying:
            kind = rng.choice(["tag", "untag", kind])
        self._change(kind, key, rng.choice(keys))

    def _replace_announced(self) -> None:
        """Upload an object again that was announced just now; its worker dies."""
        event = self._sim.observer.announced
        if event is None or event.object_key not in self._sim.world.buckets.keys(BUCKET):
            return
        self._sim.crash("processor", event.job_id)
        put_object(self._sim, event.object_key, "untagged")

    def _replace(self) -> None:
        """Upload an object again that was triggered, with its tags."""
        buckets = self._sim.world.buckets
        marked = [
            key
            for key in buckets.keys(BUCKET)
            if "SyncJobID" in buckets.get(BUCKET, key).tags and (BUCKET, key) not in buckets.denied
        ]
        if marked:
            self._change("overwrite, tags kept", self._sim.rng.choice(marked), marked[0])

    def _change(self, kind: str, key: str, other: str) -> None:
        """Change an object; `other` is one that it may be copied to."""
        rng, buckets, observer = self._sim.rng, self._sim.world.buckets, self._sim.observer
        stored = buckets.get(BUCKET, key)
        tags = dict(stored.tags)
        if kind == "overwrite":
            put_object(self._sim, key, rng.choice(["untagged", "owner's tags", "ids unknown"]))
        elif kind == "overwrite, tags kept":
            put_object(self._sim, key, "untagged", tags)
        elif kind == "copy":
            self._copy(
                stored, rng.choice([other, f"{rng.choice(FOLDERS)}copy of {rng.randint(1, 9)}.mov"])
            )
        elif kind == "delete":
            buckets.delete(BUCKET, key)
            self._sim.services.system.object_deleted(key)
            observer.owner_changed(key)
        elif kind == "tag" and len(tags) < 10:
            buckets.set_tags(BUCKET, stored.head, {**tags, f"own {rng.randint(1, 9)}": "new"})
            observer.owner_changed(key, content=False)
        elif kind == "untag" and tags:
            tags.pop(rng.choice(sorted(tags)))
            buckets.set_tags(BUCKET, stored.head, tags)
            observer.owner_changed(key, content=False)
        elif kind == "untag all":
            buckets.set_tags(BUCKET, stored.head, {})
            observer.owner_changed(key, content=False)

    def _copy(self, source: StoredObject, key: str) -> None:
        """Copy an object to another key; some tools copy its tags, and drop one of them."""
        head, tags = source.head, dict(source.tags)
        if tags and self._sim.rng.random() < 0.3:
            tags.pop(self._sim.rng.choice(sorted(tags)))
        if (BUCKET, key) in self._sim.world.buckets.denied or is_archived(head):
            return
        copy = replace(source, head=replace(head, key=key, e_tag="", restored=False), tags=tags)
        self._sim.world.buckets.write(BUCKET, copy, kind="Copy")
        self._sim.observer.owner_changed(key)
