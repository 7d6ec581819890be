"""Orphans in the API: asking for them, the job, and the report."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from api_calls import Api, served
from searched_orphans import LOST, completed, search
from stopped_removals import connect

from ports.errors import AccessDenied


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        gateway.world.buckets.create("media-prod")
        gateway.world.buckets.put("media-prod", "a.jpg", b"content")
        yield gateway


def test_a_search_and_its_report_by_pages(gateway: Api) -> None:
    job_id = completed(gateway)
    path = f"/jobs/{job_id}/orphans"
    assert gateway.call("GET", f"/jobs/{job_id}").json["orphans"] is None
    assert gateway.call("GET", path).json == {"items": [], "nextCursor": None}
    answer = gateway.call("POST", path)
    assert answer.status == 202
    assert answer.headers["Location"] == f"/jobs/{job_id}"
    assert answer.json["orphans"]["status"] == "WANTED"
    assert gateway.call("POST", path).json["orphans"] == answer.json["orphans"]
    assert search(gateway) == [job_id, job_id]
    shown = gateway.call("GET", f"/jobs/{job_id}").json["orphans"]
    assert shown == {
        "status": "DONE",
        "reason": None,
        "number": 1,
        "requestedAt": shown["requestedAt"],
        "recordsScanned": 4,
        "recordsWithoutPath": 0,
        "recordsInScope": 4,
        "unlisted": 3,
        "existing": 0,
        "orphans": 3,
    }
    first = gateway.call("GET", path, query={"limit": 2}).json
    second = gateway.call("GET", path, query={"limit": 2, "cursor": first["nextCursor"]}).json
    items = first["items"] + second["items"]
    assert [item["objectKey"] for item in items] == list(LOST)
    assert second["nextCursor"] is None
    assert items[0] == {
        "objectKey": LOST[0],
        "inventoryId": f"i:{LOST[0]}",
        "assetId": "a",
        "eTag": None,
        "size": None,
        "lastModified": None,
    }
    forged = gateway.call("GET", path, query={"cursor": "bm90"})
    assert forged.problem == "invalid-cursor"


def test_a_job_that_has_not_completed(gateway: Api) -> None:
    connect(gateway)
    job_id = gateway.call("POST", "/connectors/media/sync").json["jobId"]
    answer = gateway.call("POST", f"/jobs/{job_id}/orphans")
    assert (answer.status, answer.problem) == (409, "not-searchable")


def test_a_disabled_connector_searches_nothing(gateway: Api) -> None:
    path = f"/jobs/{completed(gateway)}/orphans"
    gateway.call("PATCH", "/connectors/media", {"status": "DISABLED"}, {"check": "false"})
    assert gateway.call("POST", path).problem == "connector-disabled"
    gateway.call("DELETE", "/connectors/media")
    assert gateway.call("POST", path).problem == "connector-removed"


def test_the_plan_of_a_search_has_its_scan_and_both_ends(gateway: Api) -> None:
    job_id = completed(gateway)
    plan = gateway.call("GET", f"/jobs/{job_id}/orphans/plan")
    assert plan.status == 200, plan
    assert (plan.json["jobId"], plan.json["catalogRecords"]) == (job_id, 4)
    low, expected, high = (
        Decimal(plan.json["estimate"][name]) for name in ("dollarsLow", "dollars", "dollarsHigh")
    )
    assert 0 < low <= expected < high
    assert sum(Decimal(line["dollars"]) for line in plan.json["lines"]) == pytest.approx(
        expected, abs=Decimal("0.00001")
    )
    (scan,) = [line for line in plan.json["lines"] if line["operation"] == "Scan"]
    assert scan["where"] == "orphans"
    assert gateway.call("GET", f"/jobs/{job_id}").json["orphans"] is None


def test_what_cannot_be_searched_has_no_plan(gateway: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gateway.call("GET", "/jobs/none/orphans/plan").problem == "not-found"
    job_id = completed(gateway)

    async def denied() -> None:
        raise AccessDenied("no DescribeTable", operation="DescribeTable")

    monkeypatch.setattr(gateway.world.ports.catalog_scan, "size", denied)
    answer = gateway.call("GET", f"/jobs/{job_id}/orphans/plan")
    assert (answer.status, answer.problem) == (409, "not-searchable")
    assert "catalog_snapshots=true" in answer.json["detail"]
