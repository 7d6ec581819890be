"""Filters of the connector and of the sync, through whole jobs of both discoveries, and plans."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_calls import Api, Json, served

from application.execution.deadline import Deadline
from domain.discovery import Discovery
from entrypoints import api

PATH = "/connectors/media"


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        gateway.world.buckets.create("media-prod")
        for key, size in (("old.mov", 10), ("a.mov", 10), ("big.mov", 99), ("a.jpg", 10)):
            gateway.world.buckets.put("media-prod", key, b"x" * size)
            if key == "old.mov":
                gateway.world.ports.clock.advance(3_600)
        gateway.world.ports.clock.advance(60)
        ports = gateway.world.ports
        ports.surveyor.answer = gateway.container.survey_bucket().run
        filters = {"maxSizeBytes": 50, "minAgeSeconds": 60, "mediaTypes": ["video", "image"]}
        body = {"connectorId": "media", "bucketName": "media-prod", "filters": filters}
        assert gateway.call("POST", "/connectors", body).status == 201
        gateway.world.buckets.put("media-prod", "new.mov", b"x")
        yield gateway


def listed(gateway: Api, **sync: object) -> set[str]:
    """Return the keys that a sync lists."""
    answer = gateway.call("POST", f"{PATH}/sync", sync)
    assert answer.status == 202, answer
    job_id = answer.json["jobId"]
    ports = gateway.world.ports

    async def advance(_: object) -> None:
        await gateway.container.engine().advance(job_id, Deadline.after(ports.clock, 600))

    api.RUNTIME.run(advance)
    rows = [
        content.decode()
        for name, content in ports.results.files.items()
        if name.startswith(f"jobs/{job_id}/") and name.endswith(".csv")
    ]
    assert gateway.call("POST", f"/jobs/{job_id}/cancel").status == 202
    api.RUNTIME.run(advance)
    return {line.split(",")[1] for text in rows for line in text.splitlines()}


@pytest.mark.parametrize("discovery", [each.value for each in Discovery])
def test_a_sync_lists_what_its_connectors_filters_select(gateway: Api, discovery: str) -> None:
    assert listed(gateway, discovery=discovery) == {"old.mov", "a.mov", "a.jpg"}
    narrowed: Json = {"mediaTypes": ["video"], "maxSizeBytes": 1_000, "minAgeSeconds": 0}
    assert listed(gateway, discovery=discovery, filters=narrowed) == {"old.mov", "a.mov"}
    older: Json = {"minAgeSeconds": 1_800}
    assert listed(gateway, discovery=discovery, filters=older) == {"old.mov"}
    assert listed(gateway, discovery=discovery, include=["a.*"]) == {"a.mov", "a.jpg"}


def test_a_job_keeps_the_filters_that_it_began_with(gateway: Api) -> None:
    job_id = gateway.call("POST", f"{PATH}/sync").json["jobId"]
    assert gateway.call("PATCH", PATH, {"filters": None}).json["filters"] is None
    job = gateway.world.database.jobs.find(job_id)
    assert job is not None
    assert job.request.filters.size_max == 50


def test_a_plan_counts_what_a_sync_would_list(gateway: Api) -> None:
    plan = gateway.call("POST", f"{PATH}/plan", {"sampleSize": 0}).json
    assert (plan["listing"]["objects"], plan["listing"]["filtered"]) == (3, 2)
    narrowed = {"sampleSize": 0, "filters": {"mediaTypes": ["image"]}}
    plan = gateway.call("POST", f"{PATH}/plan", narrowed).json
    assert plan["listing"]["objects"] == 1


def test_filters_that_let_nothing_pass_are_refused(gateway: Api) -> None:
    refused = gateway.call("POST", f"{PATH}/sync", {"filters": {"minSizeBytes": 51}})
    assert [each["path"] for each in refused.json["errors"]] == ["filters.maxSizeBytes"]
    refused = gateway.call("PATCH", PATH, {"filters": {"minSizeBytes": 2, "maxSizeBytes": 1}})
    assert [each["path"] for each in refused.json["errors"]] == ["filters.maxSizeBytes"]
    invalid = (("storageClasses", ["ICE"]), ("mediaTypes", ["film"]), ("minSizeBytes", -1))
    for name, value in invalid:
        refused = gateway.call("POST", f"{PATH}/sync", {"filters": {name: value}})
        assert refused.problem == "validation", name


def test_the_same_key_with_other_filters_is_another_request(gateway: Api) -> None:
    first = gateway.call("POST", f"{PATH}/sync", idempotency_key="k")
    again = gateway.call("POST", f"{PATH}/sync", {"filters": {}}, idempotency_key="k")
    assert (first.status, again.json["jobId"]) == (202, first.json["jobId"])
    body = {"filters": {"minSizeBytes": 1}}
    assert gateway.call("POST", f"{PATH}/sync", body, idempotency_key="k").problem == (
        "idempotency-key-reused"
    )


def test_a_source_cannot_give_what_some_filters_need(gateway: Api) -> None:
    source = {"kind": "manifest", "bucketName": "media-prod", "key": "manifest.csv"}
    refused = gateway.call("POST", f"{PATH}/sync", {"source": source})
    assert [each["path"] for each in refused.json["errors"]] == ["source"]
    assert gateway.call("PATCH", PATH, {"filters": {"mediaTypes": ["video"]}}).status == 200
    own = {"source": source, "filters": {"minSizeBytes": 1}}
    assert gateway.call("POST", f"{PATH}/sync", own).problem == "validation"
    assert gateway.call("POST", f"{PATH}/sync", {"source": source}).status == 202
