"""The benchmarks run; what they measure depends on the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"


def test_all_benchmarks_run() -> None:
    options = ["--rows", "10", "1100", "--calls", "20", "--latency-ms", "1", "--output", "json"]
    ran = subprocess.run(
        [sys.executable, str(BENCH / "run.py"), *options],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(ran.stdout)
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
