"""The rules of the local Media Lake, and the published function, on the same random objects.

Each step puts one object of any bytes, tags and content type at one of a few keys, next to the
records that earlier steps left, and sometimes a record that no ingest made. Both see the same; then
records, tags, lock and events are compared.
"""

import dataclasses
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote_plus

from media_lake import MediaLake
from medialake_records import (
    react_within,
    records_after,
    tags_after,
)

from adapters.local_aws.asset_system.medialake.items import is_lock, record_of
from adapters.local_aws.asset_system.medialake.values import (
    IngestObject,
    IngestOutcome,
    IngestSettings,
    NewIds,
    Reaction,
    Record,
)

STEP_COUNT: Final = 500

_BUCKET: Final = "random-states"
_KEYS: Final = (
    "a.jpg",
    "b.mov",
    "c.xml",
    "no extension",
    "e.vob",
    "f.pdf",
    "g + %.wav",
    "x.y/z.mp4",
    "h.JPG ",
)
_CONTENT_TYPES: Final = (
    "",
    "image/jpeg",
    "video/mp4",
    "application/pdf",
    "Audio/AC3; x=1",
    "binary/octet-stream",
)
_BODIES: Final = (b"1", b"2", b"3")
_INVENTORY_IDS: Final = ("asset:uuid:1", "asset:uuid:2", "3", "asset:uuid:3", "")
_ASSET_IDS: Final = ("asset:img:1", "asset:vid:2", "asset:doc:3", "plain", "")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NEW: Final = "NEW"

# No filter, no archived object and no deletion is among the steps.
_REACHED: Final = set(IngestOutcome) - {
    IngestOutcome.FILTERED,
    IngestOutcome.UNREADABLE,
    IngestOutcome.ASSET_DELETED,
    IngestOutcome.VERSION_IGNORED,
    IngestOutcome.NO_ASSET,
}

