"""What requests and times depend on: settings, and assumptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from domain.packing import ChunkSizing
from domain.pricing.survey import CatalogShape

KEYS_PER_PAGE: Final = 1_000
INDEX_ROW_BYTES: Final = 450
"""Before it is compressed, so the reads of an index are at most these."""
STRETCH_BYTES: Final = 1024**2
"""What is read at once of an index, or of the runs of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What requests and times depend on besides the workload: settings, and assumptions.

    Attributes:
        sizing, window_object_count, added_chunk_count, manifest_part_bytes, listing_streams: As in
            the tuning.
        catalog: The requests that the catalog takes.
        memory_gb: The memory of a function.
        read_s, write_s, lookup_s: How long a request to S3 that reads, one that writes, and one to
            the catalog takes. Assumed.
        cpu_s: The CPU time of a worker for a request to S3. Measured with the benchmarks.
        key_cpu_s: The CPU time of the engine for a listed key, from the listing to its chunk.
        copied_bytes_per_s: The rate at which S3 copies one object onto itself. Assumed.
        calls_in_flight: Requests of one worker at once.
        workers: Chunks that are processed at once.
        tasks: Tasks of S3 Batch Operations that are run at once.
        batch_delay_s: How long S3 Batch Operations takes besides the tasks. Assumed.
        outcome_indexes, index_run_bytes, snapshot_segments, snapshot_run_bytes: As in the tuning.
        pages_in_flight: Pages of a listing in which missing objects are looked for at once.
        indexed_cpu_s: The CPU time of the engine for an object of the index. Measured with the
            benchmarks.
        reads_per_s, writes_per_s: The rates of a prefix that S3 does not partition.
    """

    sizing: ChunkSizing = field(default_factory=ChunkSizing)
    catalog: CatalogShape = field(default_factory=CatalogShape)
    window_object_count: int = 100
    added_chunk_count: int = 25
    manifest_part_bytes: int = 8 * 1024**2
    listing_streams: int = 8
    memory_gb: float = 1_769 / 1_024
    read_s: float = 0.03
    write_s: float = 0.1
    lookup_s: float = 0.01
    cpu_s: float = 0.001
    key_cpu_s: float = 0.00006
    copied_bytes_per_s: float = 100_000_000.0
    calls_in_flight: int = 64
    workers: int = 20
    tasks: int = 100
    batch_delay_s: float = 120.0
    outcome_indexes: bool = True
    index_run_bytes: int = 64 * 1024**2
    snapshot_segments: int = 4
    snapshot_run_bytes: int = 32 * 1024**2
    pages_in_flight: int = 16
    indexed_cpu_s: float = 0.00002
    reads_per_s: float = 5_500.0
    writes_per_s: float = 3_500.0
