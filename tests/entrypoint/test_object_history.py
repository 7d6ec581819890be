"""Everything that is known of one object: the route, the command, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from api_calls import Api, Json, served
from api_server import listening
from typer.testing import CliRunner, Result

from application.execution.deadline import Deadline
from entrypoints import api
from entrypoints.cli.main import app
from ports.errors import AccessDenied, Unavailable

BUCKET = "media-prod"
KEY = "a/é +%\n.jpg"
PATH = "/connectors/media/objects"


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        gateway.answer_looks()
        gateway.world.buckets.create(BUCKET)
        gateway.world.buckets.put(BUCKET, KEY, b"content", tags={"owner": "é"})
        gateway.world.buckets.put(BUCKET, "b", b"content")
        gateway.world.ports.clock.advance(5)
        body = {"connectorId": "media", "bucketName": BUCKET}
        gateway.call("POST", "/connectors", body, {"check": "false"})
        yield gateway


def work(gateway: Api) -> None:
    """Run what is due, until nothing is."""
    ports, container = gateway.world.ports, gateway.container

    def deadline() -> Deadline:
        return Deadline(ports.clock, ports.clock.now() + timedelta(minutes=10))

    async def use(_: Any) -> None:
        for _ in range(3):
            for job_id in ports.invoker.take():
                await container.engine().advance(job_id, deadline())
            for job_id in ports.invoker.take_compared():
                await container.compare_syncs().run(job_id, deadline())
            for message in ports.queue.receive():
                process = container.process_chunk().process
                await process(message.job_id, message.chunk_index, deadline())
            await container.sweep().run(deadline())

    api.RUNTIME.run(use)


def sync(gateway: Api, **body: Any) -> str:
    answer = gateway.call("POST", "/connectors/media/sync", body)
    assert answer.status == 202, answer
    return str(answer.json["jobId"])


def history(gateway: Api, **query: Any) -> Json:
    answer = gateway.call("GET", PATH, None, {"key": KEY, **query})
    assert answer.status == 200, answer
    return answer.json


def test_it_has_decision_tags_record_job_chunk_attempts_and_event(gateway: Api) -> None:
    first = sync(gateway)
    work(gateway)
    [event] = [e for e in gateway.world.ports.bus.events if e.object_key == KEY]
    gateway.world.ports.catalog.ingest(inventory_id=event.inventory_id, asset_id=event.asset_id)
    second = sync(gateway, dryRun=True)
    work(gateway)
    gateway.world.buckets.requests.clear()
    found = history(gateway)
    assert not {"CopyObject", "PutObjectTagging"} & set(gateway.world.buckets.requests)
    now = found["now"]
    assert (found["nowNotRead"], now["notRead"], now["exists"]) == (None, [], True)
    assert now["object"]["size"] == 7
    assert now["tags"]["owner"] == "é"
    assert now["tags"]["AssetID"] == event.asset_id
    assert [each["inventoryId"] for each in now["catalogRecords"]] == [event.inventory_id]
    assert (now["nextSync"]["outcome"], now["nextSync"]["reason"]) == ("SKIPPED", "ASSET_KNOWN")
    assert now["nextSync"]["rules"] == [
        "row 1 of the decision table: its AssetID is in the catalog"
    ]
    newest, oldest = found["jobs"]
    assert (newest["jobId"], newest["dryRun"], newest["eventId"]) == (second, True, None)
    assert (newest["sighting"], newest["outcome"]["outcome"]) == ("OUTCOME", "SKIPPED")
    assert (oldest["jobId"], oldest["status"]) == (first, "COMPLETED")
    assert (oldest["outcome"]["decision"], oldest["outcome"]["reason"]) == ("PUT", "NO_IDS")
    assert len(oldest["outcome"]["rules"]) == 2
    assert oldest["outcome"]["rules"][1] == ("row 13 of the decision table: its tags have no id")
    assert oldest["eventId"] == event.event_id
    assert oldest["outcome"]["tags"] == {"before": {"owner": "é"}, "after": now["tags"]}
    assert oldest["listed"]["size"] == 7
    [chunk] = oldest["chunks"]
    assert (chunk["status"], chunk["attemptCount"]) == ("COMPLETED", 1)


def test_an_object_that_is_gone_keeps_its_history(gateway: Api) -> None:
    sync(gateway)
    work(gateway)
    gateway.world.buckets.delete(BUCKET, KEY)
    found = history(gateway)
    assert found["now"]["exists"] is False
    assert (found["now"]["object"], found["now"]["tags"]) == (None, None)
    assert found["now"]["notRead"] == []
    assert found["jobs"][0]["outcome"]["outcome"] == "PUT"


def test_what_is_denied_is_named_with_the_reason(gateway: Api) -> None:
    gateway.world.buckets.denied.add((BUCKET, KEY))

    async def refuse(*_: Any) -> Any:
        raise AccessDenied("dynamodb:BatchGetItem")

    gateway.world.ports.catalog.look_up = refuse  # type: ignore[method-assign]
    now = history(gateway)["now"]
    assert now["exists"] is None
    reasons = {each["what"]: each["reason"] for each in now["notRead"]}
    assert reasons["catalog"] == "AccessDenied: dynamodb:BatchGetItem"
    assert reasons["object"].startswith("AccessDenied")
    assert reasons["tags"].startswith("AccessDenied")
    assert (now["tags"], now["catalogRecords"]) == (None, None)
    assert now["nextSync"] is None or now["nextSync"]["outcome"] == "FAILED"


def test_without_an_answer_of_the_other_function_the_jobs_are_shown(gateway: Api) -> None:
    sync(gateway)
    work(gateway)
    gateway.world.ports.surveyor.sight = None
    found = history(gateway)
    assert found["now"] is None
    assert found["nowNotRead"] == "Unavailable: no function answers looks"
    assert found["jobs"][0]["outcome"]["outcome"] == "PUT"


def test_each_job_says_what_it_can(gateway: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    other = sync(gateway, prefixes=["zzz/"])
    work(gateway)
    before = sync(gateway, exclude=["a/*"])
    work(gateway)
    failing = sync(gateway)
    work(gateway)
    explain = gateway.container.explain_object().explain

    async def fail(job_id: str, key: str) -> Any:
        if job_id == failing:
            raise Unavailable("S3 is down")
        return await explain(job_id, key)

    monkeypatch.setattr(gateway.container.explain_object(), "explain", fail)
    found = {each["jobId"]: each for each in history(gateway)["jobs"]}
    assert found[other]["sighting"] == "OUT_OF_SCOPE"
    assert found[before]["sighting"] == "NOT_IN_JOB"
    assert found[failing]["sighting"] == "NOT_READ"
    assert found[failing]["reason"] == "Unavailable: S3 is down"


def test_a_moved_object_is_followed_to_its_new_key(
    gateway: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sync_to_compare_with(gateway)
    gateway.world.buckets.delete(BUCKET, KEY)
    gateway.world.buckets.put(BUCKET, "a/new.jpg", b"content")
    moved = sync(gateway)
    work_with_comparison(gateway)
    newest, oldest = history(gateway)["jobs"]
    assert (newest["jobId"], newest["sighting"]) == (moved, "NOT_IN_JOB")
    removal = newest["removal"]
    assert (removal["state"], removal["newObjectKey"]) == ("MOVED", "a/new.jpg")
    assert (removal["lastSeenJobId"], oldest["jobId"]) == (first, first)
    assert (oldest["removal"], newest["reason"]) == (None, None)
    elsewhere = history(gateway, key="a/never.jpg")["jobs"]
    assert [each["removal"] for each in elsewhere] == [None, None]

    async def fail(*_: Any) -> Any:
        raise Unavailable("S3 is down")

    monkeypatch.setattr(gateway.container.removal_pages(), "find", fail)
    newest = history(gateway)["jobs"][0]
    assert (newest["sighting"], newest["removal"]) == ("NOT_IN_JOB", None)
    assert newest["reason"] == (
        "the report of removed objects cannot be read: Unavailable: S3 is down"
    )


def sync_to_compare_with(gateway: Api) -> str:
    """Have removals reported, with one sync to compare with; return that sync's id."""
    body = {"removals": {"maxShare": 1}}
    answer = gateway.call("PATCH", "/connectors/media", body, {"check": "false"})
    assert answer.status == 200, answer
    job_id = sync(gateway)
    work_with_comparison(gateway)
    return job_id


