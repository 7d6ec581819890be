"""The `manifest.json` of a report of S3 Inventory, and its checksum.

S3 User Guide, "Locating your inventory list" (read in 2026-11), is the source of every rule here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.errors import NOT_OF_OUR_JSON, InvalidSource
from domain.parquet_rows import parquet_format
from domain.shown import shown
from domain.source_rows import RowFormat, inventory_format


class FileFormat(StrEnum):
    """The formats of a report's files that are read, by their names in manifest.json."""

    CSV = "CSV"
    PARQUET = "Parquet"


_FORMS: Final[Mapping[str, Callable[[str], RowFormat]]] = MappingProxyType(
    {FileFormat.CSV: inventory_format, FileFormat.PARQUET: parquet_format}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryFile:
    """One file of the report; `md5` is hexadecimal, of the file as it is stored."""

    key: str
    size_bytes: int
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """A report: the format of its rows, and its files in order."""

    file_format: FileFormat
    form: RowFormat
    files: tuple[InventoryFile, ...]


def checksum_key(manifest_key: str) -> str:
    """Return the key of the checksum that belongs to a `manifest.json`."""
    folder, slash, _ = manifest_key.rpartition("/")
    return f"{folder}{slash}manifest.checksum"


def parse_inventory(
    content: bytes, *, checksum: bytes, bucket_name: str, where: str, with_times: bool
) -> Inventory:
    """Parse a `manifest.json`.

    Args:
        content: The file.
        checksum: The content of `manifest.checksum`: "the MD5 hash of the content of the
            manifest.json file".
        bucket_name: The bucket that the report must be of.
        where: The file, for messages.
        with_times: Whether the job needs the time of each object.

    Raises:
        InvalidSource: It is not as its checksum says, is of another bucket, has a format that is
            not read, or lacks a column.
    """
    actual = hashlib.md5(content, usedforsecurity=False).hexdigest()
    expected = checksum.decode("ascii", "replace").strip().lower()
    if actual != expected:
        raise InvalidSource(
            f"{where} has the MD5 {actual}, and its manifest.checksum says"
            f" '{shown(expected[:64])}': one of the two was replaced or changed; use another report"
        )
    try:
        document = json.loads(content)
        source, kind = str(document["sourceBucket"]), str(document["fileFormat"])
        schema = str(document["fileSchema"])
        files = tuple(
            InventoryFile(
                key=_text(each["key"]), size_bytes=int(each["size"]), md5=_md5(each["MD5checksum"])
            )
            for each in document["files"]
        )
    except NOT_OF_OUR_JSON as error:
        raise InvalidSource(
            f"{where} is not the manifest.json of an S3 Inventory report: {error!r}"
        ) from error
    if source != bucket_name:
        raise InvalidSource(
            f"{where} is a report of bucket '{shown(source)}', and the connector's is"
            f" '{bucket_name}'"
        )
    if kind not in _FORMS:
        raise InvalidSource(
            f"{where} is a report in format {shown(kind)}; only CSV and Parquet are read: configure"
            " an inventory with output format CSV"
        )
    form = _FORMS[kind](schema)
    if with_times and not form.has("LastModifiedDate"):
        raise InvalidSource(
            f"{where}: the inventory has no column LastModifiedDate, which modifiedSince needs; add"
            " it to the inventory's configuration, or leave modifiedSince out"
        )
    return Inventory(file_format=FileFormat(kind), form=form, files=files)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a key")
    return value


def _md5(value: object) -> str:
    text = _text(value).lower()
    if len(text) != 32 or not set(text) <= set("0123456789abcdef"):
        raise ValueError(f"{text!r} is not an MD5 checksum")
    return text
