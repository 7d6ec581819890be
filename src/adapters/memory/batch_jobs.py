"""A minimal S3 Batch Operations: creates, describes, cancels, and runs jobs on a test's request.

It reproduces the traits of the service that can surprise a caller: keys in the invocation are
form-encoded, rows of the report are in another order, the report has the manifest's encoding, its
rows have HTTP status and error code in the reverse order of its schema, and a job whose tasks all
failed is still Complete.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote_plus, unquote

from domain.batch_job import ENDED, BatchJob, BatchJobStatus
from domain.job import Job, ManifestFile
from domain.manifest import FIELDS
from ports.batch_jobs import BatchJobs
from ports.clock import Clock
from ports.errors import NotFound
from ports.results_store import ResultsStore

Invoke = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any]]]
"""The function that a batch job invokes: takes S3's event, returns the function's result."""

# S3 User Guide, "Tracking job status and completion reports": once 1,000 tasks have run, a job ends
# if more than 50 percent failed.
_THRESHOLD_TASK_COUNT_MIN: Final = 1000

_REDRIVE_COUNT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedBatchJob:
    """A batch job as it was created."""

    manifest: ManifestFile
    report_prefix: str
    user_arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the manifest and its result."""

    fields: Sequence[str]
    succeeded: bool
    message: str


class MemoryBatchJobs:
    """Stores batch jobs; `run` executes one, `set` gives one the state that a test needs."""

    def __init__(self, results: ResultsStore, clock: Clock) -> None:
        self._results = results
        self._clock = clock
        self._jobs: dict[str, BatchJob] = {}
        self._id_by_token: dict[tuple[str, str], str] = {}
        self.created: dict[str, CreatedBatchJob] = {}

    async def create(self, job: Job, *, report_prefix: str) -> str:
        if job.discovery.manifest is None:
            raise ValueError(f"job {job.job_id} has no manifest yet")
        token = (job.job_id, job.discovery.manifest.e_tag)
        if token in self._id_by_token:
            return self._id_by_token[token]
        batch_job_id = f"batch-{len(self._jobs) + 1}"
        self._id_by_token[token] = batch_job_id
        self.created[batch_job_id] = CreatedBatchJob(
            manifest=job.discovery.manifest,
            report_prefix=report_prefix,
            user_arguments={"jobId": job.job_id, "timestamp": job.times.created_at.isoformat()},
        )
        self._jobs[batch_job_id] = BatchJob(
            batch_job_id=batch_job_id, job_id=job.job_id, status=BatchJobStatus.NEW
        )
        return batch_job_id

    async def describe(self, batch_job_id: str) -> BatchJob:
        if batch_job_id not in self._jobs:
            raise NotFound(
                f"there is no batch job {batch_job_id}",
                operation="DescribeJob",
                resource=batch_job_id,
                vendor_code="NoSuchJob",
            )
        return self._jobs[batch_job_id]

    async def find(self, job_id: str) -> Sequence[str]:
        return [
            batch_job.batch_job_id
            for batch_job in self._jobs.values()
            if batch_job.job_id == job_id and batch_job.status not in ENDED
        ]

    async def cancel(self, batch_job_id: str) -> None:
        batch_job = self._jobs.get(batch_job_id)
        if batch_job is not None and batch_job.status not in ENDED:
            self._end(batch_job, BatchJobStatus.CANCELLED)

    def set(self, batch_job: BatchJob) -> None:
        """Give a batch job, this service's or an unrelated one, this state."""
        self._jobs[batch_job.batch_job_id] = batch_job

    async def run(self, batch_job_id: str, invoke: Invoke) -> BatchJob:
        """Run a batch job to its end, write its report, and return the ended job.

        A job that was cancelled before or in the meantime starts no more tasks. A job whose
        manifest cannot be read fails without a report.
        """
        batch_job = await self.describe(batch_job_id)
        created = self.created[batch_job_id]
        if batch_job.status in ENDED:
            return batch_job
        manifest = created.manifest
        try:
            found = await self._results.e_tag(manifest.key)
        except NotFound as error:
            return self._fail(batch_job, f"the manifest cannot be read: {error}")
        if found != manifest.e_tag:
            return self._fail(batch_job, f"the manifest's ETag is {found}, not {manifest.e_tag}")
        text = (await self._results.get(manifest.key)).decode()
        rows = sorted(csv.reader(io.StringIO(text)), key=_shuffled)
        batch_job = replace(batch_job, status=BatchJobStatus.ACTIVE, total_count=len(rows))
        self._jobs[batch_job_id] = batch_job
        done: list[_Row] = []
        for fields in rows:
            if self._jobs[batch_job_id].status in ENDED:
                break
            done.append(await _run_task(batch_job_id, created, fields, invoke))
            batch_job = replace(
                self._jobs[batch_job_id],
                succeeded_count=sum(row.succeeded for row in done),
                failed_count=sum(not row.succeeded for row in done),
            )
            self._jobs[batch_job_id] = batch_job
            if len(done) >= _THRESHOLD_TASK_COUNT_MIN and batch_job.failed_count * 2 > len(done):
                self._fail(batch_job, "Job failed due to exceeding the failure threshold")
        if done:
            await self._write_report(batch_job_id, created.report_prefix, done)
        batch_job = self._jobs[batch_job_id]
        if batch_job.status in ENDED:
            return batch_job
        return self._end(batch_job, BatchJobStatus.COMPLETE)

    def _end(
        self, batch_job: BatchJob, status: BatchJobStatus, reasons: tuple[str, ...] = ()
    ) -> BatchJob:
        ended = replace(
            batch_job, status=status, failure_reasons=reasons, ended_at=self._clock.now()
        )
        self._jobs[batch_job.batch_job_id] = ended
        return ended

    def _fail(self, batch_job: BatchJob, reason: str) -> BatchJob:
        return self._end(batch_job, BatchJobStatus.FAILED, (reason,))

    async def _write_report(self, batch_job_id: str, prefix: str, rows: Sequence[_Row]) -> None:
        folder = f"{prefix}/job-{batch_job_id}"
        files = []
        for status, succeeded in (("succeeded", True), ("failed", False)):
            chosen = [row for row in rows if row.succeeded is succeeded]
            if not chosen:
                continue
            content = "".join(_report_line(row, status) for row in chosen).encode()
            key = f"{folder}/results/{hashlib.sha1(content).hexdigest()}.csv"  # noqa: S324
            await self._results.put(key, content)
            files.append({"TaskExecutionStatus": status, "Bucket": "results", "Key": key})
        index = {
            "Format": "Report_CSV_20180820",
            "ReportCreationDate": self._clock.now().isoformat(),
            "Results": files,
            "ReportSchema": (
                "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
            ),
        }
        await self._results.put(f"{folder}/manifest.json", json.dumps(index).encode())


