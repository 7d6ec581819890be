"""The requests of a sync, by service and operation: what is billed, and how often.

The numbers are those of the code: tests/e2e/test_plan_counts.py compares them with the requests of
whole jobs. Objects are assumed to be spread evenly over chunks and windows. Retries, requests of
the sweep, and those of others that look at the job are not in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Final

from domain.connector import Trigger
from domain.discovery import Discovery
from domain.limits import INGEST_EVENT_COUNT_MAX
from domain.packing import OUTCOMES_PER_ENTRY
from domain.pricing.afterwards import comparing, reading_source, taking_snapshot
from domain.pricing.model import INDEX_ROW_BYTES, STRETCH_BYTES, Model
from domain.pricing.survey import Work
from domain.pricing.usage import Usage, Where, run, used
from domain.pricing.workload import Choice, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks:
    """The chunks of a job, those that need a worker, and the objects and windows of these."""

    total: int
    worked: int
    entries: int
    windows: int


_ROW_BYTES: Final = 150
_CHUNK_RECORDS_PER_QUERY: Final = 100
# A chunk's item has about 700 bytes, and a unit reads 4 KB.
_CHUNK_UNITS: Final = 0.175
_INDEX_READS_IN_FLIGHT: Final = 16
_MESSAGES_PER_REQUEST: Final = 10
_KEYS_PER_GET: Final = 100
_CHECK_COUNT: Final = 2
"""How often the bucket's configuration is read: before and after the listing."""
_PROBES_PER_PAGE: Final = 0.05
"""Requests of a listing in several ranges beyond its pages (ADR 35: 2 to 8 percent)."""
_PAGES_WITHOUT_PROBE: Final = 10


def chunks_of(workload: Workload, choice: Choice, model: Model) -> Chunks:
    """Return the chunks that a job is split into."""
    total = workload.total
    if choice.discovery is Discovery.DIRECT:
        entries, size_bytes, outcomes = total, workload.size_bytes, 0
    else:
        entries = 0 if choice.dry_run else workload.at_least(Work.RETAG)
        size_bytes, outcomes = workload.written_bytes, total - entries
    sizing = model.sizing
    work_s = entries * sizing.object_cost_s + size_bytes / sizing.copied_bytes_per_s
    of_entries = max(
        ceil(entries / sizing.object_count_max),
        ceil(size_bytes / sizing.bytes_max) if entries else 0,
        ceil(work_s / sizing.work_target_s) if entries else 0,
    )
    # A chunk holds an object at least.
    of_entries = min(of_entries, entries)
    count = max(of_entries, ceil(outcomes / (OUTCOMES_PER_ENTRY * sizing.object_count_max)))
    worked = min(count, entries)
    each = ceil(entries / worked / model.window_object_count) if worked else 0
    return Chunks(total=count, worked=worked, entries=entries, windows=worked * each)


def requests_of(workload: Workload, choice: Choice, model: Model) -> tuple[Usage, ...]:
    """Return what a job uses, without lines of nothing."""
    chunks = chunks_of(workload, choice, model)
    lines = (
        *_on_bucket(workload, choice, chunks),
        *_on_catalog(workload, choice, chunks, model),
        *_announcing(workload, choice, chunks),
        *_on_results(workload, choice, chunks, model),
        *_on_records(choice, chunks, model),
        *_computing(workload, choice, chunks, model),
        *(_indexing(workload, choice, chunks, model) if model.outcome_indexes else ()),
        *_besides(workload, model),
    )
    return tuple(line for line in lines if line.requests or line.units)


def _besides(workload: Workload, model: Model) -> Iterator[Usage]:
    if workload.source_rows:
        yield from reading_source(workload.source_rows)
    if workload.snapshot is not None:
        yield from taking_snapshot(workload.snapshot, workload.objects[Work.LISTED], model)
    if workload.comparison is not None:
        yield from comparing(workload.comparison, workload.page_count, model)


def discovered(workload: Workload) -> int:
    """Return the tasks of a batch job: all objects but those known as listed."""
    return workload.at_least(Work.TAGS)


