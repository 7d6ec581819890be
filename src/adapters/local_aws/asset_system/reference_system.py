"""The local Asset Management System: a queue consumer with one of two behaviours.

`medialake` behaves like AWS's "Guidance for a Media Lake on AWS" as published:
it accepts what that accepts, and writes the same locks, records and tags. `everything` (module
`takes_everything`) accepts every object that is tagged or published; it is for tests of the rest.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from adapters.local_aws.asset_system.behaviours import AssetSystem
from adapters.local_aws.asset_system.medialake.file_types import FileFilter
from adapters.local_aws.asset_system.medialake.ingest import MediaLakeIngest
from adapters.local_aws.asset_system.medialake.messages import events_of_body
from adapters.local_aws.asset_system.medialake.values import (
    AssetEventType,
    IngestOutcome,
    IngestSettings,
)
from adapters.local_aws.asset_system.takes_everything import IngestSource, TakesEverything

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.literals import EventType
    from types_aiobotocore_sqs import SQSClient
    from types_aiobotocore_sqs.type_defs import MessageTypeDef

logger: Final = logging.getLogger(__name__)

# A record with new ids, or of new content.
_NEW_RECORDS: Final = (IngestOutcome.CREATED, IngestOutcome.RECREATED, IngestOutcome.REPLACED)
_REPETITIONS: Final = (IngestOutcome.TOUCHED, IngestOutcome.RETAGGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSystemSettings:
    """The queue that receives bucket notifications and events, and the catalog.

    Attributes:
        table_name: The asset table; `medialake` also needs its indexes FileHashIndex and
            S3PathIndex.
        behaviour: Which system it is.
        ingest: Settings of `medialake`; `everything` has none.
    """

    queue_url: str
    queue_arn: str
    table_name: str
    behaviour: AssetSystem = AssetSystem.MEDIALAKE
    ingest: IngestSettings = field(default_factory=IngestSettings)
    worker_count: int = 4
    wait_s: int = 5
    retry_visibility_s: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestCounts:
    """What the asset system has done so far.

    Attributes:
        ingested: New records, by the source that came first.
        duplicates: Messages about objects that the catalog already has, by source.
        ignored: Messages without effect, such as test events; with `everything` also those about
            untagged objects, with `medialake` also those about deleted objects.
        outcomes: With `medialake`, object events by outcome.
        locked: With `medialake`, events that were dropped because the object was locked.
        published: With `medialake`, events that it would have published to its own bus.
    """

    ingested: Mapping[IngestSource, int]
    duplicates: Mapping[IngestSource, int]
    ignored: int
    outcomes: Mapping[IngestOutcome, int] = field(default_factory=dict)
    locked: int = 0
    published: Mapping[AssetEventType, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return all counts that are not 0, in one line."""
        happened = {
            **{f"ingested by {source}": count for source, count in self.ingested.items()},
            **{f"known by {source}": count for source, count in self.duplicates.items()},
        }
        if self.outcomes:
            happened = {each.value: self.outcomes.get(each, 0) for each in IngestOutcome}
        happened |= {"locked": self.locked, "ignored messages": self.ignored}
        return ", ".join(f"{name} {count:,}" for name, count in happened.items() if count)


