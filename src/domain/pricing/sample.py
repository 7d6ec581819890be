"""A sample of a listing: the objects whose keys have the smallest hashes.

Every object is equally likely to be in it, in whatever order the listing comes. No random numbers
are needed, and the same objects always give the same sample, so that a plan can be repeated.
"""

from __future__ import annotations

import heapq
from hashlib import blake2b

from domain.manifest import ManifestEntry


class Sample:
    """Keeps up to `size` of the objects that are offered."""

    def __init__(self, size: int) -> None:
        self._size = size
        # The largest hash is first; the number in the middle keeps entries from being compared.
        self._heap: list[tuple[int, int, ManifestEntry]] = []
        self._offered = 0

    def offer(self, entry: ManifestEntry) -> None:
        """Take the object if its hash is among the smallest so far."""
        if not self._size:
            return
        self._offered += 1
        digest = blake2b(entry.key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        item = (-int.from_bytes(digest, "big"), self._offered, entry)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, item)
        elif item > self._heap[0]:
            heapq.heapreplace(self._heap, item)

    @property
    def entries(self) -> list[ManifestEntry]:
        """The objects of the sample, in order of their keys."""
        return sorted((entry for _, _, entry in self._heap), key=lambda entry: entry.key)
