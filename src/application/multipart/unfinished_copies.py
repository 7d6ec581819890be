"""Aborting the multipart copies that are not complete when their chunk is settled."""

from __future__ import annotations

from application.multipart.copy_state_file import NOT_ABORTED, read_records
from application.results.failure_records import cause_of
from application.results.files import copies_key
from domain.chunk import Chunk
from domain.connector import Trigger
from domain.job import Job
from domain.part_copy import to_json
from ports.errors import Fatal
from ports.object_store import ObjectStore
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry


class UnfinishedCopies:
    """Aborts the multipart copies of a chunk that is about to be settled."""

    def __init__(
        self, *, objects: ObjectStore, results: ResultsStore, telemetry: Telemetry
    ) -> None:
        self._objects = objects
        self._results = results
        self._telemetry = telemetry

    async def abort(self, job: Job, chunk: Chunk) -> None:
        """Abort them; idempotent.

        A copy that cannot be aborted is only reported. So is a copy-state file that this service
        may not read or write. A chunk that no worker ever leased has none.

        Raises:
            Retryable: the file cannot be read or written now.
        """
        request = job.request
        was_leased = chunk.attempt_count > 0 or chunk.progress_key is not None
        if request.ingest.trigger is not Trigger.COPY or request.options.dry_run or not was_leased:
            return
        file_key = copies_key(job.job_id, chunk.index)
        try:
            records = await read_records(self._results, file_key, self._telemetry)
            for key, record in records.items():
                for upload_id in record.upload_ids:
                    await self._abort_upload(job, key, upload_id)
            if records:
                await self._results.put(file_key, to_json({}))
        except Fatal as error:
            self._telemetry.warning(NOT_ABORTED, file=file_key, cause=cause_of(error))

    async def _abort_upload(self, job: Job, key: str, upload_id: str) -> None:
        try:
            await self._objects.abort_multipart_copy(job.request.bucket, key, upload_id)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning(NOT_ABORTED, object_key=key, cause=cause_of(error))
