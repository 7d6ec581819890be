"""What an operator may tune: times, counts and sizes, with our defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.limits import COPY_OBJECT_BYTES_MAX
from domain.packing import ChunkSizing


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Bounds on everything that waits, repeats or grows.

    Attributes:
        window_object_count: Objects decided together; the catalog is asked once for them.
        windows_in_flight: Windows of one chunk worked on at once.
        calls_in_flight: S3 calls at once within a window; times `windows_in_flight` it should be
            the client's connection pool.
        single_copy_bytes_max: Objects above it are copied in parts; S3 wants that above 5 GB.
            Filters of consumers that tell our copies by their size go by it.
        copy_part_bytes: Size of such a part where 10,000 of them suffice; S3 wants 5 MiB at least.
        copy_parts_in_flight: Parts of one object copied at once, within all calls of the chunk.
        chunk_attempt_count_max: Leases without progress before a chunk is given up.
        chunk_dead_letter_count_max: Dead letters of a chunk, without progress between them, before
            it is given up. A dead letter is several receives that came to nothing, hours in all.
        engine_attempt_count_max: Attempts of the engine at one step of a job, without progress,
            before the job fails; the sweep orders some ten of them in an hour.
        engine_unknown_count_max: How many of these may end in an error that nobody knows.
        lease_margin_s: How much longer than its process can live a lease is held.
        stop_margin_s: How long before its end a process starts nothing new.
        ending_poll_s: How often a worker looks whether its job is ending.
        manifest_part_bytes: Size of the first 1,000 parts of the manifest's upload; S3 wants 5 MiB
            at least. Later parts are larger, up to 16 times.
        checkpoint_after_s: How long a listing may go on without a checkpoint.
        added_chunk_count: Chunks recorded in one transaction.
        stuck_after_s: How long a job or chunk may stand still before the sweep mends it.
        queued_again_after_s: How long a queued chunk may wait before its message may count as lost:
            it does if the queue holds fewer messages than chunks that wait.
        queue_retention_s: How long the processor queue keeps a message; one that is older is lost,
            whatever the queue holds.
        end_patience_s: How long an ordered end waits for a step of it that may succeed later; also
            how long the news of an end waits for its summary.
        report_wait_s: How long a completion report may lag behind the end of its batch job.
        read_s: How long a request that reads many files may take before it answers with what it
            has and a cursor. API Gateway waits 30 s for an answer.
        retry_delay_s: Delay before a chunk's second attempt; doubles with each further one.
        ingest_grace_s: How long an object counts as being ingested after its trigger.
        trigger_count_max: How often an object that does not change is triggered in all.
        modified_since_margin_s: How much older than its `modifiedSince` an object may be that a job
            still selects: as long as an upload in parts may take, which has its beginning's time.
        errors_per_chunk_max: Failures of single objects recorded per chunk; its outcomes have all.
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
    manifest_part_bytes: int = 8 * 1024**2
    checkpoint_after_s: float = 60.0
    added_chunk_count: int = 25
    stuck_after_s: float = 300.0
    queued_again_after_s: float = 3_600.0
    queue_retention_s: float = 345_600.0
    end_patience_s: float = 3_600.0
    report_wait_s: float = 3_600.0
    read_s: float = 15.0
    retry_delay_s: int = 15
    ingest_grace_s: float = 86_400.0
    trigger_count_max: int = 3
    modified_since_margin_s: float = 86_400.0
    errors_per_chunk_max: int = 100
