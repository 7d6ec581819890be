"""Which requests are hit: a bounded share, drawn from a seed, so that the jobs can end."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from faults.exchange import Request
from faults.modes import FAULTS, Mode
from faults.proxy import Decide, Fault


@dataclass(slots=True)
class _Call:
    fault: Fault | None
    lasting: bool


class Share:
    """Hits the first call of each kind, and a share of the later ones.

    Three in ten of these calls are hit in every attempt, so that the SDK fails; the others, and the
    first ones, in their first attempt only. `kind` groups the calls.
    """

    def __init__(
        self, faults: Sequence[Fault], *, share: float, kind: Callable[[Request], str], seed: str
    ) -> None:
        self._faults = faults
        self._share = share
        self._kind = kind
        self._seed = seed
        self._draws: dict[str, random.Random] = {}
        self._calls: dict[str, _Call] = {}

    def __call__(self, request: Request) -> Fault | None:
        known = self._calls.get(request.call_id)
        if known is not None:
            return known.fault if known.lasting else None
        call = self._calls[request.call_id] = self._draw(self._kind(request))
        return call.fault

    def _draw(self, kind: str) -> _Call:
        first = kind not in self._draws
        draw = self._draws.setdefault(kind, random.Random(f"{self._seed} {kind}"))
        fault = self._faults[draw.randrange(len(self._faults))]
        if first:
            return _Call(self._faults[0], lasting=False)
        if draw.random() >= self._share:
            return _Call(None, lasting=False)
        return _Call(fault, lasting=draw.random() < 0.3)


class Storms:
    """Hits every request of a service for some time, at first and again after a pause."""

    def __init__(self, fault: Fault, *, storm: int, calm: int) -> None:
        self._fault = fault
        self._storm = storm
        self._period = storm + calm
        self._counts: Counter[str] = Counter()

    def __call__(self, request: Request) -> Fault | None:
        count = self._counts[request.service]
        self._counts[request.service] += 1
        return self._fault if count % self._period < self._storm else None


def plan_of(mode: Mode, *, seed: str) -> Decide:
    """Return how often each mode occurs; those that cost time or an invocation are rarer."""
    if mode is Mode.STORM:
        return Storms(FAULTS[mode][0], storm=4, calm=40)
    costly = mode in (Mode.STALL, Mode.WRONG_CLOCK)
    return Share(
        FAULTS[mode],
        share=0.04 if costly else 0.07,
        kind=lambda request: request.service if costly else _operation(request),
        seed=seed,
    )


def _operation(request: Request) -> str:
    return f"{request.service} {request.operation}"


class Plans:
    """Routes each request to the plan of its job, and counts.

    A request belongs to the job whose bucket or id it contains. One without a job, as those of the
    sweep, passes.
    """

    def __init__(self) -> None:
        self._plans: dict[str, Decide] = {}
        self._titles: dict[str, str] = {}
        self._names = re.compile("(?!)")
        self.requests: Counter[tuple[str, str]] = Counter()
        self.hits: Counter[tuple[str, str]] = Counter()

    def add(self, title: str, names: Iterable[str], plan: Decide) -> None:
        """Apply the plan to requests with one of the names, and count them under the title."""
        for name in names:
            self._plans[name], self._titles[name] = plan, title
        self._names = re.compile("|".join(re.escape(name) for name in self._plans))

    def __call__(self, request: Request) -> Fault | None:
        found = self._names.search(f"{request.target} {request.body.decode('latin-1')}")
        if found is None:
            return None
        title = self._titles[found[0]]
        fault = self._plans[found[0]](request)
        self.requests[title, request.service] += 1
        self.hits[title, request.service] += fault is not None
        return fault

    def count_of(self, title: str) -> tuple[int, int]:
        """Return the number of requests under a title, and how many of them were hit."""
        requests, hits = (
            sum(count for (name, _), count in counts.items() if name == title)
            for counts in (self.requests, self.hits)
        )
        return requests, hits

    def hit_services(self, title: str) -> set[str]:
        """Return the services of which a request under a title was hit."""
        return {service for (name, service), count in self.hits.items() if name == title and count}

    def clear(self) -> None:
        """Let everything pass; the counts are kept."""
        self._plans, self._names = {}, re.compile("(?!)")
