"""All invariants hold in every world that a seed makes: I1 to I12, and those of ingestion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from simulator.coverage import Coverage, added
from simulator.faults import Fault
from simulator.lasting import Lasting

from adapters.local.medialake.values import Outcome
from domain.chunk import ChunkStatus
from domain.decision import Reason
from domain.job import JobStatus
from domain.outcome import OutcomeKind

# What its ingest answers to objects that are there; deletions are no messages here.
_TAKINGS = {
    Outcome.IGNORED_TYPE,
    Outcome.FILTERED,
    Outcome.UNREADABLE,
    Outcome.TOUCHED,
    Outcome.CREATED,
    Outcome.RECREATED,
    Outcome.REPLACED,
    Outcome.DUPLICATE_TAGGED,
    Outcome.DELETED_ONLY,
}


@pytest.mark.soak
def test_invariants_hold(seed: int, visit: Callable[[int], Coverage]) -> None:
    visit(seed)


def test_seeds_get_around(visit: Callable[[int], Coverage]) -> None:
    """Between them they reach every state, every outcome and every reason for a decision, and have
    every kind of fault, those that never end included, and of answer of a Media Lake.
    """
    covered: Coverage = Counter()
    for seed in range(300):
        added(covered, visit(seed))

    def all_of(group: str) -> set[str]:
        return {name for (of, name), count in covered.items() if of == group and count}

    assert all_of("faults") == set(Fault)
    assert all_of("runs with lasting faults") == set(Lasting)
    assert all_of("changes of jobs to") == set(JobStatus)
    assert all_of("runs with chunks") == set(ChunkStatus)
    assert all_of("outcomes") == set(OutcomeKind)
    assert all_of("reasons") >= set(Reason)
    assert all_of("answers of a Media Lake") >= _TAKINGS
    assert all_of("in all") >= {"redrives", "cancels ordered", "dead letters"}
