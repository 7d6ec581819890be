"""Packing manifest entries into chunks by estimated work.

The estimate is a cost per object plus a cost per byte copied. A chunk is closed when its estimate
reaches the target, or its count or bytes reach their maximum. An object that alone costs more than
a chunk gets a chunk of its own. Packing depends only on the entries and their order, so chunk N is
the same after every restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.manifest import ManifestEntry
from domain.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSizing:
    """The size of chunks. All defaults can be changed by settings.

    The costs are seconds of one worker: two reads and a write for an object, and S3's own copying
    of its bytes. With the default of 64 calls in flight, 1,000 ordinary objects take some seconds.

    Attributes:
        object_count_max: Objects that a worker must process in one chunk.
        bytes_max: Bytes of these objects.
        work_target_s: Estimated work of one chunk, in seconds of one worker.
        object_cost_s: Estimate for one object, in seconds of one worker.
        copied_bytes_per_s: Estimate of the rate at which S3 copies an object onto itself.
    """

    object_count_max: int = 1_000
    bytes_max: int = 500_000_000_000
    work_target_s: float = 1_200.0
    object_cost_s: float = 0.1
    copied_bytes_per_s: float = 100_000_000.0

    def work_s(self, entry: ManifestEntry) -> float:
        """Estimate the work for one entry, in seconds of one worker."""
        return self.object_cost_s + (entry.size_bytes or 0) / self.copied_bytes_per_s


@dataclass(slots=True)
class ChunkDraft:
    """The content of one chunk while it is packed: entries to process, and known outcomes."""

    entries: list[ManifestEntry] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    size_bytes: int = 0
    work_s: float = 0.0
    _keys: set[str] = field(default_factory=set)

    @property
    def object_count(self) -> int:
        """Objects of the manifest that this chunk covers."""
        return len(self.entries) + len(self.outcomes)

    def add(self, entry: ManifestEntry, sizing: ChunkSizing) -> None:
        """Add an entry that a worker must process."""
        self.entries.append(entry)
        self._keys.add(entry.key)
        self.size_bytes += entry.size_bytes or 0
        self.work_s += sizing.work_s(entry)

    def would_overflow(self, entry: ManifestEntry | None, sizing: ChunkSizing) -> bool:
        """Return whether the chunk must be closed before `entry` (None: an outcome) is added.

        An entry is work, an outcome only a line: many more lines than entries fit into a chunk. A
        chunk has one outcome for a key, so an entry whose key it has already goes to the next one:
        a source of keys may repeat them.
        """
        if len(self.outcomes) >= OUTCOMES_PER_ENTRY * sizing.object_count_max:
            return True
        if entry is None or not self.entries:
            return False
        return (
            entry.key in self._keys
            or len(self.entries) >= sizing.object_count_max
            or self.size_bytes + (entry.size_bytes or 0) > sizing.bytes_max
            or self.work_s + sizing.work_s(entry) > sizing.work_target_s
        )


def fitting_count(
    entries: Sequence[ManifestEntry], sizing: ChunkSizing, chunk_count_max: int
) -> int:
    """Return how many of the first entries make `chunk_count_max` chunks at most; at least one."""
    work_s = sum(map(sizing.work_s, entries))
    size_bytes = sum(entry.size_bytes or 0 for entry in entries)
    # Of two chunks that follow each other, at least one limit is exceeded by both together.
    exceeded = (
        work_s / sizing.work_target_s
        + size_bytes / sizing.bytes_max
        + len(entries) / sizing.object_count_max
    )
    if 2 * exceeded + 1 <= chunk_count_max:
        return len(entries)
    draft, chunk_count = ChunkDraft(), 1
    for count, entry in enumerate(entries):
        if draft.would_overflow(entry, sizing):
            if chunk_count == chunk_count_max:
                return count
            draft, chunk_count = ChunkDraft(), chunk_count + 1
        draft.add(entry, sizing)
    return len(entries)


OUTCOMES_PER_ENTRY = 10
"""How many known outcomes count as much as one entry to process, in the size of a chunk."""
