"""Copies in parts: begun by one process, and gone on with by others until they are done.

What is under way is on file (`copy_state_file`), so that a process may end between any two
parts: because its time is up, because S3 throttles, or without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from application.execution.fanout import AdaptiveLimit, fan_out
from application.execution.stop_signal import StopRequested, StopSignal, ensure_may_start
from application.execution.tuning import Tuning
from application.multipart.copy_state_file import NOT_ABORTED, CopyStateFile
from application.results.failure_records import is_unknown
from domain.connector import Bucket
from domain.customer_object import ObjectHead, WrittenObject
from domain.part_copy import (
    CopiedPart,
    CopyRecord,
    Part,
    PartialCopy,
    fingerprint_of,
    plan_parts,
)
from ports.clock import Clock
from ports.errors import PortError, Retryable
from ports.object_store import ObjectStore
from ports.telemetry import Telemetry

# How often what is done is put on file while a worker is at it: it may be killed.
_NOTED_EVERY: Final = timedelta(seconds=30)


class ResumableCopies:
    """The copies in parts of one chunk, as one worker sees them.

    Attributes:
        advanced: Whether this worker brought any of them further. What decreases from one such
            worker to the next is the number of parts to copy, of copies begun at most as often as
            a chunk has attempts.
    """

    def __init__(
        self,
        *,
        objects: ObjectStore,
        file: CopyStateFile,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
        bucket: Bucket,
        stop_signal: StopSignal,
        limit: AdaptiveLimit,
    ) -> None:
        self._objects = objects
        self._file = file
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning
        self._bucket = bucket
        self._stop_signal = stop_signal
        self._limit = limit
        self.advanced = False

    async def copy(self, head: ObjectHead, tags: Mapping[str, str]) -> WrittenObject:
        """Copy the object onto itself with `tags`, from where an earlier attempt stopped.

        Raises:
            StopRequested: this worker has to stop; what is done is on file.
            Conflict, NotFound, Archived, Refused: as `ObjectStore.copy_in_place`; the copy
                is aborted.
            LeaseLost: the chunk is another worker's by now.
        """
        copy = await self._begun(head, tags)
        copied = {part.number: part for part in copy.parts}
        try:
            await self._copy_parts(head, copy, copied)
            # Joining may take minutes, and the process may end in it.
            await self._note(head.key, copy, copied)
            parts = [copied[number] for number in sorted(copied)]
            async with self._limit:
                await ensure_may_start(self._stop_signal)
                written = await self._objects.complete_multipart_copy(
                    self._bucket, head, copy.upload_id, parts
                )
        except Exception as error:
            if _may_continue(error):
                await self._note(head.key, copy, copied)
            elif isinstance(error, PortError):
                await self._give_up(head.key)
            raise
        record = await self._file.get(head.key)
        self._advance(record)
        await self._file.put(head.key, replace(record, under_way=None))
        return written

    async def _begun(self, head: ObjectHead, tags: Mapping[str, str]) -> PartialCopy:
        async with self._limit:
            access = await self._objects.access(self._bucket, head)
        fingerprint = fingerprint_of(head, tags, access)
        record = await self._file.get(head.key)
        if record.under_way is not None and record.under_way.fingerprint != fingerprint:
            record = await self._give_up(head.key)
        if record.under_way is not None:
            return record.under_way
        async with self._limit:
            await ensure_may_start(self._stop_signal)
            upload_id = await self._objects.create_multipart_copy(self._bucket, head, tags)
        copy = PartialCopy(
            upload_id=upload_id, fingerprint=fingerprint, part_bytes=self._tuning.copy_part_bytes
        )
        started = replace(record, started_count=record.started_count + 1, under_way=copy)
        try:
            await self._file.put(head.key, started)
        except Exception:
            # It has no record and no parts: no other attempt could resume or abort it.
            await self._abort(head.key, upload_id)
            raise
        return copy

    async def _copy_parts(
        self, head: ObjectHead, copy: PartialCopy, copied: dict[int, CopiedPart]
    ) -> None:
        bytes_per_s = self._tuning.sizing.copied_bytes_per_s
        slowest_s = 0.0
        noted_at = self._clock.now()
        stop: Exception | None = None

        async def work(part: Part) -> None:
            nonlocal slowest_s, noted_at, stop
            if stop is not None:
                return  # before the limit, which would take it for a call that went well
            try:
                async with self._limit:
                    if stop is not None:
                        return
                    await ensure_may_start(
                        self._stop_signal, max(slowest_s, part.size_bytes / bytes_per_s)
                    )
                    began_at = self._clock.now()
                    copied[part.number] = await self._objects.copy_part(
                        self._bucket, head, copy.upload_id, part
                    )
                    took_s = (self._clock.now() - began_at).total_seconds()
                    slowest_s = max(slowest_s, took_s)
                if self._clock.now() - noted_at >= _NOTED_EVERY:
                    noted_at = self._clock.now()
                    await self._note(head.key, copy, copied)
            except Exception as error:  # noqa: BLE001 - raised below
                # Not raised here: that would cancel parts that are nearly copied, or let them
                # arrive in an upload that is being aborted.
                if stop is None or _may_continue(stop):
                    stop = error

        planned = plan_parts(head.size_bytes, part_bytes=copy.part_bytes)
        waiting = [part for part in planned if part.number not in copied]
        await fan_out(waiting, work, limit=self._tuning.copy_parts_in_flight)
        if stop is not None:
            raise stop

    async def _note(self, key: str, copy: PartialCopy, copied: Mapping[int, CopiedPart]) -> None:
        """Put on file what is copied since the last time."""
        record = await self._file.get(key)
        noted = () if record.under_way is None else record.under_way.parts
        if len(copied) <= len(noted):
            return
        parts = tuple(copied[number] for number in sorted(copied))
        await self._file.put(key, replace(record, under_way=replace(copy, parts=parts)))
        self._advance(record)

    def _advance(self, record: CopyRecord) -> None:
        # A copy that has to be begun again and again comes no further.
        self.advanced |= record.started_count <= self._tuning.chunk_attempt_count_max

    async def _give_up(self, key: str) -> CopyRecord:
        record = await self._file.get(key)
        if record.under_way is None:
            return record
        upload_id = record.under_way.upload_id
        self._file.check()
        # If this fails, the record keeps its id: the end of the chunk tries again.
        await self._abort(key, upload_id)
        gone = replace(record, under_way=None, given_up=(*record.given_up, upload_id))
        await self._file.put(key, gone)
        return gone

    async def _abort(self, key: str, upload_id: str) -> None:
        try:
            await self._objects.abort_multipart_copy(self._bucket, key, upload_id)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning(NOT_ABORTED, object_key=key, cause=str(error))


def _may_continue(error: Exception) -> bool:
    """Tell whether a copy that `error` stopped may be continued: it says nothing of the object."""
    return isinstance(error, StopRequested | Retryable) or is_unknown(error)
