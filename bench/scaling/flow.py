"""Objects flowing through stages that work one after another, or at the same time.

A stage works as fast as the lowest of its limits. A limit is a rate that may change in steps: with
the time since the stage began, or with the objects that it has done. Between two changes all rates
are constant, so the flow is computed from one change to the next, for any number of objects.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

_DONE = 1e-3
"""A difference that is an error of rounding: at ten billion objects, floats are exact to 2e-6."""


class Along(StrEnum):
    """What the steps of a limit follow."""

    SECONDS = "seconds"
    OBJECTS = "objects"


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound of a stage, in objects a second: pairs of where a step begins, and its rate."""

    name: str
    steps: tuple[tuple[float, float], ...]
    along: Along = Along.SECONDS

    def rate(self, at: float) -> float:
        """Return the rate at this place."""
        return next(rate for start, rate in reversed(self.steps) if start <= at + _DONE)

    def next_step(self, at: float) -> float:
        """Return where the next step begins."""
        return min((start for start, _ in self.steps if start > at + _DONE), default=math.inf)


def constant(name: str, per_s: float) -> Limit:
    """Return a limit that never changes."""
    return Limit(name, ((0.0, per_s),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage takes the objects that the stage before it has done.

    Attributes:
        name: Its name.
        limits: What bounds its rate; of equal ones the first is reported.
        overlaps: Whether it begins with the first objects, or when the stage before has ended.
    """

    name: str
    limits: tuple[Limit, ...]
    overlaps: bool = False


@dataclass(slots=True)
class Run:
    """What a stage did: when, and for how many seconds each limit held it.

    A stage that has nothing to do is held by the stage before it.
    """

    stage: str
    began_s: float | None = None
    ended_s: float = 0.0
    done: float = 0.0
    waiting_max: float = 0.0
    held_s: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it worked."""
        return self.ended_s - (self.began_s or 0.0)

    @property
    def bottleneck(self) -> str:
        """What held it for the longest time."""
        return max(self.held_s, key=lambda name: self.held_s[name])


@dataclass(frozen=True, slots=True)
class _Pace:
    rate: float
    held_by: str
    until_s: float


def flow(stages: Sequence[Stage], objects: float) -> list[Run]:
    """Let all objects flow through the stages; return what each did."""
    runs = [Run(stage.name) for stage in stages]
    now_s = 0.0
    while runs[-1].done < objects:
        paces: list[_Pace] = []
        for index, (stage, run) in enumerate(zip(stages, runs, strict=True)):
            if run.done >= objects:
                paces.append(_Pace(0.0, "", math.inf))
                continue
            before = runs[index - 1] if index else None
            paces.append(_pace(stage, run, before, paces[-1] if paces else None, objects, now_s))
        step_s = min(pace.until_s for pace in paces)
        now_s += step_s
        for run, pace in zip(runs, paces, strict=True):
            if run.done >= objects or run.began_s is None:
                continue
            run.held_s[pace.held_by] = run.held_s.get(pace.held_by, 0.0) + step_s
            run.done = _whole(run.done + pace.rate * step_s, objects)
            run.ended_s = now_s
        for before, run in itertools.pairwise(runs):
            run.waiting_max = max(run.waiting_max, before.done - run.done)
    return runs


def _pace(
    stage: Stage, run: Run, before: Run | None, upstream: _Pace | None, objects: float, now_s: float
) -> _Pace:
    """Return how fast a stage works now, why not faster, and for how many seconds."""
    waiting = objects - run.done if before is None else before.done - run.done
    upstream_rate = 0.0 if upstream is None else upstream.rate
    starved = before is not None and before.done < objects and waiting <= _DONE
    must_wait = not stage.overlaps or (starved and upstream_rate == 0.0)
    if before is not None and before.done < objects and must_wait:
        return _Pace(0.0, before.stage, math.inf)
    if run.began_s is None:
        run.began_s = now_s
    limit = min(stage.limits, key=lambda each: each.rate(_place(each, run, now_s)))
    rate, held_by = limit.rate(_place(limit, run, now_s)), limit.name
    if starved and before is not None and upstream_rate < rate:
        rate, held_by = upstream_rate, before.stage
    changes = [(objects - run.done) / rate]
    for each in stage.limits:
        at = _place(each, run, now_s)
        speed = 1.0 if each.along is Along.SECONDS else rate
        changes.append((each.next_step(at) - at) / speed)
    if before is not None and before.done < objects and not starved and rate > upstream_rate:
        changes.append(waiting / (rate - upstream_rate))
    return _Pace(rate, held_by, min(changes))


def _place(limit: Limit, run: Run, now_s: float) -> float:
    if limit.along is Along.OBJECTS:
        return run.done
    return 0.0 if run.began_s is None else now_s - run.began_s


def _whole(done: float, objects: float) -> float:
    return objects if objects - done <= _DONE else done
