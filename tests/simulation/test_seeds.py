"""All invariants hold in the world of every seed: I1 to I12, and those of ingestion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from simulator.coverage import Coverage, added
from simulator.faults import Fault
from simulator.lasting import Lasting

from adapters.local_aws.asset_system.medialake.values import IngestOutcome
from domain.chunk import ChunkStatus
from domain.decision import Reason
from domain.job import JobStatus
from domain.outcome import OutcomeKind

# The results of its ingest for existing objects; there are no messages of deletions here.
_TAKINGS = {
    IngestOutcome.IGNORED_TYPE,
    IngestOutcome.FILTERED,
    IngestOutcome.UNREADABLE,
    IngestOutcome.TOUCHED,
    IngestOutcome.CREATED,
    IngestOutcome.RECREATED,
    IngestOutcome.REPLACED,
    IngestOutcome.DUPLICATE_TAGGED,
    IngestOutcome.DELETED_ONLY,
}

GROUPS: dict[str, set[str]] = {
    "faults": set(Fault),
    "runs with lasting faults": set(Lasting),
    "changes of jobs to": set(JobStatus),
    "runs with chunks": set(ChunkStatus),
    "outcomes": set(OutcomeKind),
    "reasons": set(Reason),
    "answers of a Media Lake": set(_TAKINGS),
    "connectors": {"edit", "disable", "enable", "remove", "register"},
    "pauses": {"pause", "resume", "pause all", "resume all", "chunks parked", "waits for ingest"},
    "in all": {"redrives", "cancels ordered", "dead letters"},
}

# Most of them suffice; what is rare may need more, after a change of the service.
SEEDS_MAX = 1_000


@pytest.mark.soak
def test_invariants_hold(seed: int, visit: Callable[[int], Coverage]) -> None:
    visit(seed)


def test_seeds_cover_every_state_and_fault(visit: Callable[[int], Coverage]) -> None:
    """Together they reach every state, every outcome and every reason for a decision, and have
    every kind of fault, including lasting ones, and every result of a Media Lake.
    """
    covered: Coverage = Counter()
    for seed in range(SEEDS_MAX):
        added(covered, visit(seed))
        missing = {group: names - _names(covered, group) for group, names in GROUPS.items()}
        if not any(missing.values()):
            return
    pytest.fail(f"{SEEDS_MAX} seeds do not reach {missing}")


def _names(covered: Coverage, group: str) -> set[str]:
    return {name for (of, name), count in covered.items() if of == group and count}