def tag_reads(workload: Workload, choice: Choice) -> int:
    """Return how often tags are read: by discovery, and by workers again before a write."""
    again = 0 if choice.dry_run else workload.rereads
    if choice.discovery is Discovery.BATCH and not choice.dry_run:
        again += workload.at_least(Work.RETAG)
    return workload.at_least(Work.TAGS) + again


def heads(workload: Workload, choice: Choice) -> int:
    """Return how often HeadObject is called."""
    again = choice.discovery is Discovery.BATCH and not choice.dry_run
    return workload.at_least(Work.HEAD) + (workload.at_least(Work.RETAG) if again else 0)


def _on_bucket(workload: Workload, choice: Choice, chunks: Chunks) -> Iterator[Usage]:
    pages = workload.page_count
    probes = ceil(pages * _PROBES_PER_PAGE) if pages > _PAGES_WITHOUT_PROBE else 0
    yield used(Where.BUCKET, "s3", "ListObjectsV2", pages + probes)
    for operation in ("GetBucketVersioning", "GetBucketRequestPayment", "HeadBucket"):
        yield used(Where.BUCKET, "s3", operation, _CHECK_COUNT)
    yield used(Where.BUCKET, "s3", "GetObjectTagging", tag_reads(workload, choice))
    yield used(Where.BUCKET, "s3", "HeadObject", heads(workload, choice))
    if choice.dry_run:
        return
    written, retagged = workload.objects.get(Work.WRITE, 0), workload.objects.get(Work.RETAG, 0)
    if choice.trigger is not Trigger.COPY:
        yield used(Where.BUCKET, "s3", "PutObjectTagging", written + retagged)
        return
    large = workload.large_written
    yield used(Where.BUCKET, "s3", "PutObjectTagging", retagged)
    yield used(Where.BUCKET, "s3", "CopyObject", written - large)
    yield used(Where.BUCKET, "s3", "CreateMultipartUpload", large)
    yield used(Where.BUCKET, "s3", "UploadPartCopy", workload.large_parts)
    yield used(Where.BUCKET, "s3", "CompleteMultipartUpload", large)
    # Once a minute by each worker that copies.
    copying = chunks.worked if written else 0
    yield used(Where.BUCKET, "s3", "GetBucketOwnershipControls", copying)
    for operation in ("Decrypt", "GenerateDataKey"):
        yield used(Where.BUCKET, "kms", operation, workload.kms_copies)


def _on_catalog(
    workload: Workload, choice: Choice, chunks: Chunks, model: Model
) -> Iterator[Usage]:
    """Reads are eventually consistent, of items up to 4 KB: half a unit, found or not."""
    if not model.catalog.table:
        return
    batch = choice.discovery is Discovery.BATCH
    lookups = workload.lookups
    first_items = sum(reads.items for reads in lookups.values())
    queries = sum(reads.queries for reads in lookups.values())
    again = [reads for work, reads in lookups.items() if work >= Work.RETAG]
    if batch and not choice.dry_run:
        queries += sum(reads.queries for reads in again)
        again_items = sum(reads.items for reads in again)
    else:
        again_items = 0
    listed = workload.listed_reads
    windows = ceil(listed.items / _KEYS_PER_GET)
    asking = min(chunks.windows, workload.at_least(Work.TAGS))
    if batch:
        # A task looks one object up.
        requests = first_items + windows + chunks.windows * (again_items > 0)
    else:
        second = first_items - workload.at_least(Work.TAGS)
        requests = max(windows, chunks.windows * (windows > 0)) + asking + min(second, asking)
    items = first_items + again_items + listed.items
    queries += listed.queries
    yield used(Where.CATALOG, "dynamodb", "BatchGetItem", requests, Decimal(items) / 2)
    yield used(Where.CATALOG, "dynamodb", "Query", queries, Decimal(queries) / 2)


def _announcing(workload: Workload, choice: Choice, chunks: Chunks) -> Iterator[Usage]:
    written = 0 if choice.dry_run else workload.objects.get(Work.WRITE, 0)
    if not written:
        return
    per_window = written / max(chunks.windows, 1)
    requests = min(written, chunks.windows * ceil(per_window / INGEST_EVENT_COUNT_MAX))
    requests = max(requests, ceil(written / INGEST_EVENT_COUNT_MAX))
    yield used(Where.EVENTS, "events", "PutEvents", requests, written)
    if choice.trigger is Trigger.QUEUE:
        yield used(Where.EVENTS, "sqs", "SendMessageBatch", requests)


