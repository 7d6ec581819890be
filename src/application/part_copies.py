"""Copies in parts: begun by one process, and gone on with by others until they are done.

What is under way is on file, one file for each chunk, so that a process may end between any two
parts: because its time is up, because S3 throttles, or without notice. Nothing of a chunk that is
settled is under way any more; what cannot be given up then is left to the bucket's lifecycle rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from application.fanout import AdaptiveLimit, fan_out
from application.files import copies_key
from application.policy import Policy
from application.watch import Unfinished, Watch, go_on
from domain.chunk import Chunk
from domain.connector import Bucket, Trigger
from domain.customer_object import ObjectHead, WrittenObject
from domain.errors import InvalidManifest
from domain.job import Job
from domain.part_copy import (
    CopiedPart,
    Part,
    PartialCopy,
    fingerprint_of,
    from_json,
    plan_parts,
    to_json,
)
from ports.errors import NotFound, PortError, Retryable
from ports.object_store import ObjectStore
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry

_NOT_GIVEN_UP: Final = "copy_not_given_up"


class PartCopies:
    """The copies in parts of one chunk, as one worker sees them.

    Attributes:
        advanced: Whether this worker brought any of them further.
    """

    def __init__(
        self,
        *,
        objects: ObjectStore,
        results: ResultsStore,
        telemetry: Telemetry,
        policy: Policy,
        bucket: Bucket,
        file_key: str,
        watch: Watch,
        limit: AdaptiveLimit,
    ) -> None:
        self._objects = objects
        self._results = results
        self._telemetry = telemetry
        self._policy = policy
        self._bucket = bucket
        self._file_key = file_key
        self._watch = watch
        self._limit = limit
        self._under_way: dict[str, PartialCopy] | None = None
        self._filing = asyncio.Lock()
        self.advanced = False

    async def copy(self, head: ObjectHead, tags: Mapping[str, str]) -> WrittenObject:
        """Copy the object onto itself with `tags`, from where an earlier attempt stopped.

        Raises:
            Unfinished: this worker has to stop; what is done is on file.
            Conflict, NotFound, Archived, Refused: as `ObjectStore.rewrite`; the copy is given up.
        """
        copy = await self._begun(head, tags)
        copied = {part.number: part for part in copy.parts}
        try:
            await self._copy_parts(head, copy, copied)
            parts = [copied[number] for number in sorted(copied)]
            async with self._limit:
                await go_on(self._watch)
                written = await self._objects.finish_copy(self._bucket, head, copy.upload_id, parts)
        except (Unfinished, Retryable):
            self.advanced |= len(copied) > len(copy.parts)
            parts = [copied[number] for number in sorted(copied)]
            await self._file(head.key, replace(copy, parts=tuple(parts)))
            raise
        except PortError:
            await self._give_up(head.key, copy)
            raise
        self.advanced = True
        await self._file(head.key, None)
        return written

    async def _begun(self, head: ObjectHead, tags: Mapping[str, str]) -> PartialCopy:
        fingerprint = fingerprint_of(head, tags)
        copy = (await self._load()).get(head.key)
        if copy is not None and copy.fingerprint != fingerprint:
            await self._give_up(head.key, copy)
            copy = None
        if copy is None:
            async with self._limit:
                upload_id = await self._objects.begin_copy(self._bucket, head, tags)
            copy = PartialCopy(
                upload_id=upload_id,
                fingerprint=fingerprint,
                part_bytes=self._policy.copy_part_bytes,
            )
            await self._file(head.key, copy)
        return copy

    async def _copy_parts(
        self, head: ObjectHead, copy: PartialCopy, copied: dict[int, CopiedPart]
    ) -> None:
        bytes_per_s = self._policy.sizing.copied_bytes_per_s
        stop: Exception | None = None

        async def work(part: Part) -> None:
            nonlocal stop
            try:
                async with self._limit:
                    if stop is None:
                        await go_on(self._watch, part.size_bytes / bytes_per_s)
                        copied[part.number] = await self._objects.copy_part(
                            self._bucket, head, copy.upload_id, part
                        )
            except (Unfinished, Retryable) as error:
                # Not raised here: that would cancel parts that are nearly copied.
                stop = error

        planned = plan_parts(head.size_bytes, part_bytes=copy.part_bytes)
        waiting = [part for part in planned if part.number not in copied]
        await fan_out(waiting, work, limit=self._policy.copy_parts_in_flight)
        if stop is not None:
            raise stop

    async def _give_up(self, key: str, copy: PartialCopy) -> None:
        try:
            await self._objects.abandon_copy(self._bucket, key, copy.upload_id)
        except PortError as error:
            # It stays on file: the end of the chunk tries again.
            self._telemetry.warning(_NOT_GIVEN_UP, object_key=key, cause=str(error))
            return
        await self._file(key, None)

    async def _load(self) -> dict[str, PartialCopy]:
        async with self._filing:
            if self._under_way is None:
                try:
                    self._under_way = from_json(await self._results.get(self._file_key))
                except NotFound:
                    self._under_way = {}
            return self._under_way

    async def _file(self, key: str, copy: PartialCopy | None) -> None:
        under_way = await self._load()
        async with self._filing:
            if copy is None:
                under_way.pop(key, None)
            else:
                under_way[key] = copy
            await self._results.put(self._file_key, to_json(under_way))


class LeftCopies:
    """Gives up what copies in parts a chunk leaves that is about to be settled."""

    def __init__(
        self, *, objects: ObjectStore, results: ResultsStore, telemetry: Telemetry, policy: Policy
    ) -> None:
        self._objects = objects
        self._results = results
        self._telemetry = telemetry
        self._policy = policy

    async def give_up(self, job: Job, chunk: Chunk) -> None:
        """Give them up; may be repeated. What the store does not let go is only warned of."""
        if not self._possible(job, chunk):
            return
        file_key = copies_key(job.job_id, chunk.index)
        try:
            copies = from_json(await self._results.get(file_key))
        except NotFound:
            return
        except InvalidManifest as error:
            self._telemetry.warning(_NOT_GIVEN_UP, job_id=job.job_id, cause=str(error))
            return
        for key, copy in copies.items():
            try:
                await self._objects.abandon_copy(job.bucket, key, copy.upload_id)
            except PortError as error:
                self._telemetry.warning(
                    _NOT_GIVEN_UP, job_id=job.job_id, object_key=key, cause=str(error)
                )
        if copies:
            await self._results.put(file_key, to_json({}))

    def _possible(self, job: Job, chunk: Chunk) -> bool:
        """Tell whether there may be any, so that most chunks need not be asked about."""
        if job.trigger is not Trigger.COPY or job.options.dry_run:
            return False
        # A chunk of objects whose sizes are not known has 0 bytes.
        large = chunk.size_bytes > self._policy.single_copy_bytes_max
        return large or chunk.attempt_count > 1 or chunk.progress_key is not None
