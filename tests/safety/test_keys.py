"""Every key that S3 allows passes through every format of the service unchanged.

Characters that a format cannot hold are encoded, never dropped: percent-encoding in manifests and
chunks, form encoding in the invocations of S3 Batch Operations, JSON in messages, outcomes and
responses.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from lambda_context import Context
from safety_objects import KEYS, KEYS_OF_NOTE, Setting, Thing
from safety_worlds import CloudWorld

from adapters.aws.ingest_bus import encode_event
from adapters.local_aws.s3_batch_operations.invocation import InvokeResult
from adapters.local_aws.s3_batch_operations.job_spec import LambdaInvoke, ManifestField
from adapters.local_aws.s3_batch_operations.manifest import ManifestRow, manifest_rows
from adapters.local_aws.s3_batch_operations.report import report_row
from adapters.local_aws.s3_batch_operations.task import task_outcome, task_payload
from adapters.memory.results_store import MemoryResultsStore
from application.engine.chunk_sources import report_source
from application.execution.tuning import Tuning
from application.results.files import encode_entries, read_entries, read_outcomes, write_outcomes
from domain.batch_job import encode_result
from domain.connector import Bucket, Connector, ConnectorStatus, Ingest
from domain.decision import Decision
from domain.discovery import Discovery
from domain.failure import error_id_for
from domain.manifest import FIELDS, ManifestEntry, decode_invocation_key, encode_row
from domain.message import IngestEvent
from domain.outcome import Outcome, OutcomeKind
from domain.records import RecordSplitter
from domain.selection import Glob
from domain.sync_request import SyncOptions
from entrypoints import api, engine, processor
from entrypoints.processor_events import BatchInvocation, parse_processor_event
from entrypoints.wiring.api_app import api_app
from entrypoints.wiring.engine_app import engine_app
from entrypoints.wiring.memory import MemoryWorld, memory_world, use_cases
from entrypoints.wiring.processor_app import processor_app

SOAK: Final = int(os.environ.get("ASSET_SYNC_SOAK", "1"))
NOW: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
BUCKET: Final = "media"

Run = Callable[[Any], Any]
Json = dict[str, Any]


def examples(count: int) -> settings:
    return settings(
        max_examples=count * SOAK,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        phases=set(Phase) - {Phase.explain},
    )


def entries(keys: Iterable[str]) -> list[ManifestEntry]:
    return [ManifestEntry(key=key, size_bytes=len(key), last_modified=NOW) for key in keys]


async def blocks(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


# --- from file to file --------------------------------------------------------------------------


@pytest.mark.soak
@examples(50)
@given(keys=st.lists(KEYS, min_size=1, max_size=5), portion=st.integers(1, 400))
@example(keys=list(KEYS_OF_NOTE), portion=7)
def test_a_chunk_file_holds_every_key(run: Run, keys: list[str], portion: int) -> None:
    results = MemoryResultsStore(block_bytes=portion)

    async def scene() -> list[ManifestEntry]:
        await results.put("chunk", encode_entries(BUCKET, entries(keys)))
        return [entry async for entry in read_entries(results, "chunk")]

    assert run(scene()) == entries(keys)


@pytest.mark.soak
@examples(50)
@given(keys=st.lists(KEYS, min_size=1, max_size=5), portion=st.integers(1, 400))
@example(keys=list(KEYS_OF_NOTE), portion=13)
def test_the_manifest_is_read_by_s3_batch_operations(
    run: Run, keys: list[str], portion: int
) -> None:
    content = b"".join(encode_row(BUCKET, entry, with_e_tag=True) for entry in entries(keys))

    async def scene() -> list[str]:
        rows = manifest_rows(blocks(content, portion), tuple(map(ManifestField, FIELDS)))
        return [row.key async for row in rows]

    assert run(scene()) == keys
    assert content.isascii()
    assert content.count(b"\n") == len(keys)


@pytest.mark.soak
@examples(80)
@given(key=KEYS, version=st.sampled_from(["1.0", "2.0"]))
def test_an_invocation_names_the_object(key: str, version: str) -> None:
    row = ManifestRow(row_number=1, bucket=BUCKET, key_field="as written", key=key, version_id=None)
    arguments = {} if version == "1.0" else {"jobId": "job-1"}
    order = LambdaInvoke(
        function_arn="arn:aws:lambda:us-east-1:123456789012:function:f",
        schema_version=version,
        user_arguments=arguments,
    )

    event = json.loads(task_payload("batch-1", "invocation-1", order, row))

    invocation = parse_processor_event(event)
    assert isinstance(invocation, BatchInvocation)
    [task] = invocation.tasks
    assert (task.bucket_name, decode_invocation_key(task.s3Key)) == (BUCKET, key)


@pytest.mark.soak
@examples(80)
@given(
    outcomes=st.lists(
        st.builds(
            Outcome,
            key=KEYS,
            kind=st.sampled_from([OutcomeKind.SKIPPED, OutcomeKind.ARCHIVED, OutcomeKind.GONE]),
            reason=st.sampled_from(["ASSET_KNOWN", "ARCHIVED"]),
            asset_id=st.none() | st.text(max_size=40),
        ),
        min_size=1,
        max_size=4,
    ),
    portion=st.integers(1, 300),
)
def test_a_report_row_names_the_object(outcomes: list[Outcome], portion: int) -> None:
    """The key as in the manifest, next to a result with any content of a tag."""
    content = b""
    for number, outcome in enumerate(outcomes, 1):
        [field] = encode_row(BUCKET, entries([outcome.key])[0]).decode().split(",")[1:2]
        row = ManifestRow(
            row_number=number, bucket=BUCKET, key_field=field, key=outcome.key, version_id=None
        )
        answer = {
            "invocationSchemaVersion": "2.0",
            "treatMissingKeysAs": "TemporaryFailure",
            "results": [
                {"taskId": "t", "resultCode": "Succeeded", "resultString": encode_result(outcome)}
            ],
        }
        result = InvokeResult(
            status_code=200, function_error=None, payload=json.dumps(answer).encode()
        )
        content += report_row(row, task_outcome(result, "2.0", "t"))

    splitter = RecordSplitter()
    records = [
        record
        for start in range(0, len(content), portion)
        for record in splitter.feed(content[start : start + portion])
    ]
    records += splitter.finish()

    ((_, parse),) = report_source(("report",), dry_run=False).files
    parsed = [parse(record, after) for record, after in records]
    assert [item.key for item in parsed] == [outcome.key for outcome in outcomes]
    assert all(isinstance(item, Outcome) for item in parsed)


@pytest.mark.soak
@examples(50)
@given(key=KEYS, message=st.none() | st.text(max_size=60), portion=st.integers(1, 300))
def test_an_outcome_names_the_object(run: Run, key: str, message: str | None, portion: int) -> None:
    outcome = Outcome(key=key, kind=OutcomeKind.FAILED, reason="Refused", message=message)
    results = MemoryResultsStore(block_bytes=portion)

    async def scene() -> list[Outcome]:
        await write_outcomes(results, "o", [outcome, outcome], job_id="job-1", chunk_index=0)
        return [found async for found in read_outcomes(results, "o")]

    assert run(scene()) == [outcome, outcome]
    lines = results.files["o"]
    assert lines.isascii()
    assert lines.count(b"\n") == 2


@pytest.mark.soak
@examples(50)
@given(key=KEYS)
def test_an_event_names_the_object(key: str) -> None:
    event = IngestEvent(
        event_id="e",
        job_id="j",
        connector_id="c",
        bucket_name=BUCKET,
        object_key=key,
        version_id=None,
        e_tag="x",
        size_bytes=0,
        asset_id="a",
        inventory_id="i",
        processing_action=Decision.PUT,
    )

    detail = encode_event(event)

    assert detail.isascii()
    assert json.loads(detail)["objectKey"] == key


@pytest.mark.soak
@examples(50)
@given(key=KEYS)
def test_a_pattern_for_everything_selects_every_key(key: str) -> None:
    assert Glob.compile("**").matches(key)
    assert len(error_id_for(chunk_index=0, subject=key).encode()) < 1024


# --- through S3 ---------------------------------------------------------------------------------


@pytest.mark.soak
@examples(3)
@given(keys=st.sets(KEYS, min_size=1, max_size=12), data=st.data())
@example(keys=set(KEYS_OF_NOTE), data=None)
def test_a_listing_names_every_object(
    run: Run, cloud: CloudWorld, keys: set[str], data: Any
) -> None:
    """In byte order, and starting after any key."""
    things = [Thing(key=key, content=b"") for key in keys]
    expected = sorted(keys, key=str.encode)
    middle = expected[len(expected) // 2]
    start = data.draw(st.sampled_from(expected)) if data else middle

    async def listed(start_after: str | None) -> list[str]:
        bucket = cloud.bucket(Setting.PLAIN)
        pages = cloud.store().list_objects(bucket, prefix="", start_after=start_after)
        return [entry.key async for page in pages for entry in page.entries]

    async def scene() -> tuple[list[str], list[str]]:
        for thing in things:
            await cloud.put(thing)
        found = await listed(None), await listed(start)
        for thing in things:
            await cloud.forget(thing)
        return found

    everything, rest = run(scene())
    # The bucket may also have objects of other tests.
    assert [key for key in everything if key in keys] == expected
    assert [key for key in rest if key in keys] == [
        key for key in expected if key.encode() > start.encode()
    ]


# --- through the whole service ------------------------------------------------------------------


class Service:
    """The functions over one small world, invoked as AWS invokes them."""

    def __init__(self) -> None:
        self.world: MemoryWorld = memory_world(page_object_count=3)
        self.world.buckets.create(BUCKET)
        self.container = use_cases(self.world.ports, Tuning(manifest_part_bytes=200))
        self.world.database.connectors["con"] = Connector(
            connector_id="con",
            bucket=Bucket(name=BUCKET),
            prefixes=(),
            status=ConnectorStatus.ENABLED,
            ingest=Ingest(),
            created_at=NOW,
        )

    @asynccontextmanager
    async def open_api(self) -> AsyncIterator[Any]:
        yield api_app(self.container, default_discovery=Discovery.BATCH)

    @asynccontextmanager
    async def open_engine(self) -> AsyncIterator[Any]:
        yield engine_app(self.container)

    @asynccontextmanager
    async def open_processor(self) -> AsyncIterator[Any]:
        yield processor_app(self.container, queue_name="queue")

    def sync(self, discovery: Discovery) -> tuple[str, list[str]]:
        """Run a whole job; returns its id and the bodies of its messages."""
        ports = self.world.ports
        options = SyncOptions(discovery=discovery)
        started = asyncio.run(self.container.start_sync().start("con", options))
        job_id: str = started.job.job_id
        advance = {"action": "advance", "jobId": job_id}
        engine.handler(advance, Context())
        if discovery is Discovery.BATCH:
            batch_job_id = asyncio.run(ports.jobs.get(job_id)).discovery.batch_job_id
            asyncio.run(ports.batch_jobs.run(str(batch_job_id), self._task))
            engine.handler(advance, Context())
        bodies = []
        for message in ports.queue.receive():
            bodies.append(json.dumps({"jobId": message.job_id, "chunkIndex": message.chunk_index}))
            record = {
                "messageId": "m",
                "body": bodies[-1],
                "attributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue",
            }
            assert processor.handler({"Records": [record]}, Context()) == {"batchItemFailures": []}
        return job_id, bodies

    async def _task(self, event: Json) -> Json:
        parsed = parse_processor_event(json.loads(json.dumps(event)))
        assert isinstance(parsed, BatchInvocation)
        async with self.open_processor() as app:
            answer: Json = await processor._tasks(app, parsed)
        return json.loads(json.dumps(answer))  # type: ignore[no-any-return]

    def explain(self, job_id: str, key: str) -> tuple[int, Json]:
        """Get the outcome of a key from the API."""
        path = f"/jobs/{job_id}/objects"
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": urlencode({"key": key}),
            "headers": {"host": "api"},
            "requestContext": {"http": {"method": "GET", "path": path}, "stage": "$default"},
            "isBase64Encoded": False,
        }
        answer = api.handler(event, Context())
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def new_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Service]]:
    with ExitStack() as stack:
        for module in (api, engine, processor):
            stack.callback(module.RUNTIME.close)

        def make() -> Service:
            service = Service()
            for module, opener in (
                (api, service.open_api),
                (engine, service.open_engine),
                (processor, service.open_processor),
            ):
                module.RUNTIME.close()
                monkeypatch.setattr(module.RUNTIME, "open_app", opener)
            return service

        yield make


@pytest.mark.soak
@examples(8)
@given(keys=st.sets(KEYS, min_size=1, max_size=6), discovery=st.sampled_from(Discovery))
@example(keys=set(KEYS_OF_NOTE), discovery=Discovery.DIRECT)
@example(keys=set(KEYS_OF_NOTE), discovery=Discovery.BATCH)
def test_a_whole_job_and_its_api_name_every_object(
    new_service: Callable[[], Service], keys: set[str], discovery: Discovery
) -> None:
    service = new_service()
    for key in keys:
        service.world.buckets.put(BUCKET, key, b"x", tags={"theirs": "1"})

    job_id, bodies = service.sync(discovery)

    assert all(body.isascii() for body in bodies)
    assert {event.object_key for event in service.world.ports.bus.events} == keys
    for key in keys:
        assert service.world.buckets.get(BUCKET, key).tags["SyncJobID"].startswith(job_id)
        status, found = service.explain(job_id, key)
        if "\0" in key:
            # NOT_CARRIED: refused with its reason, and still in the outcomes.
            assert status == 400
            continue
        assert status == 200, found
        assert (found["objectKey"], found["outcome"]["outcome"]) == (key, "PUT")
