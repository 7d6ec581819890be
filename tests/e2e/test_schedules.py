"""A schedule over HTTP, from setting it to the jobs that it starts on their own."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from whole_system import System

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def system(start_system: Callable[..., System]) -> System:
    return start_system({"default_discovery": "direct"}, schedule_interval_s=0.2)


def _at(system: System, hours: float) -> None:
    """Have the scheduler look at a clock that is ahead."""
    system.schedules_look_at(lambda: datetime.now(UTC) + timedelta(hours=hours))


def _runs(system: System, connector_id: str, count: int) -> list[dict[str, Any]]:
    path = f"/connectors/{connector_id}/schedule"
    for _ in range(300):
        runs: list[dict[str, Any]] = system.api.get(path)["runs"]
        if len(runs) >= count and runs[0]["state"] != "STARTING":
            return runs
        time.sleep(0.1)
    raise AssertionError(f"no {count} runs: {system.api.get(path)}")


def test_syncs_start_on_their_own(system: System) -> None:
    bucket = system.bucket("nightly")
    system.put(bucket, "a.jpg")
    connector_id = system.api.connect(bucket)
    path = f"/connectors/{connector_id}/schedule"
    _, shown = system.api("PUT", path, {"expression": "rate(6 hours)", "fullEvery": 3})
    next_run = datetime.fromisoformat(shown["nextRunAt"])
    assert timedelta(hours=5, minutes=59) < next_run - datetime.now(UTC) <= timedelta(hours=6)
    assert system.api.get(f"/connectors/{connector_id}")["nextRunAt"] == shown["nextRunAt"]

    _at(system, 6.5)
    (run,) = _runs(system, connector_id, 1)
    assert (run["state"], run["mode"]) == ("STARTED", "full")
    first = system.api.ended(run["jobId"])
    assert (first["status"], first["statistics"]["put"]) == ("COMPLETED", 1)

    system.put(bucket, "b.jpg")
    _at(system, 12.5)
    second = _runs(system, connector_id, 2)[0]
    assert second["mode"] == "incremental"
    assert second["modifiedSince"] < first["createdAt"]
    assert system.api.ended(second["jobId"])["statistics"]["put"] == 1

    system.api("PUT", path, {"expression": "rate(6 hours)", "enabled": False})
    _at(system, 24.5)
    time.sleep(1)
    assert len(system.api.items("/jobs", connectorId=connector_id)) == 2
