"""Removed and moved objects on the local stack: report, events, guard and confirmation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BUCKET = "removals"
KEYS = [f"f/{number:02} ü.jpg" for number in range(20)]
MOVED = "g/moved, again.jpg"


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Any:
    return start_system({"object_count_max": 5})


def compared(system: Any, discovery: str) -> Any:
    """Sync, and wait until the comparison waits or has ended."""
    job_id = system.api.sync(BUCKET, discovery=discovery)
    system.api.ended(job_id)
    system.sweep()  # it has the index made, and that requests the comparison

    def is_compared(job: Any) -> bool:
        removals = job["removals"]
        return removals is not None and removals["status"] in ("DONE", "STOPPED", "GIVEN_UP")

    return system.api.until(job_id, is_compared)


def test_removals(system: Any) -> None:
    system.bucket(BUCKET)
    for key in KEYS:
        system.s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    system.api.connect(BUCKET, removals={"announce": True, "maxShare": 0.2, "minCount": 1})
    queue = system.subscribe_to_events("removal-events", BUCKET)
    first = compared(system, "batch")
    assert first["removals"]["status"] == "DONE"
    system.received(queue)

    system.s3.delete_object(Bucket=BUCKET, Key=KEYS[0])
    system.s3.delete_object(Bucket=BUCKET, Key=KEYS[1])
    system.s3.put_object(Bucket=BUCKET, Key=MOVED, Body=KEYS[1].encode())
    second = compared(system, "direct")
    shown = second["removals"]
    assert (shown["status"], shown["removed"], shown["moved"]) == ("DONE", 1, 1), shown
    rows = {row["objectKey"]: row for row in system.api.items(f"/jobs/{second['jobId']}/removals")}
    assert [rows[key]["newObjectKey"] for key in KEYS[:2]] == [None, MOVED]
    events = [
        event["detail"]
        for event in system.received(queue)
        if event["detail-type"] == "AssetSyncObjectRemoved"
    ]
    assert {event["objectKey"]: event["eventId"] for event in events} == {
        key: rows[key]["eventId"] for key in KEYS[:2]
    }
    assert all(event["lastSeenJobId"] == first["jobId"] for event in events)
    outcomes = {line["key"]: line for line in system.outcomes(first["jobId"])}
    assert all(event["assetId"] == outcomes[event["objectKey"]]["assetId"] for event in events)

    for key in KEYS[2:10]:
        system.s3.delete_object(Bucket=BUCKET, Key=key)
    third = compared(system, "direct")
    assert (third["removals"]["status"], third["removals"]["missing"]) == ("STOPPED", 8)
    assert [e for e in system.received(queue) if e["detail-type"].endswith("Removed")] == []
    path = f"/jobs/{third['jobId']}/removals/confirm"
    status, answer = system.api("POST", path, {"missing": 8})
    assert status == 202, answer
    done = system.api.until(third["jobId"], lambda job: job["removals"]["status"] == "DONE")
    assert done["removals"]["announced"] == 8
    system.idle()
    keys = [e["detail"]["objectKey"] for e in system.received(queue)]
    assert sorted(keys) == KEYS[2:10]
    report = system.result(third["jobId"], "removals/report.csv").decode().splitlines()
    assert len(report) == 1 + 8
