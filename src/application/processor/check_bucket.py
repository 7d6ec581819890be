"""A live look at a connector's bucket: what is there, and what a sync may do; it writes nothing."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from domain.bucket_report import (
    PERMISSION_OF,
    BucketReport,
    Permission,
    Probed,
    Setting,
    bucket_warnings,
)
from domain.connector import Bucket, Trigger
from domain.job import new_job
from domain.pricing.survey import SurveyRequest
from domain.queue_limit import WatchedQueue
from ports.clock import Clock
from ports.errors import AccessDenied, Misconfigured, NotFound, PortError, Retryable
from ports.ingest_queue import IngestQueue
from ports.object_store import ObjectStore

_JOB_ID: Final = "check"
_NO_BUCKET: Final = "NoSuchBucket"
_ONLY_BY_WRITING: Final = "only a write would show it, and a check writes nothing"
_NO_OBJECT: Final = "there is no object under the connector's prefixes to try it with"
_UNNEEDED: Final = frozenset({Setting.ENCRYPTION, Setting.NOTIFICATIONS})

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Look:
    """What was found so far."""

    exists: bool | None = None
    permissions: list[Permission] = field(default_factory=list)

    async def probe(
        self, action: str, ask: Callable[[], Awaitable[Answer]], *, needed: bool = True
    ) -> Answer | None:
        """Return the answer, None if it was denied or failed.

        Raises:
            Retryable: it may work later.
            NotFound: there is no such object.
        """
        try:
            answer = await ask()
        except (Retryable, NotFound):
            raise
        except PortError as error:
            if error.vendor_code == _NO_BUCKET:
                self.exists = False
            denied = isinstance(error, AccessDenied)
            result = Probed.DENIED if denied else Probed.FAILED
            self._add(Permission(action=action, result=result, needed=needed, detail=str(error)))
            return None
        self.exists = True
        self._add(Permission(action=action, result=Probed.ALLOWED, needed=needed))
        return answer

    def not_probed(self, action: str, reason: str) -> None:
        """Note a permission that cannot be probed."""
        self._add(Permission(action=action, result=Probed.NOT_PROBED, detail=reason))

    def _add(self, permission: Permission) -> None:
        if permission.action not in [each.action for each in self.permissions]:
            self.permissions.append(permission)


class CheckBucket:
    """Checks buckets."""

    def __init__(self, *, objects: ObjectStore, ingest_queue: IngestQueue, clock: Clock) -> None:
        self._objects = objects
        self._queue = ingest_queue
        self._clock = clock

    async def run(self, asked: SurveyRequest) -> BucketReport:
        """Return what is found; what is denied is part of the result.

        Raises:
            Retryable: a request may work later.
        """
        request = asked.request
        bucket, look = request.bucket, _Look()
        prefixes = request.options.prefixes
        key = await look.probe("s3:ListBucket", lambda: self._first_key(bucket, prefixes))
        if look.exists is False:
            return BucketReport(bucket_name=bucket.name, exists=False)
        settings = await self._settings(look, bucket)
        info = None
        if Setting.VERSIONING in settings:  # which the inspection reads as well
            info = await look.probe(
                "s3:GetBucketRequestPayment", lambda: self._objects.inspect(bucket)
            )
        await self._objects_of(look, bucket, key)
        self._writes(look, request.ingest.trigger)
        job = new_job(job_id=_JOB_ID, request=request, now=self._clock.now())
        allowed = any(each.result is Probed.ALLOWED for each in look.permissions)
        owner = True if bucket.expected_owner and allowed else None
        return BucketReport(
            bucket_name=bucket.name,
            exists=look.exists,
            owner_confirmed=owner,
            settings=settings,
            permissions=tuple(look.permissions),
            warnings=(*bucket_warnings(job, info, settings), *await self._of_queue(asked.queue)),
        )

    async def _of_queue(self, queue: WatchedQueue | None) -> Sequence[str]:
        """Return what of the queue's limits cannot be read: jobs would wait, and then fail."""
        if queue is None:
            return ()
        found = []
        reads: list[tuple[str, str, Callable[[str], Awaitable[int | None]]]] = [
            ("sqs:GetQueueAttributes", _queue_arn(queue.url), self._queue.depth)
        ]
        if queue.limit.age_max_s is not None:
            reads.append(("cloudwatch:GetMetricData", "*", self._queue.oldest_age_s))
        for action, resource, read in reads:
            try:
                await read(queue.url)
            except PortError as error:
                statement = {"Effect": "Allow", "Action": action, "Resource": resource}
                found.append(
                    f"the ingest queue {queue.url} cannot be read, and jobs wait until it can be:"
                    f" {error}. Name the queue in ingest_queues and deploy, which adds to the roles"
                    f" of processor and engine: {json.dumps(statement)}"
                )
        return found

    async def _settings(self, look: _Look, bucket: Bucket) -> dict[Setting, str]:
        found: dict[Setting, str] = {}
        for setting in Setting:
            if setting is Setting.REGION:
                value = await self._region(look, bucket)
            else:
                value = await look.probe(
                    PERMISSION_OF[setting],
                    lambda setting=setting: self._objects.setting(bucket, setting),  # type: ignore[misc]
                    needed=setting not in _UNNEEDED,
                )
            if value:
                found[setting] = value
        return found

    async def _region(self, look: _Look, bucket: Bucket) -> str | None:
        """Return the Region; S3 returns that of a bucket that exists, whatever else it denies."""
        try:
            region = await self._objects.setting(bucket, Setting.REGION)
        except (AccessDenied, Misconfigured):
            return None  # the cause is that of the listing
        look.exists = look.exists or bool(region) or None
        return region

    async def _first_key(self, bucket: Bucket, prefixes: tuple[str, ...]) -> str:
        """Return the first key under the prefixes, empty if there is none."""
        for prefix in prefixes or ("",):
            pages = self._objects.list_objects(bucket, prefix=prefix, start_after=None)
            async for page in pages:
                if page.entries:
                    return page.entries[0].key
                break
        return ""

    async def _objects_of(self, look: _Look, bucket: Bucket, key: str | None) -> None:
        calls = {
            "s3:GetObjectTagging": self._objects.read_tags,
            "s3:GetObject": self._objects.head,
        }
        for action, call in calls.items():
            if not key:
                look.not_probed(action, _NO_OBJECT)
                continue
            try:
                await look.probe(action, lambda call=call: call(bucket, key))  # type: ignore[misc]
            except NotFound:
                look.not_probed(action, _NO_OBJECT)

    def _writes(self, look: _Look, trigger: Trigger) -> None:
        copies = ("s3:PutObject",) * (trigger is Trigger.COPY)
        for action in ("s3:PutObjectTagging", *copies):
            look.not_probed(action, _ONLY_BY_WRITING)


def _queue_arn(queue_url: str) -> str:
    """Return the ARN of a queue, in any Region: its URL need not name one."""
    account, name = queue_url.split("/")[-2:]
    return f"arn:aws:sqs:*:{account}:{name}"
