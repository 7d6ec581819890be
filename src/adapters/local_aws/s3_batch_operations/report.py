r"""The completion report in the format of S3, written without holding it in memory.

Layout ("Examples: S3 Batch Operations completion reports", S3 User Guide)::

    <Prefix>/job-<JobId>/manifest.json, manifest.json.md5, results/<40 hex>.csv

Succeeded and failed tasks are in separate files. The other facts are from reports that S3 wrote
(sample-replicate-on-tag-for-amazon-s3, test fixtures):

* `ReportSchema` lists ErrorCode before HTTPStatusCode, but rows have the reverse order. The
  emulator does the same.
* No header; lines end in CR LF; fields are quoted only if necessary.
* The key is the unchanged field of the manifest, so it is URL-encoded.
* VersionId is the manifest's field; empty if there is no such column, `\N` if the field
  was empty.
* A prefix that ends in a slash gives a double slash.
"""

import csv
import hashlib
import json
import tempfile
from datetime import datetime
from io import StringIO
from typing import IO, TYPE_CHECKING, Any, Final

from adapters.local_aws.s3_batch_operations.job_spec import ReportSpec
from adapters.local_aws.s3_batch_operations.manifest import ManifestRow
from adapters.local_aws.s3_batch_operations.settings import BatchOperationsSettings
from adapters.local_aws.s3_batch_operations.storage import put_report_object
from adapters.local_aws.s3_batch_operations.task import TaskOutcome
from adapters.local_aws.s3_batch_operations.wire import timestamp

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

REPORT_FORMAT: Final = "Report_CSV_20180820"
REPORT_SCHEMA: Final = (
    "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
)
_STATUSES: Final = ("succeeded", "failed")


def report_row(row: ManifestRow, outcome: TaskOutcome) -> bytes:
    """Return one row: HTTP status before error code, unlike REPORT_SCHEMA."""
    line = StringIO()
    csv.writer(line).writerow(
        (
            row.bucket,
            row.key_field,
            "\\N" if row.version_id == "" else row.version_id,
            _STATUSES[not outcome.succeeded],
            outcome.http_status,
            outcome.error_code,
            outcome.message,
        )
    )
    return line.getvalue().encode(errors="replace")


class _ResultFile:
    """Rows to upload, in a temporary file with a running checksum."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.row_count = 0
        self.checksum = hashlib.md5(usedforsecurity=False)
        self.spool: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the writer

    def add(self, line: bytes) -> None:
        self.spool.write(line)
        self.checksum.update(line)
        self.row_count += 1


class ReportWriter:
    """Collects the rows of one job and uploads them to S3 in files."""

    def __init__(
        self, s3: "S3Client", spec: ReportSpec, job_id: str, settings: BatchOperationsSettings
    ) -> None:
        self._s3 = s3
        self._spec = spec
        self._settings = settings
        # S3 does not normalize a prefix that ends in a slash.
        self._root = f"{spec.prefix}/job-{job_id}" if spec.prefix else f"job-{job_id}"
        self._file_count = 0
        self._open: dict[str, _ResultFile] = {}
        self._results: list[dict[str, Any]] = []
        self._tasks_ran = False

    async def add(self, row: ManifestRow, outcome: TaskOutcome) -> None:
        """Record the outcome of a task; uploads a file when it is full."""
        self._tasks_ran = True
        if outcome.succeeded and self._spec.failed_tasks_only:
            return
        status = _STATUSES[not outcome.succeeded]
        file = self._open.get(status)
        if file is None:
            file = self._open[status] = self._new_file(status)
        file.add(report_row(row, outcome))
        if file.row_count >= self._settings.report_rows_per_file_max:
            # Removed before the upload, because other tasks finish concurrently.
            del self._open[status]
            await self._upload(status, file)

    async def finish(self, now: datetime) -> None:
        """Upload the remaining rows, then the two manifest objects.

        If no task ran, there is no report ("Tracking job status and completion reports",
        S3 User Guide).
        """
        if not self._tasks_ran:
            return
        for status in _STATUSES:
            if status in self._open:
                await self._upload(status, self._open.pop(status))
        manifest = json.dumps(
            {
                "Format": REPORT_FORMAT,
                "ReportCreationDate": timestamp(now),
                "Results": sorted(self._results, key=_succeeded_first),
                "ReportSchema": REPORT_SCHEMA,
            }
        ).encode()
        checksum = hashlib.md5(manifest, usedforsecurity=False).hexdigest()
        await self._put(f"{self._root}/manifest.json.md5", checksum.encode())
        await self._put(f"{self._root}/manifest.json", manifest)

    def close(self) -> None:
        """Discard rows that were not uploaded."""
        for file in self._open.values():
            file.spool.close()
        self._open.clear()

    def _new_file(self, status: str) -> _ResultFile:
        self._file_count += 1
        name = hashlib.sha1(
            f"{self._root}/{status}/{self._file_count}".encode(), usedforsecurity=False
        ).hexdigest()
        return _ResultFile(f"{self._root}/results/{name}.csv")

    async def _upload(self, status: str, file: _ResultFile) -> None:
        with file.spool:
            file.spool.seek(0)
            await self._put(file.key, file.spool)
        self._results.append(
            {
                "TaskExecutionStatus": status,
                "Bucket": self._spec.bucket,
                "MD5Checksum": file.checksum.hexdigest(),
                "Key": file.key,
            }
        )

    async def _put(self, key: str, body: bytes | IO[bytes]) -> None:
        await put_report_object(self._s3, self._spec, key, body, self._settings.report_encryption)


def _succeeded_first(result: dict[str, Any]) -> int:
    return _STATUSES.index(result["TaskExecutionStatus"])
