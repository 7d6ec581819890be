"""All invariants hold in every world that a seed makes: I1 to I12, and those of ingestion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from simulator.faults import Fault

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
def test_invariants_hold(seed: int, visit: Callable[[int], Any]) -> None:
    visit(seed)


def test_seeds_get_around(visit: Callable[[int], Any]) -> None:
    """Between them they reach every state, every outcome and every reason for a decision, and have
    every kind of fault and of answer of a Media Lake.
    """
    runs = [visit(seed) for seed in range(200)]

    def all_of(what: str) -> set[str]:
        return {each for run in runs for each in getattr(run, what)}

    assert all_of("faults") == set(Fault)
    assert all_of("job_statuses") == set(JobStatus)
    assert all_of("chunk_statuses") == set(ChunkStatus)
    assert all_of("outcomes") == set(OutcomeKind)
    assert all_of("reasons") >= set(Reason)
    assert all_of("takings") >= _TAKINGS
    assert any(run.redrive_count for run in runs)
