"""One invocation of a function: a task whose every call of a port goes through a gate.

At the gate the call takes time, fails, or kills the process, as the fault plan says. A dead process
has no more effects: each further call, also one in a cleanup handler or in a sibling task, raises
Crash. At its deadline a process is killed, as Lambda does it; so a paused process may come back
late, but never after its deadline.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.faults import Fault
from simulator.ledger import mark_in

from domain.catalog import CatalogQuestion, CatalogRecord
from domain.chunk import ChunkLife
from domain.identity import Identity
from domain.listing_share import ListingShare
from ports.errors import Retryable, Throttled, TimedOut, Unavailable
from ports.paging import Unreadable

if TYPE_CHECKING:
    from simulator.simulation import Simulation

READS = frozenset(
    {
        "get",
        "list_page",
        "read_tags",
        "head",
        "access",
        "look_up",
        "describe",
        "e_tag",
        "inspect",
        "depth",
        "find",
        "shares",
    }
)
_PARTLY = frozenset(
    {("queue", "send"), ("ingest_queue", "send"), ("errors", "record"), ("bus", "publish")}
)


class Crash(BaseException):
    """The process is killed."""


@dataclass(slots=True)
class Read:
    """What a process read of an object: the ids in its tags, and when by its own calls.

    The numbers count the changes of the object until then: its owner's, and everybody else's, too.
    """

    identity: Identity
    tags: dict[str, str]
    call_number: int
    owner_change_number: int
    change_number: int


@dataclass(slots=True)
class LookUp:
    """A process's query of the catalog, by which of its calls, and all records at that time."""

    call_number: int
    at: datetime
    questions: frozenset[CatalogQuestion]
    records: Mapping[str, CatalogRecord]


@dataclass(slots=True)
class Process:
    """One invocation.

    `job_id` is the one job whose objects it may touch, `subject` the one that it is about, `life`
    that of its dead letter. `disturbed` is whether a call of it was made to fail or be late,
    `swept` which jobs a sweep has seen.
    """

    sim: Simulation
    number: int
    label: str
    function: str
    began_at: datetime
    deadline: datetime
    job_id: str | None = None
    subject: str | None = None
    life: ChunkLife | None = None
    dead: bool = False
    disturbed: bool = False
    parts_copied: int = 0
    swept: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    reads: dict[str, Read] = field(default_factory=dict)
    look_ups: list[LookUp] = field(default_factory=list)
    call_count: int = 0
    _waiting: set[asyncio.Future[None]] = field(default_factory=set)

    def kill(self) -> None:
        """End the process where it stands."""
        self.dead = True
        for future in list(self._waiting):
            if not future.done():
                future.set_exception(Crash(self.label))

    def check(self) -> None:
        """Raise Crash if the process is gone."""
        if self.dead:
            raise Crash(self.label)

    def look_up_of(self, key: str) -> LookUp | None:
        """Return the last look-up of an object that was made after its tags were read."""
        read = self.reads.get(key)
        for look_up in reversed(self.look_ups):
            asked = any(
                question.key == key and read is not None and question.identity == read.identity
                for question in look_up.questions
            )
            if read is not None and look_up.call_number > read.call_number and asked:
                return look_up
        return None

    def resumes(self, key: str, bucket: str) -> bool:
        """Return whether the object's tags, as it read them, show that its own job triggered it."""
        read = self.reads.get(key)
        mark = mark_in(read.tags, bucket, key) if read else None
        return mark is not None and mark.job_id == self.job_id

    async def pause(self, duration_s: float) -> None:
        """Wait; other processes run in the meantime."""
        self.check()
        future: asyncio.Future[None] = self.sim.loop.create_future()
        self._waiting.add(future)
        self.sim.wake(future, duration_s)
        try:
            await future
        finally:
            self._waiting.discard(future)
        self.check()


class Environment:
    """A warm environment: the use case, over ports that know the calling process.

    It serves one process at a time, and is thrown away with one that crashes.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.use_case: Any = None


class ProcessClock:
    """The clock as a process sees it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def now(self) -> datetime:
        process = self._environment.process
        process.check()
        return process.sim.clock.now()

    async def sleep(self, duration_s: float) -> None:
        await self._environment.process.pause(duration_s)


class ProcessIds:
    """The ids, and a note of which process got which token."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._ids = environment.process.sim.world.ports.ids

    def new_job_id(self) -> str:
        return self._ids.new_job_id()

    def new_connector_id(self) -> str:
        return self._ids.new_connector_id()

    def new_token(self) -> str:
        self._environment.process.check()
        token = self._ids.new_token()
        self._environment.process.tokens.add(token)
        return token


class SilentTelemetry:
    """Drops all logs: a simulation's trace has more."""

    def event(self, name: str, **facts: object) -> None:
        """See the port."""

    def warning(self, name: str, **facts: object) -> None:
        """See the port."""

    def count(self, metric: object, value: int = 1) -> None:
        """See the port."""

    def invocation(self, request_id: str) -> AbstractContextManager[None]:
        """See the port."""
        return nullcontext()

    def span(self, name: str, **facts: object) -> AbstractContextManager[SilentTelemetry]:
        """See the port."""
        return nullcontext(self)

    def facts(self, **facts: object) -> None:
        """See `ports.telemetry.Span`."""

    def job_span(self, job_id: str, **facts: object) -> None:
        """See the port."""


