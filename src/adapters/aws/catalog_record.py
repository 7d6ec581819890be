"""A catalog's item as a record: where its attributes are, and how their values are read.

This module owns the attribute paths, the projection that reads exactly these, and the rule for
values of an unexpected type: they are None. It does not depend on how items are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final

from adapters.aws.attributes import Item, reading
from adapters.aws.resources import ASSETS_TABLE
from domain.catalog import CatalogRecord

_Attribute = Mapping[str, Any]
_NOTHING: Final[_Attribute] = {}


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

    def records(self, items: Iterable[Item]) -> list[CatalogRecord]:
        """Return the items as records; a value of an unexpected type is None.

        Raises:
            CorruptData: An item lacks its key, or is not an item.
        """
        key = self.inventory_id
        attributes_of = _reader(
            (self.asset_id, self.storage_path, self.e_tag, self.size_bytes, self.last_modified)
        )
        found = []
        with reading("a record of the catalog"):
            for item in items:
                asset_id, storage_path, e_tag, size_bytes, last_modified = attributes_of(item)
                found.append(
                    CatalogRecord(
                        inventory_id=item[key]["S"],
                        asset_id=asset_id.get("S") or None,
                        storage_path=storage_path.get("S") or None,
                        e_tag=e_tag.get("S", "").strip('"') or None,
                        size_bytes=_whole_number(size_bytes.get("N")),
                        last_modified=_timestamp(last_modified.get("S") or None),
                    )
                )
        return found


@cache
def _reader(paths: tuple[str, ...]) -> Callable[[Item], list[_Attribute]]:
    """Return a function that returns an item's attributes at these paths.

    A map that is on several paths is looked up once. The attribute at an empty path has no value.
    """
    # Each map's place among the maps, by its path; the item itself is the first.
    maps: dict[tuple[str, ...], int] = {(): 0}
    steps: list[tuple[int, str]] = []
    leaves: list[tuple[int, str]] = []
    for path in paths:
        names = tuple(path.split("."))
        for depth in range(1, len(names)):
            if names[:depth] not in maps:
                steps.append((maps[names[: depth - 1]], names[depth - 1]))
                maps[names[:depth]] = len(maps)
        leaves.append((maps[names[:-1]], names[-1]))

    def attributes_of(item: Item) -> list[_Attribute]:
        found: list[Mapping[str, Any]] = [item]
        for parent, name in steps:
            found.append(found[parent].get(name, _NOTHING).get("M", _NOTHING))
        return [found[parent].get(name, _NOTHING) for parent, name in leaves]

    return attributes_of


def _whole_number(text: str | None) -> int | None:
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
    if time.tzinfo is UTC:
        return time
    return None if time.tzinfo is None else time.astimezone(UTC)
