"""`asset-sync schedule`, over an API in a thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from api_calls import Api, Json, served
from api_server import listening
from typer.testing import CliRunner, Result

from domain.schedule import ScheduleMode
from domain.schedule_runs import Run, RunState, ScheduleRuns
from entrypoints.cli.main import app

AT = datetime(2026, 1, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway, listening(gateway, monkeypatch):
        gateway.world.buckets.create("media-prod")
        invoke("connectors", "add", "media-prod", "--id", "media")
        yield gateway


def invoke(*arguments: str, exit_code: int = 0) -> Result:
    done = CliRunner().invoke(app, [*arguments])
    assert done.exit_code == exit_code, done.output
    return done


def document(*arguments: str) -> Json:
    shown: Json = json.loads(invoke("schedule", *arguments, "--output", "json").stdout)
    return shown


def test_set_and_show() -> None:
    options = ["--time-zone", "Europe/Berlin", "--jitter", "5", "--mode", "full"]
    made = document("set", "media", "cron(0 2 * * ? *)", *options, "--full-every", "3")
    assert made["nextRunAt"] == "2026-01-01T01:00:00.000Z"
    assert (made["jitterMinutes"], made["mode"], made["fullEvery"]) == (5, "full", 3)
    assert (made["discovery"], made["maxCost"]) == (None, None)
    assert document("show", "media") == made
    text = invoke("schedule", "show", "media").stdout
    assert "2026-01-01T01:00:00.000Z" in text
    assert made["eTag"] in text
    assert "2026-01-01T01:00:00.000Z" in invoke("connectors", "list").stdout


def test_discovery_and_maximum_cost_are_kept_when_it_is_switched() -> None:
    made = document("set", "media", "rate(6 hours)", "--discovery", "direct", "--max-cost", "0.50")
    assert (made["discovery"], made["maxCost"]) == ("direct", "0.50")
    switched = document("disable", "media")
    assert (switched["discovery"], switched["maxCost"]) == ("direct", "0.50")
    assert "0.50" in invoke("schedule", "show", "media").stdout
    refused = invoke("schedule", "set", "media", "rate(6 hours)", "--max-cost", "a", exit_code=1)
    assert "must be an amount of US dollars" in refused.stderr


def test_show_has_the_last_runs(gateway: Api) -> None:
    document("set", "media", "rate(6 hours)")
    connector = gateway.world.database.connectors["media"]
    run = Run(
        scheduled_at=AT,
        handled_at=AT,
        state=RunState.SKIPPED,
        mode=ScheduleMode.FULL,
        reason="job job-1 was active",
        job_id="job-1",
    )
    later = replace(run, scheduled_at=AT.replace(hour=8), state=RunState.STARTED, reason=None)
    gateway.world.database.schedule_runs["media"] = connector, ScheduleRuns(runs=(run, later))
    rows = invoke("schedule", "show", "media").stdout.split("last runs")[1].splitlines()[2:]
    assert [row.split()[1] for row in rows] == ["STARTED", "SKIPPED"]
    assert "job job-1 was active" in rows[1]
    assert [each["state"] for each in document("show", "media")["runs"]] == ["STARTED", "SKIPPED"]


def test_disable_and_enable_change_nothing_else() -> None:
    made = document("set", "media", "rate(6 hours)", "--jitter", "5", "--full-every", "9")
    off = document("disable", "media")
    assert off == {**made, "enabled": False, "nextRunAt": None, "eTag": off["eTag"]}
    on = document("enable", "media")
    assert on == {**made, "eTag": on["eTag"]}
    assert not document("set", "media", "rate(6 hours)", "--disabled")["enabled"]


def test_remove(gateway: Api) -> None:
    document("set", "media", "rate(6 hours)")
    assert document("remove", "media") == {"connectorId": "media", "removed": True}
    assert "has no schedule" in invoke("schedule", "show", "media", exit_code=1).stderr
    assert "has no schedule" in invoke("schedule", "remove", "media").stdout
    assert gateway.world.ports.scheduler.timers == {}


def test_a_wrong_expression_is_explained() -> None:
    shown = invoke("schedule", "set", "media", "cron(0 2 * * *)", exit_code=1).stderr
    assert "has 5 fields" in shown


def test_a_stale_tag_is_refused() -> None:
    made = document("set", "media", "rate(6 hours)")
    document("set", "media", "rate(5 hours)", "--if-match", made["eTag"])
    refused = invoke("schedule", "remove", "media", "--if-match", made["eTag"], exit_code=1)
    assert "changed" in refused.stderr
