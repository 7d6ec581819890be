"""Pausing and resuming by the API and by the commands: one job, and the stage."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from api_calls import Api, Json, served
from api_server import listening
from typer.testing import CliRunner, Result

from application.execution.deadline import Deadline
from entrypoints import api
from entrypoints.cli.main import app
from entrypoints.http.event import read_request


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        gateway.world.buckets.create("media-prod")
        gateway.world.buckets.put("media-prod", "a.jpg", b"content")
        body = {"connectorId": "media", "bucketName": "media-prod"}
        assert gateway.call("POST", "/connectors", body).status == 201
        yield gateway


@pytest.fixture
def job_id(gateway: Api) -> str:
    return str(gateway.call("POST", "/connectors/media/sync").json["jobId"])


def hold(gateway: Api, job_id: str) -> Json | None:
    shown: Json | None = gateway.call("GET", f"/jobs/{job_id}").json["hold"]
    return shown


def advance(gateway: Api) -> list[str]:
    """Run the engine for its invocations; return them."""
    ports = gateway.world.ports
    taken = ports.invoker.take()

    async def run(_: object) -> None:
        for each in taken:
            await gateway.container.engine().advance(each, Deadline.after(ports.clock, 600))

    api.RUNTIME.run(run)
    return taken


@pytest.mark.parametrize("under", ["", "/connectors/media"])
class TestJob:
    def test_is_paused_and_resumed(self, gateway: Api, job_id: str, under: str) -> None:
        advance(gateway)
        path = f"{under}/jobs/{job_id}"
        assert hold(gateway, job_id) is None
        paused = gateway.call("POST", f"{path}/pause", {"reason": "the DAM is full"})
        assert (paused.status, paused.headers["Location"]) == (202, path)
        assert paused.json["hold"] == {
            "cause": "PAUSED",
            "since": paused.json["updatedAt"],
            "reason": "the DAM is full",
            "by": "arn:aws:iam::123456789012:user/operator",
        }
        assert paused.json["status"] == "PROCESSING"
        assert hold(gateway, job_id) == paused.json["hold"]
        listed = gateway.call("GET", f"{under}/jobs").json["items"]
        assert [job["hold"] for job in listed] == [paused.json["hold"]]
        resumed = gateway.call("POST", f"{path}/resume")
        assert (resumed.status, resumed.json["hold"]) == (202, None)
        assert advance(gateway) == [job_id]

    def test_needs_no_reason(self, gateway: Api, job_id: str, under: str) -> None:
        paused = gateway.call("POST", f"{under}/jobs/{job_id}/pause")
        assert paused.status == 202
        assert paused.json["hold"]["reason"] is None

    @pytest.mark.parametrize("body", [{"reason": ""}, {"reason": "x" * 201}, {"why": "x"}, []])
    def test_a_wrong_body(self, gateway: Api, job_id: str, under: str, body: object) -> None:
        refused = gateway.call("POST", f"{under}/jobs/{job_id}/pause", body)
        assert refused.status == 400
        assert hold(gateway, job_id) is None

    def test_that_has_ended_is_not_paused(self, gateway: Api, job_id: str, under: str) -> None:
        gateway.call("POST", f"/jobs/{job_id}/cancel")
        refused = gateway.call("POST", f"{under}/jobs/{job_id}/pause")
        assert (refused.status, refused.problem) == (409, "not-pausable")
        assert "is ending" in refused.json["detail"]
        assert gateway.call("POST", f"{under}/jobs/{job_id}/resume").status == 202

    def test_that_does_not_exist(self, gateway: Api, under: str) -> None:
        assert gateway.call("POST", f"{under}/jobs/job-x/pause").status == 404
        assert gateway.call("POST", f"{under}/jobs/job-x/resume").status == 404


def test_the_stage(gateway: Api, job_id: str) -> None:
    assert gateway.call("GET", "/stage").json == {"pause": None}
    paused = gateway.call("POST", "/stage/pause", {"reason": "quiet"})
    assert paused.status == 200
    assert paused.json["pause"]["reason"] == "quiet"
    assert gateway.call("GET", "/stage").json == paused.json
    assert hold(gateway, job_id) == {**paused.json["pause"], "cause": "STAGE_PAUSED"}
    gateway.world.ports.invoker.take()
    assert gateway.call("POST", "/stage/resume").json == {"pause": None}
    assert gateway.world.ports.invoker.take() == [job_id]
    assert hold(gateway, job_id) is None


ARN = "arn:aws:sts::123456789012:assumed-role/operators/jo"


@pytest.mark.parametrize(
    ("context", "caller"),
    [
        ({"authorizer": {"iam": {"userArn": ARN}}}, ARN),
        ({"authorizer": {"jwt": {"claims": {}}}}, None),
        ({"authorizer": None}, None),
        ({}, None),
    ],
)
def test_the_caller_of_format_2(context: Json, caller: str | None) -> None:
    event: Json = {
        "version": "2.0",
        "rawPath": "/stage/pause",
        "requestContext": {"http": {"method": "POST"}, **context},
    }
    assert read_request(event, "r").caller == caller


@pytest.mark.parametrize(
    ("identity", "caller"), [({"userArn": ARN}, ARN), ({"userArn": None}, None)]
)
def test_the_caller_of_format_1(identity: Json, caller: str | None) -> None:
    event: Json = {
        "resource": "/stage",
        "path": "/stage",
        "httpMethod": "GET",
        "requestContext": {"identity": identity},
    }
    assert read_request(event, "r").caller == caller


class TestCommands:
    @pytest.fixture(autouse=True)
    def listens(self, gateway: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with listening(gateway, monkeypatch):
            yield

    def run(self, *arguments: str, exit_code: int = 0) -> Result:
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == exit_code, done.output
        return done

    def test_a_job(self, gateway: Api, job_id: str) -> None:
        shown = self.run("pause", job_id, "--reason", "the DAM is full").stdout
        assert "paused since " in shown
        assert "the DAM is full" in shown
        assert hold(gateway, job_id) is not None
        assert "the DAM is full" in self.run("job", job_id).stdout
        document = json.loads(self.run("resume", job_id, "--output", "json").stdout)
        assert document["hold"] is None

    def test_all(self, gateway: Api, job_id: str) -> None:
        assert "the stage is paused since " in self.run("pause", "--all").stdout
        assert hold(gateway, job_id) is not None
        document = json.loads(self.run("pause", "--all", "-o", "json").stdout)
        assert document == gateway.call("GET", "/stage").json
        self.run("pause", job_id)
        resumed = self.run("resume", job_id).stdout
        assert "paused with all jobs since " in resumed
        assert "asset-sync resume --all" in resumed
        assert "not paused" in self.run("resume", "--all").stdout
        assert json.loads(self.run("resume", "--all", "-o", "json").stdout) == {"pause": None}
        assert hold(gateway, job_id) is None

    def test_either_a_job_or_all(self, job_id: str) -> None:
        for command in ("pause", "resume"):
            self.run(command, exit_code=2)
            self.run(command, job_id, "--all", exit_code=2)

    def test_what_cannot_be_paused(self, gateway: Api, job_id: str) -> None:
        gateway.call("POST", f"/jobs/{job_id}/cancel")
        assert "nothing to pause" in self.run("pause", job_id, exit_code=1).stderr

    def test_a_connector(self, gateway: Api, job_id: str) -> None:
        gateway.world.buckets.create("other")
        body = {"connectorId": "other", "bucketName": "other"}
        assert gateway.call("POST", "/connectors", body).status == 201
        others = str(gateway.call("POST", "/connectors/other/sync").json["jobId"])
        shown = self.run("connectors", "pause", "media", "--reason", "quiet").stdout
        assert shown.startswith("connector media is DISABLED\n")
        assert f"{job_id} paused since " in shown
        assert hold(gateway, others) is None
        refused = gateway.call("POST", "/connectors/media/sync")
        assert (refused.status, refused.problem) == (409, "connector-disabled")
        document = json.loads(self.run("connectors", "resume", "media", "-o", "json").stdout)
        assert document["connector"]["status"] == "ENABLED"
        assert [(job["jobId"], job["hold"]) for job in document["jobs"]] == [(job_id, None)]
        assert self.run("connectors", "resume", "media").stdout == "connector media is ENABLED\n"

    def test_a_connector_whose_job_is_ending(self, gateway: Api, job_id: str) -> None:
        gateway.call("POST", f"/jobs/{job_id}/cancel")
        assert gateway.call("GET", f"/jobs/{job_id}").json["status"] == "INITIALIZING"
        assert self.run("connectors", "pause", "media").stdout == "connector media is DISABLED\n"
