"""A listing that is shared out to several invocations, on the local stack."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

FOLDERS = "abcdef"
KEYS = [f"{folder}/{number:02}.jpg" for folder in FOLDERS for number in range(15)]


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Any:
    return start_system(
        {
            "object_count_max": 5,
            "added_chunk_count": 2,
            "listing_alone_objects": 10,
            "listing_workers": 3,
        }
    )


def test_the_shares_of_a_listing_are_listed_by_invocations_of_their_own(system: Any) -> None:
    system.bucket("shared")
    for key in KEYS:
        system.put("shared", key)
    system.api.connect("shared")
    system.idle()
    system.calls.take_kept()
    job_id = system.api.sync(
        "shared", discovery="direct", prefixes=[f"{folder}/" for folder in FOLDERS]
    )
    job = system.api.ended(job_id)
    system.idle()
    assert job["status"] == "COMPLETED", job
    assert job["statistics"]["objectsListed"] == job["statistics"]["put"] == len(KEYS)
    outcomes = Counter(line["key"] for line in system.outcomes(job_id))
    assert outcomes == Counter(KEYS)
    chunks = system.api.items(f"/jobs/{job_id}/chunks")
    assert len(chunks) == job["chunks"]["total"]
    invoked = [
        json.loads(params["Payload"])
        for service, operation, params in system.calls.take_kept()
        if (service, operation) == ("lambda", "Invoke")
    ]
    shares = {event["share"] for event in invoked if event["action"] == "list"}
    assert len(shares) > 1
