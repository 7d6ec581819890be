"""Values that an operator may tune: times, counts and sizes, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.limits import COPY_OBJECT_BYTES_MAX
from domain.packing import ChunkSizing


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Bounds on everything that waits, repeats or grows.

    Attributes:
        window_object_count: Objects processed together, with one catalog query.
        windows_in_flight: Windows of one chunk processed at once.
        calls_in_flight: S3 calls at once within a window; times `windows_in_flight` it should be
            the client's connection pool.
        single_copy_bytes_max: Larger objects are copied by multipart copy; S3 requires that above
            5 GB. Consumers that recognise the copies of this service by their size depend on it.
        copy_part_bytes: Size of a part if 10,000 parts suffice; S3 requires 5 MiB at least.
        copy_parts_in_flight: Parts of one object copied at once, within all calls of the chunk.
        chunk_attempt_count_max: Leases without progress before a chunk fails.
        chunk_dead_letter_count_max: Dead letters of a chunk, without progress between them, before
            it fails. Each is several failed receives, over hours.
        engine_attempt_count_max: Attempts of the engine at one step of a job, without progress,
            before the job fails; the sweep requests about ten of them in an hour.
        engine_unknown_count_max: How many of these may end in an unknown error.
        lease_margin_s: How much longer a lease is held than its process can live.
        stop_margin_s: How long before its end a process starts nothing new.
        ending_poll_s: How often a worker checks whether its job is ending or held.
        hold_poll_s: How often the engine checks, while it lists or splits, whether its job is held.
        manifest_part_bytes: Size of the first 1,000 parts of the manifest's upload; S3 requires
            5 MiB at least. Later parts are larger, up to 16 times.
        listing_streams: Ranges of keys that are listed at once, of one prefix of a job. A number
            above 8 counts as 8; with 1, a prefix is listed from its first key to its last.
        listing_pages_per_probe: Pages of a prefix that are listed for each request that looks for
            a key at which the listing can be split.
        listing_workers: Invocations that list one long direct job at once. A number above 64 counts
            as 64; with 1, one invocation after the other lists it.
        listing_alone_objects: Objects that a direct job lists by one invocation at a time, before
            it is shared out to `listing_workers`.
        checkpoint_after_s: How long a listing may continue without a checkpoint.
        catalog_snapshots: Whether jobs that rely on the catalog may read all of it, where that
            costs less than to ask for each object. The engine's role must be allowed to scan the
            table.
        snapshot_segments: Segments of the catalog that are scanned at once.
        snapshot_run_bytes: Rows of a snapshot that are sorted in memory.
        snapshot_age_max_s: How old a snapshot may be that is trusted.
        outcome_indexes: Whether the outcomes of a job that has ended are merged into an index that
            is sorted by key.
        index_run_bytes: Rows of an index that are sorted in memory; also the size of its parts,
            before they are compressed.
        keys_per_look: Keys of two syncs that are compared between two looks at the clock.
        looked_for_count: Missing objects, or records without an object, that are looked for
            together, before a checkpoint.
        added_chunk_count: Chunks recorded in one transaction.
        stuck_after_s: How long a job or chunk may make no progress before the sweep recovers it.
        queued_again_after_s: How long a queued chunk waits before its message may be considered
            lost: it is if the queue has fewer messages than there are waiting chunks.
        queue_retention_s: How long the processor queue keeps a message; an older message is lost,
            regardless of the depth of the queue.
        end_patience_s: How long the end of a job waits for a clean-up step that may succeed later;
            also how long the notification of the end waits for the summary, and a job with a limit
            on its ingest queue for the queue to be readable.
        report_wait_s: How long a completion report may lag behind the end of its batch job.
        read_s: How long a request that reads many files may take before it returns its partial
            result and a cursor. API Gateway waits 30 s for a response.
        plan_listing_s: How long a plan lists the bucket. It then reads its sample, and API Gateway
            waits 30 s for both.
        retry_delay_s: Delay before a chunk's second attempt; doubles with each further one.
        ingest_grace_s: How long an object counts as being ingested after its trigger.
        trigger_count_max: How often an object that does not change is triggered in total.
        modified_since_margin_s: How much older than its `modifiedSince` an object may be that a job
            still selects: the duration of a multipart upload, whose timestamp is that of its start.
        errors_per_chunk_max: Failures of single objects recorded per chunk; its outcomes have all.
        lean_calls: Whether listings, calls of S3 for single objects and batch reads of the catalog
            skip most of the SDK's work; `false` makes all of them by the SDK.
        aioboto3_sessions: Whether clients of AWS are made by aioboto3, if it is installed; `false`
            makes the same clients by aiobotocore, and does not import boto3.
    """

    sizing: ChunkSizing = field(default_factory=ChunkSizing)
    window_object_count: int = 100
    windows_in_flight: int = 4
    calls_in_flight: int = 16
    single_copy_bytes_max: int = COPY_OBJECT_BYTES_MAX
    copy_part_bytes: int = 256 * 1024**2
    copy_parts_in_flight: int = 32
    chunk_attempt_count_max: int = 5
    chunk_dead_letter_count_max: int = 5
    engine_attempt_count_max: int = 20
    engine_unknown_count_max: int = 5
    lease_margin_s: float = 30.0
    stop_margin_s: float = 20.0
    ending_poll_s: float = 5.0
    hold_poll_s: float = 5.0
    manifest_part_bytes: int = 8 * 1024**2
    listing_streams: int = 8
    listing_pages_per_probe: int = 10
    listing_workers: int = 8
    listing_alone_objects: int = 1_000_000
    checkpoint_after_s: float = 60.0
    catalog_snapshots: bool = False
    snapshot_segments: int = 4
    snapshot_run_bytes: int = 32 * 1024**2
    snapshot_age_max_s: float = 21_600.0
    outcome_indexes: bool = True
    index_run_bytes: int = 64 * 1024**2
    keys_per_look: int = 2_000
    looked_for_count: int = 1_000
    added_chunk_count: int = 25
    stuck_after_s: float = 300.0
    queued_again_after_s: float = 3_600.0
    queue_retention_s: float = 345_600.0
    end_patience_s: float = 3_600.0
    report_wait_s: float = 3_600.0
    read_s: float = 15.0
    plan_listing_s: float = 15.0
    retry_delay_s: int = 15
    ingest_grace_s: float = 86_400.0
    trigger_count_max: int = 3
    modified_since_margin_s: float = 86_400.0
    errors_per_chunk_max: int = 100
    lean_calls: bool = True
    aioboto3_sessions: bool = True