def _on_results(
    workload: Workload, choice: Choice, chunks: Chunks, model: Model
) -> Iterator[Usage]:
    total, known = workload.total, workload.objects.get(Work.LISTED, 0)
    if not total:
        return
    batch = choice.discovery is Discovery.BATCH
    # Discovery `direct` lists into chunks, and has no manifest (ADR 37).
    files = [total - known, known] if batch else []
    parts = [ceil(rows * _ROW_BYTES / model.manifest_part_bytes) for rows in files if rows]
    for operation, count in (
        ("CreateMultipartUpload", batch * (1 + choice.by_catalog)),
        ("UploadPart", sum(parts)),
        ("CompleteMultipartUpload", len(parts)),
    ):
        yield used(Where.RESULTS, "s3", operation, count)
    outcomes = chunks.total if batch and total > chunks.entries else 0
    summary = 1
    yield used(Where.RESULTS, "s3", "PutObject", 2 * chunks.worked + outcomes + summary)
    # A worker that copies also looks for a copy that an earlier attempt left unfinished.
    copies = choice.trigger is Trigger.COPY and not choice.dry_run
    per_chunk = 2 if copies and workload.objects.get(Work.WRITE, 0) else 1
    reports = (2 * (total > known) + (known > 0)) if batch else 0
    yield used(Where.RESULTS, "s3", "GetObject", per_chunk * chunks.worked + reports)
    yield used(Where.RESULTS, "s3", "HeadObject", summary)


def _on_records(choice: Choice, chunks: Chunks, model: Model) -> Iterator[Usage]:
    """Records of job and chunks; each write is billed for the table and its indexes."""
    batch = choice.discovery is Discovery.BATCH
    jobs, worked = "dynamodb", chunks.worked
    # The stage's pause is read with each job.
    of_job, others = 4 + 4 * batch + 3 * worked, 2 * worked
    yield used(Where.RECORDS, jobs, "BatchGetItem", of_job, Decimal(2 * of_job))
    yield used(Where.RECORDS, jobs, "GetItem", others, Decimal(others))
    writes = 6 + 3 * batch + 2 * worked
    yield used(Where.RECORDS, jobs, "UpdateItem", 6 + 3 * batch, Decimal(3 * (6 + 3 * batch)))
    yield used(Where.RECORDS, jobs, "PutItem", writes - 6 - 3 * batch, Decimal(2 * worked))
    added = _recordings(chunks.total, model, doubling=not batch)
    transactions = 2 + added + worked
    units = 2 * (2 * 2 + chunks.total + added + 2 * worked)
    yield used(Where.RECORDS, jobs, "TransactWriteItems", transactions, Decimal(units))
    sent = ceil(worked / _MESSAGES_PER_REQUEST)
    yield used(Where.RECORDS, "sqs", "SendMessageBatch", sent)
    yield used(Where.RECORDS, "sqs", "ReceiveMessage", worked)
    yield used(Where.RECORDS, "sqs", "DeleteMessageBatch", worked)
    yield used(Where.RECORDS, "sns", "Publish", 2 if choice.dry_run else 3)


def _recordings(chunks: int, model: Model, *, doubling: bool) -> int:
    """Return the transactions that record chunks.

    With `doubling` each records as many as there are already, one at first.
    """
    count = recorded = 0
    while doubling and recorded < min(chunks, model.added_chunk_count):
        recorded += max(recorded, 1)
        count += 1
    return count + ceil(max(chunks - recorded, 0) / model.added_chunk_count)


