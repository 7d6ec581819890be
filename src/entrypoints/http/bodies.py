"""What requests may carry, in bodies and query strings: strictly typed, bounded, nothing unknown.

The use cases check what is a rule of the domain (overlaps, names of buckets); here is checked what
a value has to be to be handed on at all. Where a field may be left out, null means the same.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from application.connectors import ACCOUNT_ID, CONNECTOR_ID, QUEUE_URL, ROLE_ARN
from domain.bucket_name import BUCKET_NAME_PATTERN
from domain.connector import ConnectorStatus, IdSource, Trigger
from domain.file_types import FileFilter, FilterMode, file_filter_of
from domain.glob import glob_error
from domain.job import Discovery, JobStatus
from domain.limits import OBJECT_KEY_BYTES_MAX
from domain.manifest import parse_timestamp
from domain.outcome import OutcomeKind

PREFIX_COUNT_MAX: Final = 100
PATTERN_COUNT_MAX: Final = 50
PATTERN_CHARS_MAX: Final = 256
EXTENSION_COUNT_MAX: Final = 200
PAGE_ITEM_COUNT_MAX: Final = 100
_PAGE_ITEM_COUNT: Final = 20
_CURSOR_CHARS_MAX: Final = 4096
_ID_CHARS_MAX: Final = 128


def _clean(text: str) -> str:
    """Refuse what neither S3 nor our tables can hold."""
    if "\0" in text:
        raise PydanticCustomError("nul", "holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError(
            "surrogate", "holds half of a surrogate pair; it is not valid Unicode"
        ) from None
    return text


def _meant(pattern: str) -> str:
    fault = glob_error(pattern)
    if fault is not None:
        raise PydanticCustomError("glob", "{fault}", {"fault": fault})
    return pattern


def _short_key(text: str) -> str:
    if len(text.encode()) > OBJECT_KEY_BYTES_MAX:
        raise PydanticCustomError(
            "bytes", "is longer than {limit} bytes of UTF-8", {"limit": OBJECT_KEY_BYTES_MAX}
        )
    return text


def _instant(value: Any) -> datetime:
    try:
        if isinstance(value, str):
            return parse_timestamp(value)
    except ValueError:
        pass
    raise PydanticCustomError(
        "instant", "has to be an instant in ISO 8601 with an offset, like 2026-01-31T12:00:00Z"
    )


def _digits(value: Any) -> int:
    if not re.fullmatch("[0-9]{1,9}", str(value), re.ASCII):
        raise PydanticCustomError("digits", "has to be a whole number")
    return int(value)


def _whole(expression: re.Pattern[str]) -> str:
    return f"^{expression.pattern}$"


_SHORT: Final = Field(min_length=1, max_length=_ID_CHARS_MAX)
_PATTERN: Final = Field(min_length=1, max_length=PATTERN_CHARS_MAX)
_CURSOR: Final = Field(min_length=1, max_length=_CURSOR_CHARS_MAX)


def _described(pattern: str, **bounds: int) -> WithJsonSchema:
    """Describe a text whose rule is the domain's, or one that is not pydantic's."""
    return WithJsonSchema({"type": "string", **bounds, "pattern": pattern})


_NO_NUL: Final = r"^[^\u0000]*$"
# That every bracket of a set is closed, and every backslash followed, is beyond an expression.
_GLOB: Final = r"^(?!!)(?=[^\u0000]*$)(?=.*[^/])"
_KEY_BOUND: Final = {"maxLength": OBJECT_KEY_BYTES_MAX}

Text = Annotated[str, AfterValidator(_clean)]
Word = Annotated[
    str,
    _SHORT,
    AfterValidator(_clean),
    _described(_NO_NUL, minLength=1, maxLength=_ID_CHARS_MAX),
]
BucketName = Annotated[Text, _described(BUCKET_NAME_PATTERN, minLength=3, maxLength=255)]
ConnectorId = Annotated[Text, _described(_whole(CONNECTOR_ID), minLength=1, maxLength=64)]
AccountId = Annotated[Text, _described(_whole(ACCOUNT_ID))]
RoleArn = Annotated[Text, _described(_whole(ROLE_ARN), minLength=20, maxLength=620)]
QueueUrl = Annotated[Text, _described(_whole(QUEUE_URL))]
KeyText = Annotated[str, AfterValidator(_clean), AfterValidator(_short_key)]
Prefix = Annotated[KeyText, _described(_NO_NUL, minLength=1, **_KEY_BOUND)]
WholeKey = Annotated[
    str,
    Field(min_length=1),
    AfterValidator(_clean),
    AfterValidator(_short_key),
    _described(_NO_NUL, minLength=1, **_KEY_BOUND),
]
Pattern = Annotated[
    str,
    _PATTERN,
    AfterValidator(_clean),
    _described(_NO_NUL, minLength=1, maxLength=PATTERN_CHARS_MAX),
]
KeyGlob = Annotated[
    Pattern,
    AfterValidator(_meant),
    _described(_GLOB, minLength=1, maxLength=PATTERN_CHARS_MAX),
]
Cursor = Annotated[
    str,
    _CURSOR,
    AfterValidator(_clean),
    _described(r"^[A-Za-z0-9_\-]+={0,2}$", minLength=1, maxLength=_CURSOR_CHARS_MAX),
]
Patterns = Annotated[list[KeyGlob], Field(max_length=PATTERN_COUNT_MAX)]
Extensions = Annotated[list[Pattern], Field(max_length=EXTENSION_COUNT_MAX)]
MimeTypes = Annotated[list[Pattern], Field(max_length=EXTENSION_COUNT_MAX)]
Prefixes = Annotated[list[Prefix], Field(max_length=PREFIX_COUNT_MAX)]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
# Strictness would want a member of the enum itself; what arrives is its value.
_BY_VALUE: Final = Field(strict=False)


class Wire(BaseModel):
    """Names are camelCase on the wire."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )


