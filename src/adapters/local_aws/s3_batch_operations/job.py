"""The state of a job, and its description in the API.

A job is a mutable record of one event loop. No method awaits, so each is atomic with respect to
other tasks.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.local_aws.s3_batch_operations.job_spec import JobSpec
from adapters.local_aws.s3_batch_operations.states import BatchJobStatus, is_terminal, next_status

_SUSPENDED_CAUSE = "Awaiting confirmation"
"""A guess: the S3 Control model gives the length of SuspendedCause, not its values."""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """One entry of FailureReasons."""

    code: str
    reason: str


@dataclass(slots=True, kw_only=True)
class BatchJob:
    """One job.

    Attributes:
        sequence: From 1 in order of creation.
        task_count: Rows of the manifest, None until Preparing has counted them.
        woken: Set when an API request changed the status.
    """

    job_id: str
    account_id: str
    region: str
    sequence: int
    spec: JobSpec
    created_at: datetime
    priority: int
    status: BatchJobStatus = BatchJobStatus.NEW
    status_reason: str | None = None
    task_count: int | None = None
    succeeded_count: int = 0
    failed_count: int = 0
    failures: list[JobFailure] = field(default_factory=list)
    suspended_at: datetime | None = None
    ended_at: datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)
    active_since: datetime | None = None
    active_s: float = 0.0
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def arn(self) -> str:
        """The job's ARN, as in EventBridge events."""
        return f"arn:aws:s3:{self.region}:{self.account_id}:job/{self.job_id}"

    def is_in(self, status: BatchJobStatus) -> bool:
        """Return whether the job is in `status`; it may change at any await."""
        return self.status is status

    def move(self, status: BatchJobStatus, now: datetime) -> None:
        """Enter `status` and record its timestamps.

        Raises:
            IllegalTransition: `status` may not follow; nothing has changed.
        """
        self.status = next_status(self.status, status)
        if self.active_since is not None:
            self.active_s += (now - self.active_since).total_seconds()
            self.active_since = None
        if status is BatchJobStatus.ACTIVE:
            self.active_since = now
        if status is BatchJobStatus.SUSPENDED:
            self.suspended_at = now
        if is_terminal(status):
            self.ended_at = now

    def settle(self, *, succeeded: bool) -> None:
        """Count a finished task."""
        if succeeded:
            self.succeeded_count += 1
        else:
            self.failed_count += 1

    def exceeds_threshold(self, tasks_min: int, failed_percent: int) -> bool:
        """Return whether too many tasks failed for the job to continue.

        "Tracking job status and completion reports" (S3 User Guide): once at least 1,000
        tasks have run, the job fails as soon as failed tasks exceed 50 percent of those
        that have run. Exactly half is not too many.
        """
        run_count = self.succeeded_count + self.failed_count
        return run_count >= tasks_min and self.failed_count * 100 > run_count * failed_percent

    def progress(self, now: datetime) -> dict[str, Any]:
        """Return the ProgressSummary."""
        active_s = self.active_s
        if self.active_since is not None:
            active_s += (now - self.active_since).total_seconds()
        summary: dict[str, Any] = {
            "NumberOfTasksSucceeded": self.succeeded_count,
            "NumberOfTasksFailed": self.failed_count,
            "Timers": {"ElapsedTimeInActiveSeconds": int(active_s)},
        }
        # 0 before the count is known is a guess; the member is optional in the model.
        return {"TotalNumberOfTasks": self.task_count or 0, **summary}

    def describe(self, now: datetime) -> dict[str, Any]:
        """Return the JobDescriptor of DescribeJob."""
        request = self.spec.request
        described: dict[str, Any] = {
            "JobId": self.job_id,
            "ConfirmationRequired": self.spec.confirmation_required,
            "Description": request.get("Description"),
            "JobArn": self.arn,
            "Status": self.status,
            "Manifest": request.get("Manifest"),
            "Operation": request["Operation"],
            "Priority": self.priority,
            "ProgressSummary": self.progress(now),
            "StatusUpdateReason": self.status_reason,
            "FailureReasons": [
                {"FailureCode": failure.code, "FailureReason": failure.reason}
                for failure in self.failures
            ],
            "Report": request["Report"],
            "CreationTime": self.created_at,
            "TerminationDate": self.ended_at,
            "RoleArn": request["RoleArn"],
            "SuspendedDate": self.suspended_at,
            "SuspendedCause": _SUSPENDED_CAUSE if self.suspended_at else None,
        }
        return _without_none(described)

    def list_entry(self, now: datetime) -> dict[str, Any]:
        """Return the JobListDescriptor of ListJobs."""
        request = self.spec.request
        entry = {
            "JobId": self.job_id,
            "Description": request.get("Description"),
            "Operation": next(iter(request["Operation"])),
            "Priority": self.priority,
            "Status": self.status,
            "CreationTime": self.created_at,
            "TerminationDate": self.ended_at,
            "ProgressSummary": self.progress(now),
        }
        return _without_none(entry)


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
