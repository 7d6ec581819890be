"""The whole service on its local stack, used from outside: HTTP, S3, DynamoDB, SQS, SNS.

The stack and its functions run in threads of this process, so that a test can count the functions'
requests to AWS, and delay them. Tests themselves use the ordinary boto3.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import boto3
import urllib3
from botocore.config import Config

from adapters.local_aws.asset_system.medialake.file_types import FileFilter
from entrypoints.cli.local.local_service import run_local_service
from entrypoints.cli.local.request_counter import RequestCounter
from entrypoints.wiring.aws import Observers
from entrypoints.wiring.local import LocalStack, StackSettings

Json = dict[str, Any]

ENDED = {"COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED"}
_WAIT_S = 60


class Api:
    """The HTTP API."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._pool = urllib3.PoolManager(timeout=30, retries=False)

    def __call__(
        self, method: str, path: str, body: object = None, **query: str | int
    ) -> tuple[int, Json]:
        url = self.base_url + path + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        response = self._pool.request(method, url, body=data, headers=headers)
        return response.status, response.json()

    def close(self) -> None:
        self._pool.clear()

    def get(self, path: str, **query: str | int) -> Json:
        status, answer = self("GET", path, **query)
        assert status == 200, answer
        return answer

    def items(self, path: str, **query: str | int) -> list[Json]:
        """Return all items of a list, page after page."""
        page = self.get(path, **query)
        found: list[Json] = page["items"]
        while page.get("nextCursor"):
            page = self.get(path, **{**query, "cursor": page["nextCursor"]})
            found += page["items"]
        return found

    def connect(self, bucket: str, **body: Any) -> str:
        """Register a bucket under its own name."""
        wanted = {"connectorId": bucket, "bucketName": bucket, **body}
        status, answer = self("POST", "/connectors", wanted)
        assert status == 201, answer
        return bucket

    def sync(self, connector_id: str, **body: Any) -> str:
        status, answer = self("POST", f"/connectors/{quote(connector_id)}/sync", body)
        assert status == 202, answer
        return str(answer["jobId"])

    def ended(self, job_id: str) -> Json:
        """Wait for a job's end."""
        return self.until(job_id, lambda job: job["status"] in ENDED)

    def indexed(self, job_id: str) -> Json:
        """Wait for a job's index of outcomes."""

        def is_there(job: Json) -> bool:
            index = job["outcomeIndex"]
            return index is not None and index["status"] != "WANTED"

        return self.until(job_id, is_there)

    def until(self, job_id: str, condition: Callable[[Json], bool]) -> Json:
        deadline = time.monotonic() + _WAIT_S
        while True:
            job = self.get(f"/jobs/{job_id}")
            if condition(job):
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.1)


