"""The state of a chunk's multipart copies: a file that outlives the worker that writes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from application.results.failure_records import cause_of
from application.results.stored_e_tag import stored_e_tag
from domain.errors import InvalidManifest
from domain.part_copy import CopyRecord, from_json, to_json
from ports.errors import Conflict, NotFound, Unavailable
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry

_REPLACE_ATTEMPT_COUNT: Final = 3
NOT_ABORTED: Final = "copy_not_aborted"
"""The warning about a multipart copy, or a record of one, that was not removed."""


class CopyStateFile:
    """Read at the first access, and written at each change.

    Args:
        key: The file's key.
        check: Raises LeaseLost once another worker holds the chunk: that worker then owns the file.
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
        self._e_tag: str | None = None
        self._e_tag_known = False
        self._lock = asyncio.Lock()
        self.check = check

    async def get(self, object_key: str) -> CopyRecord:
        """Return the record of an object, an empty one if there is none."""
        async with self._lock:
            return (await self._load()).get(object_key, CopyRecord())

    async def put(self, object_key: str, record: CopyRecord) -> None:
        """Store a record; one of an object whose copy was never started is left out.

        The number of started copies stays after a copy is complete: it counts an object that its
        owner replaces after each copy like one that is replaced during the copy.

        Raises:
            LeaseLost: another worker has the chunk.
        """
        async with self._lock:
            records = dict(await self._load())
            if record.started_count:
                records[object_key] = record
            else:
                records.pop(object_key, None)
            await self._replace(to_json(records))
            self._records = records

    async def _replace(self, content: bytes) -> None:
        """Replace the content that was read or written last.

        A write whose response was lost may still arrive. Its condition no longer holds then, so it
        cannot overwrite a later one, which would leave copies without a record.
        """
        for _ in range(_REPLACE_ATTEMPT_COUNT):
            self.check()
            if not self._e_tag_known:
                self._e_tag = await stored_e_tag(self._results, self._key)
            self._e_tag_known = False
            try:
                self._e_tag = await self._results.replace(self._key, content, e_tag=self._e_tag)
            except Conflict:
                continue  # an earlier write of this worker arrived, or the SDK sent this one twice
            self._e_tag_known = True
            return
        raise Unavailable(
            f"{self._key} was written by another process {_REPLACE_ATTEMPT_COUNT} times in a row",
            resource=self._key,
        )

    async def _load(self) -> dict[str, CopyRecord]:
        if self._records is None:
            self._records = await read_records(self._results, self._key, self._telemetry)
        return self._records


async def read_records(
    results: ResultsStore, key: str, telemetry: Telemetry
) -> dict[str, CopyRecord]:
    """Return the records by object; none, with a warning, if the file has an invalid format."""
    try:
        return from_json(await results.get(key))
    except NotFound:
        return {}
    except InvalidManifest as error:
        telemetry.warning(NOT_ABORTED, file=key, cause=cause_of(error))
        return {}
