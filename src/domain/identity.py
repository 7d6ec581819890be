"""The two ids of an object, the tags that carry them, and how missing ids are generated."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.customer_object import NULL_VERSION

ASSET_ID_TAG: Final = "AssetID"
INVENTORY_ID_TAG: Final = "InventoryID"
SYNC_JOB_ID_TAG: Final = "SyncJobID"

# Never change this: another value would generate other ids for the objects of every archive.
_NAMESPACE: Final = uuid.UUID("5b0c6a52-3a0e-5d1e-9b57-6f2f3d1c8a77")
# The variant is the two highest bits of its digit: 10 in binary.
_VARIANTS: Final = {f"{digit:x}": f"{8 | digit & 3:x}" for digit in range(16)}

_KIND_BY_EXTENSION: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        [
            "jpg",
            "jpeg",
            "png",
            "gif",
            "tif",
            "tiff",
            "bmp",
            "webp",
            "heic",
            "heif",
            "svg",
            "psd",
            "ai",
            "eps",
            "raw",
            "cr2",
            "cr3",
            "nef",
            "arw",
            "dng",
            "exr",
            "dpx",
            "jp2",
            "avif",
        ],
        "img",
    ),
    **dict.fromkeys(
        [
            "mp4",
            "mov",
            "mxf",
            "avi",
            "mkv",
            "webm",
            "m4v",
            "mpg",
            "mpeg",
            "mts",
            "m2ts",
            "ts",
            "wmv",
            "flv",
            "3gp",
            "r3d",
            "braw",
            "ogv",
        ],
        "vid",
    ),
    **dict.fromkeys(
        ["wav", "mp3", "aac", "flac", "aif", "aiff", "m4a", "ogg", "oga", "opus", "wma", "bwf"],
        "aud",
    ),
    **dict.fromkeys(
        [
            "pdf",
            "doc",
            "docx",
            "xls",
            "xlsx",
            "ppt",
            "pptx",
            "odt",
            "ods",
            "odp",
            "txt",
            "rtf",
            "csv",
            "md",
            "html",
            "htm",
            "xml",
            "json",
            "srt",
            "vtt",
        ],
        "doc",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The ids in an object's tags, None where there is none."""

    asset_id: str | None = None
    inventory_id: str | None = None


def identity_of(tags: Mapping[str, str]) -> Identity:
    """Return the ids in an object's tags; an empty value counts as no id."""
    return Identity(
        asset_id=tags.get(ASSET_ID_TAG) or None, inventory_id=tags.get(INVENTORY_ID_TAG) or None
    )


def media_kind(key: str) -> str:
    """Return `img`, `vid`, `aud`, `doc` or `oth` by the extension of the key's last segment."""
    name = key.rsplit("/", 1)[-1]
    _, dot, extension = name.rpartition(".")
    return _KIND_BY_EXTENSION.get(extension.lower(), "oth") if dot else "oth"


def mint_typed_asset_id(bucket_name: str, key: str) -> str:
    """Return the asset id of this bucket and key, always the same: `asset:<kind>:<uuid>`."""
    return f"asset:{media_kind(key)}:{_name_uuid('asset', bucket_name, key)}"


def mint_plain_asset_id(bucket_name: str, key: str, *, kind: str | None) -> str:
    """Return `asset:<kind>:<uuid>`, or only the UUID if there is no kind.

    Media Lake takes an asset's type from the second part of an id with a colon, and treats an
    unknown type there as an image. For an id without a colon it uses the content type (v1.18.3,
    lambdas/ingest/s3/index.py, process_asset).
    """
    unique = _name_uuid("asset", bucket_name, key)
    return unique if kind is None else f"asset:{kind}:{unique}"


def mint_inventory_id(bucket_name: str, key: str) -> str:
    """Return the inventory id of this bucket and key, always the same: `asset:uuid:<uuid>`."""
    return f"asset:uuid:{_name_uuid('inventory', bucket_name, key)}"


def event_id(job_id: str, bucket_name: str, key: str, *, e_tag: str, version_id: str | None) -> str:
    """Return the id of the ingest event that this job publishes for an object.

    It depends on the object's content, so it is equal for every repetition and changes when the
    object is replaced.
    """
    version = version_id or NULL_VERSION
    return _name_uuid("event", job_id, bucket_name, e_tag, version, key)


def job_id_for(connector_id: str, idempotency_key: str) -> str:
    """Return the id of the job that a request with this idempotency key starts."""
    return f"job-{_name_uuid('job', connector_id, idempotency_key)}"


def _name_uuid(*parts: str) -> str:
    """Return the UUID of version 5 (RFC 9562, section 5.5) of these parts as text."""
    # A NUL cannot be part of a bucket name, an id or an ETag, and the key is the last part, so no
    # two lists of parts collide. `uuid.uuid5` takes three times as long.
    name = _NAMESPACE.bytes + "\0".join(parts).encode()
    digits = hashlib.sha1(name, usedforsecurity=False).hexdigest()
    variant = _VARIANTS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
