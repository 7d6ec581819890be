"""Requests to the other services, and partial failures that no emulator produces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.aws.batch_jobs import S3BatchJobs
from adapters.aws.chunk_queue import SqsChunkQueue
from adapters.aws.engine_invoker import LambdaEngineInvoker
from adapters.aws.ingest_bus import ENTRY_BYTES_MAX, EventBridgeIngestBus
from adapters.aws.results_store import S3ResultsStore
from adapters.memory.results_store import MemoryResultsStore
from domain.batch_job import BatchJob, BatchJobStatus
from domain.connector import Bucket
from domain.decision import Decision
from domain.job import DiscoveryWork, Job, ManifestFile, new_job
from domain.message import ChunkMessage, IngestEvent
from domain.sync_request import SyncRequest
from ports.errors import (
    AccessDenied,
    CorruptData,
    NotFound,
    PortError,
    Refused,
    Throttled,
    Unavailable,
    Unknown,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROLE_ARN = "arn:aws-us-gov:iam::123456789012:role/batch"
PROCESSOR_ARN = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:processor"


def _opened(client: Any) -> Callable[[], Any]:
    async def open_client() -> Any:
        return client

    return open_client


def job(job_id: str = "job-1", e_tag: str = "abc-2") -> Job:
    made = new_job(
        job_id=job_id,
        request=SyncRequest(connector_id="con-1", bucket=Bucket(name="media")),
        now=NOW,
    )
    return replace(
        made,
        discovery=DiscoveryWork(manifest=ManifestFile(key="jobs/job-1/manifest.csv", e_tag=e_tag)),
    )


@pytest.fixture
def s3control(scripted: Callable[[str], Any]) -> Any:
    made = scripted("s3control")
    made.answers["CreateJob"] = {"JobId": "batch-1"}
    return made


def batch_jobs(client: Any) -> S3BatchJobs:
    return S3BatchJobs(
        client,
        account_id="123456789012",
        results_bucket="results",
        processor_arn=PROCESSOR_ARN,
        role_arn=ROLE_ARN,
        priority=7,
    )


async def test_create_job_sends_every_required_member(s3control: Any) -> None:
    assert (
        await batch_jobs(s3control).create(job(), report_prefix="jobs/job-1/reports") == "batch-1"
    )

    sent = s3control.sent("CreateJob")
    assert len(sent.pop("ClientRequestToken")) <= 64
    assert sent == {
        "AccountId": "123456789012",
        "ConfirmationRequired": False,
        "Description": "asset-sync job-1",
        "Priority": 7,
        "RoleArn": ROLE_ARN,
        "Operation": {
            "LambdaInvoke": {
                "FunctionArn": PROCESSOR_ARN,
                "InvocationSchemaVersion": "2.0",
                "UserArguments": {"jobId": "job-1", "timestamp": "2026-01-31T12:00:00.000Z"},
            }
        },
        "Manifest": {
            "Spec": {
                "Format": "S3BatchOperations_CSV_20180820",
                "Fields": ["Bucket", "Key", "Ignore", "Ignore"],
            },
            "Location": {
                "ObjectArn": "arn:aws-us-gov:s3:::results/jobs/job-1/manifest.csv",
                "ETag": "abc-2",
            },
        },
        "Report": {
            "Enabled": True,
            "Bucket": "arn:aws-us-gov:s3:::results",
            "Format": "Report_CSV_20180820",
            "Prefix": "jobs/job-1/reports",
            "ReportScope": "AllTasks",
        },
        "Tags": [{"Key": "asset-sync:job", "Value": "job-1"}],
    }


async def test_a_repeated_create_has_the_same_token_and_another_job_or_manifest_does_not(
    s3control: Any,
) -> None:
    for ordered in (job(), job(), job("job-2"), job(e_tag="other")):
        await batch_jobs(s3control).create(ordered, report_prefix="r")

    first, again, *others = [sent for _, sent in s3control.calls]
    assert first == again
    tokens = {sent["ClientRequestToken"] for sent in (first, *others)}
    assert len(tokens) == 3


async def test_a_job_without_a_manifest_is_a_bug(s3control: Any) -> None:
    with pytest.raises(ValueError, match="job-1"):
        await batch_jobs(s3control).create(
            replace(job(), discovery=DiscoveryWork()), report_prefix="r"
        )


async def test_describe_maps_every_field(s3control: Any) -> None:
    s3control.answers["DescribeJob"] = {
        "Job": {
            "Status": "Failed",
            "ProgressSummary": {
                "TotalNumberOfTasks": 5,
                "NumberOfTasksSucceeded": 3,
                "NumberOfTasksFailed": 2,
            },
            "FailureReasons": [{"FailureCode": "Code", "FailureReason": "because"}],
            "Operation": {"LambdaInvoke": {"UserArguments": {"jobId": "job-1"}}},
            "TerminationDate": NOW,
        }
    }

    assert await batch_jobs(s3control).describe("batch-1") == BatchJob(
        batch_job_id="batch-1",
        job_id="job-1",
        status=BatchJobStatus.FAILED,
        total_count=5,
        succeeded_count=3,
        failed_count=2,
        failure_reasons=("Code: because",),
        ended_at=NOW,
    )


async def test_a_foreign_batch_job_belongs_to_no_job(s3control: Any) -> None:
    s3control.answers["DescribeJob"] = {
        "Job": {"Status": "New", "Operation": {"S3PutObjectTagging": {}}}
    }

    found = await batch_jobs(s3control).describe("batch-1")

    assert found == BatchJob(batch_job_id="batch-1", job_id=None, status=BatchJobStatus.NEW)


async def test_an_unknown_state_is_an_error(s3control: Any) -> None:
    s3control.answers["DescribeJob"] = {"Job": {"Status": "Resting"}}

    with pytest.raises(CorruptData, match="Resting"):
        await batch_jobs(s3control).describe("batch-1")


async def test_batch_jobs_are_found_by_their_description_on_every_page(s3control: Any) -> None:
    pages = iter(
        [
            {
                "Jobs": [
                    {"JobId": "b-1", "Description": "asset-sync job-1"},
                    {"JobId": "b-2", "Description": "asset-sync job-10"},
                    {"JobId": "b-3"},
                ],
                "NextToken": "more",
            },
            {"Jobs": [{"JobId": "b-4", "Description": "asset-sync job-1"}]},
        ]
    )
    s3control.answers["ListJobs"] = lambda _: next(pages)

    assert await batch_jobs(s3control).find("job-1") == ["b-1", "b-4"]

    first, second = [sent for _, sent in s3control.calls]
    assert (first.get("NextToken"), second["NextToken"]) == (None, "more")
    asked = set(first["JobStatuses"])
    assert {"New", "Preparing", "Suspended", "Ready", "Active", "Paused"} <= asked
    assert not asked & {"Complete", "Failed", "Cancelled"}


@pytest.mark.parametrize(
    ("code", "status"),
    [("JobStatusException", 400), ("NotFoundException", 400), ("NoSuchJob", 404)],
)
async def test_cancelling_an_ended_batch_job_succeeds(
    s3control: Any, error: Callable[..., Exception], code: str, status: int
) -> None:
    s3control.answers["UpdateJobStatus"] = error(code, status)

    await batch_jobs(s3control).cancel("batch-1")

    assert s3control.sent("UpdateJobStatus")["RequestedJobStatus"] == "Cancelled"


async def test_a_failed_cancel_is_an_error(s3control: Any, error: Callable[..., Exception]) -> None:
    s3control.answers["UpdateJobStatus"] = error("InternalServiceException", 500)

    with pytest.raises(Unavailable):
        await batch_jobs(s3control).cancel("batch-1")


CHUNK_MESSAGES = [ChunkMessage(job_id="job-1", chunk_index=index) for index in (1, 2)]


@pytest.mark.parametrize(
    ("code", "sender_fault", "expected"),
    [
        ("InternalError", False, Unavailable),
        ("RequestThrottled", False, Throttled),
        ("AccessDenied", True, AccessDenied),
        ("SomethingNew", True, Unknown),
        ("SomethingNew", False, Unavailable),
    ],
)
async def test_one_failed_message_is_an_error(
    scripted: Callable[[str], Any], code: str, sender_fault: bool, expected: type[PortError]
) -> None:
    client = scripted("sqs")
    failed = {"Id": "0", "Code": code, "SenderFault": sender_fault, "Message": "why"}
    client.answers["SendMessageBatch"] = {"Successful": [{"Id": "1"}], "Failed": [failed]}

    with pytest.raises(expected, match=code):
        await SqsChunkQueue(client, queue_url="q").send(CHUNK_MESSAGES)


async def test_of_two_failed_messages_the_fatal_one_is_raised(
    scripted: Callable[[str], Any],
) -> None:
    client = scripted("sqs")
    client.answers["SendMessageBatch"] = {
        "Failed": [
            {"Id": "0", "Code": "InternalError", "SenderFault": False},
            {"Id": "1", "Code": "InvalidMessageContents", "SenderFault": True},
        ]
    }

    with pytest.raises(Refused):
        await SqsChunkQueue(client, queue_url="q").send(CHUNK_MESSAGES)


EVENT = IngestEvent(
    event_id="e",
    job_id="j",
    connector_id="c",
    bucket_name="b",
    object_key="k",
    version_id=None,
    e_tag="t",
    size_bytes=1,
    asset_id="a",
    inventory_id="i",
    processing_action=Decision.PUT,
)


async def test_errors_of_entries_stay_with_their_events(scripted: Callable[[str], Any]) -> None:
    client = scripted("events")
    codes = ["ThrottlingException", None, "InternalFailure", "MalformedDetail", "SomethingNew"]
    client.answers["PutEvents"] = {
        "FailedEntryCount": 4,
        "Entries": [
            {"ErrorCode": c, "ErrorMessage": "why"} if c else {"EventId": "1"} for c in codes
        ],
    }
    too_large = replace(EVENT, object_key="k" * ENTRY_BYTES_MAX)

    answers = await EventBridgeIngestBus(_opened(client), bus_name="bus").publish(
        [EVENT, EVENT, too_large, EVENT, EVENT, EVENT]
    )

    assert [type(answer) for answer in answers] == [
        Throttled,
        type(None),
        Refused,
        Unavailable,
        Refused,
        Unknown,
    ]
    assert len(client.sent("PutEvents")["Entries"]) == 5


async def test_without_an_event_of_legal_size_no_request_is_sent(
    scripted: Callable[[str], Any],
) -> None:
    client = scripted("events")
    too_large = replace(EVENT, object_key="ü" * ENTRY_BYTES_MAX)

    [answer] = await EventBridgeIngestBus(_opened(client), bus_name="bus").publish([too_large])

    assert isinstance(answer, Refused)
    assert client.calls == []


async def test_an_invocation_that_lambda_did_not_queue_is_an_error(
    scripted: Callable[[str], Any],
) -> None:
    client = scripted("lambda")
    client.answers["Invoke"] = {"StatusCode": 200}

    with pytest.raises(Unavailable):
        await LambdaEngineInvoker(client, function_arn=PROCESSOR_ARN).advance("job-1")


async def test_files_are_encrypted_so_that_batch_operations_can_read_them(
    scripted: Callable[[str], Any],
) -> None:
    client = scripted("s3")
    client.answers["CreateMultipartUpload"] = {"UploadId": "u"}
    results = S3ResultsStore(client, bucket_name="results")

    await results.put("a", b"x")
    await results.create_upload("b")

    assert [sent["ServerSideEncryption"] for _, sent in client.calls] == ["AES256", "AES256"]


async def test_a_file_replaced_during_a_read_is_not_mixed(
    scripted: Callable[[str], Any], error: Callable[..., Exception]
) -> None:
    class Body:
        async def __aenter__(self) -> Body:
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

        async def read(self) -> bytes:
            return b"ab"

    client = scripted("s3")
    first = {"Body": Body(), "ETag": '"one"', "ContentRange": "bytes 0-1/4"}
    waiting = iter([first, error("PreconditionFailed", 412)])
    client.answers["GetObject"] = lambda _: next(waiting)
    stream = S3ResultsStore(client, bucket_name="results", block_bytes=2).stream("a")

    assert await anext(stream) == b"ab"
    with pytest.raises(Unavailable):
        await anext(stream)

    assert [sent.get("IfMatch") for _, sent in client.calls] == [None, '"one"']
    assert [sent["Range"] for _, sent in client.calls] == ["bytes=0-1", "bytes=2-3"]


async def test_an_upload_that_has_ended_is_not_found(
    scripted: Callable[[str], Any], error: Callable[..., Exception]
) -> None:
    """S3 answers NoSuchUpload; moto 500, so this is not in the contract suite."""
    client = scripted("s3")
    for operation in ("UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"):
        client.answers[operation] = error("NoSuchUpload", 404)
    memory = MemoryResultsStore()
    await memory.abort_upload("file", upload_id := await memory.create_upload("file"))

    for store in (S3ResultsStore(client, bucket_name="results"), memory):
        with pytest.raises(NotFound):
            await store.upload_part("file", upload_id, 1, b"x")
        with pytest.raises(NotFound):
            await store.complete_upload("file", upload_id, ["x"])
        await store.abort_upload("file", upload_id)
