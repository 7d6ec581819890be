"""The record of a chunk's copies in parts: a file that outlives the worker that writes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from application.files import copies_key
from domain.chunk import Chunk
from domain.connector import Trigger
from domain.errors import InvalidManifest
from domain.job import Job
from domain.part_copy import CopyRecord, from_json, to_json
from ports.errors import Fatal, NotFound
from ports.object_store import ObjectStore
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry

NOT_GIVEN_UP: Final = "copy_not_given_up"


class CopyFile:
    """Read when it is first asked for, and written at each change.

    Args:
        key: The file's key.
        check: Raises WorkLost if the chunk is another worker's by now: its record is not ours then.
    """

    def __init__(
        self,
        results: ResultsStore,
        *,
        key: str,
        check: Callable[[], None],
        telemetry: Telemetry,
    ) -> None:
        self._results = results
        self._key = key
        self._telemetry = telemetry
        self._records: dict[str, CopyRecord] | None = None
        self._filing = asyncio.Lock()
        self.check = check

    async def get(self, object_key: str) -> CopyRecord:
        """Return what is on file of an object; of one that is not, an empty record."""
        async with self._filing:
            return (await self._load()).get(object_key, CopyRecord())

    async def put(self, object_key: str, record: CopyRecord) -> None:
        """Put a record on file; one of which no copy was ever begun is left out.

        How often copies of an object were begun stays there when one is done: an object that its
        owner replaces after each copy is begun again as one that is replaced in the middle of it.

        Raises:
            WorkLost: the chunk is another worker's.
        """
        async with self._filing:
            records = dict(await self._load())
            if record.begun_count:
                records[object_key] = record
            else:
                records.pop(object_key, None)
            self.check()
            await self._results.put(self._key, to_json(records))
            self._records = records

    async def _load(self) -> dict[str, CopyRecord]:
        if self._records is None:
            self._records = await _read(self._results, self._key, self._telemetry)
        return self._records


async def _read(results: ResultsStore, key: str, telemetry: Telemetry) -> dict[str, CopyRecord]:
    """Return the records by object; none, with a warning, if the file is not ours."""
    try:
        return from_json(await results.get(key))
    except NotFound:
        return {}
    except InvalidManifest as error:
        telemetry.warning(NOT_GIVEN_UP, file=key, cause=str(error))
        return {}


class LeftCopies:
    """Gives up what copies in parts a chunk leaves that is about to be settled."""

    def __init__(
        self, *, objects: ObjectStore, results: ResultsStore, telemetry: Telemetry
    ) -> None:
        self._objects = objects
        self._results = results
        self._telemetry = telemetry

    async def give_up(self, job: Job, chunk: Chunk) -> None:
        """Give them up; may be repeated. What the store does not let go is only warned of.

        So is a record that we may not read or write. Of a chunk that no worker ever had, nothing is
        asked.

        Raises:
            Retryable: the record cannot be read or written now.
        """
        had = chunk.attempt_count > 0 or chunk.progress_key is not None
        if job.ingest.trigger is not Trigger.COPY or job.options.dry_run or not had:
            return
        file_key = copies_key(job.job_id, chunk.index)
        try:
            records = await _read(self._results, file_key, self._telemetry)
            for key, record in records.items():
                for upload_id in record.upload_ids:
                    await self._abandon(job, key, upload_id)
            if records:
                await self._results.put(file_key, to_json({}))
        except Fatal as error:
            self._telemetry.warning(NOT_GIVEN_UP, file=file_key, cause=str(error))

    async def _abandon(self, job: Job, key: str, upload_id: str) -> None:
        try:
            await self._objects.abandon_copy(job.bucket, key, upload_id)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning(NOT_GIVEN_UP, object_key=key, cause=str(error))
