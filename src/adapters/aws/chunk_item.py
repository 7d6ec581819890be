"""A chunk as an item of the chunk table, with the API's names where the API has them."""

from __future__ import annotations

from adapters.aws.attributes import Item, reading, to_item, to_timestamp, to_values
from adapters.aws.lease_item import lease_values, to_lease
from adapters.aws.tally_item import statistics_values, to_statistics
from domain.chunk import Chunk, ChunkLife, ChunkStatus


def chunk_key(job_id: str, index: int) -> Item:
    """Return the key of the chunk's item."""
    return to_item({"jobId": job_id, "chunkIndex": index})


def chunk_item(chunk: Chunk) -> Item:
    """Return the whole item of a chunk."""
    return chunk_key(chunk.job_id, chunk.index) | to_item(
        {
            "status": chunk.status,
            "statusReason": chunk.status_reason,
            "version": chunk.version,
            "objectCount": chunk.object_count,
            "entryCount": chunk.entry_count,
            "sizeBytes": chunk.size_bytes,
            "firstKey": chunk.first_key,
            "lastKey": chunk.last_key,
            "discovered": statistics_values(chunk.discovered),
            "statistics": statistics_values(chunk.statistics),
            "attemptCount": chunk.attempt_count,
            "lease": lease_values(chunk.lease),
            "entriesKey": chunk.entries_key,
            "progressKey": chunk.progress_key,
            "redriveNumber": chunk.life.redrive_number,
            "handedBackCount": chunk.life.released_count,
            "deadLetterCount": chunk.dead_letter_count,
            "parked": chunk.parked or None,
            "createdAt": chunk.created_at,
            "updatedAt": chunk.updated_at,
        }
    )


def to_chunk(item: Item) -> Chunk:
    """Return the chunk of an item.

    Raises:
        CorruptData: The item is not valid.
    """
    with reading(f"chunk {item.get('chunkIndex')} of {item.get('jobId')}"):
        values = to_values(item)
        return Chunk(
            job_id=values["jobId"],
            index=values["chunkIndex"],
            status=ChunkStatus(values["status"]),
            status_reason=values.get("statusReason"),
            version=values["version"],
            object_count=values["objectCount"],
            entry_count=values["entryCount"],
            size_bytes=values["sizeBytes"],
            first_key=values["firstKey"],
            last_key=values["lastKey"],
            discovered=to_statistics(values["discovered"]),
            statistics=to_statistics(values["statistics"]),
            attempt_count=values["attemptCount"],
            lease=to_lease(values.get("lease")),
            entries_key=values.get("entriesKey"),
            progress_key=values.get("progressKey"),
            # Version 0.1 counted neither releases nor dead letters.
            life=ChunkLife(
                redrive_number=values["redriveNumber"],
                released_count=values.get("handedBackCount", 0),
            ),
            dead_letter_count=values.get("deadLetterCount", 0),
            parked=values.get("parked", False),
            created_at=to_timestamp(values["createdAt"]),
            updated_at=to_timestamp(values["updatedAt"]),
        )
