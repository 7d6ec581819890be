"""Reads a job's chunks for its pictures, and remembers pages that cannot change."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from domain.chunk import TERMINAL
from domain.views import Json
from entrypoints.console.api import Api, job_path

CHUNK_COUNT_MAX: Final = 1_000
_PAGE_CHUNK_COUNT: Final = 100
_JOB_COUNT_MAX: Final = 8
# The page is shown without the rest: a picture must not make an operator wait.
_READ_S: Final = 3.0


@dataclass(slots=True)
class _Remembered:
    updated_at: str
    pages: dict[str | None, Json] = field(default_factory=dict)


class ChunkReader:
    """Reads the first chunks of a job.

    A page on which all chunks are settled changes only by a redrive, which changes the job's
    `updatedAt`; so it is read once for each of these.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._jobs: OrderedDict[str, _Remembered] = OrderedDict()

    async def read(self, job: Json) -> list[Json]:
        """Return the job's first chunks, by index: CHUNK_COUNT_MAX, or as many as are read in time.

        Raises:
            ApiError: they cannot be read.
        """
        remembered = self._remembered(job)
        deadline = time.monotonic() + _READ_S
        chunks: list[Json] = []
        cursor: str | None = None
        while len(chunks) < CHUNK_COUNT_MAX:
            page = remembered.pages.get(cursor)
            if page is None:
                if chunks and time.monotonic() > deadline:
                    break
                page = await self._read_page(job["jobId"], cursor)
                if page["nextCursor"] and all(c["status"] in TERMINAL for c in page["items"]):
                    remembered.pages[cursor] = page
            chunks.extend(page["items"])
            cursor = page["nextCursor"]
            if cursor is None:
                break
        return chunks[:CHUNK_COUNT_MAX]

    def _remembered(self, job: Json) -> _Remembered:
        job_id, updated_at = job["jobId"], job["updatedAt"]
        found = self._jobs.get(job_id)
        if found is None or found.updated_at != updated_at:
            found = self._jobs[job_id] = _Remembered(updated_at)
        self._jobs.move_to_end(job_id)
        while len(self._jobs) > _JOB_COUNT_MAX:
            self._jobs.popitem(last=False)
        return found

    async def _read_page(self, job_id: str, cursor: str | None) -> Json:
        query = {"limit": _PAGE_CHUNK_COUNT, "cursor": cursor}
        return await self._api.get(job_path(job_id, "chunks"), query)
