"""A local Asset Management System over an emulated cloud, with a bucket, a queue and a catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

from adapters.aws.resources import ASSETS_TABLE
from adapters.local_aws.asset_system.behaviours import AssetSystem
from adapters.local_aws.asset_system.medialake.values import IngestSettings
from adapters.local_aws.asset_system.reference_system import (
    AssetSystemSettings,
    ReferenceAssetSystem,
)
from adapters.local_aws.aws_emulator.clients import EmulatorClients
from adapters.local_aws.stack.provisioning import table_request


@dataclass
class AssetSystemWorld:
    """A bucket, a queue, a catalog, and the system that joins them."""

    system: ReferenceAssetSystem
    s3: Any
    sqs: Any
    dynamodb: Any
    bucket: str
    table: str
    queue_url: str

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        clients: EmulatorClients,
        unique: Callable[[str], str],
        behaviour: AssetSystem,
        ingest: IngestSettings | None = None,
    ) -> AsyncIterator[Self]:
        """Yield a running system without events from S3."""
        s3, sqs = await clients.open("s3"), await clients.open("sqs")
        dynamodb = await clients.open("dynamodb")
        bucket, table = unique("media"), unique("assets")
        await s3.create_bucket(Bucket=bucket)
        await dynamodb.create_table(**table_request(replace(ASSETS_TABLE, name=table)))
        url = (await sqs.create_queue(QueueName=unique("ams")))["QueueUrl"]
        described = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        settings = AssetSystemSettings(
            queue_url=url,
            queue_arn=described["Attributes"]["QueueArn"],
            table_name=table,
            behaviour=behaviour,
            ingest=ingest or IngestSettings(),
            retry_visibility_s=0,
            wait_s=1,
        )
        system = ReferenceAssetSystem(settings, sqs=sqs, s3=s3, dynamodb=dynamodb)
        system.start()
        yield cls(system, s3, sqs, dynamodb, bucket, table, url)
        await system.stop()

    async def items(self) -> dict[str, Any]:
        """Return the catalog's items by inventory id."""
        items = (await self.dynamodb.scan(TableName=self.table))["Items"]
        return {item["InventoryID"]["S"]: item for item in items}
