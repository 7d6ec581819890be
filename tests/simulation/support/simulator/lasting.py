"""Lasting faults: an operator must repair them, and does not in time.

Each begins at some time and stays until the end of the run's first part; a job must end
nevertheless. Resources that every service needs are never lost: the tables of jobs and chunks, the
processor queue, and the invocations of functions.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.scenery import BUCKET, CONNECTOR_ID, Theme

from ports.errors import AccessDenied, Misconfigured, PortError, Throttled, Unavailable

if TYPE_CHECKING:
    from simulator.simulation import Simulation


class Lasting(StrEnum):
    """Kinds of lasting faults."""

    NO_BATCH_CANCEL = "s3:UpdateJobStatus denied"
    NO_BATCH_LIST = "s3:ListJobs denied"
    NO_BATCH_CREATE = "s3:CreateJob denied"
    BATCH_BUSY = "batch jobs cannot be cancelled now"
    NO_ABORT = "s3:AbortMultipartUpload denied"
    RESULTS_LOST = "results bucket lost"
    RESULTS_DENIED = "KMS key of the results denied"
    SUMMARY_BUSY = "summaries cannot be written now"
    ERRORS_DENIED = "error table denied"
    DEPTH_DENIED = "sqs:GetQueueAttributes denied"
    CATALOG_DENIED = "catalog denied"
    TOPIC_DENIED = "status topic denied"
    BUS_REFUSES = "ingest bus refuses"
    KEY_THROTTLED = "a key is throttled"
    JOB_UNREADABLE = "a job of a newer version"
    CHUNK_UNREADABLE = "a chunk of a newer version"
    CONNECTOR_UNREADABLE = "a connector of a newer version"


OF_BATCH_JOBS = frozenset({Lasting.NO_BATCH_CANCEL, Lasting.NO_BATCH_LIST, Lasting.BATCH_BUSY})

UNREADABLE = frozenset(
    {Lasting.JOB_UNREADABLE, Lasting.CHUNK_UNREADABLE, Lasting.CONNECTOR_UNREADABLE}
)

_FAILED_SENDS = 6

_RESULTS = frozenset({Lasting.RESULTS_LOST, Lasting.RESULTS_DENIED})

_DENIED = {
    ("batch_jobs", "cancel"): Lasting.NO_BATCH_CANCEL,
    ("batch_jobs", "find"): Lasting.NO_BATCH_LIST,
    ("batch_jobs", "create"): Lasting.NO_BATCH_CREATE,
    ("results", "abort_upload"): Lasting.NO_ABORT,
    ("objects", "abort_multipart_copy"): Lasting.NO_ABORT,
    ("errors", "record"): Lasting.ERRORS_DENIED,
    ("errors", "clear"): Lasting.ERRORS_DENIED,
    ("queue", "depth"): Lasting.DEPTH_DENIED,
    ("catalog", "look_up"): Lasting.CATALOG_DENIED,
    ("notifier", "publish"): Lasting.TOPIC_DENIED,
    ("bus", "publish"): Lasting.BUS_REFUSES,
}


class LastingFaults:
    """The lasting faults of one run: none in most, one or two in the others."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        rng = sim.rng
        self.planned: tuple[Lasting, ...] = ()
        if rng.random() < 0.5:
            self.planned = tuple(rng.sample(list(Lasting), rng.choice([1, 1, 2])))
        if rng.random() < 0.1:
            self.planned += (Lasting.KEY_THROTTLED,)
        self._send_count = 0 if sim.theme is Theme.UNSENT else _FAILED_SENDS
        self.ends_early = rng.random() < 0.3
        self.on: set[Lasting] = set()
        self.had: set[Lasting] = set()
        self.key = ""

    def plan(self, span_s: float) -> None:
        """Start the faults, some of them immediately."""
        rng = self._sim.rng
        for kind in self.planned:
            delay_s = rng.choice([0.0, rng.random() * min(span_s, 60.0), rng.random() * span_s])
            self._sim.at(delay_s, lambda kind=kind: self._begin(kind))  # type: ignore[misc]

    def end(self) -> None:
        """Let an operator repair everything."""
        self.on.clear()
        self._send_count = _FAILED_SENDS
        self._sim.world.database.unreadable.clear()

    def has(self, *kinds: Lasting) -> bool:
        """Return whether one of these ever began."""
        return not self.had.isdisjoint(kinds)

    @property
    def results_hurt(self) -> bool:
        """Whether files could permanently not be read or written."""
        return not self.had.isdisjoint(_RESULTS)

    def holds_up(self, job_id: str) -> bool:
        """Return whether a job cannot end: its own record, or one of its chunks, cannot be read."""
        unreadable = self._sim.world.database.unreadable
        return any(name.partition("/")[0] == job_id for name in unreadable)

    def error(self, port: str, method: str, args: tuple[Any, ...]) -> PortError | None:
        """Return the error of a call, if any."""
        if self._send_count < _FAILED_SENDS and (port, method) == ("ingest_queue", "send"):
            self._send_count += 1
            self._sim.faults.began = True
            return Unavailable("simulated: 503")
        if not self.on:
            return None
        denied = _DENIED.get((port, method))
        if denied in self.on:
            return AccessDenied(f"simulated: {denied}")
        if port == "results":
            return self._results_error(method, args)
        if port == "batch_jobs" and method in ("cancel", "find") and Lasting.BATCH_BUSY in self.on:
            return Throttled("simulated: slow down")
        if port == "objects" and len(args) > 1 and Lasting.KEY_THROTTLED in self.on:
            key = getattr(args[1], "key", args[1])
            return Throttled("simulated: slow down") if key == self.key else None
        return None

    def _results_error(self, method: str, args: tuple[Any, ...]) -> PortError | None:
        if Lasting.RESULTS_LOST in self.on:
            return Misconfigured("simulated: there is no such bucket")
        if Lasting.RESULTS_DENIED in self.on and method not in ("abort_upload", "create_upload"):
            return AccessDenied("simulated: the key does not let us")
        busy = Lasting.SUMMARY_BUSY in self.on and method == "put"
        if busy and args[0].endswith("summary.json"):
            return Unavailable("simulated: 503")
        return None

    def _begin(self, kind: Lasting) -> None:
        """Start a fault, or wait until its target exists."""
        if not self._befall(kind) and not self._sim.people.done:
            self._sim.at(1.0, partial(self._begin, kind), idle=True)

    def _befall(self, kind: Lasting) -> bool:
        database, rng = self._sim.world.database, self._sim.rng
        cause = "version 99"
        if kind is Lasting.KEY_THROTTLED:
            keys = self._sim.world.buckets.keys(BUCKET)
            if not keys:
                return False
            self.key = rng.choice(keys)
        elif kind is Lasting.CONNECTOR_UNREADABLE:
            database.unreadable[CONNECTOR_ID] = cause
        elif kind in UNREADABLE:
            open_jobs = [job for job in database.jobs if not job.terminal]
            if not open_jobs:
                return False
            name = rng.choice(open_jobs).job_id
            if kind is Lasting.CHUNK_UNREADABLE:
                indexes = database.chunks_of(name).sorted_keys()
                if not indexes:
                    return False
                name = f"{name}/{rng.choice(indexes)}"
            database.unreadable[name] = cause
            if self.ends_early:
                self._sim.at(rng.choice([100.0, 3_000.0]), lambda: self._readable(name))
        self.on.add(kind)
        self.had.add(kind)
        self._sim.faults.began = True
        self._sim.note("world", "lasting", kind)
        return True

    def _readable(self, name: str) -> None:
        self._sim.world.database.unreadable.pop(name, None)
