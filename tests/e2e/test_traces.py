"""A whole sync on the local runtime is one connected trace."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Json = dict[str, Any]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces") / "spans.jsonl"


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any], path: Path) -> Any:
    return start_system({"traces": str(path), "object_count_max": 10})


def test_a_job_is_one_trace(system: Any, path: Path) -> None:
    keys = [f"{number:02}.jpg" for number in range(25)]
    bucket = system.api.connect(system.bucket("traced"))
    for key in keys:
        system.put(bucket, key)
    job = system.api.ended(system.api.sync(bucket, discovery="direct"))
    system.idle()
    assert job["status"] == "COMPLETED", job

    spans = [json.loads(line) for line in path.read_text().splitlines()]
    of_job = [s for s in spans if s["attributes"].get("asset_sync.job_id") == job["jobId"]]
    # The end is published at least once, and its span has the same ids each time.
    root, *again = [span for span in of_job if span["name"] == "job"]
    assert all(span["context"] == root["context"] for span in again)
    assert root["parent_id"] is None
    assert root["attributes"]["asset_sync.put"] == len(keys)
    assert root["attributes"]["asset_sync.status"] == "COMPLETED"
    assert {span["context"]["trace_id"] for span in of_job} == {root["context"]["trace_id"]}
    known = {span["context"]["span_id"] for span in of_job}
    others = [span for span in of_job if span["name"] != "job"]
    assert all(span["parent_id"] in known for span in others)

    names = Counter(span["name"] for span in of_job)
    assert names["start_job"] == 1
    assert names["advance"] >= 1
    assert names["process_chunk"] >= job["chunks"]["total"]
    copies = sum(span["attributes"].get("aws.requests.s3.CopyObject", 0) for span in of_job)
    assert copies == len(keys)

    (start,) = [span for span in of_job if span["name"] == "start_job"]
    (link,) = start["links"]
    (request,) = [
        span for span in spans if span["context"]["span_id"] == link["context"]["span_id"]
    ]
    assert request["name"].startswith("POST /connectors/{connectorId}/")
    assert request["attributes"]["asset_sync.status"] == 202
    # No span for each object.
    assert len(of_job) < len(keys)
