"""A look at one object by the function that may read it: bucket, catalog, and what a sync would do.

It writes nothing. Each part is read on its own: what cannot be read is named with the reason.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from application.processor.process_objects import ObjectProcessor
from application.results.failure_records import cause_of
from domain.catalog import CatalogQuestion, CatalogRecord
from domain.connector import Bucket
from domain.identity import identity_of
from domain.job import new_job
from domain.object_look import Looked, LookRequest, ObjectLook, seen_object
from ports.catalog import Catalog
from ports.clock import Clock
from ports.errors import NotFound
from ports.object_store import ObjectStore

_JOB_ID: Final = "look"

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Look:
    """What could not be read so far, and whether there is such an object."""

    exists: bool | None = None
    unread: dict[Looked, str] = field(default_factory=dict)

    async def read(self, part: Looked, ask: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Return the answer; None if there is no such object, or the part cannot be read."""
        if self.exists is False:
            return None
        try:
            return await ask()
        except NotFound:
            self.exists = False
        except Exception as error:  # noqa: BLE001 - it is part of the result
            self.unread[part] = f"{type(error).__name__}: {cause_of(error)}"
        return None


class LookAtObject:
    """Looks at objects."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        catalog: Catalog,
        object_processor: ObjectProcessor,
        clock: Clock,
    ) -> None:
        self._objects = objects
        self._catalog = catalog
        self._object_processor = object_processor
        self._clock = clock

    async def run(self, asked: LookRequest) -> ObjectLook:
        """Return what is found; what is denied, or fails, is part of the result."""
        bucket, key, look = asked.request.bucket, asked.key, _Look()
        head = await look.read(Looked.OBJECT, lambda: self._objects.head(bucket, key))
        tags = await look.read(Looked.TAGS, lambda: self._objects.read_tags(bucket, key))
        if head is not None or tags is not None:
            look.exists = look.exists is not False
        job = new_job(job_id=_JOB_ID, request=asked.request, now=self._clock.now())
        outcome = await look.read(
            Looked.DECISION, lambda: self._object_processor.discover(job, key)
        )
        # The catalog may have an object that the bucket no longer has.
        of_catalog = _Look()
        records = await of_catalog.read(
            Looked.CATALOG, lambda: self._records(bucket, key, dict(tags or {}))
        )
        return ObjectLook(
            exists=look.exists,
            seen=seen_object(head) if head is not None and look.exists else None,
            tags=dict(tags) if tags is not None and look.exists else None,
            records=records,
            outcome=outcome,
            unread={**look.unread, **of_catalog.unread},
        )

    async def _records(
        self, bucket: Bucket, key: str, tags: dict[str, str]
    ) -> tuple[CatalogRecord, ...]:
        question = CatalogQuestion(bucket_name=bucket.name, key=key, identity=identity_of(tags))
        [answer] = await self._catalog.look_up([question])
        own = () if answer.record is None else (answer.record,)
        return (*own, *answer.others)
