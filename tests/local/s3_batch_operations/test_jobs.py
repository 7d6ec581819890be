"""Jobs from creation to report, over HTTP, with a real SDK and a real S3 protocol."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from adapters.local_aws.s3_batch_operations import InvokeResult

ACCOUNT_ID = "123456789012"
ODD_KEYS = [
    "plain.jpg",
    "a b.jpg",
    "a+b.jpg",
    "100%.jpg",
    "pct%20literal",
    "é/ü/日本.jpg",
    'quote"comma,.jpg',
    "tab\there",
    "~*()'!&=?#",
    " lead and trail ",
    "/leading//double/",
    "😀",
]


def manifest(*keys: str) -> str:
    return "".join(f"photos,{quote(key, safe='/')}\n" for key in keys)


def numbered(count: int) -> str:
    return manifest(*(f"k{number}" for number in range(count)))


async def test_a_job_runs_every_row_once_and_reports_it(rig: Any) -> None:
    job = await rig.run(numbered(50))
    assert job["Status"] == "Complete"
    assert job["ProgressSummary"]["TotalNumberOfTasks"] == 50
    assert job["ProgressSummary"]["NumberOfTasksSucceeded"] == 50
    assert job["ProgressSummary"]["NumberOfTasksFailed"] == 0
    assert job["ProgressSummary"]["Timers"]["ElapsedTimeInActiveSeconds"] >= 0
    assert job["FailureReasons"] == []
    assert job["TerminationDate"] >= job["CreationTime"]
    assert job["JobArn"] == f"arn:aws:s3:us-east-1:{ACCOUNT_ID}:job/{job['JobId']}"
    assert sorted(rig.function.keys) == sorted(f"k{number}" for number in range(50))
    assert sorted(row[1] for row in rig.report(job["JobId"]).rows) == sorted(rig.function.keys)


async def test_tasks_run_out_of_order_and_within_the_bound(start_rig: Any) -> None:
    rig = await start_rig(task_concurrency=3)
    rig.function.gate = asyncio.Event()
    job_id = await rig.create(numbered(100))
    await rig.until(lambda: rig.function.in_flight == 3)
    rig.function.gate.set()
    await rig.wait_for(job_id)
    assert rig.function.in_flight_max == 3
    assert rig.function.keys != [f"k{number}" for number in range(100)]


async def test_keys_survive_from_manifest_to_payload_to_report(
    rig: Any, decode_report_key: Callable[[str], str]
) -> None:
    job = await rig.run(manifest(*ODD_KEYS))
    assert sorted(rig.function.keys) == sorted(ODD_KEYS)
    echoed = [row[1] for row in rig.report(job["JobId"]).rows]
    assert sorted(echoed) == sorted(quote(key, safe="/") for key in ODD_KEYS)
    assert sorted(map(decode_report_key, echoed)) == sorted(ODD_KEYS)
    sent = {event["tasks"][0]["s3Key"] for event in rig.function.events}
    assert {"a+b.jpg", "a%2Bb.jpg", "100%25.jpg"} <= sent


async def test_schema_1_0_payload_over_http(rig: Any) -> None:
    operation = {
        "LambdaInvoke": {
            "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:discovery:7"
        }
    }
    await rig.run(manifest("a"), Operation=operation)
    (event,) = rig.function.events
    assert event["invocationSchemaVersion"] == "1.0"
    assert event["job"].keys() == {"id"}
    assert event["tasks"][0]["s3BucketArn"] == "arn:aws:s3:::photos"


async def test_user_arguments_reach_the_function(rig: Any) -> None:
    await rig.run(manifest("a"))
    assert rig.function.events[0]["job"]["userArguments"] == {"runId": "7 & 8"}


async def test_complete_does_not_mean_success(rig: Any) -> None:
    rig.function.respond = lambda task: {"resultCode": "PermanentFailure", "resultString": "no"}
    job = await rig.run(numbered(20))
    assert job["Status"] == "Complete"
    assert job["ProgressSummary"]["NumberOfTasksFailed"] == 20
    assert job["FailureReasons"] == []
    assert {
        entry["TaskExecutionStatus"] for entry in rig.report(job["JobId"]).manifest["Results"]
    } == {"failed"}


async def test_mixed_results_go_to_two_files(rig: Any) -> None:
    answers: dict[str, Any] = {
        "ok": {"resultCode": "Succeeded", "resultString": '{"tags":{}}'},
        "gone": {"resultCode": "PermanentFailure", "resultString": "gone"},
        "crash": InvokeResult(200, "Unhandled", b'{"errorMessage":"boom"}'),
        "junk": InvokeResult(200, None, b"junk"),
    }
    rig.function.respond = lambda task: answers[task["s3Key"]]
    job = await rig.run(manifest(*answers))
    report = rig.report(job["JobId"])
    assert sorted(report.rows) == sorted(
        [
            ["photos", "ok", "", "succeeded", "200", "", '{"tags":{}}'],
            ["photos", "gone", "", "failed", "200", "PermanentFailure", "gone"],
            [
                "photos",
                "crash",
                "",
                "failed",
                "200",
                "PermanentFailure",
                'Lambda returned function error: {"errorMessage":"boom"}',
            ],
            [
                "photos",
                "junk",
                "",
                "failed",
                "200",
                "PermanentFailure",
                "Invalid JSON returned in Lambda payload",
            ],
        ]
    )
    assert len(report.raw["succeeded"]) == len(report.raw["failed"]) == 1


async def test_more_than_half_of_a_thousand_failing_fails_the_job(rig: Any) -> None:
    rig.function.respond = lambda task: {"resultCode": "PermanentFailure", "resultString": "no"}
    job = await rig.run(numbered(1_500))
    ran = job["ProgressSummary"]["NumberOfTasksFailed"]
    assert job["Status"] == "Failed"
    assert 1_000 <= ran < 1_000 + 16
    assert len(rig.function.events) == ran
    assert len(job["FailureReasons"]) == 1
    assert rig.statuses(job["JobId"])[-3:] == ["Active", "Failing", "Failed"]
    assert len(rig.report(job["JobId"]).rows) == ran


async def test_exactly_half_failing_is_not_too_many(start_rig: Any) -> None:
    rig = await start_rig(threshold_tasks_min=10, task_concurrency=1, shuffle_rows=1)
    rig.function.respond = lambda task: {
        "resultCode": "PermanentFailure" if int(task["s3Key"][1:]) % 2 else "Succeeded"
    }
    job = await rig.run(numbered(40))
    assert job["Status"] == "Complete"
    assert job["ProgressSummary"]["NumberOfTasksFailed"] == 20


async def test_time_in_active_is_counted_while_it_runs(start_rig: Any) -> None:
    now = datetime(2026, 8, 27, tzinfo=UTC)
    rig = await start_rig(clock=lambda: now)
    rig.function.gate = asyncio.Event()
    job_id = await rig.create(manifest("a"), ConfirmationRequired=True)
    await rig.wait_for(job_id, "Suspended")
    now += timedelta(seconds=60)
    await rig.control.update_job_status(
        AccountId=ACCOUNT_ID, JobId=job_id, RequestedJobStatus="Ready"
    )
    await rig.wait_for(job_id, "Active")
    now += timedelta(seconds=7)
    active = (await rig.describe(job_id))["ProgressSummary"]["Timers"]
    rig.function.gate.set()
    ended = (await rig.wait_for(job_id))["ProgressSummary"]["Timers"]
    assert active == ended == {"ElapsedTimeInActiveSeconds": 7}


async def test_fewer_than_a_thousand_may_all_fail(rig: Any) -> None:
    rig.function.respond = lambda task: {"resultCode": "PermanentFailure"}
    assert (await rig.run(numbered(999)))["Status"] == "Complete"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("Bucket,Key\nphotos,a\n", "Row 2 names another bucket"),
        ("photos,a\nphotos,b,c\n", "Unexpected number of task fields in row 2"),
        ("photos,%zz\n", "Invalid object key format in row 1"),
        ("", "The manifest has no rows"),
    ],
)
async def test_a_bad_manifest_fails_the_whole_job_without_report(
    rig: Any, body: str, reason: str
) -> None:
    job = await rig.run(body)
    assert job["Status"] == "Failed"
    (failure,) = job["FailureReasons"]
    assert failure["FailureCode"] == "InvalidManifestContent"
    assert reason in failure["FailureReason"]
    assert rig.function.events == []
    assert rig.report_keys() == []
    assert rig.statuses(job["JobId"]) == ["New", "Preparing", "Failing", "Failed"]


async def test_a_missing_manifest_fails_the_job(rig: Any) -> None:
    request = rig.request(manifest("a"))
    request["Manifest"]["Location"]["ObjectArn"] = "arn:aws:s3:::work/nowhere.csv"
    job = await rig.wait_for((await rig.control.create_job(**request))["JobId"])
    assert job["Status"] == "Failed"
    assert "Reading the manifest is forbidden" in job["FailureReasons"][0]["FailureReason"]


async def test_a_replaced_manifest_fails_the_job(rig: Any) -> None:
    request = rig.request(manifest("a"))
    rig.put_manifest(manifest("b"))
    job = await rig.wait_for((await rig.control.create_job(**request))["JobId"])
    assert job["Status"] == "Failed"
    assert "ETag" in job["FailureReasons"][0]["FailureReason"]


async def test_a_manifest_replaced_while_running_fails_the_job_with_a_report(
    start_rig: Any,
) -> None:
    rig = await start_rig(manifest_block_bytes=64, task_concurrency=1, shuffle_rows=1)
    rig.function.gate = asyncio.Event()
    job_id = await rig.create(numbered(100))
    await rig.until(lambda: rig.function.in_flight == 1)
    rig.put_manifest(numbered(101))
    rig.function.gate.set()
    job = await rig.wait_for(job_id)
    assert job["Status"] == "Failed"
    assert 0 < job["ProgressSummary"]["NumberOfTasksSucceeded"] < 100
    assert len(rig.report(job_id).rows) == job["ProgressSummary"]["NumberOfTasksSucceeded"]


async def test_a_kms_encrypted_manifest_fails_the_job(rig: Any) -> None:
    request = rig.request(manifest("a"))
    put = rig.s3.put_object(
        Bucket="work",
        Key="manifest.csv",
        Body=manifest("a"),
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId="key",
    )
    request["Manifest"]["Location"]["ETag"] = put["ETag"]
    job = await rig.wait_for((await rig.control.create_job(**request))["JobId"])
    assert job["Status"] == "Failed"
    assert "KMS" in job["FailureReasons"][0]["FailureReason"]


async def test_the_manifest_is_read_in_blocks(start_rig: Any) -> None:
    rig = await start_rig(manifest_block_bytes=500)
    job = await rig.run(numbered(200))
    assert job["ProgressSummary"]["NumberOfTasksSucceeded"] == 200
    assert len(set(rig.function.keys)) == 200


async def test_versions_reach_the_function_and_an_empty_one_fails_its_task(rig: Any) -> None:
    body = "photos,a,v1\nphotos,b,null\nphotos,c,\n"
    request = rig.request(body)
    request["Manifest"]["Spec"]["Fields"] = ["Bucket", "Key", "VersionId"]
    job = await rig.wait_for((await rig.control.create_job(**request))["JobId"])
    tasks = [event["tasks"][0] for event in rig.function.events]
    assert {(task["s3Key"], task["s3VersionId"]) for task in tasks} == {("a", "v1"), ("b", "null")}
    (failed,) = [row for row in rig.report(job["JobId"]).rows if row[3] == "failed"]
    assert failed[2:] == [
        "\\N",
        "failed",
        "500",
        "SrcObjectNotFound",
        "Object versionID is invalid",
    ]


async def test_temporary_failures_are_redriven_with_the_same_task_id(rig: Any) -> None:
    answers = [
        {"resultCode": "TemporaryFailure", "resultString": "slow down"},
        None,
        {"resultCode": "Succeeded", "resultString": "at last"},
    ]
    rig.function.respond = lambda task: answers[len(rig.function.events) - 1]
    job = await rig.run(manifest("a"))
    assert job["ProgressSummary"]["NumberOfTasksSucceeded"] == 1
    assert len({event["tasks"][0]["taskId"] for event in rig.function.events}) == 1
    assert len({event["invocationId"] for event in rig.function.events}) == 3
    assert rig.report(job["JobId"]).rows[0][3:] == ["succeeded", "200", "", "at last"]


async def test_the_last_redrive_decides(rig: Any) -> None:
    rig.function.respond = lambda task: {
        "resultCode": "TemporaryFailure",
        "resultString": f"try {len(rig.function.events)}",
    }
    job = await rig.run(manifest("a"))
    assert len(rig.function.events) == 3
    assert job["ProgressSummary"]["NumberOfTasksFailed"] == 1
    assert rig.report(job["JobId"]).rows[0][3:] == ["failed", "200", "TemporaryFailure", "try 3"]


async def test_permanent_failures_and_function_errors_are_not_redriven(rig: Any) -> None:
    rig.function.respond = lambda task: InvokeResult(200, "Unhandled", b"{}")
    await rig.run(manifest("a"))
    assert len(rig.function.events) == 1


async def test_a_cancelled_job_finishes_what_is_in_flight_and_starts_nothing(
    start_rig: Callable[..., Awaitable[Any]],
) -> None:
    rig = await start_rig(task_concurrency=4)
    rig.function.gate = asyncio.Event()
    job_id = await rig.create(numbered(40))
    await rig.until(lambda: len(rig.function.events) == 4)
    updated = await rig.control.update_job_status(
        AccountId=ACCOUNT_ID,
        JobId=job_id,
        RequestedJobStatus="Cancelled",
        StatusUpdateReason="no longer needed",
    )
    assert updated["Status"] == "Cancelling"
    rig.function.gate.set()
    job = await rig.wait_for(job_id)
    assert job["Status"] == "Cancelled"
    assert job["StatusUpdateReason"] == "no longer needed"
    assert job["ProgressSummary"]["TotalNumberOfTasks"] == 40
    assert job["ProgressSummary"]["NumberOfTasksSucceeded"] == 4
    assert len(rig.function.events) == 4
    assert len(rig.report(job_id).rows) == 4


async def test_a_job_cancelled_before_active_has_no_report(start_rig: Any) -> None:
    rig = await start_rig()
    job_id = await rig.create(numbered(3), ConfirmationRequired=True)
    await rig.wait_for(job_id, "Suspended")
    updated = await rig.control.update_job_status(
        AccountId=ACCOUNT_ID, JobId=job_id, RequestedJobStatus="Cancelled"
    )
    assert updated["Status"] == "Cancelled"
    assert (await rig.describe(job_id))["Status"] == "Cancelled"
    await rig.wait_for(job_id, "Cancelled")
    assert rig.function.events == []
    assert rig.report_keys() == []
    assert rig.statuses(job_id)[-3:] == ["Suspended", "Cancelling", "Cancelled"]


async def test_a_suspended_job_waits_for_ready(rig: Any) -> None:
    job_id = await rig.create(numbered(3), ConfirmationRequired=True)
    job = await rig.wait_for(job_id, "Suspended")
    assert job["ConfirmationRequired"] is True
    assert "SuspendedDate" in job
    assert "SuspendedCause" in job
    assert job["ProgressSummary"]["TotalNumberOfTasks"] == 3
    assert rig.function.events == []
    updated = await rig.control.update_job_status(
        AccountId=ACCOUNT_ID, JobId=job_id, RequestedJobStatus="Ready"
    )
    assert updated["Status"] == "Ready"
    assert (await rig.wait_for(job_id))["Status"] == "Complete"
    assert rig.statuses(job_id) == [
        "New",
        "Preparing",
        "Suspended",
        "Ready",
        "Active",
        "Completing",
        "Complete",
    ]


async def test_a_job_without_a_confirmation_fails(start_rig: Any) -> None:
    rig = await start_rig(suspended_days_max=0)
    job = await rig.run(numbered(3), ConfirmationRequired=True)
    assert job["Status"] == "Failed"
    assert rig.function.events == []


async def test_large_reports_have_several_files_per_status(start_rig: Any) -> None:
    rig = await start_rig(report_rows_per_file_max=40)
    rig.function.respond = lambda task: {
        "resultCode": "PermanentFailure" if task["s3Key"].endswith("55") else "Succeeded"
    }
    job = await rig.run(numbered(125))
    report = rig.report(job["JobId"])
    assert [len(report.raw[status]) for status in ("succeeded", "failed")] == [4, 1]
    assert len({row[1] for row in report.rows}) == len(report.rows) == 125


async def test_no_report_unless_asked(rig: Any) -> None:
    await rig.run(numbered(3), Report={"Enabled": False})
    assert rig.report_keys("") == ["manifest.csv"]


async def test_failed_tasks_only(rig: Any) -> None:
    rig.function.respond = lambda task: {
        "resultCode": "PermanentFailure" if task["s3Key"] == "k1" else "Succeeded"
    }
    scope = {
        "Enabled": True,
        "Bucket": "arn:aws:s3:::work",
        "Format": "Report_CSV_20180820",
        "ReportScope": "FailedTasksOnly",
        "Prefix": "reports",
    }
    job = await rig.run(numbered(3), Report=scope)
    assert [row[1] for row in rig.report(job["JobId"]).rows] == ["k1"]


async def test_a_late_report_appears_after_complete(start_rig: Any) -> None:
    rig = await start_rig(report_lag_s=0.1)
    job = await rig.run(numbered(3))
    assert job["Status"] == "Complete"
    assert rig.report_keys() == []
    await rig.until(lambda: any(key.endswith("manifest.json") for key in rig.report_keys()))
    assert len(rig.report(job["JobId"]).rows) == 3


async def test_a_report_that_cannot_be_written_fails_the_job(rig: Any) -> None:
    report = {
        "Enabled": True,
        "Bucket": "arn:aws:s3:::nowhere",
        "Format": "Report_CSV_20180820",
        "ReportScope": "AllTasks",
    }
    job = await rig.run(numbered(3), Report=report)
    assert job["Status"] == "Failed"
    assert job["FailureReasons"][0]["FailureCode"] == "ReportNotWritable"


async def test_a_bug_in_invoke_ends_the_job_visibly(rig: Any) -> None:
    def explode(task: dict[str, Any]) -> None:
        raise RuntimeError("bug")

    rig.function.respond = explode
    job = await rig.run(numbered(3))
    assert job["Status"] == "Failed"
    assert job["FailureReasons"][0]["FailureCode"] == "InternalError"


async def test_events_have_the_shape_of_eventbridge(rig: Any) -> None:
    job = await rig.run(numbered(3))
    job_id = job["JobId"]
    assert rig.statuses(job_id) == ["New", "Preparing", "Ready", "Active", "Completing", "Complete"]
    assert [event["detail"]["eventName"] for event in rig.published] == [
        "JobCreated",
        *["JobStatusChanged"] * 5,
    ]
    last = rig.published[-1]
    assert last["detail-type"] == "AWS Service Event via CloudTrail"
    assert (last["source"], last["account"], last["resources"]) == ("aws.s3", ACCOUNT_ID, [])
    details = dict(last["detail"]["serviceEventDetails"])
    assert details.pop("jobEventId")
    assert details == {
        "jobId": job_id,
        "jobArn": job["JobArn"],
        "status": "Complete",
        "failureCodes": [],
        "statusChangeReason": [],
    }
    ids = [event["detail"]["serviceEventDetails"]["jobEventId"] for event in rig.published]
    assert len(set(ids)) == len(ids)


async def test_stopping_abandons_running_jobs(rig: Any) -> None:
    rig.function.gate = asyncio.Event()
    job_id = await rig.create(numbered(3))
    await rig.wait_for(job_id, "Active")
    await rig.emulator.stop()
    await rig.emulator.stop()
    endpoint_url = await rig.emulator.start()
    assert endpoint_url.startswith("http://127.0.0.1:")


async def test_an_unreadable_status_code_is_shown(rig: Any) -> None:
    rig.function.respond = lambda task: InvokeResult(404, None, b"Function not found")
    job = await rig.run(manifest("a"))
    assert rig.report(job["JobId"]).rows[0][3:] == [
        "failed",
        "404",
        "PermanentFailure",
        "Function not found",
    ]
    with pytest.raises(ClientError, match="NoSuchJob"):
        await rig.describe("another-job")


async def test_a_preparing_job_cannot_be_made_ready(start_rig: Any) -> None:
    rig = await start_rig(step_delay_s=0.1)
    job_id = await rig.create(manifest("a"))
    await rig.wait_for(job_id, "Preparing")
    with pytest.raises(rig.control.exceptions.JobStatusException, match="does not await"):
        await rig.control.update_job_status(
            AccountId=ACCOUNT_ID, JobId=job_id, RequestedJobStatus="Ready"
        )
    assert (await rig.wait_for(job_id))["Status"] == "Complete"
