"""Ports for benchmarks: a bucket that is not there, and results on disk: only our memory counts."""

from __future__ import annotations

import asyncio
import hashlib
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from domain.connector import Bucket, BucketInfo
from domain.manifest import ManifestEntry
from ports.errors import NotFound
from ports.object_store import ListedPage

_PORTION_BYTES = 1024 * 1024
_PAGE_OBJECT_COUNT = 1_000


def key_of(index: int) -> str:
    """Return the key of an object of `SyntheticBucket`."""
    return f"archive/2026/spring campaign/clip-{index:010d}.mov"


class SyntheticBucket:
    """Lists `object_count` objects in pages of a thousand, and holds none of them.

    Each page takes `latency_s`.
    """

    def __init__(self, object_count: int, latency_s: float = 0.0) -> None:
        self._object_count = object_count
        self._latency_s = latency_s
        self._modified = datetime(2026, 1, 1, tzinfo=UTC)

    async def inspect(self, bucket: Bucket) -> BucketInfo:
        return BucketInfo()

    async def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None, token: str | None = None
    ) -> AsyncIterator[ListedPage]:
        first = 0
        if start_after is not None:
            first = bisect_right(range(self._object_count), start_after, key=key_of)
        while True:
            await asyncio.sleep(self._latency_s)
            stop = min(first + _PAGE_OBJECT_COUNT, self._object_count)
            entries = [
                ManifestEntry(key=key_of(index), size_bytes=5_000_000, last_modified=self._modified)
                for index in range(first, stop)
            ]
            last = stop == self._object_count
            yield ListedPage(entries, None if last else str(stop))
            if last:
                return
            first = stop


class DiskResults:
    """The results bucket as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[int, Path] = {}

    async def put(self, key: str, content: bytes) -> None:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    async def get(self, key: str) -> bytes:
        path = self._folder / key
        if not path.exists():
            raise NotFound(f"no file {key}", resource=key)
        return path.read_bytes()

    async def stream(self, key: str, *, position: int = 0) -> AsyncIterator[bytes]:
        with (self._folder / key).open("rb") as file:
            file.seek(position)
            while portion := file.read(_PORTION_BYTES):
                yield portion

    async def create_upload(self, key: str) -> str:
        (self._folder / key).parent.mkdir(parents=True, exist_ok=True)
        return "upload"

    async def upload_part(self, key: str, upload_id: str, part_number: int, content: bytes) -> str:
        path = self._folder / f"{key}.part-{part_number}"
        path.write_bytes(content)
        self._parts[part_number] = path
        return hashlib.md5(content, usedforsecurity=False).hexdigest()

    async def complete_upload(self, key: str, upload_id: str, part_e_tags: Sequence[str]) -> str:
        with (self._folder / key).open("wb") as file:
            for number in sorted(self._parts):
                file.write(self._parts[number].read_bytes())
                self._parts[number].unlink()
        return "e-tag"

    async def abort_upload(self, key: str, upload_id: str) -> None:
        self._parts.clear()

    async def e_tag(self, key: str) -> str:
        return "e-tag"
