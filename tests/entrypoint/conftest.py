"""The engine's and the processor's functions over one small world in memory."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio
from api_calls import Api, served
from api_server import listening
from console_site import Site, console_client, opened
from lambda_context import Context

from application.execution.tuning import Tuning
from domain.connector import Bucket, Connector, ConnectorStatus, Ingest
from domain.discovery import Discovery
from domain.sync_request import SyncOptions
from entrypoints import engine, processor
from entrypoints.wiring.container import UseCases
from entrypoints.wiring.engine_app import engine_app
from entrypoints.wiring.memory import MemoryPorts, MemoryWorld, memory_world, use_cases
from entrypoints.wiring.processor_app import processor_app

Json = dict[str, Any]

EVENTS = Path(__file__).parent / "events"
BUCKET = "media"
CONNECTOR_ID = "media"
QUEUE = "asset-sync-processor"


class Service:
    """The functions, invoked as Lambda invokes them, and their environment.

    `ports` and `tuning` apply to what is opened after they were set; `open_count` counts that.
    """

    def __init__(self) -> None:
        self.world: MemoryWorld = memory_world()
        self.ports: MemoryPorts = self.world.ports
        self.tuning = Tuning()
        self.open_count = 0
        self.close_count = 0
        self.world.buckets.create(BUCKET)
        self.world.database.connectors[CONNECTOR_ID] = Connector(
            connector_id=CONNECTOR_ID,
            bucket=Bucket(name=BUCKET),
            prefixes=(),
            status=ConnectorStatus.ENABLED,
            ingest=Ingest(),
            created_at=self.ports.clock.now(),
        )

    @property
    def container(self) -> UseCases:
        return use_cases(self.ports, self.tuning)

    @asynccontextmanager
    async def open_engine(self) -> AsyncIterator[Any]:
        self.open_count += 1
        yield engine_app(self.container)
        self.close_count += 1

    @asynccontextmanager
    async def open_processor(self) -> AsyncIterator[Any]:
        self.open_count += 1
        yield processor_app(self.container, queue_name=QUEUE)
        self.close_count += 1

    def replace_ports(self, **changes: Any) -> None:
        self.ports = replace(self.ports, **changes)
        self.close()

    def close(self) -> None:
        engine.RUNTIME.close()
        processor.RUNTIME.close()

    def engine(self, event: Json, **context: Any) -> Json:
        return engine.handler(event, Context(**context))

    def processor(self, event: Json, **context: Any) -> Json:
        return processor.handler(event, Context(**context))

    def put(self, *keys: str, **attributes: Any) -> None:
        for key in keys:
            self.world.buckets.put(BUCKET, key, key.encode(), **attributes)
        # An object that is read in the second of its last change is ambiguous, and read again.
        self.ports.clock.advance(1)

    def start(self, *, discovery: Discovery = Discovery.DIRECT, **options: Any) -> str:
        """Start a sync and drop the invocation of the engine; return the job's id."""
        options_ = SyncOptions(discovery=discovery, **options)
        started = self.run(self.container.start_sync().start(CONNECTOR_ID, options_))
        self.ports.invoker.take()
        return str(started.job.job_id)

    def split(self, **options: Any) -> str:
        """Start a sync and advance it until its chunks are queued; return the job's id."""
        job_id = self.start(**options)
        self.engine({"action": "advance", "jobId": job_id})
        return job_id

    def messages(self, *wanted: tuple[str, int], queue: str = QUEUE) -> Json:
        """Return the event with these chunk messages."""
        event = recorded_event("sqs_one_message")
        (record,) = event["Records"]
        event["Records"] = [
            {
                **record,
                "messageId": f"message-{number}",
                "body": json.dumps({"jobId": job_id, "chunkIndex": index}),
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
            }
            for number, (job_id, index) in enumerate(wanted)
        ]
        return event

    def job(self, job_id: str) -> Any:
        return self.run(self.ports.jobs.get(job_id))

    def chunk(self, job_id: str, index: int) -> Any:
        return self.run(self.ports.chunks.get(job_id, index))

    def failures(self, job_id: str) -> list[Any]:
        return list(self.run(self.ports.errors.list_page(job_id, limit=100)).items)

    @staticmethod
    def run(coroutine: Any) -> Any:
        return asyncio.run(coroutine)


def recorded_event(name: str) -> Json:
    event: Json = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


@pytest.fixture
def recorded() -> Callable[[str], Json]:
    """Return an event as AWS sends it, from the folder `events`."""
    return lambda name: copy.deepcopy(recorded_event(name))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()
    _serve(monkeypatch, engine, service.open_engine)
    _serve(monkeypatch, processor, service.open_processor)
    yield service
    service.close()
    assert service.close_count == service.open_count


def _serve(monkeypatch: pytest.MonkeyPatch, module: ModuleType, opener: Any) -> None:
    module.RUNTIME.close()
    monkeypatch.setattr(module.RUNTIME, "open_app", opener)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The API's handler over memory; commands and the console reach it by HTTP."""
    with served(monkeypatch) as gateway, listening(gateway, monkeypatch):
        yield gateway


@pytest_asyncio.fixture
async def site(gateway: Api) -> AsyncIterator[Site]:
    """The console of that API."""
    async with opened(gateway, console_client()) as site:
        yield site
