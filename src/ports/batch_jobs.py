"""S3 Batch Operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.batch_job import BatchJob
from domain.job import Job


class BatchJobs(Protocol):
    """Creates and monitors the batch jobs that run discovery.

    Every method may raise the Retryable and Fatal errors of `ports.errors`.
    """

    async def create(self, job: Job, *, report_prefix: str) -> str:
        """Create the batch job that runs discovery over the job's manifest; return its id.

        Its client token depends only on job and manifest: a second call for the same job creates no
        second batch job and returns the same id. The batch job has the job's id in its user
        arguments, and reports on all tasks under `report_prefix`.

        Raises:
            Refused: S3 does not accept the request.
        """
        ...

    async def describe(self, batch_job_id: str) -> BatchJob:
        """Return the state of a batch job, this service's or not.

        Raises:
            NotFound: There is none; shortly after a creation that may change.
        """
        ...

    async def find(self, job_id: str) -> Sequence[str]:
        """Return the ids of the batch jobs that were created for this job and have not ended.

        For a job whose record does not name its batch job. It may take some seconds until S3
        returns a new one.
        """
        ...

    async def cancel(self, batch_job_id: str) -> None:
        """Cancel a batch job; one that has ended, or does not exist, is ignored."""
        ...
