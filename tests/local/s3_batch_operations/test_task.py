"""The request for one task in both schema versions, and every kind of response."""

import json
from typing import Any
from urllib.parse import unquote_plus

import pytest

from adapters.local_aws.s3_batch_operations import InvokeResult
from adapters.local_aws.s3_batch_operations.job_spec import LambdaInvoke
from adapters.local_aws.s3_batch_operations.manifest import ManifestRow
from adapters.local_aws.s3_batch_operations.task import (
    TaskOutcome,
    task_id,
    task_outcome,
    task_payload,
)

ROW = ManifestRow(3, "photos", "a%20b", "a b+c%/é.jpg", None)
INVALID = TaskOutcome(200, "PermanentFailure", "Invalid JSON returned in Lambda payload")


def operation(version: str, **arguments: str) -> LambdaInvoke:
    return LambdaInvoke(function_arn="f", schema_version=version, user_arguments=arguments)


def outcome(answer: Any) -> TaskOutcome:
    payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return task_outcome(InvokeResult(200, None, payload), "2.0", "t")


def answer(*results: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"invocationSchemaVersion": "2.0", "results": list(results), **members}


def test_schema_1_0_names_the_bucket_by_arn_and_has_no_arguments() -> None:
    event = json.loads(task_payload("job", "inv", operation("1.0"), ROW))
    assert event == {
        "invocationSchemaVersion": "1.0",
        "invocationId": "inv",
        "job": {"id": "job"},
        "tasks": [
            {
                "taskId": task_id("job", ROW),
                "s3Key": "a+b%2Bc%25/%C3%A9.jpg",
                "s3VersionId": None,
                "s3BucketArn": "arn:aws:s3:::photos",
            }
        ],
    }


def test_schema_2_0_names_the_bucket_and_carries_arguments() -> None:
    event = json.loads(task_payload("job", "inv", operation("2.0", run="7"), ROW))
    assert event["job"] == {"id": "job", "userArguments": {"run": "7"}}
    assert event["tasks"][0]["s3Bucket"] == "photos"
    assert "s3BucketArn" not in event["tasks"][0]


@pytest.mark.parametrize("key", ["a b", "a+b", "100%", "é/ü", 'q"u,o', "tab\there", "~*()'!"])
def test_keys_travel_in_form_style(key: str) -> None:
    row = ManifestRow(1, "photos", "ignored", key, "null")
    (task,) = json.loads(task_payload("job", "inv", operation("2.0"), row))["tasks"]
    assert " " not in task["s3Key"]
    assert unquote_plus(task["s3Key"], encoding="utf-8") == key
    assert task["s3VersionId"] == "null"


def test_task_ids_differ_by_row_and_job() -> None:
    other_row = ManifestRow(4, *("photos", "a", "a", None))
    assert len({task_id("job", ROW), task_id("job", other_row), task_id("job2", ROW)}) == 3


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Succeeded", TaskOutcome(200, "", "m")),
        ("TemporaryFailure", TaskOutcome(200, "TemporaryFailure", "m")),
        ("PermanentFailure", TaskOutcome(200, "PermanentFailure", "m")),
    ],
)
def test_result_codes(code: str, expected: TaskOutcome) -> None:
    found = outcome(answer({"taskId": "t", "resultCode": code, "resultString": "m"}))
    assert found == expected
    assert found.succeeded is (code == "Succeeded")
    assert found.redrivable is (code == "TemporaryFailure")


def test_result_string_may_be_absent_or_null() -> None:
    result = {"taskId": "t", "resultCode": "Succeeded"}
    assert outcome(answer(result)).message == ""
    assert outcome(answer({**result, "resultString": None})).message == ""


def test_a_missing_result_is_a_temporary_failure_by_default() -> None:
    other = {"taskId": "another", "resultCode": "Succeeded"}
    assert outcome(answer(other)).error_code == "TemporaryFailure"
    assert outcome(answer(treatMissingKeysAs="PermanentFailure")).error_code == "PermanentFailure"
    assert outcome(answer(treatMissingKeysAs="Succeeded")).succeeded


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"not json",
        b"\xff",
        b"null",
        b"[]",
        {"results": []},
        {"invocationSchemaVersion": "1.0", "results": []},
        {"invocationSchemaVersion": "2.0"},
        answer({"taskId": "t"}),
        answer({"resultCode": "Succeeded"}),
        answer({"taskId": "t", "resultCode": "succeeded"}),
        answer({"taskId": "t", "resultCode": "Succeeded", "resultString": {"a": 1}}),
        answer(treatMissingKeysAs="Whatever"),
    ],
)
def test_an_answer_outside_the_schema_is_invalid_json(broken: Any) -> None:
    assert outcome(broken) == INVALID


def test_a_function_error_is_permanent_and_quoted() -> None:
    payload = b'{"errorMessage":"Task timed out after 3.00 seconds"}'
    found = task_outcome(InvokeResult(200, "Unhandled", payload), "2.0", "t")
    assert found == TaskOutcome(
        200, "PermanentFailure", f"Lambda returned function error: {payload.decode()}"
    )


@pytest.mark.parametrize(
    ("status", "later"), [(429, True), (503, True), (404, False), (403, False)]
)
def test_a_retryable_error_of_lambda_is_temporary(status: int, later: bool) -> None:
    found = task_outcome(InvokeResult(status, None, b"no"), "2.0", "t")
    assert (found.http_status, found.message, found.redrivable) == (status, "no", later)
    assert not found.succeeded