class SyncBody(Wire):
    """What to sync, and how. Everything may be left out: then all of the connector is synced."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "required": ["prefix", "prefixes"],
                "properties": {"prefix": {"type": "string"}, "prefixes": {"type": "array"}},
            }
        }
    )

    prefix: Prefix | None = Field(
        None, description="Only objects under this prefix; not together with `prefixes`."
    )
    prefixes: Annotated[Prefixes, Field(min_length=1)] | None = Field(
        None, description="Only objects under one of these prefixes, which must not overlap."
    )
    dry_run: bool = Field(False, description="Find out what would be done, and do nothing.")
    discovery: Annotated[Discovery, _BY_VALUE] | None = Field(
        None, description="Who finds out what each object needs; the deployment sets the default."
    )
    modified_since: Instant | None = Field(
        None,
        description="Only objects modified at this instant or later, or up to a day earlier: S3"
        " dates an upload in parts at its beginning.",
    )
    include: Patterns | None = Field(None, description="Only keys that match one of these globs.")
    exclude: Patterns | None = Field(
        None, description="No keys that match one of these globs; wins over `include`."
    )
    retrigger: bool = Field(
        False,
        description="Trigger unknown objects even if they were triggered before and are waited for,"
        " or were not taken.",
    )

    @model_validator(mode="after")
    def _one_way_to_name_prefixes(self) -> SyncBody:
        if self.prefix is not None and self.prefixes is not None:
            raise PydanticCustomError("either", "give prefix or prefixes, not both")
        return self


class FileFilterBody(Wire):
    """Which files the system takes of this bucket, beside or instead of its own types."""

    mode: Annotated[FilterMode, _BY_VALUE] = Field(
        FilterMode.ALLOW, description="Whether only these files are taken, or all but these."
    )
    extensions: Extensions | None = Field(
        None, description="Extensions without a dot, such as mov; case does not matter."
    )
    mime_types: MimeTypes | None = Field(
        None, description="Content types, such as video/mp4 or image/*; case does not matter."
    )

    def to_filter(self) -> FileFilter | None:
        """Return the filter, None if it names nothing, which leaves everything as it is."""
        return file_filter_of(
            self.mode, extensions=self.extensions or (), mime_types=self.mime_types or ()
        )


class ConnectorBody(Wire):
    """A bucket to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["trigger"], "properties": {"trigger": {"const": "queue"}}},
            "then": {
                "required": ["ingestQueueUrl"],
                "properties": {"ingestQueueUrl": {"type": "string"}},
            },
        }
    )

    bucket_name: BucketName = Field(description="The bucket, of general purpose.")
    connector_id: ConnectorId | None = Field(
        None, description="The connector's id; one is made if it is left out."
    )
    prefixes: Prefixes | None = Field(
        None, description="What of the bucket may be synced; all of it if this is left out."
    )
    status: Annotated[ConnectorStatus, _BY_VALUE] = Field(
        ConnectorStatus.ENABLED, description="Whether syncs may start."
    )
    trigger: Annotated[Trigger, _BY_VALUE] = Field(
        Trigger.COPY, description="How an object's ingestion is triggered."
    )
    ids: Annotated[IdSource, _BY_VALUE] = Field(
        IdSource.MINTED,
        description="Whether this service makes the ids of unknown objects, or the system does.",
    )
    restore_tags: bool = Field(
        True,
        description="Whether an object that the system knows by its path gets its id tags back.",
    )
    ingest_queue_url: QueueUrl | None = Field(
        None, description="URL of the system's ingest queue; the trigger `queue` sends to it."
    )
    file_filter: FileFilterBody | None = Field(
        None, description="The file filter that the system has for this bucket."
    )
    expected_bucket_owner: AccountId | None = Field(
        None, description="The 12-digit id of the account that has to own the bucket."
    )
    role_arn: RoleArn | None = Field(
        None, description="The role in which the bucket is reached; the service's own without one."
    )


class NoQuery(Wire):
    """A request without parameters."""


class PageQuery(Wire):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=PAGE_ITEM_COUNT_MAX), BeforeValidator(_digits)] = Field(
        _PAGE_ITEM_COUNT, description="How many items at most."
    )
    cursor: Cursor | None = Field(
        None, description="`nextCursor` of the page before; left out for the first."
    )


class JobsQuery(PageQuery):
    """Which jobs. With `status` a page may be short, or empty, and not the last."""

    connector_id: Word | None = Field(None, description="Only jobs of this connector.")
    status: Annotated[JobStatus, _BY_VALUE] | None = Field(
        None, description="Only jobs in this status."
    )


class OutcomesQuery(PageQuery):
    """Which objects. A page may be short, or empty, and not the last."""

    outcome: Annotated[OutcomeKind, _BY_VALUE] = Field(
        description="Only objects that ended like this."
    )


class ObjectQuery(Wire):
    """Which object."""

    key: WholeKey = Field(description="The object's key, URL-encoded.")
    cursor: Cursor | None = Field(
        None, description="`nextCursor` of the answer before; left out for the first request."
    )
