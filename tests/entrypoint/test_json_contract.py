"""`--output json` of each command is what docs/cli.md promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from api_calls import Api, served
from api_server import listening
from tools.cli_docs import commands
from typer.testing import CliRunner

from application.execution.deadline import Deadline
from domain.failure import Failure, error_id_for
from domain.job import JobStatus
from domain.removal_work import RemovalCounts, RemovalStatus, RemovalWork
from entrypoints import api
from entrypoints.cli.main import app
from entrypoints.cli.terminal.json_contract import JSON_OUTPUT
from entrypoints.http.openapi import document
from entrypoints.http.routes import ROUTES

# Each of these is compared by its own tests, which need more than an API.
ELSEWHERE = {"connectors import", "console", "doctor", "up", "demo"}
NO_JSON = {"schemas", "completions"}


@pytest.fixture(scope="module")
def components() -> Any:
    return document(ROUTES, server="/")["components"]


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        gateway.answer_checks()
        gateway.world.ports.surveyor.answer = gateway.container.survey_bucket().run
        gateway.world.buckets.create("films-prod")
        gateway.world.buckets.put("films-prod", "a.mov", b"content")
        body = {"connectorId": "films", "bucketName": "films-prod"}
        assert gateway.call("POST", "/connectors", body).status == 201
        yield gateway


def run_job(gateway: Api, *, status: JobStatus) -> str:
    """Return a job that is split and, with `status`, has ended with one recorded failure."""
    job_id = str(gateway.call("POST", "/connectors/films/sync").json["jobId"])
    ports = gateway.world.ports

    async def advance(_: object) -> None:
        await gateway.container.engine().advance(job_id, Deadline.after(ports.clock, 600))
        failure = Failure(
            error_id=error_id_for(chunk_index=0, subject="a.mov"),
            job_id=job_id,
            error_class="AccessDenied",
            message="no",
            occurred_at=ports.clock.now(),
            chunk_index=0,
            key="a.mov",
        )
        await ports.errors.record([failure])

    api.RUNTIME.run(advance)
    api.RUNTIME.close()  # its event loop belongs to this thread
    jobs = gateway.world.database.jobs
    job = jobs.find(job_id)
    assert job is not None
    tally = replace(job.tally, statistics=replace(job.tally.statistics, failed=1))
    jobs._rows[job_id] = replace(job, status=status, tally=tally)
    return job_id


def printed(*arguments: str, exit_codes: tuple[int, ...] = (0,)) -> str:
    result = CliRunner().invoke(app, [*arguments, "--output", "json"])
    assert result.exit_code in exit_codes, (arguments, result.output)
    return result.stdout


def check(components: Any, command: str, found: Any) -> None:
    schema = {**JSON_OUTPUT[command], "components": components}
    jsonschema.Draft202012Validator(schema).validate(found)


def test_every_command_prints_what_is_promised(
    gateway: Api, monkeypatch: pytest.MonkeyPatch, components: Any
) -> None:
    job_id = run_job(gateway, status=JobStatus.COMPLETED_WITH_ERRORS)
    at = ("--connector", "films")
    calls: dict[str, tuple[str, ...]] = {
        "connectors add": ("films-prod", "--id", "other", "--prefix", "x/"),
        "connectors list": (),
        "connectors show": ("films",),
        "connectors edit": ("other", "--verify", "catalog"),
        "connectors limit": ("other", "--rate", "5"),
        "connectors pause": ("other",),
        "connectors resume": ("other",),
        "connectors disable": ("other",),
        "connectors enable": ("other",),
        "connectors check": ("films",),
        "connectors delete": ("other", "--yes"),
        "schedule set": ("films", "rate(6 hours)"),
        "schedule show": ("films",),
        "schedule disable": ("films",),
        "schedule enable": ("films",),
        "schedule remove": ("films",),
        "plan": ("films",),
        "jobs": at,
        "job": (job_id, *at),
        "watch": (job_id, *at),
        "errors": (job_id, *at),
        "errors --group cause": (job_id, *at),
        "outcomes": (job_id, "--outcome", "PUT", *at),
        "explain": (job_id, "a.mov", *at),
        "cancel": (job_id, *at),
        "removals list": (job_id, *at),
        "orphans list": (job_id, *at),
        "sync": ("films", "--dry-run"),
    }
    with listening(gateway, monkeypatch):
        for command, arguments in calls.items():
            text = printed(*command.split(), *arguments, exit_codes=(0, 1))
            assert text, command
            found = json.loads(text)
            assert not str(found.get("type", "")).startswith("/problems/"), (command, found)
            check(components, command, found)
        lines = printed("tail", job_id, *at, exit_codes=(1,)).splitlines()
        assert len(lines) == 2
        for line in lines:
            check(components, "tail", json.loads(line))
    others = {"tail", "redrive", "removals confirm", "orphans find", "retrigger"}
    others |= {"pause", "pause --all", "resume", "resume --all"}
    assert set(JSON_OUTPUT) - set(calls) == ELSEWHERE | others


def test_a_redriven_job(gateway: Api, monkeypatch: pytest.MonkeyPatch, components: Any) -> None:
    job_id = run_job(gateway, status=JobStatus.COMPLETED_WITH_ERRORS)
    with listening(gateway, monkeypatch):
        check(components, "redrive", json.loads(printed("redrive", job_id)))


def test_pauses(gateway: Api, monkeypatch: pytest.MonkeyPatch, components: Any) -> None:
    job_id = run_job(gateway, status=JobStatus.PROCESSING)
    with listening(gateway, monkeypatch):
        for command in ("pause", "resume"):
            found = printed(command, job_id, "--connector", "films")
            check(components, command, json.loads(found))
        for command in ("pause --all", "resume --all"):
            check(components, command, json.loads(printed(*command.split())))


def test_a_triggered_object(gateway: Api, monkeypatch: pytest.MonkeyPatch, components: Any) -> None:
    with listening(gateway, monkeypatch):
        text = printed("retrigger", "films", "--key", "a.mov")
    check(components, "retrigger", json.loads(text))


def test_confirmed_removals(gateway: Api, monkeypatch: pytest.MonkeyPatch, components: Any) -> None:
    job_id = run_job(gateway, status=JobStatus.COMPLETED_WITH_ERRORS)
    jobs = gateway.world.database.jobs
    job = jobs.find(job_id)
    assert job is not None
    work = RemovalWork(status=RemovalStatus.STOPPED, counts=RemovalCounts(missing=3))
    jobs._rows[job_id] = replace(job, removals=work)
    with listening(gateway, monkeypatch):
        text = printed("removals", "confirm", job_id, "--missing", "3")
    check(components, "removals confirm", json.loads(text))


def test_asked_orphans(gateway: Api, monkeypatch: pytest.MonkeyPatch, components: Any) -> None:
    job_id = run_job(gateway, status=JobStatus.COMPLETED_WITH_ERRORS)
    with listening(gateway, monkeypatch):
        check(components, "orphans find", json.loads(printed("orphans", "find", job_id)))


def test_every_command_with_json_output_has_a_contract() -> None:
    names = {name for name, _ in commands()}
    assert names - NO_JSON == {name.partition(" --")[0] for name in JSON_OUTPUT}
    with_json = {
        name for name, command in commands() if any(p.name == "output" for p in command.params)
    }
    assert with_json == names - NO_JSON


@pytest.mark.parametrize("remote", sorted(set(JSON_OUTPUT) - ELSEWHERE))
def test_every_remote_command_takes_a_stage(remote: str) -> None:
    (command,) = [each for name, each in commands() if name == remote.partition(" --")[0]]
    assert {"stage", "api_url", "token", "output"} <= {each.name for each in command.params}


def test_a_contract_is_not_kept_by_anything_else(components: Any) -> None:
    for command, schema in JSON_OUTPUT.items():
        wrong = [] if schema.get("type") != "array" else [{}]
        with pytest.raises(jsonschema.ValidationError):
            check(components, command, wrong)
