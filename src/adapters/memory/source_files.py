"""Files that name keys, over `MemoryBuckets`."""

from __future__ import annotations

from adapters.memory.object_store import MemoryObjectStore
from domain.connector import Bucket
from ports.errors import Conflict, Refused
from ports.source_files import SourceBlock, SourceFiles


class MemorySourceFiles:
    """Reads the content of objects.

    Args:
        objects: The store of the same buckets, which knows who may read them.
        block_bytes: The number of bytes of a block.
    """

    def __init__(self, objects: MemoryObjectStore, *, block_bytes: int = 64 * 1024) -> None:
        self._objects = objects
        self.block_bytes = block_bytes

    async def read(
        self, bucket: Bucket, key: str, *, position: int = 0, e_tag: str | None = None
    ) -> SourceBlock:
        stored = self._objects.stored(bucket, key, "GetObject")
        where = f"{bucket.name}/{key}"
        if e_tag is not None and e_tag != stored.head.e_tag:
            raise Conflict(
                f"{where} has another ETag", resource=where, vendor_code="PreconditionFailed"
            )
        content = stored.content
        if not content and not position:
            return SourceBlock(content=b"", e_tag=None, size_bytes=0)
        if position >= len(content):
            raise Refused(f"{where} ends before", resource=where, vendor_code="InvalidRange")
        return SourceBlock(
            content=content[position : position + self.block_bytes],
            e_tag=stored.head.e_tag,
            size_bytes=len(content),
        )


_: type[SourceFiles] = MemorySourceFiles
