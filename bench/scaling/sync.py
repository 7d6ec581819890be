"""One sync as stages with limits, and its requests.

What is ours (counts, sizes, concurrency) is imported from the code; what is AWS's is in `quotas`.
Every object of a workload has the same size, and each share of decisions is spread evenly.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from bench.scaling import measured, quotas
from bench.scaling.flow import Along, Limit, Run, Stage, constant, flow
from infra.config import Config

from adapters.aws.catalog import DynamoCatalog
from adapters.aws.chunk_item import chunk_item
from adapters.aws.job_item import new_job_item
from adapters.aws.resources import CHUNK_MAPPING
from application.engine.chunk_enqueuer import _MARKS_IN_FLIGHT
from application.engine.chunk_recorder import _FILES_IN_FLIGHT
from application.execution.tuning import Tuning
from domain.chunk import Chunk, ChunkStatus
from domain.connector import Bucket, Trigger, Verify
from domain.discovery import Discovery
from domain.item_sizes import part_bytes
from domain.job import Job, new_job
from domain.key_ranges import RANGE_COUNT_MAX
from domain.limits import INGEST_EVENT_COUNT_MAX, QUEUE_MESSAGE_COUNT_MAX
from domain.listing_share import SHARE_COUNT_MAX
from domain.manifest import ManifestEntry, encode_row
from domain.packing import OUTCOMES_PER_ENTRY, ChunkDraft
from domain.sync_request import SyncRequest

PAGE_KEY_COUNT: Final = 1_000
CATALOG_KEY_COUNT: Final = 100
# Counted in the local service (tests/e2e/test_request_counts.py). Of a chunk: its entries and
# outcomes are written, its entries and the state of its copies read; its record is read and written
# twice and settled, and its job's read. Of the chunks that are added at once: the transaction, and
# the job's tally.
CHUNK_FILE_REQUESTS: Final = 4
CHUNK_STATE_REQUESTS: Final = 10
ADDING_STATE_REQUESTS: Final = 2
_S3_S: Final = quotas.S3_LATENCY.value
_DYNAMODB_S: Final = quotas.DYNAMODB_LATENCY.value
# Objects a second of what no object of a workload needs.
_UNBOUNDED: Final = 1e12
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_KEY: Final = "archive/2026/spring campaign/0123/clip-0000123.mov"
_PATH_QUERIES_AT_ONCE: Final[int] = (
    inspect.signature(DynamoCatalog).parameters["query_count_max"].default
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is synced.

    Attributes:
        objects: How many objects.
        put_share: The share of objects that the catalog does not know, which are put.
        copy_share: The share of which the catalog has the inventory record alone.
        mean_bytes: Size of an object.
        partitions: Partitioned prefixes of S3 over which the keys are spread.
        discovery: Who decides first.
        verify: What is read of an object that the catalog has.
        trigger: How an object is triggered: `copy` or `event`.
        path_index: Whether the catalog has an index over storage paths.
    """

    objects: int
    put_share: float = 1.0
    copy_share: float = 0.0
    mean_bytes: int = 5_000_000
    partitions: int = 1
    discovery: Discovery = Discovery.DIRECT
    verify: Verify = Verify.TAGS
    trigger: Trigger = Trigger.COPY
    path_index: bool = True

    @property
    def written_share(self) -> float:
        """The share of objects that are written."""
        return self.put_share + self.copy_share


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What an operator chooses: the settings, and how much runs at once.

    Attributes:
        tuning: The settings.
        chunk_concurrency: Chunks that are processed at once: `processor_concurrency`, less five.
        discovery_concurrency: Tasks of S3 Batch Operations that run at once.
        chunks_while_listing: Whether a listing with discovery `direct` makes chunks, so that
            workers begin with the first page; if not, it makes a manifest first, as with `batch`.
        jobs: Jobs of disjoint prefixes at once. Each has its own engine, record and chunks, and all
            share the workers.
        catalog_units: Read units a second that the catalog's table is warmed to.
    """

    tuning: Tuning = field(default_factory=Tuning)
    chunk_concurrency: int = CHUNK_MAPPING.concurrency_max
    discovery_concurrency: int = Config(stage="", targets=()).discovery_concurrency
    chunks_while_listing: bool = True
    jobs: int = 1
    catalog_units: float = quotas.DYNAMODB_NEW_TABLE_READS.value


@dataclass(frozen=True, slots=True)
class Result:
    """What each stage did, and the requests of the whole sync by operation."""

    runs: list[Run]
    requests: dict[str, float]

    @property
    def seconds(self) -> float:
        """From the start to the last object."""
        return max(run.ended_s for run in self.runs)

    @property
    def slowest(self) -> Run:
        """The stage that was held by a limit of its own for the longest time."""
        names = {run.stage for run in self.runs}

        def own_s(run: Run) -> float:
            return sum(seconds for name, seconds in run.held_s.items() if name not in names)

        return max(self.runs, key=own_s)

    @property
    def first_chunk_s(self) -> float:
        """When the first chunk is in the queue: a page, its file, its record and its message."""
        least_s = 2 * _S3_S + 2 * _DYNAMODB_S + measured.OTHER_LATENCY_S
        return max(self.runs[-1].began_s or 0.0, least_s)


def listing_s(workload: Workload, choices: Choices) -> float:
    """Return the seconds of the listing alone, as if chunks were processed at any rate."""
    listing = Stage(name="list", limits=tuple(_listing(workload, choices)))
    return flow([listing], workload.objects)[0].ended_s


def simulate(workload: Workload, choices: Choices) -> Result:
    """Let a sync happen."""
    return Result(flow(stages(workload, choices), workload.objects), requests(workload, choices))


def stages(workload: Workload, choices: Choices) -> list[Stage]:
    """Return the stages of a sync, in order."""
    if workload.discovery is Discovery.BATCH:
        return [
            Stage(name="list", limits=tuple(_listing(workload, choices))),
            Stage(name="discover", limits=tuple(_discovery(workload, choices))),
            Stage(name="split", limits=tuple(_splitting(workload, choices))),
            Stage(name="process", limits=tuple(_processing(workload, choices)), overlaps=True),
        ]
    listing = Stage(name="list", limits=tuple(_listing(workload, choices)))
    processing = tuple(_processing(workload, choices))
    if choices.chunks_while_listing:
        return [listing, Stage(name="process", limits=processing, overlaps=True)]
    return [
        listing,
        Stage(name="split", limits=tuple(_splitting(workload, choices))),
        Stage(name="process", limits=processing, overlaps=True),
    ]


def object_requests(workload: Workload, choices: Choices) -> dict[str, float]:
    """Return the requests for one object of the workload, by operation, on average.

    Those that a window of objects shares are fractions.
    """
    written, put = workload.written_share, workload.put_share
    from_catalog = workload.verify is Verify.CATALOG
    asked = written if from_catalog else 1.0
    window = min(choices.tuning.window_object_count, CATALOG_KEY_COUNT)
    put_queries = put if workload.path_index else 0.0
    write = "CopyObject" if workload.trigger is Trigger.COPY else "PutObjectTagging"
    found = {
        "GetObjectTagging": asked,
        "HeadObject": written,
        write: written,
        "BatchGetItem": (from_catalog + asked) / window,
        "Query": put_queries * (2 if from_catalog else 1),
        "PutEvents": written / INGEST_EVENT_COUNT_MAX,
    }
    if workload.discovery is Discovery.BATCH:
        # Workers decide again about what they write; tasks are for one object each.
        found["GetObjectTagging"] += written
        found["HeadObject"] += written
        found["BatchGetItem"] = asked + written / window + from_catalog / CATALOG_KEY_COUNT
        found["Query"] += put_queries
    return {name: count for name, count in found.items() if count}


def requests(workload: Workload, choices: Choices) -> dict[str, float]:
    """Return the requests of a sync by operation; those that each job makes once are left out."""
    objects = workload.objects
    tuning = choices.tuning
    found = {name: count * objects for name, count in object_requests(workload, choices).items()}
    pages = objects / PAGE_KEY_COUNT
    streams = min(tuning.listing_streams, RANGE_COUNT_MAX)
    probes = pages / tuning.listing_pages_per_probe if streams > 1 else 0.0
    chunks = objects * _worker_share(workload) / chunk_objects(workload, tuning)
    found["ListObjectsV2, at most"] = pages + probes
    recorded = CHUNK_STATE_REQUESTS + ADDING_STATE_REQUESTS / tuning.added_chunk_count
    found["chunks: files in S3"] = CHUNK_FILE_REQUESTS * chunks
    found["chunks: requests of DynamoDB"] = chunks * recorded
    found["chunks: requests of SQS"] = chunks * (2 + 1 / QUEUE_MESSAGE_COUNT_MAX)
    found["Lambda invocations"] = chunks
    if workload.discovery is Discovery.BATCH:
        found["Lambda invocations"] += objects * _task_share(workload)
        found["tasks of S3 Batch Operations"] = objects * _task_share(workload)
    return found


def chunk_objects(workload: Workload, tuning: Tuning) -> int:
    """Return how many objects the code packs into one chunk."""
    entry = ManifestEntry(key=_KEY, size_bytes=workload.mean_bytes, last_modified=_NOW)
    draft = ChunkDraft()
    while not draft.would_overflow(
        entry := replace(entry, key=f"{_KEY}{draft.object_count}"), tuning.sizing
    ):
        draft.add(entry, tuning.sizing)
    return len(draft.entries)


def row_bytes() -> int:
    """Return the size of an ordinary row of the manifest."""
    entry = ManifestEntry(key=_KEY, size_bytes=5_000_000, last_modified=_NOW)
    return len(encode_row("media-archive", entry))


def chunk_bytes() -> int:
    """Return the size of a chunk's item in DynamoDB."""
    chunk = Chunk(
        job_id="job-01J00000000000000000000000",
        index=1_234_567,
        status=ChunkStatus.COMPLETED,
        object_count=1_000,
        entry_count=1_000,
        size_bytes=5_000_000_000,
        first_key=_KEY,
        last_key=_KEY,
        created_at=_NOW,
        updated_at=_NOW,
    )
    return item_bytes(chunk_item(chunk))


