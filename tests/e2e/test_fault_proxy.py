"""Whole jobs through a network and a store that go wrong; figures are in docs/testing.md."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fault_proxy import Fault, FaultProxy, fault_proxy
from raw_server import RawRequest
from whole_system import ENDED

pytestmark = pytest.mark.slow

DISCOVERIES = ["direct", "batch"]
FAULTS = [fault for fault in Fault if fault is not Fault.UNKNOWN]
SOAK = int(os.environ.get("ASSET_SYNC_SOAK", "1"))
_WAIT_S = 60


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Any:
    # What dies with its answer lost leaves a lease, which lasts as long as its process could live.
    return start_system(
        {"object_count_max": 20, "retry_delay_s": 1, "stuck_after_s": 1, "lease_margin_s": 1},
        timeouts_s={"engine": 15, "processor": 15},
    )


@pytest.fixture(scope="module")
def proxy(system: Any) -> Iterator[FaultProxy]:
    """A proxy before everything that the functions ask; they open their clients at first use."""
    with fault_proxy(os.environ["AWS_ENDPOINT_URL"]) as running:
        os.environ["AWS_ENDPOINT_URL"] = running.url
        yield running


@pytest.fixture
def make_bucket(system: Any) -> Callable[[str, int], str]:
    def make(name: str, count: int) -> str:
        bucket = str(system.bucket(name))
        for number in range(count):
            system.put(bucket, f"{number:03d}.jpg")
        system.api.connect(bucket)
        return bucket

    return make


@pytest.mark.parametrize("discovery", DISCOVERIES)
def test_a_copy_that_always_answers_an_unknown_code_costs_one_of_twenty(
    system: Any,
    proxy: FaultProxy,
    make_bucket: Callable[[str, int], str],
    discovery: str,
) -> None:
    bucket = make_bucket(f"unknown-{discovery}", 20)
    events = system.hear_events(f"unknown-{discovery}", bucket)

    def rule(request: RawRequest) -> Fault | None:
        copied = request.headers.get("x-amz-copy-source", "").endswith("007.jpg")
        return Fault.UNKNOWN if copied and f"/{bucket}/007.jpg" in request.path else None

    proxy.rule = rule
    began_at = time.monotonic()
    job_id = system.api.sync(bucket, discovery=discovery)
    job = system.api.ended(job_id)
    took_s = time.monotonic() - began_at
    system.idle()

    assert took_s < 60
    assert job["status"] == "COMPLETED_WITH_ERRORS"
    assert (job["statistics"]["put"], job["statistics"]["failed"]) == (19, 1)
    told = [event["detail"]["objectKey"] for event in system.received(events)]
    assert sorted(told) == [f"{number:03d}.jpg" for number in range(20) if number != 7]
    [error] = system.api.items(f"/jobs/{job_id}/errors")
    assert (error["objectKey"], error["errorClass"]) == ("007.jpg", "Unknown")
    assert (error["vendorCode"], error["requestId"]) == ("NeverHeardOf", "R1")
    assert "NeverHeardOf: by the proxy (HTTP 418, a code that is not known" in error["message"]


@pytest.mark.parametrize("discovery", DISCOVERIES)
@pytest.mark.parametrize("fault", [None, *(FAULTS if SOAK > 1 else ())], ids=str)
@pytest.mark.soak
def test_whole_jobs_end_right_through_each_fault(
    system: Any,
    proxy: FaultProxy,
    make_bucket: Callable[[str, int], str],
    fault: Fault | None,
    discovery: str,
) -> None:
    """Every seventh request goes wrong; a storm is 30 in a row. Without a fault: all in turn."""
    mode = "all" if fault is None else fault.name.lower().replace("_", "-")
    name = f"proxy-{mode}-{discovery}"
    bucket = make_bucket(name, 30)
    events = system.hear_events(name, bucket)
    seen = 0

    def rule(_: RawRequest) -> Fault | None:
        nonlocal seen
        seen += 1
        if fault is Fault.SLOW_DOWN:
            return fault if 20 <= seen < 50 else None
        chosen = fault or FAULTS[seen // 7 % len(FAULTS)]
        return chosen if seen % 7 == 0 else None

    proxy.counts.clear()
    proxy.rule = rule
    job_id = system.api.sync(bucket, discovery=discovery)
    give_up_at = time.monotonic() + _WAIT_S
    while system.api.get(f"/jobs/{job_id}")["status"] not in ENDED:
        assert time.monotonic() < give_up_at, system.api.items(f"/jobs/{job_id}/chunks")
        time.sleep(0.5)
        system.sweep()
    job = system.api.get(f"/jobs/{job_id}")
    proxy.rule = lambda _: None
    system.idle()
    assert all(proxy.counts[each] > 1 for each in ([fault] if fault else FAULTS)), proxy.counts
    assert job["status"] == "COMPLETED", job
    assert job["statistics"]["put"] == 30
    ids = {e["detail"]["eventId"] for e in system.received(events)}
    assert len(ids) == 30
