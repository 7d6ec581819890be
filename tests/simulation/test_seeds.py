"""The invariants I1 to I12 (`simulator.invariants`) hold in every world that a seed makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from simulator.faults import Fault

from domain.chunk import ChunkStatus
from domain.job import JobStatus
from domain.outcome import OutcomeKind


@pytest.mark.soak
def test_invariants_hold(seed: int, visit: Callable[[int], Any]) -> None:
    visit(seed)


def test_seeds_get_around(visit: Callable[[int], Any]) -> None:
    """Between them they reach every state and every outcome, and have every kind of fault."""
    runs = [visit(seed) for seed in range(200)]

    def all_of(what: str) -> set[str]:
        return {each for run in runs for each in getattr(run, what)}

    assert all_of("faults") == set(Fault)
    assert all_of("job_statuses") == set(JobStatus)
    assert all_of("chunk_statuses") == set(ChunkStatus)
    assert all_of("outcomes") == set(OutcomeKind)
    assert any(run.redrive_count for run in runs)
