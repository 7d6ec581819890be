"""The processor reads its queues: partial batch responses, poison, dead letters, deadlines."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from application.execution.tuning import Tuning
from domain.chunk import ChunkLife, ChunkStatus, lease_chunk
from domain.identity import ASSET_ID_TAG, SYNC_JOB_ID_TAG
from domain.job import JobStatus
from domain.packing import ChunkSizing
from entrypoints.processor import UNKNOWN_JOB_ID
from ports.errors import Throttled, Unavailable
from ports.telemetry import Metric

Json = dict[str, Any]

DEAD_LETTERS = "asset-sync-processor-dead-letters"
ALL_WELL = {"batchItemFailures": []}


def failed(*message_ids: str) -> Json:
    return {"batchItemFailures": [{"itemIdentifier": each} for each in message_ids]}


@pytest.fixture
def one_per_chunk(service: Any) -> Any:
    service.tuning = Tuning(sizing=ChunkSizing(object_count_max=1))
    return service


def test_a_message_is_processed(service: Any, recorded: Callable[[str], Json]) -> None:
    service.put("a b+c.jpg", "100% é.mov")
    job_id = service.split()
    event = recorded("sqs_one_message")
    event["Records"][0]["body"] = json.dumps({"jobId": job_id, "chunkIndex": 0})
    assert service.processor(event) == ALL_WELL
    job = service.job(job_id)
    assert (job.status, job.tally.statistics.put) == (JobStatus.COMPLETED, 2)
    assert len(service.ports.bus.events) == 2
    assert service.ports.telemetry.events[-1].request_id == "request-1"


def test_a_redelivered_message_changes_nothing(service: Any) -> None:
    service.put("a", "b")
    job_id = service.split()
    event = service.messages((job_id, 0))
    service.processor(event)
    job, chunk = service.job(job_id), service.chunk(job_id, 0)
    requests = service.world.buckets.requests.total()
    assert service.processor(event) == ALL_WELL
    assert service.processor(service.messages((job_id, 0), queue=DEAD_LETTERS)) == ALL_WELL
    assert (service.job(job_id), service.chunk(job_id, 0)) == (job, chunk)
    assert service.world.buckets.requests.total() == requests
    assert len(service.ports.bus.events) == 2


def _throttle(service: Any, monkeypatch: pytest.MonkeyPatch, job_id: str, index: int) -> None:
    get = service.ports.chunks.get

    async def throttled(asked_job_id: str, asked_index: int) -> Any:
        if (asked_job_id, asked_index) == (job_id, index):
            raise Throttled("slow down")
        return await get(asked_job_id, asked_index)

    monkeypatch.setattr(service.ports.chunks, "get", throttled)


def test_only_retryable_messages_of_a_batch_are_redelivered(
    one_per_chunk: Any, recorded: Callable[[str], Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = one_per_chunk
    service.put("a", "b")
    job_id = service.split()
    event = recorded("sqs_several_messages")
    throttled, broken, fine = event["Records"]
    for record in event["Records"]:
        record["body"] = record["body"].replace("job-of-the-test", job_id)
    with monkeypatch.context() as patch:
        _throttle(service, patch, job_id, 0)
        assert service.processor(event) == failed(throttled["messageId"])
    assert service.chunk(job_id, 0).status is ChunkStatus.QUEUED
    assert json.loads(fine["body"])["chunkIndex"] == 1
    assert service.chunk(job_id, 1).status is ChunkStatus.COMPLETED
    (failure,) = service.failures(UNKNOWN_JOB_ID)
    assert failure.error_id == f"message#{broken['messageId']}"
    assert failure.error_class == "InvalidMessage"
    assert service.ports.telemetry.counts[Metric.MESSAGES_MALFORMED] == 1
    (warning,) = [
        e for e in service.ports.telemetry.warnings if e.name == "message_will_be_redelivered"
    ]
    assert warning.facts["message_id"] == throttled["messageId"]


_LONG = "j" * 129


@pytest.mark.parametrize(
    ("body", "recorded_under"),
    [
        ("", UNKNOWN_JOB_ID),
        ("{", UNKNOWN_JOB_ID),
        ("null", UNKNOWN_JOB_ID),
        ("[]", UNKNOWN_JOB_ID),
        ('"text"', UNKNOWN_JOB_ID),
        ("[" * 100_000, UNKNOWN_JOB_ID),
        ('{"jobId": 5, "chunkIndex": 0}', UNKNOWN_JOB_ID),
        ('{"jobId": "", "chunkIndex": 0}', UNKNOWN_JOB_ID),
        ('{"jobId": "\\ud800", "chunkIndex": 0}', UNKNOWN_JOB_ID),
        (f'{{"jobId": "{_LONG}", "chunkIndex": 0}}', UNKNOWN_JOB_ID),
        ('{"chunkIndex": 0}', UNKNOWN_JOB_ID),
        ('{"jobId": "j"}', "j"),
        ('{"jobId": "j", "chunkIndex": -1}', "j"),
        ('{"jobId": "j", "chunkIndex": 1.5}', "j"),
        ('{"jobId": "j", "chunkIndex": "0"}', "j"),
        ('{"jobId": "j", "chunkIndex": true}', "j"),
        ('{"jobId": "j", "chunkIndex": 100000000}', "j"),
        (f'{{"jobId": "j", "chunkIndex": 1{"0" * 400}}}', "j"),
        ('{"jobId": "j", "chunkIndex": 0, "other": 1}', "j"),
        ('{"jobId": "j", "chunkIndex": 0, "attempt": -1}', "j"),
        ('{"jobId": "j", "chunkIndex": 0, "attempt": null}', "j"),
        ('{"jobId": "j", "chunkIndex": 0, "redriveNumber": "1"}', "j"),
        ('{"jobId": "j", "chunkIndex": 0, "redriveNumber": 9007199254740992}', "j"),
    ],
)
@pytest.mark.parametrize("queue", ["asset-sync-processor", DEAD_LETTERS])
def test_a_message_that_no_retry_can_fix_is_recorded_and_acknowledged(
    service: Any, queue: str, body: str, recorded_under: str
) -> None:
    event = service.messages(("x", 0), queue=queue)
    event["Records"][0]["body"] = body
    assert service.processor(event) == ALL_WELL
    (failure,) = service.failures(recorded_under)
    assert failure.message.startswith("not a chunk message: ")
    assert failure.key is None
    assert len(failure.message) < 300
    # A repetition adds no record.
    assert service.processor(event) == ALL_WELL
    assert len(service.failures(recorded_under)) == 1


@pytest.mark.parametrize("queue", ["asset-sync-processor", DEAD_LETTERS])
def test_a_message_of_an_unknown_job_or_chunk_is_recorded_under_its_job(
    service: Any, queue: str
) -> None:
    service.put("a")
    job_id = service.split()
    event = service.messages(("job-unknown", 0), (job_id, 7), queue=queue)
    assert service.processor(event) == ALL_WELL
    for named, index in (("job-unknown", 0), (job_id, 7)):
        (failure,) = service.failures(named)
        assert f"names chunk {index} of job {named}" in failure.message
    assert service.job(job_id).status is JobStatus.PROCESSING


def test_only_a_poison_message_that_cannot_be_recorded_is_redelivered(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.put("a")
    job_id = service.split()

    async def fail(failures: list[Any]) -> None:
        if failures:
            raise Unavailable("the error table is away")

    event = service.messages(("poison", 0), (job_id, 0))
    event["Records"][0]["body"] = "poison"
    event["Records"][0]["messageId"] = "poison"
    monkeypatch.setattr(service.ports.errors, "record", fail)
    assert service.processor(event) == failed("poison")
    assert service.job(job_id).status is JobStatus.COMPLETED


def test_dead_letters_end_their_chunk_and_with_it_the_job(
    service: Any, recorded: Callable[[str], Json]
) -> None:
    service.put("a", "b")
    job_id = service.split()
    event = recorded("sqs_dead_letter")
    for attempt in range(service.tuning.chunk_attempt_count_max):
        assert not service.chunk(job_id, 0).terminal
        # The first message has no numbers, like those of the previous version.
        numbers = {"redriveNumber": 0, "attempt": attempt} if attempt else {}
        body = {"jobId": job_id, "chunkIndex": 0, **numbers}
        event["Records"][0]["body"] = json.dumps(body)
        assert service.processor(event) == ALL_WELL
    chunk, job = service.chunk(job_id, 0), service.job(job_id)
    assert (chunk.status, chunk.statistics.failed) == (ChunkStatus.FAILED, 2)
    assert DEAD_LETTERS in chunk.status_reason
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    failures = service.failures(job_id)
    assert {failure.key for failure in failures} == {None, "a", "b"}
    assert {(failure.chunk_index, failure.error_class) for failure in failures} == {(0, "GivenUp")}
    assert all(DEAD_LETTERS in failure.message for failure in failures)
    assert service.ports.telemetry.counts[Metric.CHUNKS_FAILED] == 1
    assert "CopyObject" not in service.world.buckets.requests
    assert service.ports.notifier.messages[-1].status is JobStatus.COMPLETED_WITH_ERRORS


def test_a_dead_letter_waits_for_the_worker_that_has_its_chunk(service: Any) -> None:
    service.put("a")
    job_id = service.split()
    held = _leased(service, job_id)
    event = service.messages((job_id, 0), queue=DEAD_LETTERS)
    assert service.processor(event) == failed("message-0")
    # On the processor queue the other worker has the lease, so the message is not redelivered.
    assert service.processor(service.messages((job_id, 0))) == ALL_WELL
    assert service.chunk(job_id, 0) == held
    service.ports.clock.advance(60)
    service.ports.queue.receive()
    assert service.processor(event) == ALL_WELL
    assert service.chunk(job_id, 0).status is ChunkStatus.QUEUED
    [message] = service.ports.queue.messages
    assert message.life == ChunkLife(released_count=1)
    # The same message again belongs to an earlier life.
    assert service.processor(event) == ALL_WELL
    assert service.ports.queue.messages == [message]


def _leased(service: Any, job_id: str) -> Any:
    now = service.ports.clock.now()
    chunk = service.chunk(job_id, 0)
    return service.run(
        service.ports.chunks.save(lease_chunk(chunk, token="other", now=now, lease_s=60))
    )


def test_with_too_little_time_left_nothing_is_started_and_the_message_is_requeued(
    service: Any,
) -> None:
    service.put("a", "b")
    job_id = service.split()
    event = service.messages((job_id, 0))
    service.ports.queue.receive()
    assert service.processor(event, remaining_s=19.9) == ALL_WELL
    assert not {"GetObjectTagging", "HeadObject"} & set(service.world.buckets.requests)
    assert service.chunk(job_id, 0).status is ChunkStatus.QUEUED
    assert [m.chunk_index for m in service.ports.queue.receive()] == [0]
    assert service.processor(event, remaining_s=20.1) == ALL_WELL
    assert service.job(job_id).status is JobStatus.COMPLETED


def test_the_contexts_remaining_time_bounds_the_work_and_progress_is_kept(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.tuning = replace(
        Tuning(), window_object_count=1, windows_in_flight=1, calls_in_flight=1
    )
    keys = [f"{number:02d}.jpg" for number in range(12)]
    service.put(*keys)
    job_id = service.split()
    service.ports.queue.receive()
    copy_in_place = service.ports.objects.copy_in_place

    async def slow(*args: Any) -> Any:
        service.ports.clock.advance(1)
        return await copy_in_place(*args)

    monkeypatch.setattr(service.ports.objects, "copy_in_place", slow)
    event = service.messages((job_id, 0))
    # Of 25 seconds the last 20 are the margin: five objects of a second each, and the one at
    # which exactly the margin is left.
    assert service.processor(event, remaining_s=25) == ALL_WELL
    assert service.world.buckets.requests["CopyObject"] == 6
    assert service.chunk(job_id, 0).status is ChunkStatus.QUEUED
    assert len(service.ports.queue.receive()) == 1
    assert service.processor(event, remaining_s=900) == ALL_WELL
    assert service.world.buckets.requests["CopyObject"] == len(keys)
    job = service.job(job_id)
    assert (job.status, job.tally.statistics.put) == (JobStatus.COMPLETED, len(keys))
    tags = [service.world.buckets.get("media", key).tags for key in keys]
    assert all(
        found[SYNC_JOB_ID_TAG].startswith(f"{job_id}/PUT/1/") and found[ASSET_ID_TAG]
        for found in tags
    )


def test_a_lease_outlives_the_invocation_by_the_margin(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.put("a")
    job_id = service.split()
    leases = []
    save = service.ports.chunks.save

    async def noting(chunk: Any) -> Any:
        leases.append(chunk.lease)
        return await save(chunk)

    monkeypatch.setattr(service.ports.chunks, "save", noting)
    service.processor(service.messages((job_id, 0)), remaining_s=100)
    lasts = leases[0].expires_at - service.ports.clock.now()
    assert lasts.total_seconds() == 100 + service.tuning.lease_margin_s
