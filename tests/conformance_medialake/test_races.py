"""Its ingest processes a waiting event after a sync read the object and before the sync writes.

The worst moment, for every object whose event waits. No write of tags can be made conditional on
the tags that are there, so what the ingest wrote in the meantime is lost; later syncs repair that.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from media_lake import MediaLake
from media_syncs.cases import Case, Past, Run
from media_syncs.history import History
from media_syncs.ingest import EVENTBRIDGE
from media_syncs.one_sync import Sync, connect

CASES = [
    Case(what=past, key=f"{past.name.lower()} + %.mov", kind="Video", past=past)
    for past in Past
    if past.name.endswith("_WAITING")
]
SYNC_COUNT = 3

WRITES = {"CopyObject", "PutObjectTagging"}


@pytest.mark.parametrize("ids", ["minted", "assigned"])
@pytest.mark.parametrize("trigger", ["copy", "queue"])
def test_ingest_between_look_and_write(
    system: Any, lake: MediaLake, trigger: str, ids: str
) -> None:
    bucket = system.bucket(f"race-{trigger}-{ids}")
    run = Run(discovery="direct", trigger=trigger, ids=ids, integration=EVENTBRIDGE)
    History(system, lake, bucket, EVENTBRIDGE).happen(CASES)
    connect(system, lake, bucket, run)
    between: list[Mapping[str, int]] = []

    def ingest_first(operation: str, params: Mapping[str, Any]) -> None:
        if operation in WRITES and params["Bucket"] == bucket and not between:
            between.append(lake.drain(EVENTBRIDGE))

    system.calls.gate = ingest_first
    try:
        syncs = [Sync(system, lake, bucket, run, CASES) for _ in range(SYNC_COUNT)]
    finally:
        system.calls.gate = lambda *_: None

    assert between == [{case.key: 1 for case in CASES}]
    assert set(syncs[1].writes()) <= {"PutObjectTagging"}
    assert not syncs[1].shown
    assert not syncs[2].writes()
    assert set(syncs[2].found.values()) == {"ASSET_KNOWN"}
    for case in CASES:
        seen = lake.look(bucket)[case.key]
        # A known limit: if the ingest takes an upload in this moment, the new ids make a second
        # record.
        twice = case.past is Past.NEW_WAITING and ids == "minted"
        assert len(seen.records) == (2 if twice else 1), case.what
        assert seen.tags["InventoryID"] in {record.inventory_id for record in seen.records}
