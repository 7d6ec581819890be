"""The whole stack with small handlers: every part exists and is connected."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import boto3
import pytest

from adapters.aws import resources
from adapters.local_aws.asset_system.behaviours import AssetSystem
from adapters.local_aws.asset_system.medialake.values import IngestOutcome
from adapters.local_aws.lambda_service.invocation import REGION
from adapters.local_aws.stack.local_stack import LocalStack
from adapters.local_aws.stack.settings import BatchOperationsParts, StackSettings

SPECIFIED = {
    "JOB_TABLE_NAME",
    "CHUNK_TABLE_NAME",
    "ERROR_TABLE_NAME",
    "ASSETS_TABLE_NAME",
    "RESULTS_BUCKET_NAME",
    "PROCESSOR_QUEUE_URL",
    "PROCESSOR_FUNCTION_ARN",
    "ENGINE_FUNCTION_ARN",
    "BATCH_OPERATIONS_ROLE_ARN",
    "STATUS_TOPIC_ARN",
    "INGEST_EVENT_BUS_NAME",
}


class FakeBatchOperations:
    """Stands for the emulator of S3 Batch Operations."""

    def __init__(self, parts: BatchOperationsParts) -> None:
        self.parts = parts
        self.running = False

    async def start(self, host: str, port: int) -> str:
        self.running = True
        return f"http://{host}:{port or 9}"

    async def stop(self) -> None:
        self.running = False


class Service:
    """Three handlers that record their events."""

    def __init__(self) -> None:
        self.engine_events: list[Any] = []
        self.records: list[Any] = []
        self.emulators: list[FakeBatchOperations] = []

    def api(self, event: Mapping[str, Any], _context: Any) -> object:
        return {"statusCode": 200, "body": json.dumps(event["rawPath"])}

    def engine(self, event: Any, _context: Any) -> None:
        self.engine_events.append(event)

    def processor(self, event: Mapping[str, Any], _context: Any) -> object:
        self.records += event["Records"]
        dead = "dead-letters" in event["Records"][0]["eventSourceARN"]
        if event["Records"][0]["body"] == "poison" and not dead:
            raise ValueError("poison")
        return {"batchItemFailures": []}

    def emulate(self, parts: BatchOperationsParts) -> FakeBatchOperations:
        self.emulators.append(FakeBatchOperations(parts))
        return self.emulators[-1]


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def stack(service: Service) -> AsyncIterator[LocalStack]:
    handlers = {"api": service.api, "engine": service.engine, "processor": service.processor}
    settings = StackSettings(
        retry_delays_s=(0.01, 0.01),
        retry_visibility_s=0,
        sweep_interval_s=3_600,
        asset_system=AssetSystem.EVERYTHING,
    )
    async with LocalStack(handlers, settings=settings, batch_operations=service.emulate) as stack:
        yield stack
    assert not service.emulators[0].running


async def test_all_parts_are_joined(
    stack: LocalStack, service: Service, sdk: Callable[[str, str], Any]
) -> None:
    environment = stack.environment
    checks: list[Callable[..., Awaitable[None]]] = [
        _environment_is_complete,
        _tables_have_their_keys,
        _the_api_answers,
        _the_queue_reaches_the_processor,
        _poison_reaches_the_processor_as_a_dead_letter,
        _the_ingest_bus_reaches_the_asset_system,
        _the_engine_is_invoked_by_arn_sweep_and_batch_job,
    ]

    def client(name: str) -> Any:
        override = environment.get(f"AWS_ENDPOINT_URL_{name.upper()}")
        return sdk(name, override or environment["AWS_ENDPOINT_URL"])

    # One stack for all: it takes a second to start.
    for check in checks:
        await check(stack, service, client)


async def _environment_is_complete(stack: LocalStack, *_: Any) -> None:
    environment = stack.environment
    assert set(environment) >= SPECIFIED | {
        "CONNECTOR_TABLE_NAME",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_LAMBDA",
        "AWS_ENDPOINT_URL_S3_CONTROL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "ASSET_SYNC_API_URL",
    }
    assert all(isinstance(value, str) and value for value in environment.values())
    assert environment["CATALOG_PROFILE"] == "generic"


async def _tables_have_their_keys(
    stack: LocalStack, _service: Service, client: Callable[[str], Any]
) -> None:
    dynamodb = client("dynamodb")
    for shape in resources.TABLES:
        name = stack.environment[shape.environment_variable]
        found = await asyncio.to_thread(dynamodb.describe_table, TableName=name)
        indexes = found["Table"].get("GlobalSecondaryIndexes", [])
        assert {index["IndexName"] for index in indexes} == {one.name for one in shape.indexes}
        keys = {key["AttributeName"]: key["KeyType"] for key in found["Table"]["KeySchema"]}
        assert keys[shape.partition_key.name] == "HASH"
    ttl = await asyncio.to_thread(
        dynamodb.describe_time_to_live, TableName=stack.environment["ERROR_TABLE_NAME"]
    )
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "expiresAt"


async def _the_api_answers(stack: LocalStack, *_: Any) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{stack.api_url}/jobs") as response:
        assert await response.json() == "/jobs"


async def _the_queue_reaches_the_processor(
    stack: LocalStack, service: Service, client: Callable[[str], Any]
) -> None:
    url = stack.environment["PROCESSOR_QUEUE_URL"]
    await asyncio.to_thread(client("sqs").send_message, QueueUrl=url, MessageBody="chunk")
    await stack.wait_idle(settle_s=0.1)
    assert [record["body"] for record in service.records] == ["chunk"]


async def _poison_reaches_the_processor_as_a_dead_letter(
    stack: LocalStack, service: Service, client: Callable[[str], Any]
) -> None:
    service.records.clear()
    url = stack.environment["PROCESSOR_QUEUE_URL"]
    await asyncio.to_thread(client("sqs").send_message, QueueUrl=url, MessageBody="poison")
    await stack.wait_idle(settle_s=0.2)
    sources = [record["eventSourceARN"].rpartition(":")[2] for record in service.records]
    assert sources == ["asset-sync-processor"] * 5 + ["asset-sync-processor-dead-letters"]


async def _the_ingest_bus_reaches_the_asset_system(
    stack: LocalStack, _service: Service, client: Callable[[str], Any]
) -> None:
    detail = {"bucketName": "b", "objectKey": "k.jpg", "assetId": "a", "inventoryId": "i"}
    entry = {
        "EventBusName": stack.environment["INGEST_EVENT_BUS_NAME"],
        "Source": "asset-sync",
        "DetailType": "AssetSyncObjectReady",
        "Detail": json.dumps(detail),
    }
    await asyncio.to_thread(client("events").put_events, Entries=[entry, entry])
    await stack.wait_idle(settle_s=0.2)
    status = await stack.status()
    assert (status.ingested.ingested, status.ingested.duplicates) == ({"event": 1}, {"event": 1})


async def _the_engine_is_invoked_by_arn_sweep_and_batch_job(
    stack: LocalStack, service: Service, client: Callable[[str], Any]
) -> None:
    service.engine_events.clear()
    await asyncio.to_thread(
        client("lambda").invoke,
        FunctionName=stack.environment["ENGINE_FUNCTION_ARN"],
        InvocationType="Event",
        Payload=b'{"action": "start"}',
    )
    await stack.wait_idle(settle_s=0.1)
    stack.sweep.fire()
    await stack.wait_idle(settle_s=0.1)
    event = {
        "source": "aws.s3",
        "detail-type": "AWS Service Event via CloudTrail",
        "detail": {
            "eventSource": "s3.amazonaws.com",
            "eventName": "JobStatusChanged",
            "serviceEventDetails": {"jobId": "j", "status": "Complete"},
        },
    }
    await service.emulators[0].parts.publish(event)
    await stack.wait_idle(settle_s=0.1)
    assert service.engine_events == [{"action": "start"}, {"action": "sweep"}, event]
    assert (await stack.status()).dropped == ()


async def test_wait_idle_times_out(stack: LocalStack, service: Service) -> None:
    stack.functions.submit(resources.ENGINE_FUNCTION.name, b"{}")
    with pytest.raises(TimeoutError, match="still busy"):
        await stack.wait_idle(timeout_s=0.05, settle_s=60)


async def test_a_start_that_fails_leaves_nothing_behind(service: Service) -> None:
    def fail(_parts: BatchOperationsParts) -> FakeBatchOperations:
        raise RuntimeError("no emulator")

    handlers = {"api": service.api, "engine": service.engine, "processor": service.processor}
    stack = LocalStack(handlers, batch_operations=fail)
    with pytest.raises(RuntimeError, match="no emulator"):
        await stack.__aenter__()
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(stack.emulator_url)


async def test_the_asset_system_is_media_lake_by_default(
    service: Service, sdk: Callable[[str, str], Any]
) -> None:
    handlers = {"api": service.api, "engine": service.engine, "processor": service.processor}
    async with LocalStack(handlers, settings=StackSettings(sweep_interval_s=3_600)) as stack:
        assert stack.environment["CATALOG_PROFILE"] == "medialake"
        s3, events = (sdk(name, stack.emulator_url) for name in ("s3", "events"))
        await asyncio.to_thread(s3.create_bucket, Bucket="media")
        await stack.asset_system.subscribe("media")
        for number, key in enumerate(("a.jpg", "b.xml")):
            await asyncio.to_thread(s3.put_object, Bucket="media", Key=key, Body=bytes([number]))
        detail = {"bucketName": "media", "objectKey": "a.jpg", "assetId": "a", "inventoryId": "i"}
        entry = {
            "EventBusName": stack.environment["INGEST_EVENT_BUS_NAME"],
            "Source": "asset-sync",
            "DetailType": "AssetSyncObjectReady",
            "Detail": json.dumps(detail),
        }
        await asyncio.to_thread(events.put_events, Entries=[entry])
        await stack.wait_idle(settle_s=0.2)
        counts = (await stack.status()).ingested
    # S3's test message, sent when the notification was configured, is also ignored.
    assert str(counts) == "ignored type 1, created 1, ignored messages 2"


async def test_the_asset_system_subscribes_to_the_buckets_of_registered_connectors(
    service: Service, sdk: Callable[[str, str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    handlers = {"api": service.api, "engine": service.engine, "processor": service.processor}
    settings = StackSettings(sweep_interval_s=3_600, subscribes_to_connectors=True)
    async with LocalStack(handlers, settings=settings) as stack:
        s3, dynamodb = (sdk(name, stack.emulator_url) for name in ("s3", "dynamodb"))

        async def put(bucket: str, key: str) -> None:
            # Its bytes are unique, so it is not a duplicate.
            body = f"{bucket} {key}".encode()
            await asyncio.to_thread(s3.put_object, Bucket=bucket, Key=key, Body=body)

        async def register(connector_id: str, bucket: str, **more: Any) -> None:
            item = {"connectorId": {"S": connector_id}, "bucketName": {"S": bucket}, **more}
            table = stack.environment["CONNECTOR_TABLE_NAME"]
            await asyncio.to_thread(dynamodb.put_item, TableName=table, Item=item)

        async def post() -> None:
            url = f"{stack.api_url}/connectors"
            async with aiohttp.ClientSession() as http, http.post(url) as response:
                assert response.status == 200

        async def outcomes() -> Mapping[IngestOutcome, int]:
            await stack.wait_idle(settle_s=0.2)
            return (await stack.status()).ingested.outcomes

        await asyncio.to_thread(s3.create_bucket, Bucket="there")
        url = stack.emulator_url
        await asyncio.to_thread(_create_bucket_of_another_account, sdk, url, "theirs")
        await register("there", "there")
        # A connector may name a bucket that is created later.
        await register("later-1", "later", fileFilter=_allowing("pdf"))
        await register("later-2", "later")
        await register("theirs", "theirs")
        await put("there", "before.jpg")
        assert await outcomes() == {}

        await post()
        for key in ("after.jpg", "after.pdf"):
            await put("there", key)
        assert await outcomes() == {IngestOutcome.CREATED: 1, IngestOutcome.IGNORED_TYPE: 1}
        warnings = [
            each.getMessage() for each in caplog.records if each.name.endswith("_subscriptions")
        ]
        assert [text.split(":")[0] for text in sorted(warnings)] == [
            "the asset system cannot subscribe to later",
            "the asset system cannot subscribe to theirs",
        ]

        await asyncio.to_thread(s3.create_bucket, Bucket="later")
        await post()
        for key in ("after.jpg", "after.pdf"):
            await put("later", key)
        assert await outcomes() == {
            IngestOutcome.CREATED: 2,
            IngestOutcome.IGNORED_TYPE: 1,
            IngestOutcome.FILTERED: 1,
        }


def _allowing(extension: str) -> dict[str, Any]:
    values = {"mode": {"S": "allow"}, "extensions": {"L": [{"S": extension}]}}
    return {"M": {**values, "mimeTypes": {"L": []}}}


def _create_bucket_of_another_account(
    sdk: Callable[[str, str], Any], cloud_url: str, bucket: str
) -> None:
    role = "arn:aws:iam::210987654321:role/media"
    sts = sdk("sts", cloud_url)
    assumed = sts.assume_role(RoleArn=role, RoleSessionName="owner")["Credentials"]
    s3 = boto3.client(
        "s3",
        endpoint_url=cloud_url,
        region_name=REGION,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )
    s3.create_bucket(Bucket=bucket)
    s3.close()
    sts.close()