def _shuffled(fields: Sequence[str]) -> bytes:
    """Sort key of an order that is independent of the manifest's, and always the same."""
    return hashlib.sha256(",".join(fields).encode()).digest()


async def _run_task(
    batch_job_id: str, created: CreatedBatchJob, fields: Sequence[str], invoke: Invoke
) -> _Row:
    bucket_name, encoded_key = fields[FIELDS.index("Bucket")], fields[FIELDS.index("Key")]
    event = {
        "invocationSchemaVersion": "2.0",
        "invocationId": f"{batch_job_id}-{encoded_key}",
        "job": {"id": batch_job_id, "userArguments": dict(created.user_arguments)},
        "tasks": [
            {
                "taskId": hashlib.sha256(encoded_key.encode()).hexdigest(),
                "s3Key": quote_plus(unquote(encoded_key), safe="/"),
                "s3VersionId": None,
                "s3Bucket": bucket_name,
            }
        ],
    }
    message = ""
    for _attempt in range(1 + _REDRIVE_COUNT):
        response = await invoke(event)
        result = response["results"][0]
        message = result.get("resultString", "")
        if result["resultCode"] != "TemporaryFailure":
            return _Row(fields, result["resultCode"] == "Succeeded", message)
    return _Row(fields, False, message)


def _report_line(row: _Row, status: str) -> str:
    """Return a row as S3 writes it: HTTP status before error code, unlike the schema."""
    text = io.StringIO()
    error_code = "" if row.succeeded else "PermanentFailure"
    csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\n").writerow(
        [*row.fields[:2], "", status, 200, error_code, row.message]
    )
    return text.getvalue()


_: type[BatchJobs] = MemoryBatchJobs
