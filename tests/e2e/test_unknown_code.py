"""If S3 returns an unknown error code for every copy of an object, only that object fails."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from faults.detour import detour
from faults.exchange import Exchange, Request
from faults.proxy import Fault

pytestmark = pytest.mark.slow

COUNT = 20
KEY = "007.jpg"


async def unknown(exchange: Exchange) -> None:
    await exchange.refuse(418, "I am a teapot", "NeverHeardOf", "by the proxy")


def refuse_one_copy(request: Request) -> Fault | None:
    source = request.headers.get("x-amz-copy-source", "")
    return unknown if source.endswith(f"/{KEY}") and request.path.endswith(f"/{KEY}") else None


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Iterator[Any]:
    system = start_system({"retry_delay_s": 1, "stuck_after_s": 1})
    with detour(system, refuse_one_copy) as through_proxies, pytest.MonkeyPatch.context() as patch:
        for name, url in through_proxies.items():
            patch.setenv(name, url)
        yield system


@pytest.mark.parametrize("discovery", ["direct", "batch"])
def test_the_others_are_announced_and_the_job_ends_within_a_minute(
    system: Any, discovery: str
) -> None:
    bucket = system.bucket(f"unknown-{discovery}")
    keys = [f"{number:03d}.jpg" for number in range(COUNT)]
    for key in keys:
        system.put(bucket, key)
    system.api.connect(bucket)
    events = system.subscribe_to_events(f"unknown-{discovery}", bucket)
    began_at = time.monotonic()
    job_id = system.api.sync(bucket, discovery=discovery)
    job = system.api.ended(job_id)
    took_s = time.monotonic() - began_at
    system.idle()

    assert took_s < 60
    assert job["status"] == "COMPLETED_WITH_ERRORS"
    assert (job["statistics"]["put"], job["statistics"]["failed"]) == (COUNT - 1, 1)
    announced = [event["detail"]["objectKey"] for event in system.received(events)]
    assert sorted(announced) == sorted(set(keys) - {KEY})
    [error] = system.api.items(f"/jobs/{job_id}/errors")
    assert (error["objectKey"], error["errorClass"]) == (KEY, "Unknown")
    assert (error["vendorCode"], error["requestId"]) == ("NeverHeardOf", "R")
    assert "NeverHeardOf: by the proxy (HTTP 418, an unknown code" in error["message"]
    assert os.environ["AWS_ENDPOINT_URL"] != system.environment["AWS_ENDPOINT_URL"]
