"""Discovery of one object, read-only: a task of S3 Batch Operations."""

from __future__ import annotations

from dataclasses import dataclass

from application.processor.process_objects import ObjectProcessor
from application.results.failure_records import cause_of, error_class, is_unknown
from domain.batch_job import encode_result
from domain.connector import Bucket, Ingest
from domain.job import Job, new_job
from domain.manifest import decode_invocation_key
from domain.sync_request import SyncOptions, SyncRequest
from ports.clock import Clock
from ports.errors import NotFound, Retryable
from ports.job_store import JobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """The result of one task; `code` is S3's: Succeeded, TemporaryFailure or PermanentFailure."""

    code: str
    text: str


class DiscoverObject:
    """Performs tasks.

    An error of a single object is a result, not a failure of the task: S3 ends the whole batch job
    when half of its tasks fail (S3 User Guide, "Job status").
    """

    def __init__(self, *, jobs: JobStore, object_processor: ObjectProcessor, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock
        self._object_processor = object_processor
        self._known: dict[str, Job] = {}

    async def answer(
        self,
        job_id: str | None,
        bucket_name: str,
        encoded_key: str,
        *,
        version_id: str | None = None,
    ) -> TaskResult:
        """Return the result of the task for one key, as the invocation encodes it.

        A task that names a version fails: a sync processes current versions, and the decision must
        be about the version that is named.

        Without a job id (invocation schema 1.0 has no user arguments) the decision is that of a
        sync of the bucket without options.
        """
        if version_id:
            text = (
                f"the task names version {version_id}, and a sync processes current versions;"
                " create a manifest with bucket and key only"
            )
            return TaskResult(code="PermanentFailure", text=text)
        try:
            job = await self._job(job_id) if job_id else self._without_job(bucket_name)
            if job.request.bucket.name != bucket_name:
                owner = job.request.bucket.name
                text = f"job {job_id} is for bucket {owner}, the task for {bucket_name}"
                return TaskResult(code="PermanentFailure", text=text)
            outcome = await self._object_processor.discover(job, decode_invocation_key(encoded_key))
        except Retryable as error:
            return TaskResult(code="TemporaryFailure", text=f"{type(error).__name__}: {error}")
        except NotFound:
            return TaskResult(code="PermanentFailure", text=f"there is no job {job_id}")
        except Exception as error:  # noqa: BLE001 - any error is the result of its task
            code = "TemporaryFailure" if is_unknown(error) else "PermanentFailure"
            return TaskResult(code=code, text=f"{error_class(error)}: {cause_of(error)}")
        if outcome.retryable:
            return TaskResult(code="TemporaryFailure", text=f"{outcome.reason}: {outcome.message}")
        return TaskResult(code="Succeeded", text=encode_result(outcome))

    async def _job(self, job_id: str) -> Job:
        # Only members that never change are used (request, queue), so one read serves
        # all tasks of a warm process. A process has tasks of few jobs; the last one is kept.
        if job_id not in self._known:
            self._known = {job_id: await self._jobs.get(job_id)}
        return self._known[job_id]

    def _without_job(self, bucket_name: str) -> Job:
        return new_job(
            job_id="",
            request=SyncRequest(
                connector_id="",
                bucket=Bucket(name=bucket_name),
                ingest=Ingest(),
                options=SyncOptions(),
            ),
            now=self._clock.now(),
        )
