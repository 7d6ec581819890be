"""Report rows and files, byte for byte."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.local_aws.s3_batch_operations import BatchOperationsSettings
from adapters.local_aws.s3_batch_operations.job_spec import ReportSpec
from adapters.local_aws.s3_batch_operations.manifest import ManifestRow
from adapters.local_aws.s3_batch_operations.report import ReportWriter, report_row
from adapters.local_aws.s3_batch_operations.task import EMPTY_VERSION, TaskOutcome

NOW = datetime(2026, 8, 27, 9, 49, 46, tzinfo=UTC)
OK = TaskOutcome(200, "", "ok")
FAILED = TaskOutcome(200, "PermanentFailure", "no")


class RecordingS3:
    """The one S3 call the writer makes; slow enough for calls to overlap."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.order: list[str] = []
        self.parameters: list[dict[str, Any]] = []

    async def put_object(self, **parameters: Any) -> None:
        key, body = parameters.pop("Key"), parameters.pop("Body")
        assert parameters.pop("Bucket") == "work"
        content = body if isinstance(body, bytes) else body.read()
        await asyncio.sleep(0)
        assert key not in self.objects
        self.objects[key] = content
        self.order.append(key)
        self.parameters.append(parameters)


def row(number: int, version_id: str | None = None) -> ManifestRow:
    return ManifestRow(number, "photos", f"k{number}%20x", f"k{number} x", version_id)


def writer(
    s3: RecordingS3, *, failed_only: bool = False, prefix: str | None = "r", **settings: Any
):
    spec = ReportSpec(
        bucket="work", prefix=prefix, failed_tasks_only=failed_only, expected_owner="1" * 12
    )
    return ReportWriter(s3, spec, "j", BatchOperationsSettings(**settings))


@pytest.mark.parametrize(
    ("version_id", "outcome", "expected"),
    [
        (None, OK, b"photos,k1%20x,,succeeded,200,,ok\r\n"),
        ("null", OK, b"photos,k1%20x,null,succeeded,200,,ok\r\n"),
        ("v1", FAILED, b"photos,k1%20x,v1,failed,200,PermanentFailure,no\r\n"),
        (
            "",
            EMPTY_VERSION,
            b"photos,k1%20x,\\N,failed,500,SrcObjectNotFound,Object versionID is invalid\r\n",
        ),
        (
            None,
            TaskOutcome(200, "", '{"tags":{}}'),
            b'photos,k1%20x,,succeeded,200,,"{""tags"":{}}"\r\n',
        ),
        (None, TaskOutcome(200, "", "a\nb"), b'photos,k1%20x,,succeeded,200,,"a\nb"\r\n'),
    ],
)
def test_rows_are_written_as_s3_writes_them(
    version_id: str | None, outcome: TaskOutcome, expected: bytes
) -> None:
    assert report_row(row(1, version_id), outcome) == expected


def test_a_lone_surrogate_in_a_message_does_not_break_the_report() -> None:
    assert b"?" in report_row(row(1), TaskOutcome(200, "", "\ud800"))


async def test_schema_names_the_columns_in_the_other_order() -> None:
    s3 = RecordingS3()
    report = writer(s3)
    await report.add(row(1), FAILED)
    await report.finish(NOW)
    manifest = json.loads(s3.objects["r/job-j/manifest.json"])
    names = manifest["ReportSchema"].split(", ")
    values = s3.objects[manifest["Results"][0]["Key"]].decode().strip().split(",")
    assert names[4:6] == ["ErrorCode", "HTTPStatusCode"]
    assert values[4:6] == ["200", "PermanentFailure"]
    assert manifest["Format"] == "Report_CSV_20180820"
    assert manifest["ReportCreationDate"] == "2026-08-27T09:49:46.000Z"


async def test_without_a_task_there_is_no_report() -> None:
    s3 = RecordingS3()
    await writer(s3).finish(NOW)
    assert s3.objects == {}


async def test_statuses_have_files_of_their_own_and_large_ones_have_several() -> None:
    s3 = RecordingS3()
    report = writer(s3, report_rows_per_file_max=2)
    async with asyncio.TaskGroup() as group:
        for number in range(1, 6):
            group.create_task(report.add(row(number), OK))
        group.create_task(report.add(row(6), FAILED))
    await report.finish(NOW)
    results = json.loads(s3.objects["r/job-j/manifest.json"])["Results"]
    found = [(entry["TaskExecutionStatus"], s3.objects[entry["Key"]]) for entry in results]
    assert [status for status, _ in found] == ["succeeded"] * 3 + ["failed"]
    assert [content.count(b"\r\n") for _, content in found] == [2, 2, 1, 1]
    assert all(status.encode() in content for status, content in found)
    lines = b"".join(content for _, content in found).splitlines()
    assert len(set(lines)) == 6


async def test_the_manifest_object_comes_last() -> None:
    s3 = RecordingS3()
    report = writer(s3)
    await report.add(row(1), OK)
    await report.finish(NOW)
    assert s3.order[-2:] == ["r/job-j/manifest.json.md5", "r/job-j/manifest.json"]


async def test_failed_tasks_only_names_no_succeeded_task() -> None:
    s3 = RecordingS3()
    report = writer(s3, failed_only=True)
    await report.add(row(1), OK)
    await report.add(row(2), FAILED)
    await report.finish(NOW)
    (entry,) = json.loads(s3.objects["r/job-j/manifest.json"])["Results"]
    assert entry["TaskExecutionStatus"] == "failed"
    assert b"k1" not in s3.objects[entry["Key"]]


@pytest.mark.parametrize(
    ("prefix", "root"), [(None, "job-j"), ("a/b", "a/b/job-j"), ("a/", "a//job-j")]
)
async def test_prefix_is_taken_literally(prefix: str | None, root: str) -> None:
    s3 = RecordingS3()
    report = writer(s3, prefix=prefix)
    await report.add(row(1), OK)
    await report.finish(NOW)
    assert f"{root}/manifest.json" in s3.objects


async def test_every_object_is_encrypted_by_s3_and_guarded_by_the_owner() -> None:
    s3 = RecordingS3()
    report = writer(s3)
    await report.add(row(1), OK)
    await report.finish(NOW)
    expected = {"ServerSideEncryption": "AES256", "ExpectedBucketOwner": "1" * 12}
    assert s3.parameters == [expected] * 3
