"""The observer: records what every call did to the shared state, and checks the invariants after
each.

It reads the state from outside, and never through the code under test. A broken invariant is kept
in `broken`, and the driver stops at it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from simulator import (
    accounts,
    connector_invariants,
    hold_invariants,
    ingest_invariants,
    invariants,
    limiting,
    oracle,
    removing,
    schedule_invariants,
    searching,
    verifying,
)
from simulator.hold_invariants import Holds
from simulator.indexing import only_the_holder_makes_an_index
from simulator.ledger import Change, Ledger, OurWrite, Start, mark_in
from simulator.process import READS, LookUp, Process, Read
from simulator.progress import Progress
from simulator.scenery import BUCKET

from adapters.local_aws.asset_system.medialake.values import Reaction, Record
from adapters.memory.buckets import StoredObject
from domain.chunk import Chunk, ChunkStatus
from domain.customer_object import ObjectHead
from domain.identity import identity_of, mint_inventory_id
from domain.job import EndingKind, Job, JobStatus
from domain.listing_share import ListingShare
from domain.message import IngestEvent, IngestMessage

if TYPE_CHECKING:
    from simulator.simulation import Simulation


_IDS = ("AssetID", "InventoryID")

# Calls after which an object is another one, or has other tags.
_WRITES = ("copy_in_place", "complete_multipart_copy", "write_tags")


_minted = cache(partial(mint_inventory_id, BUCKET))


class Violation(AssertionError):
    """An invariant does not hold; `name` is the function that found it."""

    def __init__(self, name: str, complaint: str) -> None:
        super().__init__(f"{name}: {complaint}")
        self.name = name


@dataclass(slots=True)
class Observer:
    """What was seen so far."""

    sim: Simulation
    broken: Violation | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    chunks: dict[str, dict[int, Chunk]] = field(default_factory=lambda: defaultdict(dict))
    shares: dict[str, dict[int, ListingShare]] = field(default_factory=lambda: defaultdict(dict))
    versions: dict[str, list[tuple[datetime, Job]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    statuses: dict[str, list[JobStatus]] = field(default_factory=lambda: defaultdict(list))
    chunk_statuses: set[ChunkStatus] = field(default_factory=set)
    starts: dict[str, Start] = field(default_factory=dict)
    writes: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    events: dict[tuple[str, str], list[IngestEvent]] = field(
        default_factory=lambda: defaultdict(list)
    )
    messages: dict[tuple[str, str], list[IngestMessage]] = field(
        default_factory=lambda: defaultdict(list)
    )
    ledger: Ledger = field(default_factory=lambda: Ledger(BUCKET))
    changes: list[Change] = field(default_factory=list)
    change_numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    late_writes: set[str] = field(default_factory=set)
    queue_empty_at: datetime | None = None
    ingestions: set[tuple[str, str]] = field(default_factory=set)
    owner_change_numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    ending_at: dict[str, datetime] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    announced: IngestEvent | None = None
    received: dict[str, tuple[str, str, str | None]] = field(default_factory=dict)
    progress: Progress = field(init=False)
    holds: Holds = field(init=False)
    denied: set[str] = field(default_factory=set)
    removed: removing.Removed = field(init=False)
    reported: set[tuple[str, bytes]] = field(default_factory=set)
    limits: limiting.Limits = field(init=False)

    def __post_init__(self) -> None:
        self.progress = Progress(self.sim)
        self.removed = removing.Removed(self.sim)
        self.holds = Holds(self.sim)
        self.limits = limiting.Limits(self.sim)

    def check(self, invariant: Callable[..., Iterator[str]], *subjects: Any) -> None:
        """Ask one invariant; keep its first complaint."""
        for complaint in invariant(*subjects):
            if self.broken is None:
                self.broken = Violation(invariant.__name__, complaint)
            return

    def owner_changed(self, key: str, *, content: bool = True) -> None:
        """Note that the owner put, tagged or deleted an object."""
        self.owner_change_numbers[key] += 1
        self.removed.owner_changed(key)
        self._others_changed(key, "owner", content=content)

    def system_tagged(self, key: str) -> None:
        """Note that the Asset Management System wrote an object's tags."""
        self._others_changed(key, "system", content=False)

    def system_changed(self, key: str, inventory_ids: Iterable[str | None] = ()) -> None:
        """Note that the Asset Management System changed its record of an object, and of all others
        with one of these ids, or that would get one: owners copy objects with their tags, and
        remove tags.
        """
        now = self.sim.clock.now()
        self.changes += [Change(now, each, "system") for each in (key, *self._with(inventory_ids))]

    def _with(self, ids: Iterable[str | None]) -> list[str]:
        named = {each for each in ids if each}
        bucket = self.sim.world.buckets.find(BUCKET)
        return [
            key
            for key in (bucket.versions if bucket and named else ())
            if (stored := bucket.current(key))
            and named & {_minted(key), *(stored.tags.get(name) for name in _IDS)}
        ]

    def _others_changed(self, key: str, by: str, *, content: bool) -> None:
        self.change_numbers[key] += 1
        now = self.sim.clock.now()
        self.changes.append(Change(now, key, by))
        bucket = self.sim.world.buckets.find(BUCKET)
        stored = bucket.current(key) if bucket else None
        self.ledger.others_changed(key, stored, now, content=content)

    def ingested(self, event: IngestEvent) -> None:
        """Note that the Asset Management System recorded an object."""
        now = self.sim.clock.now()
        self.changes.append(Change(now, event.object_key, event.job_id))
        others = [
            key
            for key in self._with([event.asset_id, event.inventory_id])
            if key != event.object_key
        ]
        self.changes += [Change(now, key, "system") for key in others]
        self.ingestions.add((event.job_id, event.object_key))

    def taken(
        self,
        key: str,
        before: Mapping[str, Record],
        made_at: Mapping[str, datetime],
        reaction: Reaction,
    ) -> None:
        """Judge what a Media Lake did with an object; `before` are its records until then."""
        made = () if reaction.put is None else (reaction.put.inventory_id,)
        self.system_changed(key, (*made, *reaction.delete_ids))
        for name in reaction.delete_ids:
            # It may be that of another object, whose tags are no longer its own.
            self.system_changed((before[name].storage_path or "").partition(":")[2])
        for judged in (
            ingest_invariants.no_second_record_by_us,
            ingest_invariants.no_asset_is_lost_by_us,
        ):
            self.check(judged, self, key, before, made_at, reaction)

    def started(self, process: Process, port: str, method: str, args: tuple[Any, ...]) -> None:
        """Check a call of a living process, before it has any effect."""
        self.progress.started(process, port, method, args)
        if method == "publish_removals":
            self.check(removing.only_what_is_gone_is_announced, self.removed, process, args[0])
        holds = hold_invariants.nothing_starts_while_held
        self.check(holds, self.holds, process, port, method, args)
        for judged in limiting.JUDGES:
            self.check(judged, self.limits, process, port, method)
        if port == "results":
            self.check(searching.only_what_is_gone_is_reported, self, process, method, args)
            self.check(verifying.an_old_snapshot_is_not_used, self, process, method, args)
        for key in self._touched(port, method, args):
            job_id = process.job_id or "?"
            self.check(invariants.i7_a_failed_look_up_never_becomes_put, process, key)
            self.check(
                invariants.i8_nothing_starts_after_the_end, self, process, job_id, key, method
            )

    def before(self, port: str, method: str, args: tuple[Any, ...]) -> StoredObject | None:
        """Return the object that a call is about to write, as it is."""
        if port == "objects" and method in _WRITES:
            return self._stored(method, args)
        return None

    def applied(
        self,
        process: Process,
        port: str,
        method: str,
        args: tuple[Any, ...],
        result: Any,
        before: StoredObject | None,
    ) -> None:
        """Check the effect of a call."""
        if port == "objects" and method in _WRITES:
            self._object_written(process, method, args, before)
        elif method == "create_multipart_copy":
            self.sim.people.saw("copy created")
        elif method == "copy_part":
            process.parts_copied += 1
        elif port == "queue" and method == "send":
            self.progress.messages_sent(process, args[0])
        elif port == "bus" and method == "publish":
            self._published(args[0], result)
        elif port == "ingest_queue" and method == "send":
            self._sent(args[1], result)
        elif port == "ingest_queue" and method == "depth" and result == 0:
            self.queue_empty_at = self.sim.clock.now()
        elif port == "notifier":
            self.check(invariants.only_stored_statuses_are_published, self, args[0])
        elif port == "batch_jobs" and method == "create":
            self.sim.people.saw("batch job created")
            self.check(invariants.one_batch_job_per_job, self.sim)
        elif port == "errors" and process.function == "engine":
            self.sim.people.saw("failure recorded")
        elif port == "results" and method == "put" and "/outcomes/" in args[0]:
            self._outcomes_written(args[0])
        elif port == "connector_store" and method == "remove":
            self.check(connector_invariants.an_active_job_has_its_connector, self.sim)
        elif port in ("jobs", "chunks", "shares") and method not in READS:
            self.look(process)

    def look(self, process: Process | None) -> None:
        """Compare all records with those seen before, and judge the differences."""
        database = self.sim.world.database
        self.holds.look()
        self.limits.look()
        for job in database.jobs:
            seen = self.jobs.get(job.job_id)
            if seen is not job:
                self.jobs[job.job_id] = job
                self._job_changed(process, seen, job)
            shares_seen = self.shares[job.job_id]
            for share in database.shares_of(job.job_id):
                if (was := shares_seen.get(share.number)) is not share:
                    shares_seen[share.number] = share
                    holds = invariants.i4_only_the_lease_holder_lists_a_share
                    self.check(holds, process, was, share, job)
            chunks_seen = self.chunks[job.job_id]
            changed = False
            for chunk in database.chunks_of(job.job_id):
                before = chunks_seen.get(chunk.index)
                if before is not chunk:
                    chunks_seen[chunk.index] = chunk
                    changed = True
                    now = self.sim.clock.now()
                    holds = invariants.i4_only_the_lease_holder_settles
                    self.check(holds, process, before, chunk, job, now)
                    self.progress.chunk_changed(process, before, chunk)
                    unused = hold_invariants.a_hold_uses_nothing_up
                    self.check(unused, self.holds, process, before, chunk, job)
                    self.check(hold_invariants.a_parked_chunk_has_no_lease, chunk)
                    self.chunk_statuses.add(chunk.status)
                    self.sim.people.saw(f"chunk {chunk.status}")
                    if chunk.terminal:
                        self.check(accounts.outcome_files_add_up, self.sim, chunk)
            if changed or seen is not job:
                self.check(invariants.i3_totals_are_the_fold, job, chunks_seen)
                self.check(invariants.i2_a_terminal_job_has_terminal_chunks, job, chunks_seen)

    def lagging(self, item: Job) -> Job:
        """Return a listed job as it may have been some time ago."""
        if not self.sim.stale_lists():
            return item
        return self.sim.rng.choice(self.versions[item.job_id])[1]

    def touched_by_others(self, job: Job, key: str) -> bool:
        """Return whether others than the job changed an object or its record since the job's
        start."""
        since = bisect_left(self.changes, job.times.created_at, key=attrgetter("at"))
        changes = islice(self.changes, since, None)
        return any(change.key == key and change.by != job.job_id for change in changes)

    def answered(
        self, process: Process, method: str, args: tuple[Any, ...], result: Any, number: int
    ) -> None:
        """Note what a process has read."""
        if method == "read_tags":
            key = args[1]
            if key in process.reads and process.reads[key].tags == dict(result):
                return  # read once more, to see whether they are still the same
            process.reads[key] = Read(
                identity_of(result),
                dict(result),
                number,
                self.owner_change_numbers[key],
                self.change_numbers[key],
            )
        elif method == "look_up":
            records = dict(self.sim.world.database.assets)
            process.look_ups.append(
                LookUp(number, self.sim.clock.now(), frozenset(args[0]), records)
            )

    def _object_written(
        self, process: Process, method: str, args: tuple[Any, ...], before: StoredObject | None
    ) -> None:
        head: ObjectHead = args[1]
        key, job_id = head.key, process.job_id or "?"
        after = self._stored(method, args)
        tags: Mapping[str, str] = args[2]
        if method == "complete_multipart_copy":
            process.parts_copied += 1
            tags = after.tags if after else {}
        self.changes.append(Change(self.sim.clock.now(), key, job_id))
        self.check(invariants.i6_owner_tags_stay, self, process, key, before, tags)
        self.check(invariants.i12_bytes_and_metadata_stay, before, after, head)
        read = process.reads.get(key)
        if read is None or job_id not in self.jobs:
            return  # broken already
        job = self.jobs[job_id]
        mark = mark_in(tags, BUCKET, key)
        if method == "write_tags" and mark_in(read.tags, BUCKET, key) == mark:
            self.writes[job_id, key].append("restore")
            self.check(ingest_invariants.restored_tags_are_the_records, process, job, key, tags)
        else:
            self.writes[job_id, key].append(method)
            self.check(invariants.a_triggered_object_is_not_written_again, process, key, job_id)
            self.check(ingest_invariants.the_system_gets_its_time, self, process, job, key)
            self.check(ingest_invariants.the_ids_are_the_records, process, key, tags)
            self.check(ingest_invariants.ids_of_another_are_not_used, process, key, tags)
            self.check(
                ingest_invariants.the_system_makes_ids_where_it_is_to, process, job, key, tags
            )
            self.ledger.triggered(key, job_id, retrigger=job.request.options.retrigger)
            self.check(ingest_invariants.three_triggers_in_all, self, key)
        look_up = process.look_up_of(key)
        self.ledger.page(key).ours = OurWrite(
            job_id=job_id,
            looked_up_at=look_up.at if look_up else process.began_at,
            written_at=self.sim.clock.now(),
            head=head,
            undisturbed=self.owner_change_numbers[key] == read.owner_change_number,
        )

    def _touched(self, port: str, method: str, args: tuple[Any, ...]) -> list[str]:
        """Return the key of every object that a call would write or announce."""
        if port == "objects" and method in (*_WRITES, "create_multipart_copy"):
            return [args[1].key]
        if port == "bus" and method == "publish":
            return [event.object_key for event in args[0]]
        if port == "ingest_queue" and method == "send":
            return [message.object_key for message in args[1]]
        return []

    def _stored(self, method: str, args: tuple[Any, ...]) -> StoredObject | None:
        """Return the version that a write is about: the current one, or for tags the one named."""
        head: ObjectHead = args[1]
        bucket = self.sim.world.buckets.find(args[0].name)
        if bucket is None or method != "write_tags":
            return bucket and bucket.current(head.key)
        for stored in reversed(bucket.versions.get(head.key, [])):
            if stored is not None and stored.head.version_id == head.version_id:
                return stored
        return None

    def _published(self, events: list[IngestEvent], result: list[Any]) -> None:
        for event, error in zip(events, result, strict=True):
            if error is None:
                self.writes[event.job_id, event.object_key].append("publish")
                self.events[event.job_id, event.object_key].append(event)
                self.announced = event
                self.sim.people.saw("announced")
                self.check(invariants.one_event_id_per_object, self, event)
                self.check(accounts.a_receiver_loses_nothing, self, event)

    def _sent(self, messages: list[IngestMessage], result: list[Any]) -> None:
        for message, error in zip(messages, result, strict=True):
            if error is None:
                self.writes[message.job_id, message.object_key].append("send")
                self.messages[message.job_id, message.object_key].append(message)
                self.ledger.page(message.object_key).sent.add(message.job_id)

    def _outcomes_written(self, key: str) -> None:
        _, job_id, _, name = key.split("/")
        chunk = self.sim.world.database.chunks_of(job_id).find(int(name[:8]))
        if chunk is not None:
            self.check(accounts.outcome_files_add_up, self.sim, chunk)

    def _job_changed(self, process: Process | None, before: Job | None, job: Job) -> None:
        now = self.sim.clock.now()
        self.versions[job.job_id].append((now, job))
        self.check(invariants.i4_only_the_engine_with_the_lease_goes_on, process, before, job)
        self.check(only_the_holder_makes_an_index, self, process, before, job)
        self.check(connector_invariants.a_job_keeps_its_settings, before, job)
        holds = connector_invariants.a_removed_connector_starts_nothing
        self.check(holds, self.sim, before, job)
        if before is None:
            self._job_started(process, job)
            bucket = self.sim.world.buckets.find(job.request.bucket.name)
            objects = {
                key: stored
                for key in (bucket.versions if bucket else ())
                if (stored := bucket.current(key)) is not None
            }  # type: ignore[union-attr]
            self.starts[job.job_id] = Start(objects, dict(self.sim.world.database.assets))
        if job.ending is not None:
            self.ending_at.setdefault(job.job_id, now)
            if job.ending.kind is EndingKind.CANCELLED:
                self.cancelled.add(job.job_id)
        else:
            self.ending_at.pop(job.job_id, None)
        if before is None or before.status is not job.status:
            known = before.notices.count if before else 0
            for notice in job.notices.pending:
                if notice.number > known:
                    self.sim.note(job.job_id, "status", notice.status)
                    self.statuses[job.job_id].append(notice.status)
                    self.sim.people.saw(f"job {notice.status}")
            self.check(invariants.a_status_follows_the_table, before, job)
            self.check(invariants.one_active_job_per_prefix, self)
            self.check(accounts.no_record_is_too_large, self.sim)
            if job.terminal:
                self.check(accounts.no_batch_job_is_forgotten, self.sim, job)
                self.check(accounts.a_wrong_report_fails_its_job, self.sim, job)
                self.job_ended(job)

    def _job_started(self, process: Process | None, job: Job) -> None:
        wanted = schedule_invariants.a_schedule_starts_only_what_is_wanted
        as_said = schedule_invariants.a_scheduled_job_is_done_as_its_schedule_says
        for holds in (schedule_invariants.one_job_per_scheduled_time, wanted, as_said):
            self.check(holds, self.sim, process, job)
        self.check(schedule_invariants.one_scheduled_job_at_a_time, self.sim, job)
        self.check(schedule_invariants.a_chain_has_no_gap, self.sim, job)

    def job_ended(self, job: Job) -> None:
        """Judge a job that is terminal, when it becomes so and again at the end."""
        self.check(invariants.i1_every_entry_has_one_outcome, self.sim, job)
        self.check(invariants.i5_skip_writes_nothing, self, job)
        self.check(invariants.a_dry_run_writes_nothing, self, job)
        self.check(invariants.every_announced_object_has_an_event, self, job)
        self.check(oracle.outcomes_are_what_the_world_asked_for, self, job)
        self.check(ingest_invariants.what_is_said_of_triggers_is_true, self, job)
        self.check(ingest_invariants.every_object_is_counted, self, job)
