"""The policy of docs/api.md for a team: it allows the routes of its own connector, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from api_calls import Api, served
from api_server import listening
from team_policy import TEAM, allows, requested
from typer.testing import CliRunner

from domain.job import JobStatus
from entrypoints.cli.main import app
from entrypoints.http.routes import ROUTES


def own_routes() -> set[tuple[str, str]]:
    """What a team may do: see its connector, and see and run its jobs; not change it."""
    return {
        (each.method, each.path)
        for each in ROUTES
        if each.path.startswith("/connectors/{connectorId}") and each.method in ("GET", "POST")
    }


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_the_routes_of_the_own_connector_are_allowed_and_no_other(route: Any) -> None:
    own = (route.method, route.path) in own_routes()
    assert allows(requested(route.method, route.path, TEAM)) is own


@pytest.mark.parametrize("other", ["photos", "films-2", "films2", "old-films", "f", "FILMS"])
def test_no_route_of_another_connector_is_allowed(other: str) -> None:
    for route in ROUTES:
        assert not allows(requested(route.method, route.path, other)), route.path


def test_what_a_team_may_do_includes_jobs_and_all_that_is_below_them() -> None:
    paths = {path for _, path in own_routes()}
    assert "/connectors/{connectorId}/sync" in paths
    assert "/connectors/{connectorId}/jobs" in paths
    assert "/connectors/{connectorId}/jobs/{jobId}/redrive" in paths


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The API behind the policy: a request that it does not allow is answered as by API Gateway."""
    with served(monkeypatch) as gateway:
        gateway.world.buckets.create("films-prod")
        gateway.world.buckets.put("films-prod", "a.mov", b"content")
        body = {"connectorId": TEAM, "bucketName": "films-prod"}
        assert gateway.call("POST", "/connectors", body).status == 201
        with listening(gateway, monkeypatch, allows=lambda m, p: allows(requested(m, p, TEAM))):
            yield gateway


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def started(*options: str) -> str:
    result = run("sync", TEAM, "--output", "json", *options)
    assert result.exit_code == 0, result.output
    return str(json.loads(result.stdout)["jobId"])


@pytest.mark.usefixtures("team")
def test_a_team_runs_and_reads_its_jobs_by_commands() -> None:
    job_id = started()
    for arguments in (
        ("jobs",),
        ("job", job_id),
        ("errors", job_id),
        ("errors", job_id, "--group", "cause"),
        ("outcomes", job_id, "--outcome", "PUT"),
        ("explain", job_id, "a.mov"),
        ("cancel", job_id),
    ):
        result = run(*arguments, "--connector", TEAM)
        assert result.exit_code == 0, (arguments, result.output)
    assert run("connectors", "show", TEAM).exit_code == 0
    assert run("connectors", "check", TEAM).exit_code in (0, 1)
    redriven = run("redrive", job_id, "--connector", TEAM, "--output", "json")
    assert json.loads(redriven.stdout)["type"] == "/problems/not-redrivable"


@pytest.mark.usefixtures("team")
def test_what_is_printed_as_next_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run("sync", TEAM).stdout
    assert f"--connector {TEAM}" in shown.splitlines()[-1]
    monkeypatch.setenv("ASSET_SYNC_CONNECTOR", TEAM)
    assert run("jobs").exit_code == 0
    job_id = json.loads(run("jobs", "--output", "json").stdout)["jobs"][0]["jobId"]
    assert run("job", job_id).stdout.splitlines()[-1] == f"next: asset-sync watch {job_id}"


def test_an_ended_job_is_watched_and_followed(team: Api) -> None:
    job_id = started()
    jobs = team.world.database.jobs
    job = jobs.find(job_id)
    assert job is not None
    jobs._rows[job_id] = replace(job, status=JobStatus.CANCELLED)
    for command in ("watch", "tail"):
        result = run(command, job_id, "--connector", TEAM)
        assert "execute-api" not in result.output
        assert result.exit_code == 1
        assert "CANCELLED" in result.stdout


@pytest.mark.usefixtures("team")
def test_without_the_connector_the_request_is_denied() -> None:
    result = run("job", "job-1")
    assert result.exit_code == 1
    assert "HTTP 403" in result.stderr
