"""The schedule of a connector, through the handler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from api_calls import Api, Json, served

from domain.schedule_runs import Timer
from entrypoints.engine_events import ScheduledSync, parse_engine_event
from ports.errors import Unavailable

PATH = "/connectors/media/schedule"
NIGHTLY = {"expression": "cron(0 2 ? * MON-FRI *)", "timeZone": "Europe/Berlin"}
FULL = {
    **NIGHTLY,
    "jitterMinutes": 10,
    "mode": "full",
    "fullEvery": 3,
    "enabled": False,
    "discovery": "direct",
    "maxCost": "12.50",
}


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        gateway.world.buckets.create("media-prod")
        body = {"bucketName": "media-prod", "connectorId": "media"}
        assert gateway.call("POST", "/connectors", body).status == 201
        yield gateway


def timers(gateway: Api) -> dict[str, Timer]:
    return gateway.world.ports.scheduler.timers


def put(gateway: Api, body: Json, **headers: str) -> Json:
    answer = gateway.call("PUT", PATH, body, **headers)
    assert answer.status == 200, answer
    shown: Json = answer.json
    return shown


def test_a_schedule_is_set_shown_and_removed(gateway: Api) -> None:
    before = gateway.call("GET", "/connectors/media").json
    assert (before["schedule"], before["nextRunAt"]) == (None, None)
    made = put(gateway, NIGHTLY)
    assert made["nextRunAt"] == "2026-01-01T01:00:00.000Z"
    assert (made["mode"], made["fullEvery"], made["runs"]) == ("incremental", 7, [])
    shown = gateway.call("GET", PATH)
    assert shown.json == made
    connector = gateway.call("GET", "/connectors/media")
    assert connector.json["nextRunAt"] == made["nextRunAt"]
    assert connector.json["schedule"].items() <= made.items()
    assert connector.headers["ETag"] == shown.headers["ETag"]
    assert timers(gateway)["media"].time_zone == "Europe/Berlin"
    assert gateway.call("DELETE", PATH).status == 204
    assert timers(gateway) == {}
    assert gateway.call("GET", PATH).problem == "not-found"
    assert gateway.call("GET", "/connectors/media").json["schedule"] is None


def test_every_setting_is_set_and_left_out_means_the_default(gateway: Api) -> None:
    assert FULL.items() <= put(gateway, FULL).items()
    assert timers(gateway) == {}
    replaced = put(gateway, NIGHTLY)
    assert (replaced["jitterMinutes"], replaced["mode"], replaced["enabled"]) == (
        0,
        "incremental",
        True,
    )
    assert (replaced["discovery"], replaced["maxCost"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"expression": "cron(0 25 * * ? *)"}, "expression", "hours '25': must be of 0 to 23"),
        ({"expression": "nightly"}, "expression", "is neither a rate"),
        ({"expression": "cron(0 0 30 2 ? *)"}, "expression", "names no time"),
        ({"timeZone": "Berlin"}, "timeZone", "is not a time zone"),
        ({"jitterMinutes": 1_441}, "jitterMinutes", "1440"),
        ({"fullEvery": 0}, "fullEvery", "1"),
        ({"discovery": "both"}, "discovery", "'batch' or 'direct'"),
        ({"maxCost": "free"}, "maxCost", "must be an amount of US dollars"),
        ({"maxCost": -1}, "maxCost", "must be an amount of US dollars"),
        ({"mode": "half"}, "mode", "'incremental' or 'full'"),
        ({"every": 1}, "every", ""),
    ],
)
def test_an_error_names_the_field_and_what_is_allowed(
    gateway: Api, change: Json, path: str, message: str
) -> None:
    answer = gateway.call("PUT", PATH, {**NIGHTLY, **change})
    assert answer.problem == "validation"
    (error,) = answer.json["errors"]
    assert error["path"] == path
    assert message in error["message"]
    assert gateway.call("GET", "/connectors/media").json["schedule"] is None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_only_if_the_connector_is_as_it_was_read(gateway: Api, method: str) -> None:
    tag = gateway.call("GET", "/connectors/media").headers["ETag"]
    put(gateway, NIGHTLY, if_match=tag)
    body = NIGHTLY if method == "PUT" else None
    assert gateway.call(method, PATH, body, if_match=tag).problem == "precondition-failed"


def test_it_follows_its_connector(gateway: Api) -> None:
    put(gateway, NIGHTLY)
    gateway.call("PATCH", "/connectors/media", {"status": "DISABLED"})
    assert timers(gateway) == {}
    assert gateway.call("GET", PATH).json["nextRunAt"] is None
    gateway.call("PATCH", "/connectors/media", {"status": "ENABLED"})
    assert list(timers(gateway)) == ["media"]
    assert gateway.call("DELETE", "/connectors/media").status == 204
    assert timers(gateway) == {}
    assert gateway.call("PUT", PATH, NIGHTLY).problem == "not-found"


def test_a_scheduler_that_fails_is_reported_and_the_schedule_is_recorded(
    gateway: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise Unavailable("down")

    monkeypatch.setattr(gateway.world.ports.scheduler, "put", fail)
    assert gateway.call("PUT", PATH, NIGHTLY).problem == "unavailable"
    assert gateway.call("GET", PATH).json["expression"] == NIGHTLY["expression"]


@pytest.mark.parametrize(
    "event",
    [
        {"action": "scheduled", "connectorId": "c", "timer": "t", "scheduledAt": 5},
        {"action": "scheduled", "connectorId": "c", "timer": "t", "scheduledAt": "now"},
        {"action": "scheduled", "connectorId": "c", "timer": "", "scheduledAt": "2026-01-01T00Z"},
        {"action": "scheduled", "connectorId": "c", "timer": "t"},
    ],
)
def test_another_event_is_none_of_a_schedule(event: Any) -> None:
    with pytest.raises(Exception, match="unknown event for the engine"):
        parse_engine_event(event)


def test_the_event_of_a_time_is_read() -> None:
    event = {
        "action": "scheduled",
        "connectorId": "media",
        "timer": "r1",
        "scheduledAt": "2026-11-27T06:00:00Z",
    }
    parsed = parse_engine_event(event)
    assert isinstance(parsed, ScheduledSync)
    assert (parsed.connectorId, parsed.timer) == ("media", "r1")
    assert parsed.scheduledAt.isoformat() == "2026-11-27T06:00:00+00:00"
