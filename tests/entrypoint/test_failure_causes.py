"""The causes of a job's failures: the route, its pages, and `asset-sync errors --group cause`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from api_calls import Api, Json, served
from api_server import listening
from typer.testing import CliRunner

from domain.failure import Failure, error_id_for
from domain.job import JobStatus
from domain.outcome import Statistics
from domain.tally import Tally
from entrypoints.cli.main import app


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        gateway.world.buckets.create("media-prod")
        body = {"connectorId": "media", "bucketName": "media-prod"}
        assert gateway.call("POST", "/connectors", body).status == 201
        yield gateway


def job_with(gateway: Api, failures: list[tuple[str, str | None]], *, failed: int) -> str:
    """Return a job that ended with these failures (message and key), and this count of objects."""
    job_id = str(gateway.call("POST", "/connectors/media/sync").json["jobId"])
    database = gateway.world.database
    job = database.jobs.find(job_id)
    assert job is not None
    tally = Tally(chunks_total=1, chunks_completed=1, statistics=Statistics(failed=failed))
    done = replace(job, status=JobStatus.COMPLETED_WITH_ERRORS, tally=tally)
    database.jobs._rows[job_id] = done
    log, clock = gateway.world.ports.errors, gateway.world.ports.clock
    records = [
        Failure(
            error_id=error_id_for(chunk_index=place, subject=key or ""),
            job_id=job_id,
            error_class="AccessDenied",
            message=message,
            occurred_at=clock.now(),
            chunk_index=place,
            key=key,
        )
        for place, (message, key) in enumerate(failures)
    ]
    log._database.failures[job_id] = {}
    run(log.record(records))
    return job_id


def run(call: object) -> None:
    """Run a coroutine of the memory adapters: none of them waits."""
    with pytest.raises(StopIteration):
        call.send(None)  # type: ignore[attr-defined]


def denied(count: int) -> list[tuple[str, str | None]]:
    return [(f"s3 PutObjectTagging on media-prod/{n}.mov: no", f"{n}.mov") for n in range(count)]


def causes(gateway: Api, job_id: str, **query: str) -> Json:
    return gateway.call("GET", f"/jobs/{job_id}/causes", query=query).json


def test_the_causes_of_a_job(gateway: Api) -> None:
    job_id = job_with(gateway, [("the chunk", None), *denied(7)], failed=12)
    page = causes(gateway, job_id)
    assert (page["failuresRead"], page["objectsFailed"], page["nextCursor"]) == (8, 12, None)
    first, second = page["items"]
    assert first["text"] == "s3 PutObjectTagging on media-prod/<key>: no"
    assert (first["failureCount"], first["objectCount"]) == (7, 7)
    assert first["sampleKeys"] == [f"{n}.mov" for n in range(5)]
    assert first["nextStep"].endswith("then redrive the job")
    assert (second["failureCount"], second["objectCount"], second["sampleKeys"]) == (1, 0, [])


def test_a_job_without_failures_has_no_causes(gateway: Api) -> None:
    page = causes(gateway, job_with(gateway, [], failed=0))
    assert page == {"items": [], "failuresRead": 0, "objectsFailed": 0, "nextCursor": None}


def test_a_request_reads_a_bounded_number_and_the_next_one_continues(gateway: Api) -> None:
    job_id = job_with(gateway, denied(10_003), failed=10_003)
    page = causes(gateway, job_id)
    assert page["failuresRead"] == 10_000
    rest = causes(gateway, job_id, cursor=page["nextCursor"])
    assert (rest["failuresRead"], rest["nextCursor"]) == (3, None)
    assert rest["items"][0]["causeId"] == page["items"][0]["causeId"]


def test_a_cursor_of_another_job_is_refused(gateway: Api) -> None:
    cursor = causes(gateway, job_with(gateway, denied(10_001), failed=1))["nextCursor"]
    gateway.call("POST", "/connectors", {"connectorId": "b", "bucketName": "bbb"})
    other = gateway.call("POST", "/connectors/b/sync").json["jobId"]
    answer = gateway.call("GET", f"/jobs/{other}/causes", query={"cursor": cursor})
    assert answer.problem == "invalid-cursor"


def grouped(job_id: str, *options: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["errors", job_id, "--group", "cause", *options])
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_the_command_merges_the_pages(gateway: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = job_with(gateway, [*denied(10_003), ("the chunk", None)], failed=20_000)
    with listening(gateway, monkeypatch):
        found = json.loads(grouped(job_id, "--output", "json")[0])
        shown, notes = grouped(job_id, "--limit", "1")
    assert [each["failureCount"] for each in found["causes"]] == [10_003, 1]
    assert len(found["causes"][0]["sampleKeys"]) == 5
    assert (found["failuresRead"], found["objectsFailed"]) == (10_004, 20_000)
    assert found["complete"] is True
    lines = shown.splitlines()
    assert lines[0].split() == ["10,003x", "AccessDenied"]
    assert lines[1] == "cause    s3 PutObjectTagging on media-prod/0.mov: no"
    assert lines[2] == "objects  0.mov, 1.mov, 2.mov, 3.mov, 4.mov, …"
    assert lines[3].startswith("next     grant the permission")
    assert "1 more causes" in notes
    assert "10,003 of 20,000 failed objects" in notes


def test_all_failures_are_recorded_and_nothing_is_noted(
    gateway: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(gateway, monkeypatch):
        shown, notes = grouped(job_with(gateway, denied(2), failed=2))
        assert "objects  0.mov, 1.mov\n" in shown
        assert notes == ""
        assert grouped(job_with_no_failures(gateway))[0] == "-\n"


def job_with_no_failures(gateway: Api) -> str:
    gateway.call("POST", "/connectors", {"connectorId": "b", "bucketName": "bbb"})
    return str(gateway.call("POST", "/connectors/b/sync").json["jobId"])


def test_the_command_stops_after_many_pages_and_says_so(
    gateway: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrypoints.cli.remote.failure_causes._PAGE_COUNT_MAX", 1)
    job_id = job_with(gateway, denied(10_001), failed=10_001)
    with listening(gateway, monkeypatch):
        assert "the first 10,000 recorded failures" in grouped(job_id)[1]
