"""Limits of connectors in requests, in responses, and in the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from api_calls import Api, served
from api_server import listening
from typer.testing import CliRunner

from application.execution.deadline import Deadline
from domain.lease import Lease
from entrypoints import api
from entrypoints.cli.main import app
from entrypoints.cli.terminal.output import limits_line
from entrypoints.cli.terminal.wait_lines import wait_line, wait_words
from entrypoints.http.connector_bodies import ConnectorBody

NIGHTS = {"windows": [{"from": "20:00", "to": "06:00"}], "timeZone": "Europe/Berlin"}


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway, listening(gateway, monkeypatch):
        gateway.world.buckets.create("media-prod")
        yield gateway


def parsed(limits: Any) -> Any:
    return ConnectorBody.model_validate({"bucketName": "media", "limits": limits})


@pytest.mark.parametrize(
    "limits",
    [
        {"concurrency": 0},
        {"concurrency": 101},
        {"concurrency": 1.5},
        {"objectsPerSecond": 0},
        {"objectsPerSecond": 0.05},
        {"objectsPerSecond": 10_001},
        {"objectsPerSecond": float("nan")},
        {"windows": [{"from": "24:00", "to": "06:00"}]},
        {"windows": [{"from": "6:00", "to": "07:00"}]},
        {"windows": [{"from": "06:00"}]},
        {"windows": [{"from": "06:00", "to": "07:00", "days": []}]},
        {"windows": [{"from": "06:00", "to": "07:00", "days": ["mon"]}]},
        {"windows": [{"from": "06:00", "to": "07:00"}] * 21},
        {"speed": 1},
    ],
)
def test_what_is_refused(limits: Any) -> None:
    with pytest.raises(ValueError, match="limits"):
        parsed(limits)


@pytest.mark.parametrize("limits", [None, {}, {"windows": []}, {"timeZone": "Europe/Berlin"}])
def test_nothing_is_limited(limits: Any) -> None:
    assert parsed(limits).to_connector().limits is None


def test_days_are_in_their_order_and_once() -> None:
    days = ["SUN", "MON", "SUN"]
    limits = parsed({"windows": [{"days": days, "from": "00:00", "to": "00:00"}]})
    (window,) = limits.to_connector().limits.windows
    assert [day.value for day in window.days] == ["MON", "SUN"]


def test_a_zone_that_does_not_exist(gateway: Api) -> None:
    body = {"bucketName": "media", "limits": {**NIGHTS, "timeZone": "Europe/Nowhere"}}
    answer = gateway.call("POST", "/connectors", body)
    assert answer.status == 400
    assert "limits.timeZone" in str(answer.json)


def test_an_edit_is_shown_by_a_job_that_runs(gateway: Api) -> None:
    gateway.call("POST", "/connectors", {"bucketName": "media-prod", "connectorId": "c1"})
    job = gateway.call("POST", "/connectors/c1/sync", {}).json
    assert job["limits"] is None
    edited = gateway.call("PATCH", "/connectors/c1", {"limits": {"concurrency": 2}})
    assert edited.json["limits"]["concurrency"] == 2
    shown = gateway.call("GET", f"/jobs/{job['jobId']}").json
    assert shown["limits"] == {
        "concurrency": 2,
        "objectsPerSecond": None,
        "windows": [],
        "timeZone": "UTC",
    }
    assert gateway.call("PATCH", "/connectors/c1", {"limits": None}).json["limits"] is None
    assert gateway.call("GET", f"/jobs/{job['jobId']}").json["limits"] is None


def test_lines_of_the_terminal() -> None:
    limits = {
        "concurrency": 4,
        "objectsPerSecond": 0.5,
        "windows": [{"days": ["SAT", "SUN"], "from": "20:00", "to": "06:00"}],
        "timeZone": "Europe/Berlin",
    }
    assert limits_line(limits) == (
        "4 chunks at once; 0.5 objects/s; SAT,SUN 20:00-06:00 Europe/Berlin"
    )
    assert limits_line(None) is None


def test_what_a_job_waits_for_as_a_line() -> None:
    until = "2026-01-01T20:00:00.000Z"
    waits = {"reason": "OUTSIDE_WINDOW", "since": "SINCE", "until": until, "text": "a window"}
    assert wait_line({"waitingFor": waits}) == f"a window, at {until} (since SINCE)"
    assert wait_words({"waitingFor": waits}) == f"time window at {until}"
    of_slots = {"reason": "NO_FREE_SLOT", "since": None, "until": None, "text": "a free slot"}
    assert wait_line({"waitingFor": of_slots}) == "a free slot"
    assert wait_words({"waitingFor": of_slots}) == "free slot"
    assert (wait_line({"waitingFor": None}), wait_words({"waitingFor": None})) == (None, "")


def test_a_job_that_waits_for_a_slot_says_so(gateway: Api) -> None:
    body = {"bucketName": "media-prod", "connectorId": "media", "limits": {"concurrency": 1}}
    assert gateway.call("POST", "/connectors", body).status == 201
    gateway.world.buckets.put("media-prod", "a.jpg", b"a")
    job_id = str(gateway.call("POST", "/connectors/media/sync").json["jobId"])
    ports = gateway.world.ports

    async def begin(_: object) -> None:
        await gateway.container.engine().advance(job_id, Deadline.after(ports.clock, 600))
        now = ports.clock.now()
        lease = Lease(token="t", expires_at=now + timedelta(days=1))
        await ports.slots.take("media", 1, lease, now, job_id="job-9")

    api.RUNTIME.run(begin)
    expected = {
        "reason": "NO_FREE_SLOT",
        "since": None,
        "until": None,
        "text": "a free slot: other jobs have the only one of its connector (job-9)",
    }
    assert gateway.call("GET", f"/jobs/{job_id}").json["waitingFor"] == expected
    (listed,) = gateway.call("GET", "/jobs").json["items"]
    assert listed["waitingFor"] == expected
    done = CliRunner().invoke(app, ["jobs"])
    assert "WAITS FOR" in done.output
    assert "free slot" in done.output
    shown = CliRunner().invoke(app, ["job", job_id]).output
    assert f"waits for  {expected['text']}" in shown


@pytest.mark.usefixtures("gateway")
def test_commands() -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["connectors", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    run("add", "media-prod", "--id", "media", "--limits", '{"concurrency": 4}')
    assert "4 chunks at once" in run("show", "media")
    assert "0.5 objects/s" in run("edit", "media", "--limits", '{"objectsPerSecond": 0.5}')
    assert "limits" not in run("edit", "media", "--clear", "limits")


@pytest.mark.usefixtures("gateway")
def test_one_limit_is_changed_and_the_others_stay() -> None:
    def run(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, ["connectors", *arguments])
        assert done.exit_code == status, done.output
        return done.output

    def limits(*options: str) -> Any:
        return json.loads(run("limit", "media", *options, "-o", "json"))["limits"]

    run("add", "media-prod", "--id", "media")
    assert limits() is None
    assert limits("--concurrency", "4")["concurrency"] == 4
    windows = ("--window", "fri-MON 20:00-06:00", "--window", "12:00-13:00")
    found = limits("--rate", "0.5", *windows, "--time-zone", "Europe/Berlin")
    assert (found["concurrency"], found["objectsPerSecond"]) == (4, 0.5)
    assert found["timeZone"] == "Europe/Berlin"
    assert [(each["days"], each["from"], each["to"]) for each in found["windows"]] == [
        (["MON", "FRI", "SAT", "SUN"], "20:00", "06:00"),
        (["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], "12:00", "13:00"),
    ]
    found = limits("--window", "none", "--concurrency", "none")
    assert (found["concurrency"], found["objectsPerSecond"], found["windows"]) == (None, 0.5, [])
    assert limits("--rate", "none") is None
    for wrong in (["--rate", "fast"], ["--window", "night"], ["--window", "MON-FUN 20:00-06:00"]):
        assert wrong[0] in run("limit", "media", *wrong, status=2)
    # The API checks what has the right form.
    refused = run("limit", "media", "--window", "25:00-06:00", status=1)
    assert "limits.windows.0.from" in refused
    assert "must be a time of the clock, such as 06:00" in refused
    assert limits() is None
