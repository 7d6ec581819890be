"""One moto server for all tests here, and an emulator in front of it per test."""

import asyncio
import csv
import hashlib
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit, urlunsplit

import boto3
import pytest
from moto.backends import get_backend
from moto.server import ThreadedMotoServer

from adapters.aws.sessions import CreateClient, new_session
from adapters.local_aws.s3_batch_operations import (
    BatchOperations,
    BatchOperationsSettings,
    InvokeResult,
)

ACCOUNT_ID = "123456789012"
FUNCTION_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:discovery:7"
CREDENTIALS = {
    "aws_access_key_id": "x",
    "aws_secret_access_key": "y",
    "region_name": "us-east-1",
}
TERMINAL = ("Complete", "Failed", "Cancelled")

Respond = Callable[[dict[str, Any]], dict[str, Any] | InvokeResult | None]


def take_account_off_host(request: Any, **_: object) -> None:
    """Hook for `before-sign.s3-control`: `{account}.127.0.0.1` resolves nowhere."""
    parts = urlsplit(request.url)
    host = re.sub(r"^\d{12}\.", "", parts.netloc)
    request.url = urlunsplit(parts._replace(netloc=host))


@dataclass
class FakeLambda:
    """Runs invocations; `respond` gets a task and returns its result."""

    respond: Respond = lambda task: {"resultCode": "Succeeded", "resultString": "ok"}
    gate: asyncio.Event | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    in_flight: int = 0
    in_flight_max: int = 0

    async def __call__(self, function_arn: str, payload: bytes) -> InvokeResult:
        assert function_arn == FUNCTION_ARN
        event = json.loads(payload)
        self.events.append(event)
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        await (self.gate.wait() if self.gate else asyncio.sleep(0))
        self.in_flight -= 1
        (task,) = event["tasks"]
        result = self.respond(task)
        if isinstance(result, InvokeResult):
            return result
        answer = {
            "invocationSchemaVersion": event["invocationSchemaVersion"],
            "invocationId": event["invocationId"],
            "results": [] if result is None else [{"taskId": task["taskId"], **result}],
        }
        return InvokeResult(200, None, json.dumps(answer).encode())

    @property
    def keys(self) -> list[str]:
        return [unquote_plus(event["tasks"][0]["s3Key"]) for event in self.events]


@dataclass
class Report:
    manifest: dict[str, Any]
    rows: list[list[str]]
    raw: dict[str, list[bytes]]


