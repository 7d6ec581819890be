"""The faults of a run, and their times: drawn from the seed, and finite.

Each seed switches some kinds of faults on and leaves others off, so that rare combinations are not
drowned in the most frequent kind. The number of faults is bounded; when it is used up, or `calm`
was called, the world is well behaved, and everything must come to an end.
"""

from __future__ import annotations

import random
from enum import StrEnum


class Fault(StrEnum):
    """Kinds of faults."""

    # A call of a port.
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    TIMED_OUT_LOST = "timed out, not done"
    TIMED_OUT_DONE = "timed out, done"
    TIMED_OUT_LATE = "timed out, done later"
    PARTLY = "done in part"
    PAUSE_BEFORE = "pause before"
    PAUSE_AFTER = "pause after"
    STALE_LIST = "stale list"
    # A message, an event or an invocation.
    DROPPED = "dropped"
    DOUBLED = "doubled"
    DELAYED = "delayed"
    MESSAGE_LOST = "message lost"
    FORGED = "forged message"
    FILES_REMOVED = "files removed early"
    # S3 Batch Operations.
    TASK_TWICE = "task twice"
    BATCH_JOB_FAILS = "batch job fails"
    BATCH_JOB_CANCELLED = "batch job cancelled outside"
    BATCH_JOB_UNKNOWN = "batch job not known yet"
    REPORT_LATE = "report late"
    REPORT_WRONG = "report wrong"


CALL_FAULTS = (
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
    Fault.THROTTLED,
    Fault.UNAVAILABLE,
    Fault.TIMED_OUT_LOST,
    Fault.TIMED_OUT_DONE,
    Fault.TIMED_OUT_LATE,
    Fault.PARTLY,
    Fault.PAUSE_BEFORE,
    Fault.PAUSE_AFTER,
)

_RARE = {
    Fault.BATCH_JOB_FAILS: 0.15,
    Fault.BATCH_JOB_CANCELLED: 0.15,
    Fault.REPORT_LATE: 0.3,
    Fault.REPORT_WRONG: 0.3,
}

_PAUSES_S = (0.5, 3.0, 15.0, 45.0, 120.0, 500.0, 1_500.0, 20_000.0)


class FaultPlan:
    """The faults of one run; `began` is whether a lasting fault began, too.

    `port_bias` makes the calls of one port likelier to fail than all others, in some seeds: faults
    that come in a cluster find what single ones do not.
    """

    def __init__(self, rng: random.Random, ports: list[str]) -> None:
        self._rng = rng
        self.left = rng.choice([0, 5, 15, 40, 120])
        share = rng.choice([0.3, 0.6, 1.0])
        on = [kind for kind in Fault if rng.random() < share]
        self._call_kinds = [kind for kind in CALL_FAULTS if kind in on]
        self._call_rate = rng.choice([0.005, 0.02, 0.06]) if self._call_kinds else 0.0
        level = rng.choice([0.05, 0.2, 0.5])
        self._rates = {kind: _RARE.get(kind, level) for kind in on}
        self._biased = rng.choice([None, *ports, "ingest_queue", "objects"])
        self.counts: dict[Fault, int] = {}
        self.began = False

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts.values())

    @property
    def any(self) -> bool:
        """Whether anything went wrong, once or permanently."""
        return bool(self.counts) or self.began

    def calm(self) -> None:
        """End all faults."""
        self.left = 0

    def call(self, port: str) -> Fault | None:
        """Return what happens to a call."""
        if not self.left:
            return None
        rate = min(0.4, self._call_rate * (10 if port == self._biased else 1))
        if self._rng.random() >= rate:
            return None
        return self._take(self._rng.choice(self._call_kinds))

    def happens(self, kind: Fault) -> bool:
        """Return whether this kind of fault happens now."""
        if not self.left or self._rng.random() >= self._rates.get(kind, 0.0):
            return False
        self._take(kind)
        return True

    def pause_s(self) -> float:
        """Return how long a pause is: from a moment to longer than any process may live."""
        return self._rng.choice(_PAUSES_S) * (0.5 + self._rng.random())

    def note(self, kind: Fault) -> None:
        """Count a fault that another part of the simulator makes."""
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def _take(self, kind: Fault) -> Fault:
        self.left -= 1
        self.note(kind)
        return kind