Json = dict[str, Any]
Event = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What a step left: records by inventory id, without the time of their making."""

    records: Mapping[str, Record]
    tags: Mapping[str, str]
    locked: bool
    events: tuple[Event, ...]


class Table:
    """The whole asset table."""

    def __init__(self, system: Any) -> None:
        self._dynamodb = system.dynamodb
        self._name = system.assets_table

    def items(self) -> dict[str, Json]:
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._name)
        return {item["InventoryID"]["S"]: item for page in pages for item in page["Items"]}

    def records(self) -> dict[str, Record]:
        return {name: record_of(item) for name, item in self.items().items() if not is_lock(name)}

    def put(self, item: Json) -> None:
        self._dynamodb.put_item(TableName=self._name, Item=item)

    def take_locks(self) -> bool:
        """Delete all locks; returns whether there were any."""
        locks = [name for name in self.items() if is_lock(name)]
        for name in locks:
            self.delete(name)
        return bool(locks)

    def delete(self, name: str) -> None:
        self._dynamodb.delete_item(TableName=self._name, Key={"InventoryID": {"S": name}})


class Steps:
    """Lets both ingest an object."""

    def __init__(self, system: Any, lake: MediaLake, seed: int) -> None:
        self._s3 = system.s3
        self._lake = lake
        self._table = Table(system)
        self._random = random.Random(seed)

    def change_table(self) -> None:
        """Sometimes empty the table, or add a record with few attributes."""
        if self._random.random() < 0.03:
            for name in self._table.items():
                self._table.delete(name)
        if self._random.random() < 0.1:
            item: Json = {"InventoryID": {"S": self._random.choice(_INVENTORY_IDS[:4])}}
            if self._random.random() < 0.5:
                item["StoragePath"] = {"S": f"{_BUCKET}:{self._random.choice(_KEYS)}"}
            if self._random.random() < 0.5:
                item["FileHash"] = {"S": _md5(self._random.choice(_BODIES))}
            if self._random.random() < 0.5:
                item["DigitalSourceAsset"] = {"M": {"ID": {"S": "asset:img:odd"}}}
            self._table.put(item)

    def put_object(self) -> IngestObject:
        key = self._random.choice(_KEYS)
        body = self._random.choice(_BODIES)
        content_type = self._random.choice(_CONTENT_TYPES)
        tags = self._tags()
        more = {"ContentType": content_type} if content_type else {}
        self._s3.put_object(Bucket=_BUCKET, Key=key, Body=body, **more)
        self._s3.put_object_tagging(
            Bucket=_BUCKET,
            Key=key,
            Tagging={"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]},
        )
        head = self._s3.head_object(Bucket=_BUCKET, Key=key)
        return IngestObject(
            bucket=_BUCKET,
            key=key,
            size=head["ContentLength"],
            etag=head["ETag"],
            md5=_md5(body),
            last_modified=head["LastModified"],
            content_type=head.get("ContentType", ""),
            tags=tags,
        )

    def _tags(self) -> dict[str, str]:
        tags = {}
        if self._random.random() < 0.55:
            known = sorted(self._table.records())
            tags["InventoryID"] = self._random.choice([*_INVENTORY_IDS, *known])
        if self._random.random() < 0.5:
            tags["AssetID"] = self._random.choice(_ASSET_IDS)
        if self._random.random() < 0.5:
            tags["Owner"] = "archive@example.com"
        return tags

    def compare(self, seen: IngestObject) -> tuple[Reaction, str]:
        """Let both ingest the object; returns what the rules say, and the difference if any."""
        before = self._table.records()
        reaction = react_within(
            before,
            seen,
            settings=IngestSettings(),
            new_ids=NewIds(inventory_uuid=_NEW, asset_uuid=_NEW),
            now=datetime.now(UTC),
        )
        wanted = After(
            records=_undated(records_after(before, reaction)),
            tags=tags_after(seen.tags, reaction),
            locked=reaction.keeps_lock,
            events=tuple(
                (event.event_type.value, event.inventory_id, event.asset_type or "")
                for event in reaction.events
            ),
        )
        found = self._published(seen, before)
        if found == wanted:
            return reaction, ""
        return reaction, f"{seen}: {reaction.outcome}\n  rules {wanted}\n  found {found}"

    def _published(self, seen: IngestObject, before: Mapping[str, Record]) -> After:
        """Let the published function ingest it; ids that it minted are `NEW`."""
        place = {"bucket": {"name": _BUCKET}, "object": {"key": quote_plus(seen.key)}}
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": place}
        # If it raises, its pipe does nothing: what counts is the state that it left.
        self._lake.invoke([json.dumps({"Records": [record]})])
        old = {*before, *(each.asset_id for each in before.values()), *seen.tags.values()}

        def named(text: str) -> str:
            return text if text in old else _UUID.sub(_NEW, text)

        locked = self._table.take_locks()
        answer = self._s3.get_object_tagging(Bucket=_BUCKET, Key=seen.key)
        records = {
            named(name): dataclasses.replace(
                each,
                inventory_id=named(name),
                asset_id=None if each.asset_id is None else named(each.asset_id),
            )
            for name, each in self._table.records().items()
        }
        return After(
            records=_undated(records),
            tags={tag["Key"]: named(tag["Value"]) for tag in answer["TagSet"]},
            locked=locked,
            events=tuple(
                (kind, named(inventory_id), asset_type)
                for kind, inventory_id, asset_type in self._lake.published()
            ),
        )


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _undated(records: Mapping[str, Record]) -> dict[str, Record]:
    return {name: dataclasses.replace(record, ingested_at=None) for name, record in records.items()}


def test_rules_and_function_leave_the_same(system: Any, lake: MediaLake) -> None:
    system.bucket(_BUCKET)
    steps = Steps(system, lake, seed=0)
    outcomes: Counter[IngestOutcome] = Counter()
    differences = []

    for _ in range(STEP_COUNT):
        steps.change_table()
        reaction, difference = steps.compare(steps.put_object())
        outcomes[reaction.outcome] += 1
        if difference:
            differences.append(difference)

    assert not differences, "\n".join(differences[:5])
    assert set(outcomes) == _REACHED