class GatedPort:
    """A port whose calls go through the gate of the process that makes them."""

    def __init__(self, environment: Environment, name: str, target: object) -> None:
        self._environment = environment
        self._name = name
        self._target = target

    def __getattr__(self, method: str) -> Callable[..., Any]:
        target = getattr(self._target, method)
        if inspect.isasyncgenfunction(target):
            gated = self._gated_stream(method, target)
        else:
            gated = self._gated_call(method, target)
        self.__dict__[method] = gated
        return gated

    def _gated_call(
        self, method: str, target: Callable[..., Awaitable[Any]]
    ) -> Callable[..., Awaitable[Any]]:
        environment, name = self._environment, self._name

        async def call(*args: Any, **kwargs: Any) -> Any:
            process = environment.process
            sim = process.sim
            process.check()
            process.call_count += 1
            number = process.call_count
            sim.observer.started(process, name, method, args)
            # Every sweep reads the depth: that is not to use up the faults of the port's sends.
            fault = sim.faults.call("depth" if method == "depth" else name)
            sim.aborts_failed |= fault is not None and _of_an_abort(method, args)
            await self._reach(process, method, args, fault)
            if fault is Fault.TIMED_OUT_LATE and method not in READS:
                sim.apply_late(process, name, method, args, lambda: target(*args, **kwargs))
                raise TimedOut(f"simulated: no answer to {name}.{method}")
            if fault is Fault.PARTLY and (name, method) in _PARTLY:
                return await self._partly(process, method, target, args, kwargs)
            earlier = await target(*args) if method == "shares" else None
            if earlier is not None:
                await process.pause(sim.latency_s(method))
            result = await sim.apply(process, name, method, args, target(*args, **kwargs))
            if earlier is not None:
                result = _torn(earlier, result)
            if fault is not None:
                await self._answer(process, method, fault)
            sim.observer.answered(process, method, args, result, number)
            return result

        return call

    async def _reach(
        self, process: Process, method: str, args: tuple[Any, ...], fault: Fault | None
    ) -> None:
        """Take the time until the call has its effect, or keep it from that."""
        sim = process.sim
        sim.observer.progress.called(process)
        duration_s = sim.latency_s(method)
        lasting = sim.lasting.error(self._name, method, args)
        if lasting is not None:
            sim.note(process.label, f"{self._name}.{method}", lasting)
            sim.aborts_failed |= _of_an_abort(method, args)
            await process.pause(duration_s)
            raise lasting
        if fault is None:
            await process.pause(duration_s)
            return
        process.disturbed = True
        sim.note(process.label, f"{self._name}.{method}", str(fault))
        if fault is Fault.PAUSE_BEFORE:
            duration_s += sim.faults.pause_s()
        await process.pause(duration_s)
        match fault:
            case Fault.CRASH_BEFORE:
                process.kill()
                raise Crash(process.label)
            case Fault.THROTTLED:
                raise Throttled("simulated: slow down")
            case Fault.UNAVAILABLE:
                raise Unavailable("simulated: 503")
            case Fault.TIMED_OUT_LOST:
                raise TimedOut(f"simulated: no answer to {self._name}.{method}")

    async def _answer(self, process: Process, method: str, fault: Fault) -> None:
        """Lose or delay the answer to a call that had its effect."""
        match fault:
            case Fault.CRASH_AFTER:
                process.kill()
                raise Crash(process.label)
            case Fault.TIMED_OUT_DONE:
                raise TimedOut(f"simulated: no answer to {self._name}.{method}")
            case Fault.PAUSE_AFTER:
                await process.pause(process.sim.faults.pause_s())

    async def _partly(
        self,
        process: Process,
        method: str,
        target: Callable[..., Awaitable[Any]],
        args: Any,
        kwargs: Any,
    ) -> Any:
        """Do the first half of a call on many things."""
        position = 1 if self._name == "ingest_queue" else 0
        things = list(args[position])
        half = things[: len(things) // 2]
        some = (*args[:position], half, *args[position + 1 :])
        call = target(*some, **kwargs)
        result = await process.sim.apply(process, self._name, method, some, call)
        if method == "publish":
            return [*result, *[Throttled("simulated: slow down")] * (len(things) - len(half))]
        raise Unavailable("simulated: 503 half way")

    def _gated_stream(
        self, method: str, target: Callable[..., AsyncIterator[Any]]
    ) -> Callable[..., AsyncIterator[Any]]:
        environment, name = self._environment, self._name

        async def stream(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            process = environment.process
            sim = process.sim
            process.check()
            items = target(*args, **kwargs)
            while True:
                fault = sim.faults.call(name)
                await self._reach(process, method, args, fault)
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
                if method == "open_jobs":
                    unreadable = isinstance(item, Unreadable)
                    process.swept.add(item.record_id if unreadable else item.job_id)
                    item = item if unreadable else sim.observer.lagging(item)
                elif method == "list_objects":
                    sim.observer.progress.listed_page(process, item)
                sim.note(process.label, f"{name}.{method}", "portion")
                if fault is not None:
                    await self._answer(process, method, fault)
                yield item

        return stream


def _of_an_abort(method: str, args: tuple[Any, ...]) -> bool:
    """Return whether a call aborts a multipart copy, or reads the record of those to abort."""
    if method == "abort_multipart_copy":
        return True
    return method == "get" and bool(args) and str(args[0]).endswith("-copies.json")


def _torn(earlier: list[ListingShare], later: list[ListingShare]) -> list[ListingShare]:
    """Return what a read of several records returns: the first half is older than the second."""
    half = len(earlier) // 2
    return [each for each in earlier if each.number < half] + [
        each for each in later if each.number >= half
    ]


def retried(error: BaseException | None) -> bool:
    """Return whether the runtime that invoked a process retries after this end."""
    return isinstance(error, Retryable | Crash)