@dataclass
class Rig:
    """An emulator, its clients, and the record of its calls."""

    emulator: BatchOperations
    endpoint_url: str
    s3: Any
    control: Any
    function: FakeLambda
    published: list[dict[str, Any]]

    def put_manifest(self, body: str | bytes, key: str = "manifest.csv") -> str:
        return str(self.s3.put_object(Bucket="work", Key=key, Body=body)["ETag"])

    def request(self, body: str | bytes, **changes: Any) -> dict[str, Any]:
        etag = self.put_manifest(body)
        request: dict[str, Any] = {
            "AccountId": ACCOUNT_ID,
            "ConfirmationRequired": False,
            "ClientRequestToken": hashlib.sha256(repr((body, changes)).encode()).hexdigest(),
            "Priority": 10,
            "RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/bops",
            "Description": "run 7",
            "Operation": {
                "LambdaInvoke": {
                    "FunctionArn": FUNCTION_ARN,
                    "InvocationSchemaVersion": "2.0",
                    "UserArguments": {"runId": "7 & 8"},
                }
            },
            "Manifest": {
                "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
                "Location": {"ObjectArn": "arn:aws:s3:::work/manifest.csv", "ETag": etag},
            },
            "Report": {
                "Enabled": True,
                "Bucket": "arn:aws:s3:::work",
                "Format": "Report_CSV_20180820",
                "Prefix": "reports",
                "ReportScope": "AllTasks",
            },
        }
        return {**request, **changes}

    async def create(self, body: str | bytes, **changes: Any) -> str:
        created = await self.control.create_job(**self.request(body, **changes))
        return str(created["JobId"])

    async def describe(self, job_id: str) -> dict[str, Any]:
        described = await self.control.describe_job(AccountId=ACCOUNT_ID, JobId=job_id)
        return dict(described["Job"])

    async def wait_for(self, job_id: str, *statuses: str) -> dict[str, Any]:
        """Wait for the event, which needs no request, and then describe the job."""
        awaited = set(statuses or TERMINAL)
        await self.until(lambda: not awaited.isdisjoint(self.statuses(job_id)))
        job = await self.describe(job_id)
        assert job["Status"] in awaited
        return job

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - what is watched belongs to the emulator
                await asyncio.sleep(0.005)

    async def run(self, body: str | bytes, **changes: Any) -> dict[str, Any]:
        return await self.wait_for(await self.create(body, **changes))

    def report_keys(self, prefix: str = "reports") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket="work", Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def report(self, job_id: str, prefix: str = "reports") -> Report:
        root = f"{prefix}/job-{job_id}"
        body = self.s3.get_object(Bucket="work", Key=f"{root}/manifest.json")["Body"].read()
        checksum = self.s3.get_object(Bucket="work", Key=f"{root}/manifest.json.md5")["Body"].read()
        assert checksum.decode() == hashlib.md5(body, usedforsecurity=False).hexdigest()
        manifest = json.loads(body)
        rows, raw = [], {"succeeded": [], "failed": []}
        for result in manifest["Results"]:
            assert re.fullmatch(re.escape(root) + r"/results/[0-9a-f]{40}\.csv", result["Key"])
            content = self.s3.get_object(Bucket=result["Bucket"], Key=result["Key"])["Body"].read()
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
            assert result["MD5Checksum"] == digest
            raw[result["TaskExecutionStatus"]].append(content)
            rows += csv.reader(io.StringIO(content.decode(), newline=""))
        return Report(manifest, rows, raw)

    def statuses(self, job_id: str) -> list[str]:
        details = [event["detail"]["serviceEventDetails"] for event in self.published]
        return [detail["status"] for detail in details if detail["jobId"] == job_id]


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def s3_client(s3_endpoint: str) -> Iterator[Any]:
    client = boto3.client("s3", endpoint_url=s3_endpoint, **CREDENTIALS)
    yield client
    client.close()


@pytest.fixture(scope="session")
def create_client() -> CreateClient:
    """One session for all tests, because it caches the service models."""
    return new_session()


@pytest.fixture
def s3(s3_client: Any) -> Any:
    """The client, with an empty bucket "work"."""
    get_backend("s3").reset()
    s3_client.create_bucket(Bucket="work")
    return s3_client


@pytest.fixture
async def start_rig(
    s3: Any, s3_endpoint: str, create_client: CreateClient
) -> AsyncIterator[Callable[..., Awaitable[Rig]]]:
    # verify=False: nothing is encrypted here, and loading the certificates takes a while.
    async with AsyncExitStack() as stack:

        async def start(
            clock: Callable[[], datetime] = lambda: datetime.now(UTC), **settings: Any
        ) -> Rig:
            function, published = FakeLambda(), []

            async def publish(event: dict[str, Any]) -> None:
                published.append(event)

            emulator = BatchOperations(
                BatchOperationsSettings(**{"redrive_delay_s": 0.001, **settings}),
                s3_client_factory=lambda: create_client(
                    "s3", endpoint_url=s3_endpoint, verify=False, **CREDENTIALS
                ),
                invoke=function,
                publish=publish,
                clock=clock,
            )
            endpoint_url = await emulator.start()
            stack.push_async_callback(emulator.stop)
            control = await stack.enter_async_context(
                create_client("s3control", endpoint_url=endpoint_url, verify=False, **CREDENTIALS)
            )
            control.meta.events.register("before-sign.s3-control", take_account_off_host)
            return Rig(emulator, endpoint_url, s3, control, function, published)

        yield start


@pytest.fixture
async def rig(start_rig: Callable[..., Awaitable[Rig]]) -> Rig:
    return await start_rig()


@pytest.fixture
def boto3_control(rig: Rig) -> Iterator[Any]:
    client = boto3.client("s3control", endpoint_url=rig.endpoint_url, **CREDENTIALS)
    client.meta.events.register("before-sign.s3-control", take_account_off_host)
    yield client
    client.close()


@pytest.fixture
def decode_report_key() -> Callable[[str], str]:
    """The inverse of the encoder that wrote the manifest, here `urllib.parse.quote`."""
    return unquote