def work_with_comparison(gateway: Api) -> None:
    """Run what is due, with what the sweep begins after the end of a job."""
    for _ in range(4):
        work(gateway)
        gateway.world.ports.clock.advance(400)


def test_a_running_job_has_no_outcome_yet(gateway: Api) -> None:
    sync(gateway)
    [job] = history(gateway)["jobs"]
    assert (job["sighting"], job["outcome"]) == ("NO_OUTCOME", None)


def test_only_so_many_jobs_are_asked(gateway: Api) -> None:
    ids = []
    for _ in range(3):
        ids.append(sync(gateway))
        work(gateway)
    found = history(gateway, jobs=2)
    assert [each["jobId"] for each in found["jobs"]] == ids[:0:-1]
    assert found["moreJobs"]
    assert not history(gateway, jobs=3)["moreJobs"]
    assert gateway.call("GET", PATH, None, {"key": KEY, "jobs": 21}).status == 400


def test_a_removed_connector_still_has_its_jobs(gateway: Api) -> None:
    sync(gateway)
    work(gateway)
    assert gateway.call("DELETE", "/connectors/media").status == 204
    found = history(gateway)
    assert "removed" in found["nowNotRead"]
    assert found["jobs"][0]["outcome"]["outcome"] == "PUT"
    answer = gateway.call("GET", "/connectors/none/objects", None, {"key": KEY})
    assert (answer.status, answer.problem) == (404, "not-found")


# --- the command


@pytest.fixture
def command(gateway: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    sync(gateway)
    work(gateway)
    gateway.close()

    def run(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(app, ["explain", *arguments])
        assert result.exit_code == status, result.output
        return result

    with listening(gateway, monkeypatch):
        yield run


def test_the_command_finds_the_connector_and_shows_all(command: Any) -> None:
    text = command(f"s3://{BUCKET}/{KEY}").stdout
    for part in ("a/é +%\\n.jpg", "next sync", "row 13", "owner=é", "event", "tags after"):
        assert part in text
    found = json.loads(command(f"s3://{BUCKET}/{KEY}", "--output", "json").stdout)
    [known] = found["objects"]
    assert (known["objectKey"], known["jobs"][0]["outcome"]["outcome"]) == (KEY, "PUT")


def test_the_command_says_that_no_connector_has_the_object(command: Any) -> None:
    result = command("s3://other/b", status=1)
    assert "no connector has the key b of bucket other" in result.stderr
    assert "asset-sync connectors list" in result.stderr


@pytest.mark.parametrize("wrong", [["s3://media-prod"], ["s3://media-prod/"], ["s3://b/k", "k"]])
def test_the_command_refuses_what_is_no_object(command: Any, wrong: list[str]) -> None:
    assert "s3://bucket/key" in command(*wrong, status=2).stderr


def test_a_job_id_needs_a_key(command: Any) -> None:
    assert "a job id needs a key" in command("job-1", status=2).stderr
