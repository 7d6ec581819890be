"""The results bucket, with S3's rules for multipart uploads."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from domain.limits import UPLOAD_PART_BYTES_MIN, UPLOAD_PART_COUNT_MAX
from ports.errors import Conflict, NotFound, Refused
from ports.results_store import ResultsStore


@dataclass(slots=True, kw_only=True)
class _Upload:
    key: str
    parts: dict[int, bytes] = field(default_factory=dict)


class MemoryResultsStore:
    """Stores finished files in `files`, and unfinished uploads separately.

    Args:
        part_bytes_min: Minimum size of all parts but the last; tests of many parts lower it.
        block_bytes: The number of bytes that `stream` yields at a time.
    """

    def __init__(
        self, *, part_bytes_min: int = UPLOAD_PART_BYTES_MIN, block_bytes: int = 256 * 1024
    ) -> None:
        self.files: dict[str, bytes] = {}
        self._e_tags: dict[str, str] = {}
        self._uploads: dict[str, _Upload] = {}
        self._upload_count = 0
        self._part_bytes_min = part_bytes_min
        self._portion_bytes = block_bytes

    @property
    def open_uploads(self) -> list[str]:
        """Ids of the uploads that were neither completed nor aborted."""
        return list(self._uploads)

    async def put(self, key: str, content: bytes) -> None:
        self.files[key] = bytes(content)
        self._e_tags.pop(key, None)

    async def replace(self, key: str, content: bytes, *, e_tag: str | None) -> str:
        stored = await self.e_tag(key) if key in self.files else None
        if stored != e_tag:
            raise Conflict(f"the file {key} is another", resource=key)
        await self.put(key, content)
        return await self.e_tag(key)

    async def get(self, key: str) -> bytes:
        return self._file(key)

    async def read_range(self, key: str, start: int, stop: int) -> bytes:
        return self._file(key)[start:stop]

    async def stream(self, key: str, *, position: int = 0) -> AsyncIterator[bytes]:
        content = self._file(key)
        for start in range(position, len(content), self._portion_bytes):
            yield content[start : start + self._portion_bytes]

    async def create_upload(self, key: str) -> str:
        self._upload_count += 1
        upload_id = f"upload-{self._upload_count}"
        self._uploads[upload_id] = _Upload(key=key)
        return upload_id

    async def upload_part(self, key: str, upload_id: str, part_number: int, content: bytes) -> str:
        parts = self._upload(key, upload_id).parts
        if not 1 <= part_number <= UPLOAD_PART_COUNT_MAX:
            raise Refused(f"part number {part_number}", resource=key, vendor_code="InvalidArgument")
        parts[part_number] = bytes(content)
        return _md5(content).hex()

    async def complete_upload(self, key: str, upload_id: str, part_e_tags: Sequence[str]) -> str:
        sent = self._upload(key, upload_id).parts
        digests = {number: _md5(content) for number, content in sent.items()}
        for number, e_tag in enumerate(part_e_tags, start=1):
            if number not in sent or digests[number].hex() != e_tag:
                raise Conflict(
                    f"part {number} of {key} is not {e_tag}",
                    resource=key,
                    vendor_code="InvalidPart",
                )
        parts = [sent[number] for number in range(1, len(part_e_tags) + 1)]
        if not parts:
            raise Refused("an upload without parts", resource=key, vendor_code="MalformedXML")
        if any(len(part) < self._part_bytes_min for part in parts[:-1]):
            raise Refused("a part is too small", resource=key, vendor_code="EntityTooSmall")
        del self._uploads[upload_id]
        self.files[key] = b"".join(parts)
        whole = _md5(b"".join(digests[number] for number in range(1, len(parts) + 1)))
        self._e_tags[key] = f"{whole.hex()}-{len(parts)}"
        return self._e_tags[key]

    async def abort_upload(self, key: str, upload_id: str) -> None:
        if upload_id in self._uploads and self._uploads[upload_id].key == key:
            del self._uploads[upload_id]

    async def e_tag(self, key: str) -> str:
        content = self._file(key)
        return self._e_tags.get(key) or _md5(content).hex()

    def _file(self, key: str) -> bytes:
        if key not in self.files:
            raise NotFound(f"there is no file {key}", resource=key, vendor_code="NoSuchKey")
        return self.files[key]

    def _upload(self, key: str, upload_id: str) -> _Upload:
        upload = self._uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise NotFound(
                f"there is no upload {upload_id} of {key}", resource=key, vendor_code="NoSuchUpload"
            )
        return upload


def _md5(content: bytes) -> bytes:
    """S3's ETag of a plain object and of a part; it protects no secret."""
    return hashlib.md5(content, usedforsecurity=False).digest()


_: type[ResultsStore] = MemoryResultsStore
