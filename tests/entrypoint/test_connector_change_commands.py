"""`asset-sync connectors show, edit, enable, disable, delete`, over an API in a thread."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from api_calls import Api, Json, served
from api_server import listening
from typer.testing import CliRunner, Result

from entrypoints.cli.main import app

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/ingest.fifo"


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway, listening(gateway, monkeypatch):
        gateway.world.buckets.create("media-prod")
        run("add", "media-prod", "--id", "media", "--prefix", "a/")
        yield gateway


def run(*arguments: str, exit_code: int = 0, typed: str | None = None) -> Result:
    done = CliRunner().invoke(app, ["connectors", *arguments], input=typed)
    assert done.exit_code == exit_code, done.output
    return done


def document(*arguments: str) -> Json:
    shown: Json = json.loads(run(*arguments, "--output", "json").stdout)
    return shown


def test_show() -> None:
    shown = document("show", "media")
    assert (shown["bucketName"], shown["prefixes"]) == ("media-prod", ["a/"])
    text = run("show", "media").stdout
    assert shown["eTag"] in text
    assert "a/" in text


def test_an_edit_changes_what_it_names() -> None:
    before = document("show", "media")
    options = ["--prefix", "b/", "--trigger", "queue", "--queue-url", QUEUE, "--no-restore-tags"]
    after = document("edit", "media", *options, "--deny", ".MOV", "--owner", "123456789012")
    assert after == {
        **before,
        "prefixes": ["b/"],
        "trigger": "queue",
        "ingestQueueUrl": QUEUE,
        "restoreTags": False,
        "fileFilter": {"mode": "deny", "extensions": ["mov"], "mimeTypes": []},
        "expectedBucketOwner": "123456789012",
        "eTag": after["eTag"],
    }
    assert after["eTag"] != before["eTag"]
    cleared = document("edit", "media", "--clear", "prefixes", "--clear", "fileFilter")
    assert (cleared["prefixes"], cleared["fileFilter"]) == ([], None)
    assert cleared["ingestQueueUrl"] == QUEUE


def test_the_depth_of_the_ingest_queue_is_limited() -> None:
    refused = run("edit", "media", "--queue-max", "10", exit_code=1)
    assert "needs ingestQueueUrl" in refused.stderr
    limited = document("edit", "media", "--queue-url", QUEUE, "--queue-max", "10")
    assert limited["ingestQueueMaxDepth"] == 10
    run("edit", "media", "--queue-max", "0", exit_code=2)
    assert document("show", "media")["ingestQueueMaxDepth"] == 10
    assert (
        document("edit", "media", "--clear", "ingestQueueMaxDepth")["ingestQueueMaxDepth"] is None
    )


def test_an_edit_needs_a_change_and_one_for_each_setting() -> None:
    before = document("show", "media")
    assert "name a setting" in run("edit", "media", exit_code=2).stderr
    run("edit", "media", "--prefix", "b/", "--clear", "prefixes", exit_code=2)
    run("edit", "media", "--allow", "mov", "--deny", "mxf", exit_code=2)
    assert "within" not in run("edit", "media", "--role", "x", exit_code=1).stdout
    assert document("show", "media") == before


def test_a_stale_tag_is_refused() -> None:
    tag = document("show", "media")["eTag"]
    document("edit", "media", "--prefix", "b/", "--if-match", tag)
    refused = run("edit", "media", "--prefix", "c/", "--if-match", tag, exit_code=1)
    assert "read it again" in refused.stderr
    run("delete", "media", "--yes", "--if-match", tag, exit_code=1)
    assert document("show", "media")["prefixes"] == ["b/"]


def test_disable_and_enable() -> None:
    assert document("disable", "media")["status"] == "DISABLED"
    refused = CliRunner().invoke(app, ["sync", "media"])
    assert refused.exit_code == 1
    assert "asset-sync connectors enable media" in refused.stderr
    assert document("enable", "media")["status"] == "ENABLED"
    assert CliRunner().invoke(app, ["sync", "media"]).exit_code == 0


def test_a_removal_asks_first() -> None:
    asked = run("delete", "media", typed="n\n", exit_code=1)
    assert "media-prod" in asked.stderr
    assert document("show", "media")["connectorId"] == "media"
    run("delete", "media", typed="y\n")
    run("show", "media", exit_code=1)
    run("delete", "media", typed="y\n", exit_code=1)


def test_a_removal_without_asking() -> None:
    assert document("delete", "media", "--yes") == {"connectorId": "media", "removed": True}
    run("show", "media", exit_code=1)
    missing = CliRunner().invoke(app, ["connectors", "delete", "media", "--yes", "-o", "json"])
    assert (missing.exit_code, json.loads(missing.stdout)["status"]) == (1, 404)


def test_a_connector_with_an_active_job_is_not_removed() -> None:
    assert CliRunner().invoke(app, ["sync", "media"]).exit_code == 0
    refused = run("delete", "media", "--yes", exit_code=1)
    assert "is active" in refused.stderr
    assert "cancel it" in refused.stderr


def test_filters_are_given_as_json() -> None:
    text = '{"mediaTypes": ["video"], "minSizeBytes": 1}'
    edited = document("edit", "media", "--filters", text)
    assert (edited["filters"]["mediaTypes"], edited["filters"]["minSizeBytes"]) == (["video"], 1)
    assert "video" in run("show", "media").stdout
    for broken in ("{", "[]", "video", "[" * 100_000):
        run("edit", "media", "--filters", broken, exit_code=2)
    run("edit", "media", "--filters", '{"mediaTypes": ["film"]}', exit_code=1)
    narrowed = CliRunner().invoke(app, ["sync", "media", "--filters", '{"mediaTypes": ["audio"]}'])
    assert (narrowed.exit_code, "filters.mediaTypes" in narrowed.stderr) == (1, True)
    assert document("edit", "media", "--clear", "filters")["filters"] is None
