"""The rows of an unfinished index: sorted by key, and not joined yet.

What is known of an object comes from several files: the listing from one, the outcome from another.
Each makes a row. A row has the key, encoded so that rows sort as their keys do; a zero; a number
which sorts the rows of one key; and values as JSON. Of two rows of a key, the later one's values
count.

A key's encoding has no byte that ends a row or the key. Bytes up to the line feed become two: 1,
which is below all others, and the byte plus 64.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from domain.errors import NOT_OF_OUR_JSON, InvalidManifest
from domain.manifest import ManifestEntry, format_timestamp
from domain.outcome_index import starts_with_key

LISTED: Final = 0
"""The number of rows of a listing; those of chunks have the index of the chunk plus one."""

KEY_END: Final = b"\0"
_LOW: Final = re.compile(rb"[\x00-\x0a]")
_ESCAPED: Final = re.compile(rb"\x01(.)", re.DOTALL)
_SHIFT: Final = 64
_NUMBER_DIGITS: Final = 9


def encode_sort_key(key: str) -> bytes:
    """Return a key as its rows begin with it."""
    return _LOW.sub(lambda found: bytes((1, found[0][0] + _SHIFT)), key.encode())


def decode_sort_key(encoded: bytes) -> str:
    """Return the key of what `encode_sort_key` returned."""
    if b"\x01" in encoded:
        encoded = _ESCAPED.sub(lambda found: bytes((found[1][0] - _SHIFT,)), encoded)
    return encoded.decode()


def encode_row(key: str, number: int, values: Mapping[str, Any]) -> bytes:
    """Return a row, with its line end."""
    text = f"{number:0{_NUMBER_DIGITS}}{json.dumps(values)}\n"
    return encode_sort_key(key) + KEY_END + text.encode()


def key_of_row(row: bytes) -> bytes:
    """Return the encoded key of a row."""
    return row[: row.index(KEY_END)]


def listed_values(entry: ManifestEntry) -> dict[str, Any]:
    """Return what a row of a manifest or a chunk has of an object, by the names of the index."""
    values: dict[str, Any] = {}
    if entry.size_bytes is not None:
        values["listedSize"] = entry.size_bytes
    if entry.last_modified is not None:
        values["lastModified"] = format_timestamp(entry.last_modified)
    if entry.e_tag is not None:
        values["listedETag"] = entry.e_tag
    return values


def outcome_record(line: bytes) -> tuple[str, dict[str, Any]]:
    """Return the key and the other values of a line of an outcome file, without the job's id.

    Raises:
        InvalidManifest: The line is not a record of an outcome.
    """
    try:
        record = json.loads(line)
        key = record.pop("key")
        record.pop("jobId", None)
        if not isinstance(key, str) or not isinstance(record["outcome"], str):
            raise InvalidManifest("not an outcome record: its key or its outcome is no text")
    except NOT_OF_OUR_JSON as error:
        raise InvalidManifest(f"not an outcome record: {error}") from error
    return key, record


def joined(rows: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield each key of sorted rows, which lack their line ends, with its row of the index."""
    current, values = b"", b""
    for row in rows:
        end = row.index(KEY_END)
        encoded, text = row[:end], row[end + 1 + _NUMBER_DIGITS :]
        if not values:
            current, values = encoded, text
        elif encoded == current:
            values = json.dumps({**json.loads(values), **json.loads(text)}).encode()
        else:
            yield _index_row(current, values)
            current, values = encoded, text
    if values:
        yield _index_row(current, values)


def _index_row(encoded: bytes, values: bytes) -> tuple[str, bytes]:
    key = decode_sort_key(encoded)
    rest = values[1:] if values == b"{}" else b", " + values[1:]
    return key, starts_with_key(key) + rest + b"\n"
