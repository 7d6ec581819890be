"""Errors, and what an operator can do about them, through the HTTP API alone."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from entrypoints.cli.local.request_counter import writes_to
from entrypoints.processor import UNKNOWN_JOB_ID

Json = dict[str, Any]

pytestmark = pytest.mark.slow

_POLL_S = 0.5


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Any:
    return start_system(
        {
            "object_count_max": 10,
            "window_object_count": 2,
            "windows_in_flight": 1,
            "calls_in_flight": 2,
            "ending_poll_s": _POLL_S,
            "retry_delay_s": 1,
        }
    )


def test_an_object_that_fails_is_listed_and_redriven_alone(system: Any) -> None:
    bucket = system.bucket("troubles-tags")
    full = {f"tag {number}": "value" for number in range(10)}
    for key in ("a b.jpg", "é%.jpg", "z+.jpg"):
        system.put(bucket, key, {"owner": "me"})
    system.put(bucket, "full +.jpg", full)
    system.api.connect(bucket)
    job_id = system.api.sync(bucket, discovery="batch")
    job = system.api.ended(job_id)
    system.idle()
    assert job["status"] == "COMPLETED_WITH_ERRORS"
    assert (job["statistics"]["put"], job["statistics"]["failed"]) == (3, 1)
    (error,) = system.api.items(f"/jobs/{job_id}/errors")
    assert (error["objectKey"], error["errorClass"]) == ("full +.jpg", "TagLimitExceeded")
    assert "Remove 3 and redrive" in error["message"]
    assert system.tags(bucket, "full +.jpg") == full

    kept = {name: full[name] for name in list(full)[:7]}
    system.s3.put_object_tagging(
        Bucket=bucket,
        Key="full +.jpg",
        Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in kept.items()]},
    )
    system.calls.take_kept()
    status, redriven = system.api("POST", f"/jobs/{job_id}/redrive")
    assert (status, redriven["status"]) == (202, "PROCESSING")
    job = system.api.ended(job_id)
    system.idle()
    touched = [
        params["Key"]
        for service, operation, params in system.calls.take_kept()
        if service == "s3" and params["Bucket"] == bucket and operation == "CopyObject"
    ]
    assert job["status"] == "COMPLETED"
    assert (job["statistics"]["put"], job["statistics"]["failed"]) == (4, 0)
    assert touched == ["full +.jpg"]
    assert system.tags(bucket, "full +.jpg").items() >= kept.items()
    assert system.api.items(f"/jobs/{job_id}/errors") == []
    assert sorted(o["key"] for o in system.outcomes(job_id)) == [
        "a b.jpg",
        "full +.jpg",
        "z+.jpg",
        "é%.jpg",
    ]
    status, problem = system.api("POST", f"/jobs/{job_id}/redrive")
    assert (status, problem["type"]) == (409, "/problems/not-redrivable")


def test_after_a_cancel_is_acknowledged_no_new_object_is_started(system: Any) -> None:
    bucket = system.bucket("troubles-cancel")
    keys = [f"{number:03d}.jpg" for number in range(60)]
    for key in keys:
        system.put(bucket, key)
    system.api.connect(bucket)
    reached, release = threading.Event(), threading.Event()

    def hold(operation: str, params: Mapping[str, Any]) -> None:
        if operation == "CopyObject" and params["Bucket"] == bucket:
            reached.set()
            assert release.wait(30)

    system.calls.take_kept()
    system.calls.gate = hold
    try:
        job_id = system.api.sync(bucket, discovery="direct")
        assert reached.wait(30)
        status, answer = system.api("POST", f"/jobs/{job_id}/cancel")
        assert (status, answer["statusReason"]) == (202, "cancelled by request")
        # Long enough for the workers to check the job before they start another object.
        time.sleep(_POLL_S)
    finally:
        release.set()
        system.calls.gate = lambda *_: None
    job = system.api.ended(job_id)
    copies = _copies(system, bucket)
    system.idle()
    assert job["status"] == "CANCELLED"
    # Four workers with two calls at once each: a few objects had been started already.
    assert 0 < len(copies) <= 16
    assert _copies(system, bucket) == []
    tagged = [key for key in keys if "SyncJobID" in system.tags(bucket, key)]
    assert sorted(tagged) == sorted(copies)
    assert job["statistics"]["put"] == len(tagged)
    assert sorted(o["key"] for o in system.outcomes(job_id)) == tagged
    chunks = system.api.items(f"/jobs/{job_id}/chunks")
    assert {chunk["status"] for chunk in chunks} <= {"CANCELLED", "COMPLETED"}
    # A job that has ended stays as it is.
    status, again = system.api("POST", f"/jobs/{job_id}/cancel")
    assert (status, again["status"]) == (202, "CANCELLED")
    # The next sync processes the rest.
    rest = system.api.ended(system.api.sync(bucket, discovery="direct"))
    assert rest["statistics"]["put"] + rest["statistics"]["skipped"] == len(keys)


def _copies(system: Any, bucket: str) -> list[str]:
    return [
        params["Key"]
        for _, operation, params in system.calls.take_kept()
        if operation == "CopyObject" and params["Bucket"] == bucket
    ]


@pytest.mark.parametrize("discovery", ["batch", "direct"])
def test_a_missing_bucket_fails_the_job_and_is_named(system: Any, discovery: str) -> None:
    bucket = f"troubles-missing-{discovery}"
    named = {"connectorId": bucket, "bucketName": bucket}
    assert system.api("POST", "/connectors", named)[0] == 400
    assert system.api("POST", "/connectors?check=false", named)[0] == 201
    job = system.api.ended(system.api.sync(bucket, discovery=discovery))
    assert job["status"] == "FAILED"
    assert bucket in job["statusReason"]
    (error,) = system.api.items(f"/jobs/{job['jobId']}/errors")
    assert (error["errorClass"], error["objectKey"]) == ("Misconfigured", None)
    system.idle()
    assert system.status().dropped == ()
    # The connector is free for the next sync.
    system.bucket(bucket)
    job = system.api.ended(system.api.sync(bucket, discovery=discovery))
    assert (job["status"], job["statistics"]["objectsListed"]) == ("COMPLETED", 0)


def test_a_dry_run_decides_and_writes_nothing(system: Any) -> None:
    bucket = system.bucket("troubles-dry")
    for key in ("a b.jpg", "é%.jpg"):
        system.put(bucket, key)
    system.api.connect(bucket)
    for discovery in ("batch", "direct"):
        system.calls.take()
        job = system.api.ended(system.api.sync(bucket, discovery=discovery, dryRun=True))
        calls = system.calls.take()
        assert (job["status"], job["dryRun"], job["statistics"]["put"]) == ("COMPLETED", True, 2)
        assert writes_to(calls, bucket) == 0
        assert calls["events", "PutEvents", ""] == 0
        assert {o["outcome"] for o in system.outcomes(job["jobId"])} == {"PUT"}
    assert system.tags(bucket, "a b.jpg") == {}


def test_an_overlapping_sync_is_refused_with_the_id_of_the_first(
    system: Any,
) -> None:
    bucket = system.bucket("troubles-overlap")
    system.put(bucket, "a")
    system.api.connect(bucket)
    release = threading.Event()
    system.calls.gate = lambda operation, params: (
        release.wait(30) and None
        if operation == "CopyObject" and params["Bucket"] == bucket
        else None
    )
    try:
        job_id = system.api.sync(bucket, discovery="direct")
        status, problem = system.api("POST", f"/connectors/{bucket}/sync", {})
        assert (status, problem["type"]) == (409, "/problems/overlapping-job")
        assert problem["jobId"] == job_id
    finally:
        release.set()
        system.calls.gate = lambda *_: None
    assert system.api.ended(job_id)["status"] == "COMPLETED"


def test_poison_messages_are_recorded_and_not_redelivered(system: Any) -> None:
    queue = system.environment["PROCESSOR_QUEUE_URL"]
    for body in ("not JSON", '{"jobId": "job-unknown", "chunkIndex": 3}'):
        system.sqs.send_message(QueueUrl=queue, MessageBody=body)
    system.idle()
    for job_id, part in ((UNKNOWN_JOB_ID, "Invalid JSON"), ("job-unknown", "chunk 3")):
        answer = system.dynamodb.query(
            TableName=system.environment["ERROR_TABLE_NAME"],
            KeyConditionExpression="jobId = :job",
            ExpressionAttributeValues={":job": {"S": job_id}},
        )
        (item,) = answer["Items"]
        assert part in item["message"]["S"]
        assert item["errorId"]["S"].startswith("message#")
    assert not any(system.status().queue_depths.values())
    assert system.status().dropped == ()
