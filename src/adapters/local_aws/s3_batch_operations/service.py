"""The job operations of the API: create, describe, list, update.

No operation awaits, so each is atomic. An account cannot access the jobs of another one.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from adapters.local_aws.s3_batch_operations.environment import Environment
from adapters.local_aws.s3_batch_operations.errors import (
    BadRequest,
    IdempotencyViolated,
    InvalidNextToken,
    StatusChangeRejected,
    UnknownJob,
)
from adapters.local_aws.s3_batch_operations.event_publisher import JobEventPublisher, job_event
from adapters.local_aws.s3_batch_operations.job import BatchJob
from adapters.local_aws.s3_batch_operations.job_spec import checked_tags, job_spec
from adapters.local_aws.s3_batch_operations.runner import BatchJobRunner
from adapters.local_aws.s3_batch_operations.settings import BatchOperationsSettings
from adapters.local_aws.s3_batch_operations.states import (
    BatchJobStatus,
    IllegalTransition,
    is_terminal,
)

LIST_MAX: Final = 1_000
"""Hard limit of MaxResults (shape ListJobsRequest); that it is the default is a guess."""


class BatchJobService:
    """The jobs of one emulator, by account."""

    def __init__(
        self,
        settings: BatchOperationsSettings,
        runner: BatchJobRunner,
        publisher: JobEventPublisher,
        environment: Environment,
        start: Callable[[BatchJob], None],
    ) -> None:
        self._settings = settings
        self._runner = runner
        self._publisher = publisher
        self._env = environment
        self._start = start
        self._jobs: dict[str, BatchJob] = {}
        self._tokens: dict[tuple[str, str], tuple[str, str]] = {}

    def create(self, account_id: str, request: dict[str, Any]) -> dict[str, Any]:
        """Create a job, or return the one that the same request created before.

        The token makes the request idempotent (shape CreateJobRequest). That the same token with
        another request raises IdempotencyException follows from the error's name, unconfirmed.
        The emulator keeps tokens until it stops, AWS for an unconfirmed time.
        """
        spec = job_spec(request)
        fingerprint = json.dumps(request, sort_keys=True)
        known = self._tokens.get((account_id, spec.client_token))
        if known is not None:
            if known[0] != fingerprint:
                raise IdempotencyViolated(
                    f"ClientRequestToken {spec.client_token!r} was used with another request"
                )
            return {"JobId": known[1]}
        now = self._env.clock()
        job = BatchJob(
            job_id=self._env.new_id(),
            account_id=account_id,
            region=self._settings.region,
            sequence=len(self._jobs) + 1,
            spec=spec,
            created_at=now,
            priority=spec.priority,
            tags=dict(spec.tags),
        )
        self._jobs[job.job_id] = job
        self._tokens[account_id, spec.client_token] = (fingerprint, job.job_id)
        self._publisher.publish(job_event("JobCreated", job, now, self._env.new_id))
        self._start(job)
        return {"JobId": job.job_id}

    def describe(self, account_id: str, job_id: str) -> dict[str, Any]:
        """Describe one job."""
        return {"Job": self._find(account_id, job_id).describe(self._env.clock())}

    def list(
        self, account_id: str, statuses: Sequence[str], token: str | None, max_results: int | None
    ) -> dict[str, Any]:
        """List the account's jobs, the newest first (a guess at the order)."""
        before = None if token is None else _read_token(token)
        now = self._env.clock()
        found = [
            job
            for job in reversed(self._jobs.values())
            if job.account_id == account_id
            and (not statuses or job.status in statuses)
            and (before is None or job.sequence < before)
        ]
        size = max_results or LIST_MAX
        answer: dict[str, Any] = {"Jobs": [job.list_entry(now) for job in found[:size]]}
        if len(found) > size:
            token = f"before:{found[size - 1].sequence}"
            answer["NextToken"] = base64.b64encode(token.encode()).decode()
        return answer

    def update_status(
        self, account_id: str, job_id: str, requested: str, reason: str | None
    ) -> dict[str, Any]:
        """Confirm a suspended job, or request the cancellation of a job.

        Raises:
            StatusChangeRejected: The current status does not allow it.
        """
        job = self._find(account_id, job_id)
        target = (
            BatchJobStatus.READY if requested == BatchJobStatus.READY else BatchJobStatus.CANCELLING
        )
        is_idle = job.status is BatchJobStatus.SUSPENDED
        # Preparing also leads to Ready, but not by an API request.
        if target is BatchJobStatus.READY and job.status is not BatchJobStatus.SUSPENDED:
            raise StatusChangeRejected(f"A job in status {job.status} does not await confirmation")
        previous_reason, job.status_reason = job.status_reason, reason
        try:
            self._runner.move(job, target)
        except IllegalTransition as error:
            job.status_reason = previous_reason
            raise StatusChangeRejected(str(error)) from error
        if is_idle and target is BatchJobStatus.CANCELLING:
            # No task is running, so there is nothing to wait for.
            self._runner.move(job, BatchJobStatus.CANCELLED)
        job.woken.set()
        answer = {"JobId": job.job_id, "Status": job.status}
        return answer if reason is None else {**answer, "StatusUpdateReason": reason}

    def update_priority(self, account_id: str, job_id: str, priority: int) -> dict[str, Any]:
        """Change a job's priority, which has no effect in the emulator."""
        job = self._find(account_id, job_id)
        if is_terminal(job.status):
            # The model names no JobStatusException for this operation.
            raise BadRequest(f"The priority of a job in status {job.status} cannot change")
        job.priority = priority
        return {"JobId": job.job_id, "Priority": priority}

    def tags(self, account_id: str, job_id: str) -> dict[str, Any]:
        """Return a job's tags, in the order of their keys (a guess)."""
        tags = self._find(account_id, job_id).tags
        return {"Tags": [{"Key": key, "Value": tags[key]} for key in sorted(tags)]}

    def put_tags(self, account_id: str, job_id: str, tags: Sequence[dict[str, str]]) -> None:
        """Replace a job's tags."""
        self._find(account_id, job_id).tags = checked_tags(tags)

    def delete_tags(self, account_id: str, job_id: str) -> None:
        """Remove all tags of a job."""
        self._find(account_id, job_id).tags = {}

    def _find(self, account_id: str, job_id: str) -> BatchJob:
        job = self._jobs.get(job_id)
        visible_after = timedelta(seconds=self._settings.visible_after_s)
        if (
            job is None
            or job.account_id != account_id
            or self._env.clock() - job.created_at < visible_after
        ):
            raise UnknownJob("No such job", code=self._settings.unknown_job_code)
        return job


def _read_token(token: str) -> int:
    try:
        return int(base64.b64decode(token, validate=True).decode().removeprefix("before:"))
    except (binascii.Error, ValueError) as error:
        raise InvalidNextToken("NextToken was not returned by ListJobs") from error
