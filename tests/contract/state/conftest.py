"""The stores of the state ports, in memory and on DynamoDB; each test has its own world."""

from __future__ import annotations

import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from adapters.aws.chunk_store import DynamoChunkStore
from adapters.aws.connector_store import DynamoConnectorStore
from adapters.aws.error_log import DynamoErrorLog
from adapters.aws.job_store import DynamoJobStore
from adapters.aws.resources import (
    CHUNKS_TABLE,
    CONNECTORS_TABLE,
    ERRORS_TABLE,
    JOBS_TABLE,
    TABLES,
    TableSpec,
)
from adapters.aws.schedule_runs import DynamoScheduleRunStore
from adapters.aws.sessions import new_session
from adapters.aws.share_store import DynamoShareStore
from adapters.aws.slot_store import DynamoSlotStore
from adapters.memory.chunk_store import MemoryChunkStore
from adapters.memory.connector_store import MemoryConnectorStore
from adapters.memory.database import MemoryDatabase
from adapters.memory.error_log import MemoryErrorLog
from adapters.memory.job_store import MemoryJobStore
from adapters.memory.schedule_runs import MemoryScheduleRunStore
from adapters.memory.share_store import MemoryShareStore
from adapters.memory.slot_store import MemorySlotStore
from domain.chunk import Chunk, ChunkStatus
from domain.connector import Bucket
from domain.job import Job, new_job
from domain.sync_request import SyncOptions, SyncRequest
from ports.chunk_store import ChunkStore
from ports.connector_store import ConnectorStore
from ports.error_log import ErrorLog
from ports.job_store import JobStore
from ports.schedule_runs import ScheduleRunStore
from ports.share_store import ShareStore
from ports.slot_store import SlotStore

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

# Creating a table takes longer than most tests, so each module gets the tables that it needs.
_SHAPES = {
    "test_job_store": (JOBS_TABLE,),
    "test_stage_pause": (JOBS_TABLE, CHUNKS_TABLE),
    "test_chunk_store": (JOBS_TABLE, CHUNKS_TABLE),
    "test_slot_store": (JOBS_TABLE, CHUNKS_TABLE),
    "test_share_store": (JOBS_TABLE, CHUNKS_TABLE),
    "test_connector_store": (CONNECTORS_TABLE, JOBS_TABLE),
    "test_connectors_and_jobs": (CONNECTORS_TABLE, JOBS_TABLE),
    "test_schedule_runs": (CONNECTORS_TABLE, JOBS_TABLE),
    "test_error_log": (ERRORS_TABLE,),
    "test_unreadable": (JOBS_TABLE, CONNECTORS_TABLE),
    "test_item_sizes": (JOBS_TABLE, CONNECTORS_TABLE),
}

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
_CREATE_CLIENT = new_session()