def _indexing(workload: Workload, choice: Choice, chunks: Chunks, model: Model) -> Iterator[Usage]:
    """The index of outcomes: every file of the job is read once, sorted, and written as parts."""
    batch, total = choice.discovery is Discovery.BATCH, workload.total
    known = workload.objects.get(Work.LISTED, 0)
    if batch:
        # The manifest, the list of known objects, and two files of outcomes.
        listings = (total > known) + (known > 0)
        files = listings + chunks.worked + (chunks.total if total > chunks.entries else 0)
    else:
        files = 2 * chunks.worked
    size_bytes = total * INDEX_ROW_BYTES
    parts = max(ceil(size_bytes / model.index_run_bytes), 1)
    reads, writes = files, 1 + (total > 0)
    if parts > 1:
        # As many runs: each is written and recorded, and so is each part with its blocks.
        reads += 2 * ceil(size_bytes / STRETCH_BYTES) + parts
        writes = 5 * parts + 1
    yield used(Where.INDEX, "s3", "GetObject", reads)
    yield used(Where.INDEX, "s3", "HeadObject", 1)
    yield used(Where.INDEX, "s3", "PutObject", writes)
    queries = max(ceil(chunks.total / _CHUNK_RECORDS_PER_QUERY), 1)
    yield used(
        Where.INDEX,
        "dynamodb",
        "Query",
        queries,
        Decimal(max(ceil(chunks.total * _CHUNK_UNITS), 1)),
    )
    yield used(Where.INDEX, "dynamodb", "GetItem", 5, Decimal(5))
    yield used(Where.INDEX, "dynamodb", "UpdateItem", 2, Decimal(6))
    waiting_s = (reads / _INDEX_READS_IN_FLIGHT) * model.read_s
    index_s = 0.5 + max(waiting_s, total * model.indexed_cpu_s)
    yield from run(Where.INDEX, 1, index_s, model.memory_gb)


def _computing(workload: Workload, choice: Choice, chunks: Chunks, model: Model) -> Iterator[Usage]:
    tasks = 0
    if choice.discovery is Discovery.BATCH:
        tasks = discovered(workload)
        yield used(Where.DISCOVERY, "s3control", "Job", int(tasks > 0))
        yield used(Where.DISCOVERY, "s3control", "Object", tasks)
    invocations = 1 + (tasks > 0) + 1 + chunks.worked + tasks
    all_s = (
        engine_s(workload, model)
        + tasks * task_s(workload, model)
        + chunks.worked * chunk_s(workload, choice, chunks, model)
    )
    yield from run(Where.COMPUTE, invocations, all_s, model.memory_gb)


def engine_s(workload: Workload, model: Model) -> float:
    """Return how long the engine lists and splits, in seconds."""
    streams = model.listing_streams if workload.page_count > _PAGES_WITHOUT_PROBE else 1
    waiting_s = workload.page_count * 0.1 / streams
    return 1.0 + max(waiting_s, workload.total * model.key_cpu_s)


def task_s(workload: Workload, model: Model) -> float:
    """Return how long a task of a batch job takes, in seconds: one object, request by request."""
    tasks = discovered(workload)
    if not tasks:
        return 0.0
    queries = sum(reads.queries for reads in workload.lookups.values())
    table = int(model.catalog.table)
    lookups_s = (table + queries / tasks) * model.lookup_s
    return model.read_s * (1 + workload.at_least(Work.HEAD) / tasks) + lookups_s


def chunk_s(workload: Workload, choice: Choice, chunks: Chunks, model: Model) -> float:
    """Return how long a worker processes a chunk, in seconds."""
    if not chunks.worked:
        return 0.0
    if choice.discovery is Discovery.BATCH:
        reads = 2 * workload.at_least(Work.RETAG)
        queries = sum(r.queries for work, r in workload.lookups.items() if work >= Work.RETAG)
    else:
        reads = workload.at_least(Work.TAGS) + workload.at_least(Work.HEAD)
        queries = sum(r.queries for r in workload.lookups.values()) + workload.listed_reads.queries
    writes = 0 if choice.dry_run else workload.at_least(Work.RETAG)
    copied = workload.written_bytes if writes and choice.trigger is Trigger.COPY else 0
    in_flight_s = (
        reads * model.read_s + writes * model.write_s + copied / model.copied_bytes_per_s
    ) / model.calls_in_flight
    cpu_s = (reads + writes) * model.cpu_s
    return 0.5 + (max(in_flight_s, cpu_s) + queries * model.lookup_s / 8) / chunks.worked
