"""Checks of buckets: the route, what a connector is saved with, and the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from api_calls import Answer, Api, Json, served
from api_server import listening
from typer.testing import CliRunner, Result

from entrypoints.cli.main import app
from ports.errors import PortError, Throttled

PATH = "/connectors/media"
BODY = {"connectorId": "media", "bucketName": "media-prod"}
OWNER = "111122223333"


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway:
        gateway.answer_checks()
        gateway.world.buckets.create("media-prod")
        gateway.world.buckets.put("media-prod", "a/1.jpg", b"content")
        yield gateway


@pytest.fixture
def bucket(gateway: Api) -> Any:
    return gateway.world.buckets.find("media-prod")


def register(gateway: Api, query: Json | None = None, **more: Any) -> Answer:
    return gateway.call("POST", "/connectors", {**BODY, **more}, query)


def check(gateway: Api) -> Json:
    answer = gateway.call("POST", f"{PATH}/check")
    assert answer.status == 200, answer
    return answer.json


def results(report: Json) -> dict[str, str]:
    return {each["action"]: each["result"] for each in report["permissions"]}


# --- the report


def test_a_bucket_that_is_ready(gateway: Api, bucket: Any) -> None:
    bucket.event_bridge = True
    register(gateway, expectedBucketOwner=OWNER)
    report = check(gateway)
    read = ("ListBucket", "GetBucketVersioning", "GetBucketObjectLockConfiguration")
    read += ("GetEncryptionConfiguration", "GetBucketNotification", "GetBucketRequestPayment")
    read += ("GetObjectTagging", "GetObject")
    assert results(report) == {
        **{f"s3:{name}": "allowed" for name in read},
        "s3:PutObjectTagging": "not probed",
        "s3:PutObject": "not probed",
    }
    assert report["settings"] == {
        "region": "us-east-1",
        "versioning": "Off",
        "objectLock": "Off",
        "encryption": "AES256",
        "notifications": "EventBridge",
    }
    assert (report["exists"], report["ready"], report["ownerConfirmed"]) == (True, True, True)
    assert (report["warnings"], report["missingStatement"]) == ([], None)


def test_a_check_writes_nothing(gateway: Api) -> None:
    register(gateway)
    before = dict(gateway.world.buckets.find("media-prod").versions)  # type: ignore[union-attr]
    gateway.world.buckets.requests.clear()
    check(gateway)
    assert dict(gateway.world.buckets.find("media-prod").versions) == before  # type: ignore[union-attr]
    written = {"CopyObject", "PutObjectTagging", "CreateMultipartUpload"}
    assert written.isdisjoint(gateway.world.buckets.requests)


def test_warnings_of_the_configuration(gateway: Api, bucket: Any) -> None:
    register(gateway)
    bucket.versioned = bucket.default_retention = True
    bucket.encryption = "aws:kms arn:aws:kms:us-east-1:111122223333:key/k"
    versioned, silent, retention, kms = check(gateway)["warnings"]
    assert "noncurrent" in versioned
    assert "EventBridge" in silent
    assert "default retention" in retention
    assert "kms:Decrypt" in kms
    gateway.call("PATCH", PATH, {"trigger": "event"})
    report = check(gateway)
    assert report["warnings"] == []
    assert "s3:PutObject" not in results(report)
    bucket.requester_pays = True
    assert "Requester Pays" in check(gateway)["warnings"][0]


def test_without_an_object_what_is_read_of_objects_is_not_probed(gateway: Api) -> None:
    register(gateway, prefixes=["b/"])
    report = check(gateway)
    assert results(report)["s3:GetObject"] == "not probed"
    assert results(report)["s3:ListBucket"] == "allowed"
    assert report["ready"]


def test_denied_reads_of_an_object_are_named_with_the_statement(gateway: Api) -> None:
    register(gateway)
    gateway.world.buckets.denied.add(("media-prod", "a/1.jpg"))
    report = check(gateway)
    assert results(report)["s3:GetObjectTagging"] == results(report)["s3:GetObject"] == "denied"
    assert report["missingStatement"] == {
        "Sid": "AssetSync",
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectTagging"],
        "Resource": ["arn:aws:s3:::media-prod/*"],
    }
    assert not report["ready"]


def test_a_bucket_of_which_all_is_denied(gateway: Api) -> None:
    register(gateway, roleArn="arn:aws-cn:iam::111122223333:role/media")
    gateway.world.buckets.denied.add("media-prod")
    report = check(gateway)
    assert (report["exists"], report["ready"], report["ownerConfirmed"]) == (None, False, None)
    statement = report["missingStatement"]
    assert "s3:ListBucket" in statement["Action"]
    assert "s3:GetBucketNotification" in statement["Action"]
    assert statement["Resource"] == ["arn:aws-cn:s3:::media-prod"]
    [listing] = [each for each in report["permissions"] if each["action"] == "s3:ListBucket"]
    assert "no permission" in listing["detail"]


def test_another_owner_is_not_confirmed(gateway: Api) -> None:
    register(gateway, expectedBucketOwner="999999999999")
    report = check(gateway)
    assert (report["ownerConfirmed"], report["ready"]) == (None, False)


def test_a_bucket_that_is_gone(gateway: Api) -> None:
    register(gateway)
    del gateway.world.buckets._buckets["media-prod"]
    report = check(gateway)
    assert (report["exists"], report["ready"], report["permissions"]) == (False, False, [])


@pytest.mark.parametrize("error", [Throttled("slow down"), None])
def test_a_check_that_cannot_be_made_may_be_repeated(gateway: Api, error: PortError | None) -> None:
    register(gateway)

    async def fail(_: object) -> Any:
        raise error or Throttled("")

    gateway.world.ports.surveyor.report = fail if error else None
    assert gateway.call("POST", f"{PATH}/check").problem == "unavailable"


def test_a_check_of_no_connector(gateway: Api) -> None:
    assert gateway.call("POST", f"{PATH}/check").problem == "not-found"


# --- when a connector is saved


def test_a_typing_error_in_the_bucket_is_not_saved(gateway: Api) -> None:
    refused = register(gateway, bucketName="media-pord")
    assert refused.problem == "validation"
    assert [each["path"] for each in refused.json["errors"]] == ["bucketName"]
    assert "does not exist: media-pord" in refused.json["detail"]
    assert gateway.call("GET", PATH).problem == "not-found"
    unseen = register(gateway, {"check": "false"}, bucketName="media-pord")
    assert (unseen.status, unseen.json["check"]) == (201, None)
    for value in ("no", "", "1"):
        answer = register(gateway, {"check": value})
        assert (answer.problem, answer.json["errors"][0]["path"]) == ("validation", "check")


def test_missing_permissions_are_saved_with_the_statement(gateway: Api) -> None:
    gateway.world.buckets.denied.add("media-prod")
    saved = register(gateway)
    assert (saved.status, saved.json["check"]["ready"]) == (201, False)
    assert "s3:ListBucket" in saved.json["check"]["missingStatement"]["Action"]
    assert gateway.call("GET", PATH).json == saved.settings


def test_an_edit_checks_what_concerns_the_bucket(gateway: Api) -> None:
    register(gateway)
    assert gateway.call("PATCH", PATH, {"prefixes": ["a/"]}).json["check"]["ready"]
    assert gateway.call("PATCH", PATH, {"expectedBucketOwner": OWNER}).json["check"]["ready"]
    gateway.world.buckets.requests.clear()
    for change in ({"status": "DISABLED"}, {"restoreTags": False}, {"prefixes": ["a/"]}):
        assert gateway.call("PATCH", PATH, change).json["check"] is None
    unseen = gateway.call("PATCH", PATH, {"prefixes": []}, {"check": "false"})
    assert unseen.json["check"] is None
    assert not gateway.world.buckets.requests


def test_a_bucket_that_is_gone_cannot_be_edited_and_can_be_disabled(gateway: Api) -> None:
    register(gateway)
    del gateway.world.buckets._buckets["media-prod"]
    assert gateway.call("PATCH", PATH, {"prefixes": ["a/"]}).problem == "validation"
    assert gateway.call("PATCH", PATH, {"status": "DISABLED"}).status == 200


def test_a_check_that_cannot_be_made_does_not_keep_a_connector_from_being_saved(
    gateway: Api,
) -> None:
    gateway.world.ports.surveyor.report = None
    saved = register(gateway)
    assert saved.status == 201
    assert (saved.json["check"]["exists"], saved.json["check"]["ready"]) == (None, False)
    assert "asset-sync connectors check media" in saved.json["check"]["warnings"][0]


# --- the command


@pytest.fixture
def command(gateway: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["connectors", *arguments])

    with listening(gateway, monkeypatch):
        yield run


def test_the_command_shows_what_is_missing(gateway: Api, command: Any) -> None:
    assert command("add", "media-prod", "--id", "media").exit_code == 0
    done = command("check", "media")
    assert done.exit_code == 0
    assert "us-east-1" in done.stdout
    assert "not probed" in done.stdout
    assert done.stdout.endswith("ready: a sync has what it needs\n")
    gateway.world.buckets.denied.add("media-prod")
    denied = command("check", "media")
    assert denied.exit_code == 1
    assert '"s3:ListBucket"' in denied.stdout
    assert "ready" not in denied.stdout
    document = command("check", "media", "--output", "json")
    assert (document.exit_code, json.loads(document.stdout)["ready"]) == (1, False)


def test_adding_and_editing_show_warnings(gateway: Api, command: Any) -> None:
    gateway.world.buckets.denied.add("media-prod")
    added = command("add", "media-prod", "--id", "media")
    assert added.exit_code == 0
    assert "denied: s3:ListBucket" in added.stderr
    edited = command("edit", "media", "--prefix", "a/")
    assert '"Sid": "AssetSync"' in edited.stderr
    unseen = command("edit", "media", "--prefix", "b/", "--no-check")
    assert (unseen.exit_code, unseen.stderr) == (0, "")
    refused = command("add", "media-pord")
    assert (refused.exit_code, "does not exist" in refused.stderr) == (1, True)
    assert command("add", "media-pord", "--no-check").exit_code == 0
