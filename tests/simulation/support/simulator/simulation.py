"""The driver: one world, one heap of future actions, one seed.

Time is virtual and moves from one entry of the heap to the next. Shared state survives everything;
a process (an invocation of a function) holds nothing but what the port calls gave it. A run has
three parts: people and faults; calm, until all is quiet; and the questions that can only be asked
then.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from asyncio import Future
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from simulator import accounts, convergence, invariants
from simulator.faults import Fault, FaultPlan
from simulator.indexing import an_index_has_every_object_once, index_at_rest, with_indexes
from simulator.lasting import Lasting, LastingFaults
from simulator.limiting import with_limits
from simulator.loop import StepLoop
from simulator.making import GATED, Environments
from simulator.managers import Managers
from simulator.observer import Observer, Violation
from simulator.operators import Operators
from simulator.people import People
from simulator.process import (
    Crash,
    Process,
    ProcessClock,
)
from simulator.progress import no_process_exceeds_its_deadline, requests_stay_within_bounds
from simulator.removing import compared, with_removals, with_their_indexes
from simulator.scenery import (
    CONNECTOR_ID,
    QUEUE_URL,
    Theme,
    draw_durations,
    draw_theme,
    draw_timeouts,
    draw_tuning,
    furnish,
    short_lives,
    with_shares,
    with_streams,
)
from simulator.schedulers import PORTS, Schedulers
from simulator.searching import in_small_batches, searched
from simulator.services import Services
from simulator.state import state_of, writes_of
from simulator.trace import Trace
from simulator.verifying import Verifying

from adapters.memory.catalog import MemoryCatalog
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from domain.chunk import ChunkLife
from domain.job import Job
from domain.limits import UPLOAD_PART_BYTES_MIN
from domain.profile import CatalogProfile
from entrypoints.wiring.memory import memory_world
from ports.errors import NotFound, PortError

_QUIET_AFTER = timedelta(days=5)
_LAST_SYNC_COUNT_MAX = 6
_LOCK_S = 600.0

Done = Callable[[Any, BaseException | None], None]


class Simulation:
    """One run; `run` raises the first Violation."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng, self.theme = random.Random(seed), draw_theme(seed)
        self.world = memory_world(
            seed=seed, page_object_count=self.rng.choice([3, 7, 1_000]), part_bytes_min=1
        )
        self.world.ports.results._portion_bytes = self.rng.choice([40, 300, 256 * 1024])
        self.clock = self.world.ports.clock
        self.started_at = self.clock.now()
        self.loop = StepLoop()
        # What the draws of older runs depend on stays as it is.
        later = ("catalog_scan", "slots", *PORTS)
        self.faults = FaultPlan(self.rng, [name for name in GATED if name not in later])
        self.verifying = Verifying(self, seed)
        if self.theme in (Theme.LONG_QUEUE, Theme.SHORT_LIVES, Theme.PURGED):
            self.faults.calm()
        self.tuning: Tuning = with_streams(seed, draw_tuning(self.rng))
        if self.tuning.manifest_part_bytes >= UPLOAD_PART_BYTES_MIN:
            self.world.ports.results._part_bytes_min = UPLOAD_PART_BYTES_MIN
        self.timeouts_s = draw_timeouts(self.rng, self.tuning)
        self._durations_s = draw_durations(self.rng, self.tuning)
        if self.theme in (Theme.SHORT_LIVES, Theme.PURGED, Theme.RETAGGED):
            drawn = short_lives(self.theme, self.tuning)
            self.tuning, self.timeouts_s, self._durations_s = drawn
        indexed = with_indexes(seed, self.verifying.tuned(self.tuning))
        self.tuning = in_small_batches(seed, with_their_indexes(seed, indexed))
        if (shared := with_shares(seed, self.tuning)) is not None:
            self.tuning = shared
            self.world.ports.objects._page_object_count = 3
        self.timeouts_s["share"] = self.timeouts_s["scheduled"] = self.timeouts_s["engine"]
        self.lasting = LastingFaults(self)
        self.removed: set[str] = set()
        self.death_count, self.aborts_failed = 0, False
        self._copying_s = self.rng.choice([0.0, 0.5, 2.0])
        self.observer = Observer(self)
        self.services = Services(self)
        if self.services.system.profile.name is CatalogProfile.MEDIALAKE:
            catalog = MemoryCatalog(self.world.database, asset_index=False)
            self.world = replace(self.world, ports=replace(self.world.ports, catalog=catalog))
        self.people = People(self)
        self.managers = Managers(self)
        self.operators = Operators(self)
        self.schedulers = Schedulers(self)
        self._trace = Trace(self.started_at)
        self.step_count = 0
        self._heap: list[tuple[datetime, int, bool, Callable[[], None]]] = []
        self._entry_count, self._busy = 0, 0
        self._live: dict[int, Process] = {}
        self._environments = Environments(self)
        self.process_count = 0
        self._hurried = False
        self.calm_at = self.started_at

    # Services for the parts of the world.

    def at(self, delay_s: float, action: Callable[[], None], *, idle: bool = False) -> None:
        """Schedule an action; `idle` actions do not keep the run from being quiet."""
        self._entry_count += 1
        self._busy += not idle
        time = self.clock.now() + timedelta(seconds=delay_s)
        heapq.heappush(self._heap, (time, self._entry_count, idle, action))

    def wake(self, future: Future[None], delay_s: float) -> None:
        """Fulfil a future later."""
        self.at(delay_s, lambda: None if future.done() else future.set_result(None))

    def latency_s(self, method: str) -> float:
        """Return how long a call takes; the store takes its time over a part of a large object."""
        if self._hurried:
            return 0.001
        own_s = self._durations_s.get(method, 0.0) + (method == "copy_part") * self._copying_s
        return 0.002 + 0.05 * self.rng.random() ** 2 + own_s

    def slowest_s(self, method: str) -> float:
        """Return how long a call takes at most, if it is not delayed."""
        return 0.052 + self._durations_s.get(method, 0.0)

    def stale_lists(self) -> bool:
        """Return whether a list lags behind now."""
        return self.faults.happens(Fault.STALE_LIST)

    def note(self, who: str, what: str, detail: object) -> None:
        """Add a line to the trace."""
        self._trace.add(self.clock.now(), who, what, detail)

    def trace(self) -> Iterator[str]:
        """Yield everything that happened, in order."""
        return self._trace.lines()

    def spawn(
        self,
        label: str,
        function: str,
        use_case: str,
        body: Callable[[Any, Deadline], Awaitable[Any]],
        done: Done,
        *,
        expected: tuple[type[BaseException], ...] = (),
        job_id: str | None = None,
        subject: str | None = None,
        life: ChunkLife | None = None,
    ) -> None:
        """Invoke a function: make its use case over ports of its own, and run `body` with it.

        `job_id` is the one job whose objects it may touch, `subject` (the same, if it is not given)
        the one that it is about, `life` that of its dead letter.
        """
        self.process_count += 1
        number = self.process_count
        timeout_s = self.timeouts_s[function]
        now = self.clock.now()
        deadline_at = now + timedelta(seconds=timeout_s)
        process = Process(
            sim=self,
            number=number,
            label=f"{label}#{number}",
            function=function,
            began_at=now,
            deadline=deadline_at,
            job_id=job_id,
            subject=subject or job_id,
            life=life,
        )
        self._live[number] = process
        self.observer.progress.began(process)
        environment = self._environments.take(process, use_case)
        deadline = Deadline(ProcessClock(environment), process.deadline)

        async def main() -> None:
            result: Any = None
            error: BaseException | None = None
            try:
                result = await body(environment.use_case, deadline)
            except (Exception, Crash) as raised:  # noqa: BLE001  # judged below, whatever it is
                error = raised
            if not isinstance(error, Crash):
                self.observer.progress.ended(process)
                self._environments.give_back(use_case, environment)
            process.dead = True
            del self._live[number]
            self.note(process.label, "ends", error or result)
            if error is not None and not isinstance(error, Crash):
                known = (PortError, *expected)
                self.observer.check(invariants.only_known_errors, process.label, error, known)
            done(result, error)

        self.note(process.label, "starts", f"{timeout_s:.1f} s to live")
        self.at(timeout_s, lambda: self._out_of_time(process), idle=True)
        self.background(main())

    def crash(self, function: str, job_id: str) -> None:
        """Kill the processes that work on a job."""
        live = list(self._live.values())
        for process in [p for p in live if (p.function, p.subject) == (function, job_id)]:
            self.faults.note(Fault.CRASH_AFTER)
            process.disturbed = True
            process.kill()

    def _out_of_time(self, process: Process) -> None:
        if not process.dead:
            self.death_count += 1
            self.observer.check(no_process_exceeds_its_deadline, process)
        process.kill()

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine of the world itself."""
        task = self.loop.create_task(work)
        task.add_done_callback(
            lambda task: (
                task.exception()
                and self.loop.errors.append(
                    {"message": "the simulator itself failed", "exception": task.exception()}
                )
            )
        )

    async def apply(
        self,
        process: Process,
        port: str,
        method: str,
        args: tuple[Any, ...],
        call: Awaitable[Any],
    ) -> Any:
        """Let a call have its effect, in one step, and watch it."""
        before = self.observer.before(port, method, args)
        if port == "queue" and method == "depth":
            self.world.ports.queue.taken_count = self.services.queue.seen_depth()
        if method == "describe" and self.services.batch.unknown_yet(args[0]):
            call.close()  # type: ignore[attr-defined]
            raise NotFound("simulated: not known yet")
        try:
            result = await call
        except PortError as error:
            self.note(process.label, f"{port}.{method}", type(error).__name__)
            raise
        self.note(process.label, f"{port}.{method}", args)
        self.observer.applied(process, port, method, args, result, before)
        return result

    def apply_late(
        self,
        process: Process,
        port: str,
        method: str,
        args: tuple[Any, ...],
        call: Callable[[], Coroutine[Any, Any, Any]],
    ) -> None:
        """Let a call, whose caller has timed out, have its effect some seconds later."""

        async def late() -> None:
            try:
                await self.apply(process, port, method, args, call())
            except PortError:
                return

        if port == "objects" and method != "abort_multipart_copy":
            self.observer.late_writes.add(args[1].key)
        delay_s = self.rng.random() * self.tuning.lease_margin_s * 0.9
        self.at(delay_s, lambda: self.background(late()))

    # The run.

    def run(self) -> Simulation:
        """Live through the whole seed.

        Raises:
            Violation: an invariant does not hold.
        """
        with self.loop.running():
            self._live_through()
        return self

    def _live_through(self) -> None:
        self.world.ports.ingest_queue.create(QUEUE_URL)
        furnish(self)
        with_removals(self)
        with_limits(self)
        self.operators.furnish()
        self.connector = self.world.database.connectors[CONNECTOR_ID]
        self.people.plan()
        self.verifying.begin(self)
        self.services.begin()
        self._until(lambda: self.people.done)
        self.faults.calm()
        self.calm_at = self.clock.now()
        self.people.calm()
        self.schedulers.calm()
        self.services.queue.calm()
        self._until_quiet()
        self._judge()
        self._deliver_all_again()
        self._sync_until_at_rest()

    @property
    def living(self) -> list[Process]:
        """All processes that have not ended."""
        return [process for process in self._live.values() if not process.dead]

    def digest(self) -> str:
        """Return a hash of everything that happened, in order."""
        return hashlib.sha256("\n".join(self.trace()).encode()).hexdigest()

    def _until(self, finished: Callable[[], bool]) -> None:
        while not finished() and self._heap:
            self._step()

    def _until_quiet(self) -> None:
        limit = self.clock.now() + _QUIET_AFTER
        while not self._quiet():
            if self.clock.now() > limit:
                self.observer.check(invariants.i9_faults_end_and_so_do_jobs, self)
                self.observer.check(invariants.every_status_is_published, self)
                self._raise()
                raise Violation("i9", f"never quiet: {self._busy} busy, live {list(self._live)}")
            self._step()

    def _quiet(self) -> bool:
        return not self._busy and not self._live and all(map(self._at_rest, self.jobs))

    @property
    def jobs(self) -> list[Job]:
        """All jobs but those that cannot end, as a record of theirs cannot be read."""
        return [job for job in self.world.database.jobs if not self.lasting.holds_up(job.job_id)]

    def _at_rest(self, job: Job) -> bool:
        untold = bool(job.notices.pending) and Lasting.TOPIC_DENIED not in self.lasting.on
        return (
            job.terminal and not untold and index_at_rest(job) and compared(job) and searched(job)
        )

    def _step(self) -> None:
        time, _, idle, action = heapq.heappop(self._heap)
        self._busy -= not idle
        self.step_count += 1
        self.clock.move_to(time)
        action()
        self.loop.run_ready()
        self.services.collect()
        if self.observer.broken is not None or self.loop.errors:
            self._raise()

    def _raise(self) -> None:
        if self.observer.broken is not None:
            raise self.observer.broken
        for context in self.loop.errors:
            cause = context.get("exception")
            raise Violation("simulator", str(cause or context)) from cause

    def _judge(self) -> None:
        self.observer.look(None)
        self.observer.check(invariants.i9_faults_end_and_so_do_jobs, self)
        self.observer.check(invariants.every_status_is_published, self)
        self.observer.check(invariants.no_copy_is_left, self)
        for job in self.jobs:
            self.observer.job_ended(job)
            self.observer.check(accounts.error_records_are_the_failures, self, job)
            self.observer.check(accounts.nothing_is_left_out, self.observer, job)
            self.observer.check(requests_stay_within_bounds, self, job)
            self.observer.check(an_index_has_every_object_once, self, job)
            for chunk in self.world.database.chunks_of(job.job_id):
                self.observer.check(accounts.outcome_files_add_up, self, chunk)
        self._raise()

    def _deliver_all_again(self) -> None:
        self._hurried = True
        before = state_of(self)
        self.services.deliver_all_again()
        self.schedulers.deliver_all_again()
        self._until_quiet()
        if not self.world.database.unreadable:  # or other chunks of that job are worked on
            holds = invariants.i11_a_second_delivery_changes_nothing
            self.observer.check(holds, before, state_of(self))
        self._raise()

    def _sync_until_at_rest(self) -> None:
        """Sync, with the grace period between, until nothing more is written.

        Two syncs suffice for what the system takes; what it does not take is triggered three times.
        """
        self.people.heal()
        self._until_quiet()
        for number in range(1, _LAST_SYNC_COUNT_MAX + 1):
            # Nothing happens in between, so time advances without the schedule's many runs.
            self.clock.advance(self.tuning.ingest_grace_s + _LOCK_S)
            self.services.collect()
            before = writes_of(self)
            known = {job.job_id for job in self.world.database.jobs}
            self.people.sync_all()
            self._until_quiet()
            job = next(job for job in self.world.database.jobs if job.job_id not in known)
            if number > 2:
                self.observer.check(convergence.two_syncs_suffice, self, job)
                self._raise()
                if before == writes_of(self):
                    break
        else:
            after = Counter(writes_of(self))
            self.observer.check(invariants.i10_a_second_run_writes_nothing, Counter(before), after)
        self.observer.check(convergence.every_object_is_at_rest, self, job)
        self._judge()
