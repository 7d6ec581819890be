"""Errors and partial results of DynamoDB, and what is stored in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from adapters.aws.chunk_store import DynamoChunkStore
from adapters.aws.error_log import DynamoErrorLog
from adapters.aws.job_store import DynamoJobStore
from adapters.aws.resources import CHUNKS_TABLE, CONNECTORS_TABLE, ERRORS_TABLE, JOBS_TABLE
from domain.chunk import Chunk
from domain.connector import Bucket, Connector, ConnectorStatus, Ingest
from domain.failure import Failure
from domain.job import Job, JobCancelled, StatusNotices, evolve
from domain.schedule_runs import ScheduleRuns
from domain.tally import Tally
from ports.errors import (
    AccessDenied,
    AlreadyExists,
    Conflict,
    CorruptData,
    Misconfigured,
    NotFound,
    PortError,
    Retryable,
    Throttled,
    Unknown,
)

NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
CONNECTOR = Connector(
    connector_id="con-1",
    bucket=Bucket(name="media"),
    prefixes=(),
    status=ConnectorStatus.ENABLED,
    ingest=Ingest(),
    created_at=NOW,
)
FAILURE = Failure(
    error_id="job#1", job_id="job-1", error_class="Lost", message="m", occurred_at=NOW
)


@dataclass
class Faults:
    """Responds in place of DynamoDB, or changes its responses; counts requests."""

    client: Any
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client.meta.events.register("before-send.dynamodb", self._count)

    def _count(self, request: Any, **_: Any) -> None:
        self.requests.append(request.headers["X-Amz-Target"].decode().rpartition(".")[2])

    def answer(self, operation: str, parsed: dict[str, Any], *, status: int, times: int) -> None:
        """Answer the next `times` calls without calling DynamoDB."""
        remaining = iter(range(times))

        def before_call(**_: Any) -> Any:
            if next(remaining, None) is None:
                return None
            self.requests.append(f"{operation} (answered by the test)")
            metadata = {"ResponseMetadata": {"HTTPStatusCode": status}}
            return SimpleNamespace(status_code=status), parsed | metadata

        self.client.meta.events.register(f"before-call.dynamodb.{operation}", before_call)

    def refuse(self, operation: str, code: str, *, times: int = 1, status: int = 400) -> None:
        error = {"Error": {"Code": code, "Message": "by the test"}}
        self.answer(operation, error, status=status, times=times)

    def cancel(self, *reasons: str, times: int = 1) -> None:
        """Cancel transactions for these reasons, by position."""
        error = {
            "Error": {"Code": "TransactionCanceledException", "Message": "by the test"},
            "CancellationReasons": [{"Code": reason} for reason in reasons],
        }
        self.answer("TransactWriteItems", error, status=400, times=times)

    def lose_answer(self, operation: str) -> None:
        """Make botocore repeat the next request, as after a lost response."""
        remaining = iter(range(1))

        def needs_retry(**_: Any) -> int | None:
            return None if next(remaining, None) is None else 0

        self.client.meta.events.register_first(f"needs-retry.dynamodb.{operation}", needs_retry)


@pytest.fixture
def faults(tables: Any) -> Faults:
    return Faults(tables.client)


@pytest.fixture
async def job(dynamo: Any, make_job: Any) -> Job:
    created: Job = await dynamo.jobs.create(make_job("job-1", "a/"))
    return created


@pytest.fixture
async def chunk(dynamo: Any, job: Job, make_chunk: Any) -> Chunk:
    await dynamo.chunks.add(job, [make_chunk(0)])
    added: Chunk = await dynamo.chunks.get("job-1", 0)
    return added


class TestTransactions:
    async def test_a_conflict_with_another_transaction_is_retried(
        self, dynamo: Any, chunk: Chunk, faults: Faults
    ) -> None:
        faults.cancel("None", "TransactionConflict", times=5)
        await dynamo.chunks.settle(chunk, Tally(chunks_completed=1))
        assert (await dynamo.jobs.get("job-1")).tally.chunks_completed == 1

    async def test_retries_of_a_conflict_are_bounded(
        self, tables: Any, dynamo: Any, chunk: Chunk, faults: Faults
    ) -> None:
        waits: list[float] = []

        async def sleep(duration_s: float) -> None:
            waits.append(duration_s)

        store = DynamoChunkStore(
            tables.client,
            tables.name(CHUNKS_TABLE),
            job_table_name=tables.name(JOBS_TABLE),
            sleep=sleep,
        )
        faults.cancel("TransactionConflict", "None", times=100)
        with pytest.raises(Throttled):
            await store.settle(chunk, Tally(chunks_completed=1))
        assert len(waits) == 10
        assert sum(waits) <= 11.15
        assert await dynamo.chunks.get("job-1", 0) == chunk

    async def test_a_condition_decides_over_a_conflict(
        self, dynamo: Any, chunk: Chunk, faults: Faults
    ) -> None:
        faults.cancel("ConditionalCheckFailed", "TransactionConflict")
        with pytest.raises(Conflict) as caught:
            await dynamo.chunks.settle(chunk, Tally(chunks_completed=1))
        assert isinstance(caught.value.__cause__, ClientError)
        assert faults.requests[-1].startswith("TransactWriteItems (answered")

    @pytest.mark.parametrize("reason", ["ThrottlingError", "ProvisionedThroughputExceeded"])
    async def test_throttled(self, dynamo: Any, chunk: Chunk, faults: Faults, reason: str) -> None:
        faults.cancel("None", reason)
        with pytest.raises(Throttled):
            await dynamo.chunks.settle(chunk, Tally(chunks_completed=1))

    async def test_an_unlisted_reason_is_unknown(
        self, dynamo: Any, chunk: Chunk, faults: Faults
    ) -> None:
        faults.cancel("None", "NovelReason")
        with pytest.raises(Unknown, match="by the test"):
            await dynamo.chunks.settle(chunk, Tally(chunks_completed=1))

    async def test_the_position_of_a_reason_identifies_what_exists(
        self, dynamo: Any, make_job: Any, faults: Faults
    ) -> None:
        faults.cancel("ConditionalCheckFailed", "ConditionalCheckFailed")
        with pytest.raises(AlreadyExists):
            await dynamo.jobs.create(make_job("job-9"))

    async def test_a_guard_that_others_keep_changing(
        self, dynamo: Any, make_job: Any, faults: Faults
    ) -> None:
        faults.cancel("None", "ConditionalCheckFailed", times=3)
        await dynamo.jobs.create(make_job("job-9", "a/"))
        faults.cancel("None", "ConditionalCheckFailed", times=100)
        with pytest.raises(Throttled):
            await dynamo.jobs.create(make_job("job-10", "b/"))

    async def test_a_settlement_does_not_create_a_lost_job(
        self, tables: Any, dynamo: Any, chunk: Chunk
    ) -> None:
        key = {"jobId": {"S": "job-1"}}
        await tables.client.delete_item(TableName=tables.name(JOBS_TABLE), Key=key)
        with pytest.raises(Conflict):
            await dynamo.chunks.settle(chunk, Tally(chunks_completed=1))
        assert await dynamo.chunks.get("job-1", 0) == chunk
        with pytest.raises(NotFound):
            await dynamo.jobs.get("job-1")

    @pytest.mark.parametrize("guard_id", ["bucket#media", "connector#con-1"])
    async def test_a_guard_that_was_lost_does_not_keep_a_job_from_ending(
        self, tables: Any, dynamo: Any, job: Job, guard_id: str
    ) -> None:
        key = {"jobId": {"S": guard_id}}
        await tables.client.delete_item(TableName=tables.name(JOBS_TABLE), Key=key)
        await dynamo.jobs.save(evolve(job, JobCancelled(reason="enough"), NOW))
        assert (await dynamo.jobs.get("job-1")).terminal


class TestLostAnswers:
    async def test_a_save_whose_response_was_lost_is_not_a_conflict(
        self, dynamo: Any, job: Job, faults: Faults
    ) -> None:
        faults.lose_answer("UpdateItem")
        saved = await dynamo.jobs.save(replace(job, status_reason="new"))
        assert faults.requests.count("UpdateItem") == 2
        assert (
            await dynamo.jobs.get("job-1") == saved == replace(job, status_reason="new", version=2)
        )

    async def test_a_lease_whose_response_was_lost_is_not_a_conflict(
        self, dynamo: Any, chunk: Chunk, faults: Faults
    ) -> None:
        faults.lose_answer("PutItem")
        saved = await dynamo.chunks.save(replace(chunk, attempt_count=1))
        assert faults.requests.count("PutItem") == 2
        assert await dynamo.chunks.get("job-1", 0) == saved

    async def test_a_connector_whose_response_was_lost_is_not_a_duplicate(
        self, dynamo: Any, faults: Faults
    ) -> None:
        faults.lose_answer("PutItem")
        await dynamo.connectors.create(CONNECTOR)
        assert faults.requests.count("PutItem") == 2
        with pytest.raises(AlreadyExists):
            await dynamo.connectors.create(CONNECTOR)

    async def test_runs_that_were_written_again_before_the_repetition_are_a_conflict(
        self, dynamo: Any, make_job: Any, faults: Faults
    ) -> None:
        await dynamo.connectors.create(CONNECTOR)
        repeated = iter(range(1))

        async def record_a_job(**_: Any) -> int | None:
            if next(repeated, None) is None:
                return None
            runs = await dynamo.schedule_runs.get(CONNECTOR)
            await dynamo.jobs.create(make_job("job-1"), connector=CONNECTOR, runs=runs)
            return 0

        faults.client.meta.events.register_first("needs-retry.dynamodb.UpdateItem", record_a_job)
        with pytest.raises(Conflict):
            await dynamo.schedule_runs.save(CONNECTOR, ScheduleRuns())
        assert faults.requests.count("UpdateItem") == 2
        assert (await dynamo.schedule_runs.get(CONNECTOR)).version == 2


class TestSingleCalls:
    @pytest.mark.parametrize(
        ("code", "status", "error"),
        [
            ("ProvisionedThroughputExceededException", 400, Throttled),
            ("ThrottlingException", 400, Throttled),
            ("InternalServerError", 500, Retryable),
            ("AccessDeniedException", 400, AccessDenied),
            ("ResourceNotFoundException", 400, Misconfigured),
        ],
    )
    async def test_errors_of_the_vendor(
        self,
        dynamo: Any,
        job: Job,
        make_chunk: Any,
        faults: Faults,
        code: str,
        status: int,
        error: type[PortError],
    ) -> None:
        calls: list[tuple[str, Callable[[], Any]]] = [
            ("BatchGetItem", lambda: dynamo.jobs.get("job-1")),
            ("GetItem", lambda: dynamo.connectors.get("con-1")),
            ("UpdateItem", lambda: dynamo.jobs.save(job)),
            ("TransactWriteItems", lambda: dynamo.chunks.add(job, [make_chunk()])),
            ("Query", lambda: dynamo.chunks.list_page("job-1", limit=1)),
            ("Query", lambda: dynamo.jobs.list_page(limit=1)),
            ("Scan", lambda: dynamo.connectors.list_page(limit=1)),
            ("PutItem", lambda: dynamo.connectors.create(CONNECTOR)),
            ("BatchWriteItem", lambda: dynamo.failures.record([FAILURE])),
        ]
        for operation, call in calls:
            faults.refuse(operation, code, status=status)
            with pytest.raises(error) as caught:
                await call()
            assert isinstance(caught.value.__cause__, ClientError), operation
            assert caught.value.operation == operation

    async def test_an_unlisted_code_is_unknown(self, dynamo: Any, job: Job, faults: Faults) -> None:
        faults.refuse("UpdateItem", "NovelException")
        with pytest.raises(Unknown, match="NovelException"):
            await dynamo.jobs.save(job)

    async def test_a_save_during_a_settlement_is_retried(
        self, dynamo: Any, job: Job, faults: Faults
    ) -> None:
        faults.refuse("UpdateItem", "TransactionConflictException", times=4)
        assert (await dynamo.jobs.save(job)).version == 2
        faults.refuse("UpdateItem", "TransactionConflictException", times=100)
        with pytest.raises(Throttled):
            await dynamo.jobs.save(replace(job, version=2))


class TestUnprocessed:
    async def test_writes_are_sent_again(self, dynamo: Any, faults: Faults, tables: Any) -> None:
        name = tables.name(ERRORS_TABLE)
        many = [replace(FAILURE, error_id=f"job#{n:02d}") for n in range(30)]
        requests: Any = [{"PutRequest": {"Item": {}}}] * 25
        faults.answer(
            "BatchWriteItem", {"UnprocessedItems": {name: requests}}, status=200, times=100
        )
        with pytest.raises(Throttled):
            await dynamo.failures.record(many)

    async def test_writes_left_over_arrive(self, dynamo: Any, faults: Faults, tables: Any) -> None:
        name = tables.name(ERRORS_TABLE)
        item = {
            "jobId": {"S": "job-1"},
            "errorId": {"S": "job#00"},
            "expiresAt": {"N": str(10**10)},
            "errorClass": {"S": "Lost"},
            "message": {"S": "late"},
            "occurredAt": {"S": "2026-03-01T12:30:15.000000Z"},
        }
        left = {"UnprocessedItems": {name: [{"PutRequest": {"Item": item}}]}}
        faults.answer("BatchWriteItem", left, status=200, times=1)
        await dynamo.failures.record([FAILURE])
        (stored,) = (await dynamo.failures.list_page("job-1", limit=5)).items
        assert stored.message == "late"

    async def test_batches_are_within_the_limit_of_the_service(
        self, dynamo: Any, faults: Faults
    ) -> None:
        """It rejects more than 25 items, and a repeated id; moto accepts both."""
        many = [replace(FAILURE, error_id=f"job#{n:02d}") for n in range(50)]
        await dynamo.failures.record([*many, *many])
        assert faults.requests == ["BatchWriteItem"] * 2


class TestItems:
    async def test_a_job_is_readable_with_get_item(
        self, tables: Any, dynamo: Any, job: Job, chunk: Chunk
    ) -> None:
        answer = await tables.client.get_item(
            TableName=tables.name(JOBS_TABLE), Key={"jobId": {"S": "job-1"}}
        )
        item = answer["Item"]
        assert item["status"] == {"S": "INITIALIZING"}
        assert item["bucketName"] == {"S": "media"}
        assert item["prefixes"] == {"L": [{"S": "a/"}]}
        assert item["createdAt"] == {"S": "2026-03-01T12:30:15.123456Z"}
        assert item["chunksTotal"] == {"N": "1"}
        assert item["skipped"] == {"N": "0"}
        assert "statusReason" not in item

    async def test_an_ended_job_without_pending_notices_is_in_no_sparse_index(
        self, tables: Any, dynamo: Any, job: Job
    ) -> None:
        ended = replace(evolve(job, JobCancelled(reason="enough"), NOW), notices=StatusNotices())
        await dynamo.jobs.save(ended)
        answer = await tables.client.scan(TableName=tables.name(JOBS_TABLE), IndexName="OpenIndex")
        assert answer["Items"] == []

    async def test_guards_are_in_no_index(self, tables: Any, dynamo: Any, job: Job) -> None:
        for index in JOBS_TABLE.indexes:
            answer = await tables.client.scan(
                TableName=tables.name(JOBS_TABLE), IndexName=index.name
            )
            assert [item["jobId"]["S"] for item in answer["Items"]] == ["job-1"]

    async def test_an_entry_of_a_lagging_index_is_left_out(
        self, tables: Any, dynamo: Any, job: Job
    ) -> None:
        """As if the index did not have the job's end yet."""
        await dynamo.jobs.save(
            replace(evolve(job, JobCancelled(reason="x"), NOW), notices=StatusNotices())
        )
        await tables.client.update_item(
            TableName=tables.name(JOBS_TABLE),
            Key={"jobId": {"S": "job-1"}},
            UpdateExpression="SET #open = :open",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues={":open": {"S": "1"}},
        )
        assert [each async for each in dynamo.jobs.open_jobs()] == []

    async def test_an_item_of_another_application(self, tables: Any, dynamo: Any) -> None:
        keys: list[tuple[Any, dict[str, Any], Any]] = [
            (JOBS_TABLE, {"jobId": {"S": "j"}}, lambda: dynamo.jobs.get("j")),
            (
                CHUNKS_TABLE,
                {"jobId": {"S": "j"}, "chunkIndex": {"N": "0"}},
                lambda: dynamo.chunks.get("j", 0),
            ),
        ]
        for shape, key, read in keys:
            await tables.client.put_item(
                TableName=tables.name(shape), Item={**key, "status": {"S": "NOVEL"}}
            )
            with pytest.raises(CorruptData):
                await read()

    async def test_failures_expire_by_time_to_live(self, tables: Any, dynamo: Any) -> None:
        log = DynamoErrorLog(
            tables.client, tables.name(ERRORS_TABLE), dynamo.clock, retention_days=2
        )
        await log.record([FAILURE])
        (item,) = (await tables.client.scan(TableName=tables.name(ERRORS_TABLE)))["Items"]
        expected = dynamo.clock.now() + timedelta(days=2)
        assert item["expiresAt"] == {"N": str(int(expected.timestamp()))}

    async def test_a_cut_text_says_so_and_keeps_the_item_small(
        self, tables: Any, dynamo: Any
    ) -> None:
        failure = replace(
            FAILURE, message="\U0001f600" * 400_000, stack_trace="ü" * 400_000 + "\udc80"
        )
        await dynamo.failures.record([failure])
        (item,) = (await tables.client.scan(TableName=tables.name(ERRORS_TABLE)))["Items"]
        assert sum(len(str(value).encode()) for value in item.values()) < 400_000
        assert "[truncated" in item["message"]["S"]
        assert item["stackTrace"]["S"].startswith("[truncated")
        assert item["stackTrace"]["S"].endswith("\\udc80")

    async def test_defaults_wait_for_real(self, tables: Any) -> None:
        """The stores can be built without a way to wait."""
        store = DynamoJobStore(
            tables.client,
            tables.name(JOBS_TABLE),
            connector_table_name=tables.name(CONNECTORS_TABLE),
        )
        assert (await store.list_page(limit=1)).items == ()