class Calls(RequestCounter):
    """Records every call with its parameters, and can delay one; see `gate`."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[tuple[str, str, Json]] = []
        self._keeping = threading.Lock()
        self.gate: Callable[[str, Mapping[str, Any]], None] = lambda *_: None

    def __call__(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        super().__call__(service, operation, params)
        with self._keeping:
            self._kept.append((service, operation, dict(params)))
        self.gate(operation, params)

    def take_kept(self) -> list[tuple[str, str, Json]]:
        """Return the calls since the last time, in order."""
        with self._keeping:
            kept, self._kept = self._kept, []
        self.take()
        return kept


class System:
    """A running stack, and a user's access to it."""

    def __init__(self, stack: LocalStack, loop: asyncio.AbstractEventLoop, calls: Calls) -> None:
        self._stack = stack
        self._loop = loop
        self.calls = calls
        self.api = Api(stack.api_url)
        self.results_bucket = stack.environment["RESULTS_BUCKET_NAME"]
        self.assets_table = stack.environment["ASSETS_TABLE_NAME"]
        self.chunk_table = stack.environment["CHUNK_TABLE_NAME"]
        self.environment = stack.environment
        self._clients = {
            name: boto3.client(name, config=Config(max_pool_connections=1))
            for name in ("s3", "sqs", "sns", "dynamodb", "events")
        }
        for name, client in self._clients.items():
            setattr(self, name, client)

    def close(self) -> None:
        self.api.close()
        for client in self._clients.values():
            client.close()

    def call(self, coroutine: Any) -> Any:
        """Run a coroutine where the stack runs."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_WAIT_S)

    def idle(self) -> None:
        self.call(self._stack.wait_idle(timeout_s=_WAIT_S, settle_s=0.3))

    def sweep(self) -> None:
        self._loop.call_soon_threadsafe(self._stack.sweep.fire)
        self.idle()

    def schedules_look_at(self, now: Callable[[], datetime]) -> None:
        """Have the stack's schedules run by another clock than its own."""
        self._stack.schedules._now = now

    def status(self) -> Any:
        return self.call(self._stack.status())

    def ingest(self, message: object) -> None:
        """Let the stack's Asset Management System process a decoded message immediately."""
        self.call(self._stack.asset_system.accept(message))

    def filter_ingest(self, bucket: str, file_filter: FileFilter | None) -> None:
        """Let the stack's Media Lake ingest only the objects that the filter accepts."""

        async def use() -> None:
            self._stack.asset_system.use_filter(bucket, file_filter)

        self.call(use())

    # --- buckets and the catalog

    def bucket(self, name: str, **attributes: Any) -> str:
        self.s3.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerEnforced", **attributes)
        return name

    def put(
        self, bucket: str, key: str, tags: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        tagging = {"Tagging": urlencode(tags)} if tags else {}
        # S3 encrypts every object since 2023; the emulator only those that ask for it.
        more = {"Body": b"x", "ServerSideEncryption": "AES256", **tagging, **more}
        self.s3.put_object(Bucket=bucket, Key=key, **more)

    def tags(self, bucket: str, key: str) -> dict[str, str]:
        answer = self.s3.get_object_tagging(Bucket=bucket, Key=key)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def know(self, inventory_id: str, asset_id: str | None) -> None:
        """Put a record into the catalog, as the Asset Management System would."""
        item: Json = {"InventoryID": {"S": inventory_id}}
        if asset_id is not None:
            item["DigitalSourceAsset"] = {"M": {"ID": {"S": asset_id}}}
        self.dynamodb.put_item(TableName=self.assets_table, Item=item)

    def asset_of(self, inventory_id: str) -> str | None:
        answer = self.dynamodb.get_item(
            TableName=self.assets_table, Key={"InventoryID": {"S": inventory_id}}
        )
        asset = answer.get("Item", {}).get("DigitalSourceAsset", {}).get("M", {})
        return asset.get("ID", {}).get("S")

    # --- results of the service

    def result(self, job_id: str, name: str) -> bytes:
        key = f"jobs/{job_id}/{name}"
        with self.s3.get_object(Bucket=self.results_bucket, Key=key)["Body"] as body:
            return bytes(body.read())

    def listed_rows(self, job_id: str, *, discovery: str) -> list[str]:
        """Return the rows of the objects that a job has listed: of its manifest, or its chunks."""
        names = ["manifest.csv"] if discovery == "batch" else self._chunk_files(job_id)
        return [row for name in names for row in self.result(job_id, name).decode().splitlines()]

    def _chunk_files(self, job_id: str) -> list[str]:
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.chunk_table,
            KeyConditionExpression="jobId = :job",
            ExpressionAttributeValues={":job": {"S": job_id}},
        )
        names = [item["entriesKey"]["S"] for page in pages for item in page["Items"]]
        return [name.removeprefix(f"jobs/{job_id}/") for name in names]

    def outcomes(self, job_id: str) -> list[Json]:
        """Return all lines of all outcome files."""
        listed = self.s3.list_objects_v2(
            Bucket=self.results_bucket, Prefix=f"jobs/{job_id}/outcomes/"
        )
        prefix_chars = len(f"jobs/{job_id}/")
        return [
            json.loads(line)
            for found in listed.get("Contents", [])
            for line in self.result(job_id, found["Key"][prefix_chars:]).splitlines()
        ]

    # --- subscriptions

    def queue(self, name: str) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, answer["Attributes"]["QueueArn"]

    def received(self, queue_url: str) -> list[Json]:
        """Receive and delete all messages of a queue."""
        found: list[Json] = []
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0
            )
            messages = answer.get("Messages", [])
            if not messages:
                return found
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])

    def subscribe_to_statuses(self, queue: str, *statuses: str) -> str:
        """Subscribe a queue to the status topic, as a customer would; returns its URL."""
        url, arn = self.queue(queue)
        attributes = {"RawMessageDelivery": "true"}
        if statuses:
            attributes["FilterPolicy"] = json.dumps({"status": list(statuses)})
        self.sns.subscribe(
            TopicArn=self.environment["STATUS_TOPIC_ARN"],
            Protocol="sqs",
            Endpoint=arn,
            Attributes=attributes,
        )
        return url

    def subscribe_to_events(self, queue: str, bucket: str) -> str:
        """Subscribe a queue to the ingest events of one bucket; return its URL."""
        url, arn = self.queue(queue)
        bus = self.environment["INGEST_EVENT_BUS_NAME"]
        pattern = {"source": ["asset-sync"], "detail": {"bucketName": [bucket]}}
        self.events.put_rule(Name=queue, EventBusName=bus, EventPattern=json.dumps(pattern))
        self.events.put_targets(Rule=queue, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        return url

    def subscribe_to_notifications(self, queue: str, bucket: str) -> str:
        """Subscribe a queue to S3's notifications of created objects; return its URL."""
        url, arn = self.queue(queue)
        self.s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
            },
        )
        self.received(url)
        return url


@contextmanager
def running(log_path: Path, settings: StackSettings) -> Iterator[System]:
    """Run the stack in a thread of its own."""
    calls = Calls()
    ready: Future[tuple[LocalStack, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def live() -> None:
        stop = asyncio.Event()
        async with run_local_service(
            settings, log_path=log_path, observers=Observers(on_request=calls)
        ) as stack:
            ready.set_result((stack, asyncio.get_running_loop(), stop))
            await stop.wait()

    def serve() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    thread = threading.Thread(target=serve, name="stack")
    thread.start()
    stack, loop, stop = ready.result(_WAIT_S)
    system = System(stack, loop, calls)
    try:
        yield system
    finally:
        system.close()
        loop.call_soon_threadsafe(stop.set)
        thread.join(_WAIT_S)
        assert not thread.is_alive()
