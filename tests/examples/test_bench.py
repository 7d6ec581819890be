"""The benchmarks run; what they measure depends on the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parents[2] / "bench"


def run(script: str, *options: str) -> Any:
    ran = subprocess.run(
        [sys.executable, str(BENCH / script), *options, "--output", "json"],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(ran.stdout)


def test_all_benchmarks_run() -> None:
    found = run("run.py", "--rows", "10", "1100", "--calls", "20", "--latency-ms", "1")
    calls, streams = found.pop("calls"), found.pop("streams")

    assert set(found) == {"listing", "splitting", "report"}
    for sizes in found.values():
        assert set(sizes) == {"10", "1100"}
        assert all(figures["peak_kib"] > 0 for figures in sizes.values())
    for times in (calls["lean"], calls["sdk"]):
        assert set(times) == {"read_tags", "head", "copy_in_place", "list 1,000 keys"}
        assert all(time_ms > 0 for rounds in times.values() for time_ms in rounds)
    assert set(streams) == {"0 ms", "1 ms"}
    for by_count in streams.values():
        assert set(by_count) == {"1", "8"}
        assert all(figures["seconds"] > 0 for figures in by_count.values())


def test_a_second_sync_is_measured_with_both_settings() -> None:
    found = run("second_sync.py", "--objects", "250")
    reads = {verify: figures["requests"] for verify, figures in found.items()}
    assert reads["tags"]["GetObjectTagging"] == 250
    assert "GetObjectTagging" not in reads["catalog"]
    assert reads["tags"]["BatchGetItem"] == reads["catalog"]["BatchGetItem"] == 3


def test_a_cold_start_is_measured_for_each_function() -> None:
    rows = run("cold_start.py", "--rounds", "1")
    assert {(row["handler"], row["sessions"]) for row in rows} == {
        (handler, sessions)
        for handler in ("api", "engine", "processor")
        for sessions in ("aioboto3", "aiobotocore")
    }
    assert all(row["modules"] > 0 for row in rows)
