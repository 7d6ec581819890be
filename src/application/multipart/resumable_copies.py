"""Multipart copies: started by one process, and resumed by others until they are complete.

Their state is stored (`copy_state_file`), so that a process may end between any two parts: because
its time is up, because S3 throttles, or without notice.
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
from application.results.failure_records import cause_of, is_unknown
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

# How often a worker saves its progress while it copies: it may be killed.
_SAVED_EVERY: Final = timedelta(seconds=30)


class ResumableCopies:
    """The multipart copies of one chunk, for one worker.

    Attributes:
        advanced: Whether this worker made progress with any of them: there are fewer parts left to
            copy. A copy that was started more often than a chunk has attempts does not count.
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
        """Copy the object onto itself with `tags`; resume the copy of an earlier attempt.

        Raises:
            StopRequested: this worker must stop; its progress is stored.
            Conflict, NotFound, Archived, Refused: as `ObjectStore.copy_in_place`; the copy
                is aborted.
            LeaseLost: another worker has the chunk.
        """
        copy = await self._resume_or_start(head, tags)
        copied = {part.number: part for part in copy.parts}
        try:
            await self._copy_parts(head, copy, copied)
            # Completing may take minutes, and the process may end during it.
            await self._save_progress(head.key, copy, copied)
            parts = [copied[number] for number in sorted(copied)]
            async with self._limit:
                await ensure_may_start(self._stop_signal)
                written = await self._objects.complete_multipart_copy(
                    self._bucket, head, copy.upload_id, parts
                )
        except Exception as error:
            if _may_continue(error):
                await self._save_progress(head.key, copy, copied)
            elif isinstance(error, PortError):
                await self._abort(head.key)
            raise
        record = await self._file.get(head.key)
        self._advance(record)
        await self._file.put(head.key, replace(record, under_way=None))
        return written

    async def _resume_or_start(self, head: ObjectHead, tags: Mapping[str, str]) -> PartialCopy:
        async with self._limit:
            access = await self._objects.access(self._bucket, head)
        fingerprint = fingerprint_of(head, tags, access)
        record = await self._file.get(head.key)
        if record.under_way is not None and record.under_way.fingerprint != fingerprint:
            record = await self._abort(head.key)
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
            await self._abort_upload(head.key, upload_id)
            raise
        return copy

    async def _copy_parts(
        self, head: ObjectHead, copy: PartialCopy, copied: dict[int, CopiedPart]
    ) -> None:
        bytes_per_s = self._tuning.sizing.copied_bytes_per_s
        slowest_s = 0.0
        saved_at = self._clock.now()
        stop: Exception | None = None

        async def work(part: Part) -> None:
            nonlocal slowest_s, saved_at, stop
            if stop is not None:
                return  # before the limit, which would count it as a successful call
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
                if self._clock.now() - saved_at >= _SAVED_EVERY:
                    saved_at = self._clock.now()
                    await self._save_progress(head.key, copy, copied)
            except Exception as error:  # noqa: BLE001 - raised below
                # Not raised here: that would cancel parts that are nearly complete, or let them
                # arrive in an upload that is being aborted.
                if stop is None or _may_continue(stop):
                    stop = error

        planned = plan_parts(head.size_bytes, part_bytes=copy.part_bytes)
        waiting = [part for part in planned if part.number not in copied]
        await fan_out(waiting, work, limit=self._tuning.copy_parts_in_flight)
        if stop is not None:
            raise stop

    async def _save_progress(
        self, key: str, copy: PartialCopy, copied: Mapping[int, CopiedPart]
    ) -> None:
        """Store the parts that were copied since the last time."""
        record = await self._file.get(key)
        saved = () if record.under_way is None else record.under_way.parts
        if len(copied) <= len(saved):
            return
        parts = tuple(copied[number] for number in sorted(copied))
        await self._file.put(key, replace(record, under_way=replace(copy, parts=parts)))
        self._advance(record)

    def _advance(self, record: CopyRecord) -> None:
        # A copy that must be started again and again makes no progress.
        self.advanced |= record.started_count <= self._tuning.chunk_attempt_count_max

    async def _abort(self, key: str) -> CopyRecord:
        """Abort the object's copy, and record that."""
        record = await self._file.get(key)
        if record.under_way is None:
            return record
        upload_id = record.under_way.upload_id
        self._file.check()
        # If this fails, the record keeps the id: the settlement of the chunk retries.
        await self._abort_upload(key, upload_id)
        aborted = replace(record, under_way=None, given_up=(*record.given_up, upload_id))
        await self._file.put(key, aborted)
        return aborted

    async def _abort_upload(self, key: str, upload_id: str) -> None:
        try:
            await self._objects.abort_multipart_copy(self._bucket, key, upload_id)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning(NOT_ABORTED, object_key=key, cause=cause_of(error))


def _may_continue(error: Exception) -> bool:
    """Return whether a copy that `error` stopped can be resumed: the object is not its cause."""
    return isinstance(error, StopRequested | Retryable) or is_unknown(error)
