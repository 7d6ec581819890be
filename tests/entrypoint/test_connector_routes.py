"""Editing, disabling and removing connectors, through the handler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from api_calls import Api, Json, served

from domain.connector import ConnectorStatus
from domain.job import JobStatus
from domain.outcome import Statistics
from domain.tally import Tally
from ports.errors import Conflict

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/ingest.fifo"
PATH = "/connectors/media"
SMALL = {"bucketName": "media-prod", "connectorId": "media"}
FULL = {
    **SMALL,
    "prefixes": ["a/"],
    "trigger": "queue",
    "ids": "assigned",
    "verify": "catalog",
    "restoreTags": False,
    "ingestQueueUrl": QUEUE,
    "fileFilter": {"mode": "deny", "extensions": ["mov"], "mimeTypes": []},
    "filters": {
        "include": [],
        "exclude": ["tmp/"],
        "minSizeBytes": 1,
        "maxSizeBytes": None,
        "modifiedSince": None,
        "modifiedBefore": None,
        "minAgeSeconds": 60,
        "storageClasses": [],
        "mediaTypes": ["video", "image"],
    },
    "expectedBucketOwner": "123456789012",
    "roleArn": "arn:aws:iam::123456789012:role/media",
}


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        gateway.world.buckets.create("media-prod")
        yield gateway


@pytest.fixture
def connector(gateway: Api) -> Json:
    return register(gateway)


def register(gateway: Api) -> Json:
    gateway.world.ports.clock.advance(1)
    answer = gateway.call(
        "POST", "/connectors", {"bucketName": "media-prod", "connectorId": "media"}
    )
    assert answer.status == 201, answer
    return answer.settings


def start(gateway: Api, **headers: str) -> str:
    answer = gateway.call("POST", f"{PATH}/sync", **headers)
    assert answer.status == 202, answer
    return str(answer.json["jobId"])


def end(gateway: Api, job_id: str, *, failed: int = 0) -> None:
    """End a job, with failures or without."""
    database = gateway.world.database
    job = database.jobs.find(job_id)
    assert job is not None
    status = JobStatus.COMPLETED_WITH_ERRORS if failed else JobStatus.COMPLETED
    done = replace(job, status=status, tally=Tally(statistics=Statistics(failed=failed)))
    database.jobs._rows[job_id] = replace(
        done, times=replace(done.times, ended_at=done.times.created_at)
    )


# --- reading and editing


def test_the_tag_of_a_connector_is_that_of_its_settings(gateway: Api) -> None:
    created = gateway.call(
        "POST", "/connectors", {"bucketName": "media-prod", "connectorId": "media"}
    )
    shown = gateway.call("GET", PATH)
    assert shown.headers["ETag"] == created.headers["ETag"]
    edited = gateway.call("PATCH", PATH, {"prefixes": ["a/"]})
    assert (edited.status, edited.json["prefixes"]) == (200, ["a/"])
    assert edited.headers["ETag"] != shown.headers["ETag"]
    again = gateway.call("GET", PATH)
    assert (again.headers["ETag"], again.json) == (edited.headers["ETag"], edited.settings)


@pytest.mark.parametrize("name", sorted(FULL.keys() - SMALL.keys()))
def test_an_edit_changes_what_it_names_and_null_takes_it_back(gateway: Api, name: str) -> None:
    before = gateway.call("POST", "/connectors", FULL).settings
    others: dict[str, Any] = {"trigger": "copy", "ids": "minted", "verify": "tags"}
    if name in others or name == "restoreTags":
        changed = others.get(name, True)
        edited = gateway.call("PATCH", PATH, {name: changed})
        assert edited.settings == {**before, name: changed}
        assert gateway.call("PATCH", PATH, {name: FULL[name]}).settings == before
        return
    also = {"trigger": "copy"} if name == "ingestQueueUrl" else {}
    edited = gateway.call("PATCH", PATH, {name: None, **also})
    assert edited.settings == {**before, name: [] if name == "prefixes" else None, **also}
    assert gateway.call("PATCH", PATH, {name: FULL[name], "trigger": "queue"}).settings == before


def test_an_edit_without_a_change_keeps_the_tag(gateway: Api, connector: Json) -> None:
    before = gateway.call("GET", PATH)
    for body in ({}, {"prefixes": [], "status": "ENABLED"}):
        after = gateway.call("PATCH", PATH, body)
        assert (after.status, after.settings) == (200, before.json)
        assert after.headers["ETag"] == before.headers["ETag"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"bucketName": "other"}, "bucketName"),
        ({"connectorId": "other"}, "connectorId"),
        ({"status": None}, "status"),
        ({"trigger": "queue"}, "ingestQueueUrl"),
        ({"prefixes": ["a/", "a/b/"]}, "prefixes.1"),
        ({"roleArn": "media"}, "roleArn"),
    ],
)
def test_an_invalid_edit_changes_nothing(
    gateway: Api, connector: Json, body: Json, path: str
) -> None:
    answer = gateway.call("PATCH", PATH, body)
    assert (answer.problem, [each["path"] for each in answer.json["errors"]]) == (
        "validation",
        [path],
    )
    assert gateway.call("GET", PATH).json == connector


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_stale_tag_changes_nothing(gateway: Api, connector: Json, method: str) -> None:
    tag = gateway.call("GET", PATH).headers["ETag"]
    edited = gateway.call("PATCH", PATH, {"prefixes": ["a/"]}, if_match=tag)
    assert edited.status == 200
    body = {"prefixes": ["b/"]} if method == "PATCH" else None
    for stale in (tag, f"W/{edited.headers['ETag']}", '""', f'{tag}, "x"'):
        answer = gateway.call(method, PATH, body, if_match=stale)
        assert answer.problem == "precondition-failed", stale
    assert gateway.call("GET", PATH).json == edited.settings
    for broken in ("", "x", '"', '"a" "b"', f'"{"x" * 2_000}"'):
        answer = gateway.call(method, PATH, body, if_match=broken)
        assert (answer.problem, answer.json["errors"][0]["path"]) == ("validation", "If-Match")
    for fresh in (f'"x", {edited.headers["ETag"]}', "*"):
        answer = gateway.call(method, PATH, body, if_match=fresh)
        assert answer.status < 300, fresh
        if method == "PATCH":
            edited = answer
        else:
            register(gateway)


def test_edits_of_others_at_the_same_time_are_kept(
    gateway: Api, connector: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = gateway.world.ports.connector_store
    save = store.save

    async def late(changed: Any) -> Any:
        """Let another caller write between the read and the write."""
        monkeypatch.setattr(store, "save", save)
        stored = await store.get("media")
        await save(replace(stored, status=ConnectorStatus.DISABLED))
        return await save(changed)

    monkeypatch.setattr(store, "save", late)
    edited = gateway.call("PATCH", PATH, {"prefixes": ["a/"]})
    assert edited.settings == {**connector, "status": "DISABLED", "prefixes": ["a/"]}

    monkeypatch.setattr(store, "save", late)
    tag = edited.headers["ETag"]
    gateway.call("PATCH", PATH, {"status": "ENABLED"})
    monkeypatch.setattr(store, "save", late)
    assert gateway.call("PATCH", PATH, {"prefixes": []}, if_match=tag).problem == (
        "precondition-failed"
    )


def test_an_edit_that_always_loses_is_a_conflict(
    gateway: Api, connector: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_: object) -> None:
        raise Conflict("lost")

    monkeypatch.setattr(gateway.world.ports.connector_store, "save", lost)
    monkeypatch.setattr(gateway.world.ports.connector_store, "remove", lost)
    assert gateway.call("PATCH", PATH, {"prefixes": ["a/"]}).problem == "conflict"
    assert gateway.call("DELETE", PATH).problem == "conflict"


def test_a_running_job_keeps_the_settings_that_it_began_with(gateway: Api, connector: Json) -> None:
    job_id = start(gateway)
    before = gateway.world.database.jobs.find(job_id)
    changes = {name: FULL[name] for name in FULL.keys() - SMALL.keys()}
    assert gateway.call("PATCH", PATH, changes).status == 200
    after = gateway.world.database.jobs.find(job_id)
    assert before is not None
    assert after is not None
    assert after.request == before.request


# --- disabled


def test_a_disabled_connector_starts_nothing_and_its_job_goes_on(
    gateway: Api, connector: Json
) -> None:
    done = start(gateway)
    end(gateway, done, failed=1)
    running = start(gateway)
    gateway.world.ports.invoker.take()
    assert gateway.call("PATCH", PATH, {"status": "DISABLED"}).json["status"] == "DISABLED"
    for path in (f"{PATH}/sync", f"/jobs/{done}/redrive"):
        refused = gateway.call("POST", path)
        assert refused.problem == "connector-disabled"
        assert "asset-sync connectors enable media" in refused.json["detail"]
    assert gateway.world.ports.invoker.take() == []
    assert gateway.call("GET", f"/jobs/{running}").json["status"] == "INITIALIZING"
    end(gateway, running)
    assert gateway.call("PATCH", PATH, {"status": "ENABLED"}).status == 200
    assert gateway.call("POST", f"/jobs/{done}/redrive").status == 202


# --- removed


def test_a_removed_connector_is_gone_and_its_history_stays(gateway: Api, connector: Json) -> None:
    job_id = start(gateway)
    end(gateway, job_id, failed=1)
    gateway.world.ports.invoker.take()
    removed = gateway.call("DELETE", PATH)
    assert (removed.status, removed.json) == (204, {})
    for method, path in (
        ("GET", PATH),
        ("PATCH", PATH),
        ("DELETE", PATH),
        ("POST", f"{PATH}/sync"),
    ):
        assert gateway.call(method, path, {}).problem == "not-found"
    assert gateway.call("GET", "/connectors").json["items"] == []
    for tail in ("", "/chunks", "/errors"):
        assert gateway.call("GET", f"/jobs/{job_id}{tail}").status == 200
    listed = gateway.call("GET", "/jobs", query={"connectorId": "media"}).json
    assert [job["jobId"] for job in listed["items"]] == [job_id]
    refused = gateway.call("POST", f"/jobs/{job_id}/redrive")
    assert refused.problem == "connector-removed"
    assert "start a sync" in refused.json["detail"]
    assert gateway.world.ports.invoker.take() == []


def test_a_connector_with_an_active_job_is_not_removed(gateway: Api, connector: Json) -> None:
    job_id = start(gateway)
    refused = gateway.call("DELETE", PATH)
    assert (refused.problem, refused.json["jobId"]) == ("connector-in-use", job_id)
    assert "cancel" in refused.json["detail"]
    assert gateway.call("GET", PATH).json == connector
    end(gateway, job_id)
    assert gateway.call("DELETE", PATH).status == 204


def test_an_id_that_is_used_again_is_another_connector(gateway: Api, connector: Json) -> None:
    tag = gateway.call("GET", PATH).headers["ETag"]
    job_id = start(gateway, idempotency_key="nightly")
    end(gateway, job_id, failed=1)
    assert gateway.call("DELETE", PATH).status == 204
    # The same request as before has the same answer, until there is another connector.
    replayed = gateway.call("POST", f"{PATH}/sync", idempotency_key="nightly")
    assert (replayed.status, replayed.json["jobId"]) == (202, job_id)
    register(gateway)
    assert gateway.call("GET", PATH).headers["ETag"] != tag
    assert gateway.call("DELETE", PATH, if_match=tag).problem == "precondition-failed"
    reused = gateway.call("POST", f"{PATH}/sync", idempotency_key="nightly")
    assert (reused.problem, reused.json["jobId"]) == ("idempotency-key-reused", job_id)
    assert gateway.call("POST", f"/jobs/{job_id}/redrive").problem == "connector-removed"
    # The history of both is listed by their id; each job shows which connector it was of.
    other = start(gateway)
    listed = gateway.call("GET", "/jobs", query={"connectorId": "media"}).json["items"]
    created = {job["jobId"]: job["connectorCreatedAt"] for job in listed}
    shown = gateway.call("GET", PATH).json["createdAt"]
    assert created == {other: shown, job_id: connector["createdAt"]}


@pytest.mark.parametrize("change", ["edit", "disable", "remove"])
def test_a_change_between_the_read_and_the_start(
    gateway: Api, connector: Json, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The job has the settings of the moment in which it is recorded, or there is no job."""
    ports = gateway.world.ports
    create = ports.jobs.create

    async def late(job: Any, **others: Any) -> Any:
        monkeypatch.setattr(ports.jobs, "create", create)
        stored = await ports.connector_store.get("media")
        if change == "edit":
            await ports.connector_store.save(replace(stored, prefixes=("a/",)))
        elif change == "disable":
            await ports.connector_store.save(replace(stored, status=ConnectorStatus.DISABLED))
        else:
            await ports.connector_store.remove(stored)
        return await create(job, **others)

    monkeypatch.setattr(ports.jobs, "create", late)
    answer = gateway.call("POST", f"{PATH}/sync")
    if change == "edit":
        assert (answer.status, answer.json["prefixes"]) == (202, ["a/"])
        return
    assert answer.problem == {"disable": "connector-disabled", "remove": "not-found"}[change]
    assert gateway.call("GET", "/jobs").json["items"] == []
