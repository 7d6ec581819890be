"""Splitting a stream of bytes into CSV records, with the position where each ends.

A position (bytes from the start of the file) is a checkpoint: after a crash, or in the next
invocation, reading resumes there, and nothing before it is read again.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.errors import InvalidReport

# A record has some hundred bytes; one that has not ended after this is an unclosed quote.
_RECORD_BYTES_MAX = 1024 * 1024


class RecordSplitter:
    """Takes blocks of bytes of any size and yields whole records.

    A record ends at a line feed outside quotes. Memory is bounded by one record and one block.
    """

    def __init__(self, position: int = 0) -> None:
        self.position = position
        self._rest = b""

    def feed(self, block: bytes) -> Iterator[tuple[bytes, int]]:
        """Yield each record that is complete so far, and the position after it.

        Raises:
            InvalidReport: A record is longer than 1 MiB.
        """
        data = self._rest + block
        start = 0
        search = 0
        quoted = 0
        while (end := data.find(b"\n", search)) != -1:
            quoted ^= data.count(b'"', search, end) % 2
            search = end + 1
            if quoted:
                continue
            record = data[start:search]
            self.position += len(record)
            start = search
            yield record, self.position
        self._rest = data[start:]
        if len(self._rest) > _RECORD_BYTES_MAX:
            raise InvalidReport(f"the record at byte {self.position} does not end within 1 MiB")

    def finish(self) -> Iterator[tuple[bytes, int]]:
        """Yield the last record if the file does not end with a line feed."""
        if self._rest:
            record, self._rest = self._rest, b""
            self.position += len(record)
            yield record, self.position
