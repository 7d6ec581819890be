"""Records and locks as items of the asset table, in the low-level client's form.

Table and indexes: medialake_stacks/base_infrastructure.py; item: `create_dynamo_entry`,
`_create_asset_metadata` and `process_asset` of the ingest; lock: `acquire_processing_lock`.
`contentCategory`, which only searches read, is left out.
"""

from collections.abc import Mapping
from typing import Any, Final

from adapters.local_aws.asset_system.medialake.file_types import extension_of
from adapters.local_aws.asset_system.medialake.values import IngestObject, Record, timestamp_text

LOCK_S: Final = 300
"""Lifetime of a lock that is not released."""

_LOCK: Final = "LOCK#"

Item = dict[str, Any]


def is_lock(inventory_id: str) -> bool:
    """Return whether the item with this key is a lock, not a record."""
    return inventory_id.startswith(_LOCK)


def lock_id(bucket: str, key: str, version_id: str | None) -> str:
    """Return the `InventoryID` of an object's lock; the version id `null` counts as none."""
    version = f"#{version_id}" if version_id and version_id != "null" else ""
    return f"{_LOCK}{bucket}#{key}{version}"


def lock_item(bucket: str, key: str, version_id: str | None, *, now_s: int) -> Item:
    """Return a lock acquired at this time, in epoch seconds.

    It is written on the condition that there is none, or that its LockExpiry is before `now_s`.
    """
    return {
        "InventoryID": {"S": lock_id(bucket, key, version_id)},
        "ProcessingStatus": {"S": "in-progress"},
        "ProcessingStartTime": {"N": str(now_s)},
        "LockExpiry": {"N": str(now_s + LOCK_S)},
        "StoragePath": {"S": f"LOCK::{bucket}:{key}"},
    }


def record_item(record: Record, seen: IngestObject) -> Item:
    """Return the item of a record that was created for this object.

    Raises:
        ValueError: the record lacks a required attribute.
    """
    required = (record.asset_id, record.asset_type, record.file_hash, record.last_modified)
    if None in required or record.ingested_at is None:
        raise ValueError(f"incomplete: {record}")
    asset_id, asset_type, file_hash, last_modified = (str(each) for each in required)
    ingested_at = {"S": record.ingested_at}
    folder, _, name = seen.key.rpartition("/")
    return {
        "InventoryID": {"S": record.inventory_id},
        "FileHash": {"S": file_hash},
        "StoragePath": {"S": seen.storage_path},
        "DigitalSourceAsset": _map(
            ID={"S": asset_id},
            Type={"S": asset_type},
            CreateDate=ingested_at,
            IngestedAt=ingested_at,
            originalIngestDate=ingested_at,
            lastModifiedDate={"S": last_modified},
            MainRepresentation=_map(
                ID={"S": f"{asset_id}:master"},
                Type={"S": asset_type},
                Format={"S": extension_of(seen.key).upper()},
                Purpose={"S": "master"},
                StorageInfo=_map(
                    PrimaryLocation=_map(
                        StorageType={"S": "s3"},
                        Bucket={"S": seen.bucket},
                        ObjectKey=_map(
                            Name={"S": name}, Path={"S": folder}, FullPath={"S": seen.key}
                        ),
                        Status={"S": "active"},
                        FileInfo=_map(
                            Size={"N": str(seen.size)},
                            # Called SHA256, but its value is the ETag.
                            Hash=_map(
                                Algorithm={"S": "SHA256"},
                                Value={"S": seen.etag.strip('"')},
                                MD5Hash={"S": file_hash},
                            ),
                            CreateDate={"S": timestamp_text(seen.last_modified)},
                        ),
                        StorageClass={"S": seen.storage_class or "STANDARD"},
                        RestoreStatus={"NULL": True},
                    )
                ),
            ),
        ),
        "DerivedRepresentations": {"L": []},
        "Metadata": _map(
            ObjectMetadata=_map(
                ExtractedDate=ingested_at,
                S3=_map(
                    Metadata=_map(
                        **{key: {"S": value} for key, value in seen.user_metadata.items()}
                    ),
                    ContentType={"S": seen.content_type},
                    LastModified={"S": timestamp_text(seen.last_modified)},
                ),
            )
        ),
    }


def record_of(item: Mapping[str, Any]) -> Record:
    """Return the attributes of an item that the rules read; only its key is required."""
    asset = item.get("DigitalSourceAsset")
    file_info = ("MainRepresentation", "StorageInfo", "PrimaryLocation", "FileInfo")
    size = _at(asset, *file_info, "Size", kind="N")
    return Record(
        inventory_id=item["InventoryID"]["S"],
        asset_id=_at(asset, "ID"),
        asset_type=_at(asset, "Type"),
        file_hash=_at({"M": item}, "FileHash"),
        storage_path=_at({"M": item}, "StoragePath"),
        object_key=_at(asset, *file_info[:3], "ObjectKey", "FullPath"),
        last_modified=_at(asset, "lastModifiedDate"),
        etag=_at(asset, *file_info, "Hash", "Value"),
        size=None if size is None else int(size),
        ingested_at=_at(asset, "IngestedAt"),
    )


def _map(**attributes: Any) -> dict[str, Any]:
    return {"M": attributes}


def _at(attribute: Mapping[str, Any] | None, *steps: str, kind: str = "S") -> str | None:
    """Return the text at a path of nested maps, None if a step is missing."""
    found: Mapping[str, Any] = attribute or {}
    for step in steps:
        found = found.get("M", {}).get(step, {})
    return found.get(kind)