class ReferenceAssetSystem:
    """Consumes the queue until it is stopped."""

    def __init__(
        self,
        settings: AssetSystemSettings,
        *,
        sqs: "SQSClient",
        s3: "S3Client",
        dynamodb: "DynamoDBClient",
    ) -> None:
        self._settings = settings
        self._sqs = sqs
        self._s3 = s3
        self._workers: list[asyncio.Task[None]] = []
        self._busy_count = 0
        self._ignored_count = 0
        self._everything = TakesEverything(table_name=settings.table_name, s3=s3, dynamodb=dynamodb)
        self._medialake = MediaLakeIngest(
            table_name=settings.table_name, settings=settings.ingest, s3=s3, dynamodb=dynamodb
        )

    @property
    def is_idle(self) -> bool:
        """Whether no message is being handled; the queue may still hold some."""
        return not self._busy_count

    @property
    def counts(self) -> IngestCounts:
        """A copy of the counts."""
        if self._settings.behaviour is AssetSystem.EVERYTHING:
            taken = self._everything.counts
            return IngestCounts(
                ingested=taken.ingested,
                duplicates=taken.duplicates,
                ignored=taken.ignored + self._ignored_count,
            )
        done = self._medialake.counts
        return IngestCounts(
            ingested=_by_notification(done.outcomes, _NEW_RECORDS),
            duplicates=_by_notification(done.outcomes, _REPETITIONS),
            ignored=self._ignored_count + done.gone,
            outcomes=done.outcomes,
            locked=done.locked,
            published=done.published,
        )

    def use_filter(self, bucket: str, file_filter: FileFilter | None) -> None:
        """Set the file filter that `medialake` applies to a bucket."""
        self._medialake.use_filter(bucket, file_filter)

    async def subscribe(self, bucket: str) -> None:
        """Configure S3 to send object events of `bucket` to the queue.

        Existing notifications are kept. Media Lake also subscribes to deletions
        (lambdas/api/connectors/s3/post_s3/index.py, v1.18.3); the other events that it subscribes
        to change no asset.

        Raises:
            ClientError: the bucket does not exist, or is another account's.
        """
        found = await self._s3.get_bucket_notification_configuration(Bucket=bucket)
        queues = list(found.get("QueueConfigurations", ()))
        if any(each["QueueArn"] == self._settings.queue_arn for each in queues):
            return
        events: list[EventType] = ["s3:ObjectCreated:*"]
        if self._settings.behaviour is AssetSystem.MEDIALAKE:
            events.append("s3:ObjectRemoved:*")
        queues.append({"QueueArn": self._settings.queue_arn, "Events": events})
        configuration: Any = {**found, "QueueConfigurations": queues}
        del configuration["ResponseMetadata"]
        await self._s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration
        )

    def start(self) -> None:
        """Start consuming."""
        for _ in range(self._settings.worker_count):
            self._workers.append(asyncio.create_task(self._work()))

    async def stop(self) -> None:
        """Stop; messages in progress are redelivered."""
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers)

    async def _work(self) -> None:
        while True:
            try:
                response = await self._sqs.receive_message(
                    QueueUrl=self._settings.queue_url,
                    MaxNumberOfMessages=10,
                    WaitTimeSeconds=self._settings.wait_s,
                )
            except (BotoCoreError, ClientError) as error:
                logger.warning("the asset system cannot receive: %s", error)
                await asyncio.sleep(1)
                continue
            messages = response.get("Messages", ())
            if messages:
                self._busy_count += 1
                try:
                    await self._handle(messages)
                finally:
                    self._busy_count -= 1

    async def _handle(self, messages: "Sequence[MessageTypeDef]") -> None:
        """Handle the messages of one receive concurrently; those that fail are redelivered."""
        done: list[str] = []

        async def handle(message: "MessageTypeDef") -> None:
            handle = message["ReceiptHandle"]
            try:
                await self.accept(decoded(message["Body"]))
                done.append(handle)
            except (BotoCoreError, ClientError) as error:
                logger.warning("the asset system will retry: %s", error)
                await self._sqs.change_message_visibility(
                    QueueUrl=self._settings.queue_url,
                    ReceiptHandle=handle,
                    VisibilityTimeout=self._settings.retry_visibility_s,
                )

        async with asyncio.TaskGroup() as group:
            for message in messages:
                group.create_task(handle(message))
        if done:
            await self._sqs.delete_message_batch(
                QueueUrl=self._settings.queue_url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": handle} for index, handle in enumerate(done)
                ],
            )

    async def accept(self, message: object) -> None:
        """Handle one decoded message of the queue; idempotent.

        Raises:
            ClientError: a request failed; the message can be handled again.
        """
        if self._settings.behaviour is AssetSystem.EVERYTHING:
            if isinstance(message, Mapping):
                await self._everything.accept(message)
            else:
                self._ignored_count += 1
            return
        events = events_of_body(message)
        if not events:
            self._ignored_count += 1
        for event in events:
            await self._medialake.handle(event)


def _by_notification(
    outcomes: Mapping[IngestOutcome, int], wanted: Sequence[IngestOutcome]
) -> dict[IngestSource, int]:
    count = sum(outcomes.get(outcome, 0) for outcome in wanted)
    return {IngestSource.NOTIFICATION: count} if count else {}


def decoded(body: str) -> Any:
    """Return the decoded message; None, which both behaviours ignore, if it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