def job_bytes() -> int:
    """Return the size of a job's item in DynamoDB, without long options."""
    return item_bytes(new_job_item(_job()))


def item_bytes(item: dict[str, Any]) -> int:
    """Return the size of an item ("DynamoDB item sizes and formats")."""
    return sum(len(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name) + _value_bytes(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + _value_bytes(each) for each in content)
    if kind == "S":
        return len(content.encode())
    return len(content) // 2 + 2 if kind == "N" else 1


def _job() -> Job:
    request = SyncRequest(connector_id="media", bucket=Bucket(name="media-archive"))
    return new_job(job_id="job-01J00000000000000000000000", request=request, now=_NOW)


def _task_share(workload: Workload) -> float:
    """Return the share of objects that are a task: known ones are left out of the manifest."""
    return workload.written_share if workload.verify is Verify.CATALOG else 1.0


def _worker_share(workload: Workload) -> float:
    """Return the share of objects that a worker processes: a batch job decides about the others."""
    return workload.written_share if workload.discovery is Discovery.BATCH else 1.0


def _listing(workload: Workload, choices: Choices) -> Iterator[Limit]:
    tuning = choices.tuning
    streams = min(tuning.listing_streams, RANGE_COUNT_MAX)
    busy_s = _busy_s(workload, choices)
    steps = []
    key_s = _S3_S / PAGE_KEY_COUNT
    for number in range(streams):
        key_s = _S3_S / PAGE_KEY_COUNT / (1 + number * measured.SHARE_OF_ADDED_STREAMS)
        begins_at = number * tuning.listing_pages_per_probe * PAGE_KEY_COUNT
        steps.append((float(begins_at * choices.jobs), choices.jobs / (key_s + busy_s)))
    workers = _listing_workers(workload, choices)
    shared_at = float(tuning.listing_alone_objects * choices.jobs)
    if workers > 1:
        # Each worker also reads the shares at each of its records.
        look_s = _DYNAMODB_S / tuning.added_chunk_count / chunk_objects(workload, tuning)
        shared = workers * choices.jobs / (key_s + busy_s + look_s)
        steps = [step for step in steps if step[0] < shared_at] + [(shared_at, shared)]
    name = "recording chunks" if busy_s > key_s else "waiting for pages of keys"
    yield Limit(name, tuple(steps), Along.OBJECTS)
    cpu_s = measured.CPU_S_LISTED_KEY
    if workload.discovery is Discovery.BATCH and workload.verify is Verify.CATALOG:
        cpu_s += measured.CPU_S_KNOWN_BY_CATALOG
    alone = choices.jobs / (cpu_s + busy_s)
    yield Limit("CPU of an engine", ((0.0, alone), (shared_at, workers * alone)), Along.OBJECTS)


def _listing_workers(workload: Workload, choices: Choices) -> int:
    """Return how many invocations list one long job at once."""
    if workload.discovery is not Discovery.DIRECT or not choices.chunks_while_listing:
        return 1
    return min(choices.tuning.listing_workers, SHARE_COUNT_MAX)


def _busy_s(workload: Workload, choices: Choices) -> float:
    """Return the seconds per object in which the listing waits for what it writes or asks."""
    tuning = choices.tuning
    if workload.discovery is Discovery.DIRECT and choices.chunks_while_listing:
        return _recording_s(tuning, files=1.0) / chunk_objects(workload, tuning)
    parts_s = _S3_S / (part_bytes(tuning.manifest_part_bytes, 0) / row_bytes())
    if workload.verify is Verify.CATALOG and workload.discovery is Discovery.BATCH:
        parts_s += _DYNAMODB_S / PAGE_KEY_COUNT
    return parts_s


def _recording_s(tuning: Tuning, *, files: float) -> float:
    """Return the seconds that an engine takes to record a chunk with so many files."""
    chunks = tuning.added_chunk_count
    files_s = math.ceil(chunks * files / _FILES_IN_FLIGHT) * _S3_S
    return (files_s + 2 * _DYNAMODB_S + _enqueue_s(chunks)) / chunks


def _enqueue_s(chunks: int) -> float:
    """Return the seconds to send and mark the messages of so many chunks."""
    groups = math.ceil(chunks / QUEUE_MESSAGE_COUNT_MAX)
    rounds = math.ceil(QUEUE_MESSAGE_COUNT_MAX / _MARKS_IN_FLIGHT)
    return groups * (measured.OTHER_LATENCY_S + rounds * 2 * _DYNAMODB_S)


def _discovery(workload: Workload, choices: Choices) -> Iterator[Limit]:
    share = _task_share(workload)
    written = workload.written_share / share if share else 0.0
    put = workload.put_share / share if share else 0.0
    queries = put if workload.path_index else 0.0
    task_s = (
        measured.OTHER_LATENCY_S
        + _S3_S * (1 + written)
        + _DYNAMODB_S * (1 + queries)
        + measured.CPU_S_KNOWN_BY_TAGS
    )
    executions = min(choices.discovery_concurrency, int(quotas.LAMBDA_CONCURRENCY.value))
    yield _per_object("tasks at once", executions / task_s, share)
    yield _per_object(
        "S3 reads", workload.partitions * quotas.S3_READS.value, share * (1 + written)
    )
    yield _per_object(
        "reads of the catalog",
        choices.catalog_units,
        share * (1 + queries) / 2,
    )


def _splitting(workload: Workload, choices: Choices) -> Iterator[Limit]:
    tuning = choices.tuning
    from_report = workload.discovery is Discovery.BATCH
    cpu_s = measured.CPU_S_REPORT_ROW if from_report else measured.CPU_S_SPLIT_ROW
    # Of a report, known outcomes are a second file, ten times as many in one.
    share = _worker_share(workload)
    files = share + (1 - share) / OUTCOMES_PER_ENTRY if from_report else 1.0
    waiting_s = _recording_s(tuning, files=files) / chunk_objects(workload, tuning)
    yield constant("recording chunks", choices.jobs / (cpu_s + waiting_s))


def _processing(workload: Workload, choices: Choices) -> Iterator[Limit]:
    tuning = choices.tuning
    share = _worker_share(workload)
    worker = replace(workload, discovery=Discovery.DIRECT)
    if workload.discovery is Discovery.BATCH and share:
        worker = replace(
            worker,
            put_share=workload.put_share / share,
            copy_share=workload.copy_share / share,
            verify=Verify.TAGS,
        )
    each = object_requests(worker, choices)
    objects = chunk_objects(workload, tuning)
    rate, waits = worker_rate(worker, choices)
    yield _workers(waits, rate, share, choices.chunk_concurrency)
    reads = each.get("GetObjectTagging", 0.0) + each.get("HeadObject", 0.0)
    writes = each.get("CopyObject", 0.0) + each.get("PutObjectTagging", 0.0)
    events = worker.written_share
    yield _per_object("S3 reads", workload.partitions * quotas.S3_READS.value, share * reads)
    yield _per_object("S3 writes", workload.partitions * quotas.S3_WRITES.value, share * writes)
    yield _per_object("PutEvents", quotas.PUT_EVENTS.value, share * each.get("PutEvents", 0.0))
    yield _per_object("invocations by EventBridge", quotas.EVENT_INVOCATIONS.value, share * events)
    # A read of up to 4 KB that is eventually consistent takes half a unit.
    records = (1.0 if worker.verify is Verify.TAGS else 1.0 + worker.written_share) / 2
    units = records + each.get("Query", 0.0) / 2
    yield _per_object("reads of the catalog", choices.catalog_units, share * units)
    partition = choices.jobs * quotas.DYNAMODB_PARTITION_WRITES.value
    yield _per_object("write units of a job's chunks", partition, share * chunk_units() / objects)
    yield _per_object("write units of a job's record", partition, share * job_units() / objects)
    yield _per_object(
        "transactions on a job's record, one after the other",
        choices.jobs / _DYNAMODB_S,
        share / objects,
    )
    in_flight = quotas.SQS_IN_FLIGHT.value
    yield _per_object("SQS messages in flight", in_flight * rate, share)


def worker_rate(workload: Workload, choices: Choices) -> tuple[float, str]:
    """Return the objects a second of one worker, and what it spends its time on."""
    tuning = choices.tuning
    each = object_requests(workload, choices)
    window = tuning.window_object_count
    reads = each.get("GetObjectTagging", 0.0)
    written = workload.written_share
    write_s = _S3_S
    if workload.trigger is Trigger.COPY:
        write_s += workload.mean_bytes / tuning.sizing.copied_bytes_per_s
    batches = each["BatchGetItem"] * window
    window_s = (
        math.ceil(reads * window / tuning.calls_in_flight) * _S3_S
        + batches * _DYNAMODB_S
        + math.ceil(each.get("Query", 0.0) * window / _PATH_QUERIES_AT_ONCE) * _DYNAMODB_S
        + math.ceil(written * window / tuning.calls_in_flight) * (_S3_S + write_s)
        + math.ceil(each.get("PutEvents", 0.0) * window / tuning.calls_in_flight)
        * measured.OTHER_LATENCY_S
    )
    waiting_rate = tuning.windows_in_flight * window / window_s
    cpu_s = (
        (measured.CPU_S_KNOWN_BY_CATALOG if workload.verify is Verify.CATALOG else 0.0)
        + reads * measured.CPU_S_KNOWN_BY_TAGS
        + written * (measured.CPU_S_HEAD + measured.CPU_S_WRITE)
        + (each.get("Query", 0.0) + each.get("PutEvents", 0.0)) * measured.CPU_S_SDK_CALL
    )
    objects = chunk_objects(workload, tuning)
    # Of a chunk: lease, entries, outcomes, settlement.
    chunk_s = 2 * _S3_S + 6 * _DYNAMODB_S + measured.OTHER_LATENCY_S
    rate = objects / (objects / min(waiting_rate, 1 / cpu_s) + chunk_s)
    return rate, "CPU of workers" if 1 / cpu_s < waiting_rate else "workers that wait"


def chunk_units() -> int:
    """Return the write units that a chunk takes: recorded, marked, leased, settled."""
    kilobytes = math.ceil(chunk_bytes() / 1024)
    return kilobytes * (2 + 1 + 1 + 2)


def job_units() -> int:
    """Return the write units of a job's record that a settlement takes."""
    return 2 * math.ceil(job_bytes() / 1024)


def _workers(name: str, rate: float, share: float, concurrency: int) -> Limit:
    """Return the limit of the workers, of which an event source mapping starts more and more."""
    most = min(
        concurrency, int(quotas.MAPPING_CONCURRENCY.value), int(quotas.LAMBDA_CONCURRENCY.value)
    )
    growth_s = quotas.MAPPING_GROWTH.value / 60
    steps = []
    at_s, workers = 0.0, min(most, quotas.MAPPING_BEGIN.value)
    while True:
        steps.append((at_s, workers * rate / share if share else _UNBOUNDED))
        if workers >= most:
            return Limit(name, tuple(steps))
        at_s, workers = at_s + 1.0, min(float(most), workers + growth_s)


def _per_object(name: str, per_s: float, share: float) -> Limit:
    """Return the limit of a rate of requests, of which each object needs a share."""
    return constant(name, per_s / share if share else _UNBOUNDED)
