"""A catalog's item as a record: where its attributes are, and how their values are read.

This module owns the attribute paths, the projection that reads exactly these, and the rule for
values of an unexpected type: they are None. It does not depend on how items are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final

from adapters.aws.attributes import Item, reading
from adapters.aws.resources import ASSETS_TABLE
from domain.catalog import CatalogRecord

_NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogAttributes:
    """The places of a record's values in its item: dotted paths through maps.

    The defaults are Media Lake's (v1.18.3, lambdas/ingest/s3/index.py). An empty path means that
    the catalog does not have the value.

    Attributes:
        inventory_id: The table's partition key, a top-level attribute.
        asset_id: String.
        storage_path: String, `bucket:key`.
        last_modified: String, a timestamp in ISO 8601 with its offset (`Z`).
        e_tag: String, with or without quotes.
        size_bytes: Integer.
    """

    inventory_id: str = ASSETS_TABLE.partition_key.name
    asset_id: str = "DigitalSourceAsset.ID"
    storage_path: str = "StoragePath"
    last_modified: str = "DigitalSourceAsset.lastModifiedDate"
    e_tag: str = (
        "DigitalSourceAsset.MainRepresentation.StorageInfo.PrimaryLocation.FileInfo.Hash.Value"
    )
    size_bytes: str = (
        "DigitalSourceAsset.MainRepresentation.StorageInfo.PrimaryLocation.FileInfo.Size"
    )

    def projection(self) -> Mapping[str, Any]:
        """Return the parameters of a read that request only these attributes."""
        paths = [
            [self.inventory_id],
            *(
                path.split(".")
                for path in (
                    self.asset_id,
                    self.storage_path,
                    self.last_modified,
                    self.e_tag,
                    self.size_bytes,
                )
                if path
            ),
        ]
        # Each name has one placeholder, and each path occurs once: DynamoDB rejects overlapping
        # paths (API Reference, "GetItem", ProjectionExpression; checked 2026-11).
        names = dict.fromkeys(name for path in paths for name in path)
        placeholders = {name: f"#p{number}" for number, name in enumerate(names)}
        expressions = dict.fromkeys(".".join(placeholders[name] for name in path) for path in paths)
        return {
            "ProjectionExpression": ", ".join(expressions),
            "ExpressionAttributeNames": {
                placeholder: name for name, placeholder in placeholders.items()
            },
        }

    def record(self, item: Item) -> CatalogRecord:
        """Return the item as a record; a value of an unexpected type is None."""
        with reading("a record of the catalog"):
            return CatalogRecord(
                inventory_id=item[self.inventory_id]["S"],
                asset_id=_text(item, self.asset_id),
                storage_path=_text(item, self.storage_path),
                e_tag=_without_quotes(_text(item, self.e_tag)),
                size_bytes=_whole_number(item, self.size_bytes),
                last_modified=_timestamp(_text(item, self.last_modified)),
            )


def _attribute(item: Item, path: str) -> Mapping[str, Any]:
    members: Mapping[str, Any] = item
    attribute = _NOTHING
    for name in _names(path):
        attribute = members.get(name, _NOTHING)
        members = attribute.get("M", _NOTHING)
    return attribute


@cache
def _names(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _text(item: Item, path: str) -> str | None:
    return _attribute(item, path).get("S") or None


def _without_quotes(e_tag: str | None) -> str | None:
    return None if e_tag is None else e_tag.strip('"') or None


def _whole_number(item: Item, path: str) -> int | None:
    text = _attribute(item, path).get("N")
    if text is None:
        return None
    if text.isdecimal():
        return int(text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return int(number) if number == number.to_integral_value() else None


def _timestamp(text: str | None) -> datetime | None:
    """Return the time in UTC, None for text without an offset."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if time.tzinfo is None else time.astimezone(UTC)
