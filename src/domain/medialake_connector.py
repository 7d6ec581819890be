"""A connector of AWS's Guidance for a Media Lake, read from an item of its connector table.

Facts are from the guidance's repository, v1.18.3. `lambdas/api/connectors/s3/post_s3/index.py`
writes the items, `lambdas/ingest/s3/index.py` reads their file filter, and
`lambdas/api/connectors/my_assets/get_my_assets/index.py` and
`medialake_constructs/api_gateway/api_gateway_connectors.py` write those of personal uploads.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from domain import prefixes as prefix_rules
from domain.connector import ConnectorStatus
from domain.errors import DomainError
from domain.file_types import FileFilter, FilterMode, file_filter_of

# All attributes that `read_connector` reads.
ATTRIBUTES: Final = (
    "id",
    "name",
    "type",
    "status",
    "storageIdentifier",
    "objectPrefix",
    "region",
    "integrationMethod",
    "queueUrl",
    "fileFilter",
    "allowedFileExtensions",
    "isInternal",
)
EVENTBRIDGE: Final = "eventbridge"

# A bucket that CloudFormation names after construct `MediaAssets` / `S3Bucket` of
# medialake_stacks/base_infrastructure.py. The stack's name before it can have a prefix or be
# truncated. Media Lake's medialake_constructs/edge_lambda_construct.py recognizes the bucket by the
# same word.
_DERIVED_BUCKET: Final = re.compile(r".*-mediaassetss3bucket[0-9a-f]*-[a-z0-9]+")

ID_PREFIX: Final = "medialake-"
_ID_LENGTH_MAX: Final = 64
_ID_DIGEST_LENGTH: Final = 12
_NOT_IN_ID: Final = re.compile(r"[^A-Za-z0-9._\-]")


class NotAConnector(DomainError):
    """An item of the table does not describe a connector; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLakeConnector:
    """A connector as Media Lake describes it.

    Attributes:
        source_id: Its id in Media Lake.
        name: Its name in Media Lake, empty if it has none.
        bucket_name: The bucket.
        prefixes: The prefixes that Media Lake listens to; each ends in `/`. Empty: all.
        blank_prefix: Whether its list holds a blank prefix. Its event rule turns that into `/`,
            which matches hardly any key. The rest of Media Lake ignores blank prefixes.
        status: ENABLED if it is active there.
        integration: How S3's events reach its queue: `eventbridge` or `s3Notifications`.
        queue_url: Its ingest queue, None if the item names none.
        file_filter: The filter for ingestion, None for everything that Media Lake supports.
        region: The bucket's Region, None if the item names none.
        personal: Whether it is a connector for personal uploads, which Media Lake manages itself
            and does not list.
    """

    source_id: str
    name: str
    bucket_name: str
    prefixes: tuple[str, ...]
    blank_prefix: bool
    status: ConnectorStatus
    integration: str
    queue_url: str | None
    file_filter: FileFilter | None
    region: str | None
    personal: bool

    @property
    def connector_id(self) -> str:
        """Its id in this service: `medialake-` and its id in Media Lake, always the same.

        An id that is too long or has other characters is shortened, and a digest of it appended.
        """
        plain = _NOT_IN_ID.sub("-", self.source_id)
        if plain == self.source_id and len(ID_PREFIX + plain) <= _ID_LENGTH_MAX:
            return ID_PREFIX + plain
        digest = hashlib.sha256(self.source_id.encode("utf-8", "surrogatepass")).hexdigest()
        kept = _ID_LENGTH_MAX - len(ID_PREFIX) - 1 - _ID_DIGEST_LENGTH
        return f"{ID_PREFIX}{plain[:kept]}-{digest[:_ID_DIGEST_LENGTH]}"


def read_connector(item: Mapping[str, object]) -> MediaLakeConnector:
    """Return the connector that an item describes; values are str, list, dict or bool.

    Raises:
        NotAConnector: A required attribute is missing or has another type.
    """
    source_id, bucket_name = _text(item, "id"), _text(item, "storageIdentifier")
    if not source_id:
        raise NotAConnector("it has no id")
    if not bucket_name:
        raise NotAConnector("it names no bucket (storageIdentifier)")
    listed = _texts(item.get("objectPrefix"), "objectPrefix")
    return MediaLakeConnector(
        source_id=source_id,
        name=_text(item, "name"),
        bucket_name=bucket_name,
        prefixes=_prefixes(listed),
        blank_prefix=any(not prefix.strip() for prefix in listed),
        status=(
            ConnectorStatus.ENABLED
            if _text(item, "status") == "active"
            else ConnectorStatus.DISABLED
        ),
        integration=_text(item, "integrationMethod"),
        queue_url=_text(item, "queueUrl") or None,
        file_filter=_file_filter(item),
        region=_text(item, "region") or None,
        personal=_is_personal(item),
    )


def is_derived_bucket_name(bucket_name: str) -> bool:
    """Return whether a bucket is named like the one to which a Media Lake writes derived files."""
    return _DERIVED_BUCKET.fullmatch(bucket_name) is not None


def derived_buckets(record: Mapping[str, object]) -> frozenset[str]:
    """Return the buckets that hold the derived files (proxies, thumbnails) of an asset's record.

    A representation without a location is skipped, as Media Lake does itself
    (lambdas/common_libraries/asset_deletion_service.py).
    """
    representations = record.get("DerivedRepresentations")
    if not isinstance(representations, list):
        return frozenset()
    found = (
        _inner(representation, "StorageInfo", "PrimaryLocation", "Bucket")
        for representation in representations
    )
    return frozenset(name for name in found if isinstance(name, str) and name)


def _inner(value: object, *path: str) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _prefixes(listed: Iterable[str]) -> tuple[str, ...]:
    """Append `/` as Media Lake's event rule does, so that `raw` does not cover `rawcuts/`."""
    return prefix_rules.normalise(
        prefix if prefix.endswith("/") else f"{prefix}/" for prefix in listed if prefix.strip()
    )


def _is_personal(item: Mapping[str, object]) -> bool:
    internal = item.get("isInternal")
    return item.get("type") == "my-assets" or str(internal).lower() == "true"


def _file_filter(item: Mapping[str, object]) -> FileFilter | None:
    """Return the structured filter, or else the older list of extensions."""
    structured = item.get("fileFilter")
    if structured is not None and not isinstance(structured, Mapping):
        raise NotAConnector("its fileFilter is not a map")
    if structured is not None:
        extensions = _texts(structured.get("extensions"), "fileFilter.extensions")
        mime_types = _texts(structured.get("mimeTypes"), "fileFilter.mimeTypes")
        found = file_filter_of(
            FilterMode.ALLOW,
            extensions=extensions,
            mime_types=(text.partition(";")[0] for text in mime_types),
        )
        if found is not None:
            deny = _text(structured, "mode").strip().lower() == FilterMode.DENY
            return replace(found, mode=FilterMode.DENY) if deny else found
    allowed = _texts(item.get("allowedFileExtensions"), "allowedFileExtensions")
    return file_filter_of(FilterMode.ALLOW, extensions=allowed)


def _text(item: Mapping[str, object], name: str) -> str:
    """Return a string, empty if it is missing or null."""
    value = item.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NotAConnector(f"its {name} is not a string")
    return value


def _texts(value: object, name: str) -> tuple[str, ...]:
    """Return a list of strings; a single string or a set counts as a list."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if not isinstance(value, list | tuple):
        raise NotAConnector(f"its {name} is not a list")
    texts = tuple(text for text in value if isinstance(text, str))
    if len(texts) != len(value):
        raise NotAConnector(f"its {name} has an item that is not a string")
    return texts
