"""Three whole syncs of a bucket with every case, the local Media Lake taking part.

`make conformance-medialake` runs the same cases with the published ingest function.
"""

from typing import Any

import pytest
from media_syncs.cases import Run, all_cases
from media_syncs.comparison import sync_and_compare
from media_syncs.ingest import EVENTBRIDGE, S3_NOTIFICATIONS, Ingest
from media_syncs.stand_in import StandIn

from entrypoints.wiring.local import AssetSystem

pytestmark = pytest.mark.slow

# Every pair of a discovery, a trigger and a choice of ids.
RUNS = [
    Run(discovery=discovery, trigger=trigger, ids=ids, integration=integration)
    for discovery, trigger, ids, integration in (
        ("batch", "copy", "minted", EVENTBRIDGE),
        ("direct", "copy", "assigned", S3_NOTIFICATIONS),
        ("direct", "queue", "minted", EVENTBRIDGE),
        ("batch", "queue", "assigned", S3_NOTIFICATIONS),
        ("direct", "event", "minted", S3_NOTIFICATIONS),
    )
]


@pytest.fixture(scope="module")
def system(start_system: Any) -> Any:
    return start_system({}, asset_system=AssetSystem.MEDIALAKE)


@pytest.fixture(scope="module")
def ingest(system: Any) -> Ingest:
    return StandIn(system)


def _name(run: Run) -> str:
    return f"{run.discovery}-{run.trigger}-{run.ids}-{run.integration}"


@pytest.mark.parametrize("run", RUNS, ids=_name)
def test_three_syncs(system: Any, ingest: Ingest, run: Run) -> None:
    sync_and_compare(system, ingest, run, _name(run).lower(), all_cases())
