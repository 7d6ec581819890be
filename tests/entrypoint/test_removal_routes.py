"""Removals in the API: settings of connectors, the report, and the confirmation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from api_calls import Api, served
from stopped_removals import KEYS, connect, stopped

from domain.removal_rows import RemovalState

DEFAULTS = {"announce": False, "maxShare": 0.05, "maxCount": 10_000, "minCount": 10}


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        gateway.world.buckets.create("media-prod")
        gateway.world.buckets.put("media-prod", "a.jpg", b"content")
        yield gateway


def test_a_connector_has_no_removals_unless_they_are_asked_for(gateway: Api) -> None:
    assert connect(gateway)["removals"] is None


def test_settings_have_defaults_and_are_edited_and_removed(gateway: Api) -> None:
    assert connect(gateway, removals={})["removals"] == DEFAULTS

    def edit(removals: object) -> Any:
        body = {"removals": removals}
        return gateway.call("PATCH", "/connectors/media", body, {"check": "false"}).json["removals"]

    wanted = {"announce": True, "maxShare": 0.125, "maxCount": 7, "minCount": 3}
    assert edit(wanted) == wanted
    assert edit({"maxShare": 1}) == DEFAULTS | {"maxShare": 1.0}
    assert edit(None) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"maxShare": 1.5},
        {"maxShare": -0.1},
        {"maxShare": "0.5"},
        {"maxCount": -1},
        {"minCount": 1.5},
        {"announce": "yes"},
        {"other": 1},
        [],
    ],
)
def test_invalid_settings(gateway: Api, wrong: object) -> None:
    body = {"connectorId": "media", "bucketName": "media-prod", "removals": wrong}
    answer = gateway.call("POST", "/connectors", body)
    assert answer.problem == "validation"
    assert answer.json["errors"][0]["path"].startswith("removals")


def test_the_report_by_pages(gateway: Api) -> None:
    job_id = stopped(gateway)
    shown = gateway.call("GET", f"/jobs/{job_id}").json["removals"]
    assert (shown["status"], shown["missing"], shown["confirmedAt"]) == ("STOPPED", 3, None)
    first = gateway.call("GET", f"/jobs/{job_id}/removals", query={"limit": 2}).json
    query = {"limit": 2, "cursor": first["nextCursor"]}
    second = gateway.call("GET", f"/jobs/{job_id}/removals", query=query).json
    items = first["items"] + second["items"]
    assert [item["objectKey"] for item in items] == list(KEYS)
    assert second["nextCursor"] is None
    assert items[0] == {
        "objectKey": KEYS[0],
        "state": "MISSING",
        "eTag": None,
        "size": 1,
        "assetId": None,
        "inventoryId": None,
        "lastSeenJobId": "job-0",
        "newObjectKey": None,
        "eventId": None,
    }
    moved = {"state": RemovalState.MOVED.value}
    assert gateway.call("GET", f"/jobs/{job_id}/removals", query=moved).json["items"] == []
    of_another_list = {"cursor": first["nextCursor"], **moved}
    answer = gateway.call("GET", f"/jobs/{job_id}/removals", query=of_another_list)
    assert answer.problem == "invalid-cursor"
    unknown = gateway.call("GET", f"/jobs/{job_id}/removals", query={"state": "LOST"})
    assert unknown.problem == "validation"


def test_a_confirmation(gateway: Api) -> None:
    job_id = stopped(gateway)
    path = f"/jobs/{job_id}/removals/confirm"
    wrong = gateway.call("POST", path, {"missing": 2})
    assert (wrong.status, wrong.problem) == (409, "not-confirmable")
    assert "3 objects are missing, and 2 were confirmed" in wrong.json["detail"]
    assert gateway.call("POST", path, {}).problem == "validation"
    gateway.world.ports.invoker.take_compared()
    answer = gateway.call("POST", path, {"missing": 3})
    assert answer.status == 202
    assert answer.headers["Location"] == f"/jobs/{job_id}"
    assert answer.json["removals"]["status"] == "CHECKING"
    assert answer.json["removals"]["confirmedAt"] is not None
    assert gateway.world.ports.invoker.take_compared() == [job_id]
    assert gateway.call("POST", path, {"missing": 3}).status == 202


def test_a_job_without_removals_has_nothing_to_confirm(gateway: Api) -> None:
    connect(gateway)
    job = gateway.call("POST", "/connectors/media/sync").json
    assert job["removals"] is None
    answer = gateway.call("POST", f"/jobs/{job['jobId']}/removals/confirm", {"missing": 0})
    assert answer.problem == "not-confirmable"
    assert gateway.call("GET", f"/jobs/{job['jobId']}/removals").json["items"] == []


def test_a_disabled_connector_confirms_nothing(gateway: Api) -> None:
    job_id = stopped(gateway)
    gateway.call("PATCH", "/connectors/media", {"status": "DISABLED"}, {"check": "false"})
    path = f"/jobs/{job_id}/removals/confirm"
    assert gateway.call("POST", path, {"missing": 3}).problem == "connector-disabled"
    gateway.call("DELETE", "/connectors/media")
    assert gateway.call("POST", path, {"missing": 3}).problem == "connector-removed"
