"""The job operations of the API: create, describe, list, update.

Nothing here awaits, so each operation is atomic. Accounts do not see each other's jobs.
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
    JobStatusRefused,
    UnknownJob,
)
from adapters.local_aws.s3_batch_operations.event_publisher import Announcer, job_event
from adapters.local_aws.s3_batch_operations.job import Job
from adapters.local_aws.s3_batch_operations.job_spec import checked_tags, job_spec
from adapters.local_aws.s3_batch_operations.runner import JobRunner
from adapters.local_aws.s3_batch_operations.settings import BatchOperationsSettings
from adapters.local_aws.s3_batch_operations.states import IllegalMove, JobStatus, is_terminal

LIST_MAX: Final = 1_000
"""Hard limit of MaxResults (shape ListJobsRequest); that it is the default is a guess."""


class JobService:
    """The jobs of one emulator, by account."""

    def __init__(
        self,
        settings: BatchOperationsSettings,
        runner: JobRunner,
        announcer: Announcer,
        environment: Environment,
        start: Callable[[Job], None],
    ) -> None:
        self._settings = settings
        self._runner = runner
        self._announcer = announcer
        self._env = environment
        self._start = start
        self._jobs: dict[str, Job] = {}
        self._tokens: dict[tuple[str, str], tuple[str, str]] = {}

    def create(self, account_id: str, request: dict[str, Any]) -> dict[str, Any]:
        """Create a job, or find the one that the same request created before.

        The token is what makes a repeated request harmless (shape CreateJobRequest).
        That the same token with another request raises IdempotencyException is how the
        error's name reads, unconfirmed; the emulator remembers tokens as long as it
        lives, AWS for an unconfirmed time.
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
        job = Job(
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
        self._announcer.announce(job_event("JobCreated", job, now, self._env.new_id))
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
            answer["NextToken"] = _write_token(found[size - 1].sequence)
        return answer

    def update_status(
        self, account_id: str, job_id: str, requested: str, reason: str | None
    ) -> dict[str, Any]:
        """Confirm a suspended job, or tell a job to cancel.

        Raises:
            JobStatusRefused: The present status does not allow it.
        """
        job = self._find(account_id, job_id)
        target = JobStatus.READY if requested == JobStatus.READY else JobStatus.CANCELLING
        is_idle = job.status is JobStatus.SUSPENDED
        # Preparing leads to Ready as well, but not by somebody asking for it.
        if target is JobStatus.READY and job.status is not JobStatus.SUSPENDED:
            raise JobStatusRefused(f"A job in status {job.status} does not await confirmation")
        previous_reason, job.status_reason = job.status_reason, reason
        try:
            self._runner.move(job, target)
        except IllegalMove as error:
            job.status_reason = previous_reason
            raise JobStatusRefused(str(error)) from error
        if is_idle and target is JobStatus.CANCELLING:
            # Nothing runs whose end would have to be waited for.
            self._runner.move(job, JobStatus.CANCELLED)
        job.woken.set()
        answer = {"JobId": job.job_id, "Status": job.status}
        return answer if reason is None else {**answer, "StatusUpdateReason": reason}

    def update_priority(self, account_id: str, job_id: str, priority: int) -> dict[str, Any]:
        """Change a job's priority, which the emulator stores and does not act on."""
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
        """Take all tags off a job."""
        self._find(account_id, job_id).tags = {}

    def _find(self, account_id: str, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        visible_after = timedelta(seconds=self._settings.visible_after_s)
        if (
            job is None
            or job.account_id != account_id
            or self._env.clock() - job.created_at < visible_after
        ):
            raise UnknownJob("No such job", code=self._settings.unknown_job_code)
        return job


def _write_token(sequence: int) -> str:
    return base64.b64encode(f"before:{sequence}".encode()).decode()


def _read_token(token: str) -> int:
    try:
        return int(base64.b64decode(token, validate=True).decode().removeprefix("before:"))
    except (binascii.Error, ValueError) as error:
        raise InvalidNextToken("NextToken was not returned by ListJobs") from error
