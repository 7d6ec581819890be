"""S3 Batch Operations, through S3 Control."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import Malformed, optional, required
from domain.batch_job import ENDED, BatchJob, BatchJobStatus
from domain.job import Job, ManifestFile
from domain.manifest import FIELDS, FIELDS_BEFORE, format_timestamp
from ports.batch_jobs import BatchJobs
from ports.errors import Conflict, CorruptData, NotFound

if TYPE_CHECKING:
    from types_aiobotocore_s3control.client import S3ControlClient

_JOB_ID_ARGUMENT: Final = "jobId"
_DESCRIPTION_CHARS_MAX: Final = 256
_NOT_ENDED: Final = [status.value for status in BatchJobStatus if status not in ENDED]


class S3BatchJobs:
    """Creates and monitors batch jobs that call the processor for each row of a manifest.

    Args:
        client: S3 Control.
        account_id: The account that the jobs belong to.
        results_bucket: The bucket of manifests and reports.
        processor_arn: The function that each task invokes.
        role_arn: The role that S3 assumes for the job.
        priority: Among the account's jobs; higher goes first.
    """

    def __init__(
        self,
        client: S3ControlClient,
        *,
        account_id: str,
        results_bucket: str,
        processor_arn: str,
        role_arn: str,
        priority: int = 10,
    ) -> None:
        self._client = client
        self._account_id = account_id
        self._results_bucket = results_bucket
        self._processor_arn = processor_arn
        self._role_arn = role_arn
        self._priority = priority

    async def create(self, job: Job, *, report_prefix: str) -> str:
        if job.discovery.manifest is None:
            raise ValueError(f"job {job.job_id} has no manifest yet")
        request = self._request(job, job.discovery.manifest, report_prefix)
        with map_aws_errors("s3control", operation="CreateJob", resource=f"job/{job.job_id}"):
            response = await self._client.create_job(**request)
            return required(response, "JobId")

    async def describe(self, batch_job_id: str) -> BatchJob:
        with map_aws_errors("s3control", operation="DescribeJob", resource=f"job/{batch_job_id}"):
            response = await self._client.describe_job(
                AccountId=self._account_id, JobId=batch_job_id
            )
            return _batch_job(batch_job_id, required(response, "Job", of=dict))

    async def find(self, job_id: str) -> Sequence[str]:
        """See the port.

        ListJobs returns neither arguments nor tags nor client tokens (S3 Control API Reference,
        "JobListDescriptor"). The description has the job's id.
        """
        request: dict[str, Any] = {"AccountId": self._account_id, "JobStatuses": _NOT_ENDED}
        found: list[str] = []
        while True:
            with map_aws_errors("s3control", operation="ListJobs", resource=f"job/{job_id}"):
                page = await self._client.list_jobs(**request)
                found += [
                    required(each, "JobId")
                    for each in required(page, "Jobs", of=list)
                    if optional(each, "Description") == _description(job_id)
                ]
                following = optional(page, "NextToken")
                if following and following == request.get("NextToken"):
                    raise Malformed("the list names the same page again as its next page")
            if not following:
                return found
            request["NextToken"] = following

    async def cancel(self, batch_job_id: str) -> None:
        try:
            with map_aws_errors(
                "s3control", operation="UpdateJobStatus", resource=f"job/{batch_job_id}"
            ):
                await self._client.update_job_status(
                    AccountId=self._account_id,
                    JobId=batch_job_id,
                    RequestedJobStatus="Cancelled",
                    StatusUpdateReason="asset-sync: the job ends early",
                )
        except (Conflict, NotFound):
            # It has ended, or S3 no longer has it: there is nothing to cancel.
            return

    def _request(self, job: Job, manifest: ManifestFile, report_prefix: str) -> dict[str, Any]:
        """Return CreateJob's parameters; they depend only on the job, so retries are equal."""
        partition = self._role_arn.split(":")[1]
        bucket_arn = f"arn:{partition}:s3:::{self._results_bucket}"
        fields = list(FIELDS if manifest.row_e_tags else FIELDS_BEFORE)
        return {
            "AccountId": self._account_id,
            "ClientRequestToken": client_token(job.job_id, manifest),
            # S3 User Guide, "Tracking job status and completion reports": a job that waits for
            # confirmation is Suspended. The documented default differs between pages.
            "ConfirmationRequired": False,
            "Description": _description(job.job_id),
            "Priority": self._priority,
            "RoleArn": self._role_arn,
            "Operation": {
                "LambdaInvoke": {
                    "FunctionArn": self._processor_arn,
                    # S3 Control API Reference, "LambdaInvokeOperation": required for UserArguments.
                    "InvocationSchemaVersion": "2.0",
                    "UserArguments": {
                        _JOB_ID_ARGUMENT: job.job_id,
                        "timestamp": format_timestamp(job.times.created_at),
                    },
                }
            },
            "Manifest": {
                "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": fields},
                "Location": {"ObjectArn": f"{bucket_arn}/{manifest.key}", "ETag": manifest.e_tag},
            },
            "Report": {
                "Enabled": True,
                "Bucket": bucket_arn,
                "Format": "Report_CSV_20180820",
                "Prefix": report_prefix,
                "ReportScope": "AllTasks",
            },
            "Tags": [{"Key": "asset-sync:job", "Value": job.job_id}],
        }


def _description(job_id: str) -> str:
    return f"asset-sync {job_id}"[:_DESCRIPTION_CHARS_MAX]


def client_token(job_id: str, manifest: ManifestFile) -> str:
    """Return the token by which S3 recognizes a repeated request; 64 characters, S3's limit."""
    return hashlib.sha256(f"{job_id}\n{manifest.e_tag}".encode()).hexdigest()


def _batch_job(batch_job_id: str, found: Mapping[str, Any]) -> BatchJob:
    name = required(found, "Status")
    try:
        status = BatchJobStatus(name)
    except ValueError as error:
        raise CorruptData(
            f"batch job {batch_job_id} has an unknown status: {name}",
            operation="DescribeJob",
            resource=f"job/{batch_job_id}",
        ) from error
    progress = found.get("ProgressSummary", {})
    invocation = found.get("Operation", {}).get("LambdaInvoke", {})
    return BatchJob(
        batch_job_id=batch_job_id,
        job_id=invocation.get("UserArguments", {}).get(_JOB_ID_ARGUMENT),
        status=status,
        total_count=progress.get("TotalNumberOfTasks", 0),
        succeeded_count=progress.get("NumberOfTasksSucceeded", 0),
        failed_count=progress.get("NumberOfTasksFailed", 0),
        failure_reasons=tuple(
            f"{reason.get('FailureCode', '')}: {reason.get('FailureReason', '')}"
            for reason in found.get("FailureReasons", [])
        ),
        ended_at=found.get("TerminationDate"),
    )


_: type[BatchJobs] = S3BatchJobs
