"""The benchmarks run, and the programs that they compare make the requests that they should.

What they measure depends on the machine; nothing here does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).resolve().parents[2] / "bench"

OBJECTS = 120
WINDOWS = 2

# Per object, of all kinds of a sync. What else the service requests depends on chunks and pages.
READS_AND_COPY = {"GetObjectTagging": 1, "HeadObject": 1, "CopyObject": 1}
COUNTERS = {"UpdateItem": 3}
PATTERN_COPY = {"GetObjectTagging": 2, "PutObjectTagging": 1, "CopyObject": 1}
PATTERN_MESSAGE = {"GetObjectTagging": 2, "GetItem": 1, "SendMessage": 1}
PATTERN_SKIP = {"GetObjectTagging": 1, "Query": 1, "GetItem": 1}


def run(script: str, *options: str) -> Any:
    ran = subprocess.run(
        [sys.executable, str(BENCH / script), *options, "--output", "json"],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def found() -> Any:
    """The short version of `make bench`, with the smallest sizes."""
    return run(
        "run.py",
        *(
            "--compared",
            str(OBJECTS),
            "--objects",
            "30",
            "--by-tags",
            "30",
            "--by-catalog",
            "30",
            "--profiled",
            "30",
        ),
        *("--keys", "2100", "--rounds", "1", "--rows", "10", "1100"),
        *("--snapshots", "2000"),
        *("--calls", "20", "--stream-rows", "1100", "--latency-ms", "1"),
    )


def per_object(run: Any) -> dict[str, float]:
    """Return the requests of a sync that are made once or more for each object."""
    counts = {name: count / run["objects"] for name, count in run["requests"].items()}
    return {name: round(count, 1) for name, count in counts.items() if count >= 0.9}


def syncs(found: Any, sync: str, program: str) -> list[Any]:
    runs = [
        run
        for run in found["syncs"]
        if run["sync"].startswith(sync) and run["program"].startswith(program)
    ]
    assert runs
    return runs


def test_a_first_sync_costs_two_reads_and_a_copy(found: Any) -> None:
    (sync,) = syncs(found, "first sync, copies", "this service")
    assert (sync["triggered"], sync["tagged"]) == (OBJECTS, OBJECTS)
    assert per_object(sync) == READS_AND_COPY
    assert sync["requests"]["PutEvents"] == OBJECTS / 10
    assert sync["requests"]["BatchGetItem"] == WINDOWS


def test_messages_go_to_the_queue_by_tens(found: Any) -> None:
    (sync,) = syncs(found, "first sync, messages", "this service")
    assert (sync["triggered"], sync["tagged"]) == (OBJECTS, OBJECTS)
    assert per_object(sync) == {"GetObjectTagging": 1, "HeadObject": 1, "PutObjectTagging": 1}
    assert sync["requests"]["SendMessageBatch"] == OBJECTS / 10


def test_a_second_sync_reads_the_tags_or_only_the_catalog(found: Any) -> None:
    by_tags, by_catalog = syncs(found, "second sync", "this service")
    assert by_tags["skipped"] == by_catalog["skipped"] == OBJECTS
    assert per_object(by_tags) == {"GetObjectTagging": 1}
    assert per_object(by_catalog) == {}
    assert by_tags["requests"]["BatchGetItem"] == WINDOWS
    assert by_catalog["requests"]["BatchGetItem"] == WINDOWS


@pytest.mark.parametrize("kind", ["as published, 1 thread", ", 40 threads", ", 1 thread"])
def test_the_reference_pattern_makes_its_calls_for_each_object(found: Any, kind: str) -> None:
    program = f"reference pattern {kind}".replace(" ,", ",")
    (copies,) = syncs(found, "first sync, copies", program)
    assert per_object(copies) == {**PATTERN_COPY, **COUNTERS}
    assert copies["triggered"] == copies["tagged"] == OBJECTS
    (messages,) = syncs(found, "first sync, messages", program)
    assert per_object(messages) == {**PATTERN_MESSAGE, **COUNTERS}
    (second,) = syncs(found, "second sync", program)
    assert per_object(second) == PATTERN_SKIP
    assert second["skipped"] == OBJECTS


def test_the_reference_pattern_also_runs_without_its_counters(found: Any) -> None:
    for run in syncs(found, "first sync, copies", "reference pattern without its counters"):
        assert per_object(run) == PATTERN_COPY
        assert run["tagged"] == OBJECTS


def test_the_limit_makes_the_requests_of_this_service(found: Any) -> None:
    (first,) = syncs(found, "first sync, copies", "raw")
    (second,) = syncs(found, "second sync", "raw")
    assert per_object(first) == READS_AND_COPY
    assert first["requests"]["PutEvents"] == OBJECTS / 10
    assert first["tagged"] == OBJECTS
    assert per_object(second) == {"GetObjectTagging": 1}


def test_syncs_of_other_sizes_make_the_same_requests(found: Any) -> None:
    first, by_tags, by_catalog, together = found["scale"]
    assert [run["objects"] for run in found["scale"]] == [30, 30, 30, 30]
    assert per_object(first) == READS_AND_COPY
    assert per_object(by_tags) == {"GetObjectTagging": 1}
    assert by_catalog["requests"]["BatchGetItem"] == 1
    assert first["triggered"] == by_tags["skipped"] == by_catalog["skipped"] == 30
    assert together["skipped"] == 30
    assert together["requests"] == by_catalog["requests"]


def test_samples_of_the_cpu_time_are_of_calls_that_are_made(found: Any) -> None:
    first, second = found["profile"]
    assert sum(first["layers"].values()) == sum(first["calls"].values()) > 0
    assert {"CopyObject", "HeadObject"}.isdisjoint(second["calls"])


def test_objects_in_a_snapshot_cost_two_requests_for_a_thousand(found: Any) -> None:
    (snapshot,) = found["snapshots"]
    assert snapshot["lookup_requests"] == {"GetObject": 4}
    assert snapshot["scan_requests"]["Scan"] == 5


def test_every_listing_finds_the_keys(found: Any) -> None:
    """A listing that finds another number of them fails."""
    listings = found["listings"]
    assert {"boto3, paginator", "raw signed client (the limit)"} < set(listings["runs"])
    programs = {"s5cmd ls", "rclone lsf"}
    assert programs == (programs & set(listings["runs"])) | set(listings["skipped"])
    for runs in listings["runs"].values():
        assert all(run["cpu_s"] > 0 and run["peak_kib"] > 0 for run in runs)


def test_stages_calls_and_ranges_are_measured(found: Any) -> None:
    stages = {(run["stage"], run["rows"]): run["peak_kib"] for run in found["memory"]}
    assert len(stages) == 8
    assert all(peak_kib > 0 for peak_kib in stages.values())
    for calls in (found["calls"]["lean"], found["calls"]["sdk"]):
        assert len(calls) == 5
        assert all(time_ms > 0 for rounds in calls.values() for time_ms in rounds)
    streams = [(run["latency_ms"], run["streams"]) for run in found["streams"]]
    assert streams == [(0, 1), (0, 8), (1, 1), (1, 8)]


def test_a_cold_start_is_measured_for_each_function() -> None:
    rows = run("cold_start.py", "--rounds", "1")
    assert {(row["handler"], row["sessions"]) for row in rows} == {
        (handler, sessions)
        for handler in ("api", "engine", "processor")
        for sessions in ("aioboto3", "aiobotocore")
    }
    assert all(row["modules"] > 0 for row in rows)