class SettableClock:
    """A clock that tests set; its sleep takes no time."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    async def sleep(self, duration_s: float) -> None:
        self.time += timedelta(seconds=duration_s)


async def _no_wait(_: float) -> None:
    """Sleep for no time: tests do not wait for a backoff."""


@dataclass(frozen=True, kw_only=True)
class State:
    """All state ports over one database; `spoil` makes a job or connector unreadable, by its id."""

    jobs: JobStore
    chunks: ChunkStore
    shares: ShareStore
    connectors: ConnectorStore
    schedule_runs: ScheduleRunStore
    slots: SlotStore
    failures: ErrorLog
    clock: SettableClock
    spoil: Callable[[str], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """A client, and the names of fresh tables by the shape they have."""

    client: DynamoDBClient
    names: dict[str, str]

    def name(self, shape: TableSpec) -> str:
        return self.names[shape.name]


class _Silent(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="session")
def dynamodb_url() -> Iterator[str]:
    # One thread, one request at a time: moto loses writes when requests overlap.
    application = create_backend_app("dynamodb")
    server = make_server("127.0.0.1", 0, application, threaded=False, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@asynccontextmanager
async def _fresh_tables(url: str, shapes: Sequence[TableSpec]) -> AsyncIterator[Tables]:
    async with _CREATE_CLIENT(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        verify=False,  # plain HTTP; reading certificates takes longer than most tests
        config=AioConfig(retries={"mode": "standard", "total_max_attempts": 2}),
    ) as client:
        world = uuid.uuid4().hex[:8]
        names = {shape.name: f"{shape.name}-{world}" for shape in TABLES}
        for shape in shapes:
            await client.create_table(**_creation(shape, names[shape.name]))
        yield Tables(client=client, names=names)


def _creation(shape: TableSpec, name: str) -> dict[str, Any]:
    def schema(*keys: Any) -> list[dict[str, str]]:
        kinds = ("HASH", "RANGE")
        return [
            {"AttributeName": key.name, "KeyType": kind}
            for key, kind in zip(keys, kinds, strict=True)
            if key is not None
        ]

    creation: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": schema(shape.partition_key, shape.sort_key),
        "AttributeDefinitions": [
            {"AttributeName": key.name, "AttributeType": key.type.value}
            for key in shape.key_attributes()
        ],
    }
    if shape.indexes:
        creation["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "KeySchema": schema(index.partition_key, index.sort_key),
                "Projection": {"ProjectionType": index.projection.value},
            }
            for index in shape.indexes
        ]
    return creation


def _dynamo_state(tables: Tables) -> State:
    client, clock = tables.client, SettableClock()

    async def spoil(record_id: str) -> None:
        shape = JOBS_TABLE if record_id.startswith("job-") else CONNECTORS_TABLE
        await client.update_item(
            TableName=tables.name(shape),
            Key={shape.partition_key.name: {"S": record_id}},
            UpdateExpression="SET #status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": {"S": "OF_A_LATER_VERSION"}},
        )

    return State(
        jobs=DynamoJobStore(
            client,
            tables.name(JOBS_TABLE),
            connector_table_name=tables.name(CONNECTORS_TABLE),
            sleep=_no_wait,
        ),
        chunks=DynamoChunkStore(
            client,
            tables.name(CHUNKS_TABLE),
            job_table_name=tables.name(JOBS_TABLE),
            sleep=_no_wait,
        ),
        shares=DynamoShareStore(
            client,
            tables.name(JOBS_TABLE),
            chunk_table_name=tables.name(CHUNKS_TABLE),
            sleep=_no_wait,
        ),
        connectors=DynamoConnectorStore(
            client,
            tables.name(CONNECTORS_TABLE),
            job_table_name=tables.name(JOBS_TABLE),
            sleep=_no_wait,
        ),
        schedule_runs=DynamoScheduleRunStore(client, tables.name(CONNECTORS_TABLE), sleep=_no_wait),
        slots=DynamoSlotStore(client, tables.name(JOBS_TABLE), sleep=_no_wait),
        failures=DynamoErrorLog(client, tables.name(ERRORS_TABLE), clock, sleep=_no_wait),
        clock=clock,
        spoil=spoil,
    )


def _memory_state() -> State:
    database, clock = MemoryDatabase(), SettableClock()

    async def spoil(record_id: str) -> None:
        database.unreadable[record_id] = "'OF_A_LATER_VERSION' is not a valid status"

    return State(
        jobs=MemoryJobStore(database),
        chunks=MemoryChunkStore(database),
        shares=MemoryShareStore(database),
        connectors=MemoryConnectorStore(database),
        schedule_runs=MemoryScheduleRunStore(database),
        slots=MemorySlotStore(database),
        failures=MemoryErrorLog(database, clock),
        clock=clock,
        spoil=spoil,
    )


@pytest.fixture(params=["memory", "aws"])
async def state(request: pytest.FixtureRequest, dynamodb_url: str) -> AsyncIterator[State]:
    if request.param == "memory":
        yield _memory_state()
        return
    shapes = _SHAPES.get(request.module.__name__.rpartition(".")[2], TABLES)
    async with _fresh_tables(dynamodb_url, shapes) as tables:
        yield _dynamo_state(tables)


@pytest.fixture
async def tables(dynamodb_url: str) -> AsyncIterator[Tables]:
    """For tests of DynamoDB alone: its errors, and the form of items."""
    async with _fresh_tables(dynamodb_url, TABLES) as tables:
        yield tables


@pytest.fixture
def dynamo(tables: Tables) -> State:
    return _dynamo_state(tables)


@pytest.fixture
def open_both(dynamodb_url: str) -> Callable[[], AbstractAsyncContextManager[tuple[State, State]]]:
    """Open a world in memory and the same one on DynamoDB, to compare them."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[State, State]]:
        async with _fresh_tables(dynamodb_url, (JOBS_TABLE, CHUNKS_TABLE)) as tables:
            yield _memory_state(), _dynamo_state(tables)

    return opened


@pytest.fixture
def make_job() -> Callable[..., Job]:
    def make(
        job_id: str = "job-1",
        *prefixes: str,
        connector_id: str = "con-1",
        bucket_name: str = "media",
        age: int = 0,
    ) -> Job:
        """Return a job on these prefixes (none: the whole bucket), created `age` seconds ago."""
        return new_job(
            job_id=job_id,
            request=SyncRequest(
                connector_id=connector_id,
                bucket=Bucket(name=bucket_name),
                options=SyncOptions(prefixes=prefixes),
            ),
            now=NOW - timedelta(seconds=age),
        )

    return make


@pytest.fixture
def make_chunk() -> Callable[..., Chunk]:
    def make(index: int = 0, *, job_id: str = "job-1", object_count: int = 10) -> Chunk:
        """Return a chunk as the splitter makes it."""
        return Chunk(
            job_id=job_id,
            index=index,
            status=ChunkStatus.PENDING,
            object_count=object_count,
            entry_count=object_count,
            size_bytes=object_count * 1000,
            first_key=f"{index}/a",
            last_key=f"{index}/z",
            created_at=NOW,
            updated_at=NOW,
        )

    return make
