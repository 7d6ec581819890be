"""Three whole syncs of a bucket with every case, Media Lake's own ingest function taking part."""

import itertools
from typing import Any

import pytest
from media_lake import MediaLake
from media_syncs.cases import Run, all_cases, uploaded_again_by_multipart
from media_syncs.comparison import sync_and_compare
from media_syncs.ingest import EVENTBRIDGE, S3_NOTIFICATIONS

RUNS = [
    Run(discovery=discovery, trigger=trigger, ids=ids, integration=integration)
    for discovery, trigger, ids, integration in itertools.product(
        ("batch", "direct"),
        ("copy", "event", "queue"),
        ("minted", "assigned"),
        (EVENTBRIDGE, S3_NOTIFICATIONS),
    )
]
VERSIONED = [
    Run(
        discovery="direct",
        trigger=trigger,
        ids="minted",
        integration=EVENTBRIDGE,
        versioned=True,
    )
    for trigger in ("copy", "event", "queue")
]


def _name(run: Run) -> str:
    versioned = "-versioned" if run.versioned else ""
    return f"{run.discovery}-{run.trigger}-{run.ids}-{run.integration}{versioned}"


@pytest.mark.parametrize("run", [*RUNS, *VERSIONED], ids=_name)
def test_three_syncs(system: Any, lake: MediaLake, run: Run) -> None:
    sync_and_compare(system, lake, run, _name(run).lower(), all_cases())


@pytest.mark.parametrize("trigger", ["copy", "queue"])
def test_the_third_is_quiet_after_a_multipart_upload(
    system: Any, lake: MediaLake, trigger: str
) -> None:
    """The second restores the tags, for by then the record has the date of this version."""
    run = Run(discovery="direct", trigger=trigger, ids="minted", integration=EVENTBRIDGE)
    sync_and_compare(system, lake, run, f"in-parts-{trigger}", uploaded_again_by_multipart())
