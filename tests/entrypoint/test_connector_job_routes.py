"""Jobs under their connector: the same answers, and nothing of the jobs of another connector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from api_calls import Api, Json, served

from application.execution.deadline import Deadline
from domain.job import JobStatus
from domain.outcome import Statistics
from domain.removal_work import RemovalCounts, RemovalStatus, RemovalWork
from domain.tally import Tally
from entrypoints import api
from entrypoints.http.routes import ROUTES

JOBS = "/connectors/media/jobs"


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        for name in ("media", "media-2"):
            gateway.world.buckets.create(f"{name}-prod")
            gateway.world.buckets.put(f"{name}-prod", "a.jpg", b"content")
            body = {"connectorId": name, "bucketName": f"{name}-prod"}
            assert gateway.call("POST", "/connectors", body).status == 201
        yield gateway


def start(gateway: Api, connector_id: str = "media") -> str:
    """Start a sync whose bucket is listed and split."""
    job = gateway.call("POST", f"/connectors/{connector_id}/sync").json
    ports = gateway.world.ports

    async def advance(_: object) -> None:
        deadline = Deadline.after(ports.clock, 600)
        await gateway.container.engine().advance(job["jobId"], deadline)

    api.RUNTIME.run(advance)
    return str(job["jobId"])


def end_with_errors(gateway: Api, job_id: str) -> None:
    database = gateway.world.database
    job = database.jobs.find(job_id)
    assert job is not None
    tally = Tally(chunks_total=1, chunks_completed=1, statistics=Statistics(failed=1))
    done = replace(job, status=JobStatus.COMPLETED_WITH_ERRORS, tally=tally)
    database.jobs._rows[job_id] = done


def stop_removals(gateway: Api, job_id: str) -> None:
    """Let the guard have stopped the job's removals."""
    end_with_errors(gateway, job_id)
    database = gateway.world.database
    job = database.jobs.find(job_id)
    assert job is not None
    stopped = RemovalWork(status=RemovalStatus.STOPPED, counts=RemovalCounts(missing=3))
    database.jobs._rows[job_id] = replace(job, removals=stopped)


def tails() -> list[tuple[str, str]]:
    """The method and the end of every route of a job."""
    start = "/jobs/{jobId}"
    return [
        (each.method, each.path.removeprefix(start))
        for each in ROUTES
        if each.path.startswith(start)
    ]


def query_of(tail: str) -> Json:
    queries: dict[str, Json] = {"/objects": {"key": "a.jpg"}, "/outcomes": {"outcome": "PUT"}}
    return queries.get(tail, {})


def body_of(tail: str) -> Json | None:
    return {"missing": 3} if tail == "/removals/confirm" else None


def test_every_route_of_a_job_is_served_under_its_connector() -> None:
    there = {(each.method, each.path) for each in ROUTES}
    assert len(tails()) >= 7
    for method, tail in tails():
        assert (method, f"/connectors/{{connectorId}}/jobs/{{jobId}}{tail}") in there


@pytest.mark.parametrize(("method", "tail"), tails())
def test_the_answer_is_that_of_the_job(gateway: Api, method: str, tail: str) -> None:
    job_id = start(gateway)
    of_ended = (("POST", "/redrive"), ("POST", "/orphans"), ("GET", "/orphans/plan"))
    if (method, tail) in of_ended:
        end_with_errors(gateway, job_id)
    if tail == "/removals/confirm":
        stop_removals(gateway, job_id)
    nested = gateway.call(method, f"{JOBS}/{job_id}{tail}", body_of(tail), query=query_of(tail))
    assert nested.status < 300
    if method == "GET":
        flat = gateway.call(method, f"/jobs/{job_id}{tail}", query=query_of(tail))
        assert nested.json == flat.json
    else:
        assert nested.json["jobId"] == job_id
        assert nested.headers["Location"] == f"{JOBS}/{job_id}"


@pytest.mark.parametrize(("method", "tail"), tails())
def test_a_job_of_another_connector_is_not_found(gateway: Api, method: str, tail: str) -> None:
    other = start(gateway, "media-2")
    end_with_errors(gateway, other)
    before = gateway.world.database.jobs.find(other)
    shown = []
    for job_id in (other, "job-none"):
        answer = gateway.call(method, f"{JOBS}/{job_id}{tail}", body_of(tail), query=query_of(tail))
        assert answer.problem == "not-found"
        shown.append(answer.json["detail"].replace(job_id, "JOB"))
    # Whether the other connector has it is not shown.
    assert shown[0] == shown[1]
    assert gateway.world.database.jobs.find(other) is before


def test_the_list_has_the_jobs_of_the_connector(gateway: Api) -> None:
    mine, other = start(gateway), start(gateway, "media-2")
    listed = gateway.call("GET", JOBS).json["items"]
    assert [job["jobId"] for job in listed] == [mine]
    listed = gateway.call("GET", "/connectors/media-2/jobs", query={"limit": 1}).json["items"]
    assert [job["jobId"] for job in listed] == [other]
    status = {"status": "FAILED"}
    assert gateway.call("GET", JOBS, query=status).json["items"] == []
    refused = gateway.call("GET", JOBS, query={"connectorId": "media-2"})
    assert refused.problem == "validation"


def test_the_history_of_a_removed_connector_is_read_under_its_id(gateway: Api) -> None:
    job_id = start(gateway)
    end_with_errors(gateway, job_id)
    assert gateway.call("DELETE", "/connectors/media").status == 204
    assert [job["jobId"] for job in gateway.call("GET", JOBS).json["items"]] == [job_id]
    for method, tail in tails():
        if method == "GET":
            answer = gateway.call(method, f"{JOBS}/{job_id}{tail}", query=query_of(tail))
            assert answer.status == 200, tail
