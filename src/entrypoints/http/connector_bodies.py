"""What bodies of requests for connectors may carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from application.connectors import NewConnector
from domain.connector import Connector, ConnectorStatus, IdSource, Ingest, Trigger, Verify
from domain.file_types import FileFilter, FilterMode, file_filter_of
from domain.queue_limit import AGE_MAX_S, AGE_MIN_S, QueueLimit, queue_limit_of
from entrypoints.http.bodies import BY_VALUE
from entrypoints.http.filter_bodies import FiltersBody, filters_of
from entrypoints.http.limit_bodies import LimitsBody
from entrypoints.http.removal_bodies import RemovalsBody
from entrypoints.http.values import (
    WHOLE,
    AccountId,
    BucketName,
    ConnectorId,
    FileTypes,
    Prefixes,
    QueueUrl,
    RoleArn,
)
from entrypoints.http.wire import Wire


class FileFilterBody(Wire):
    """Which files the system takes of this bucket, in addition to or instead of its own types."""

    mode: Annotated[FilterMode, BY_VALUE] = Field(
        FilterMode.ALLOW, description="Whether only these files are taken, or all but these."
    )
    extensions: FileTypes | None = Field(
        None, description="Extensions without a dot, such as mov; case does not matter."
    )
    mime_types: FileTypes | None = Field(
        None, description="Content types, such as video/mp4 or image/*; case does not matter."
    )

    def to_filter(self) -> FileFilter | None:
        """Return the filter, None if it names nothing, which leaves everything as it is."""
        return file_filter_of(
            self.mode, extensions=self.extensions or (), mime_types=self.mime_types or ()
        )


_QUEUE_DEPTH_MAX: Final = 1_000_000_000


class _NamesBody(Wire):
    """What a connector keeps."""

    bucket_name: BucketName = Field(description="The bucket, of general purpose.")
    connector_id: ConnectorId | None = Field(
        None, description="The connector's id; one is made if it is left out."
    )


class _SettingsBody(Wire):
    """What a connector is registered with, and what may be edited later."""

    prefixes: Prefixes | None = Field(
        None, description="What of the bucket may be synced; all of it if this is left out."
    )
    status: Annotated[ConnectorStatus, BY_VALUE] = Field(
        ConnectorStatus.ENABLED, description="Whether syncs may start."
    )
    trigger: Annotated[Trigger, BY_VALUE] = Field(
        Trigger.COPY, description="How an object's ingestion is triggered."
    )
    ids: Annotated[IdSource, BY_VALUE] = Field(
        IdSource.MINTED,
        description="Whether this service makes the ids of unknown objects, or the system does.",
    )
    verify: Annotated[Verify, BY_VALUE] = Field(
        Verify.TAGS,
        description="How known objects are recognised: by their tags, or, where the catalog has an"
        " object as it is listed, without reading them.",
    )
    restore_tags: bool = Field(
        True,
        description="Whether an object that the system knows by its path gets its id tags back.",
    )
    ingest_queue_url: QueueUrl | None = Field(
        None, description="URL of the system's ingest queue; the trigger `queue` sends to it."
    )
    ingest_queue_max_depth: Annotated[int, Field(ge=1, le=_QUEUE_DEPTH_MAX), WHOLE] | None = Field(
        None,
        description="Start no copies while the ingest queue holds more messages than this.",
    )
    ingest_queue_max_age_seconds: int | None = Field(
        None,
        ge=AGE_MIN_S,
        le=AGE_MAX_S,
        description="Start no copies while the oldest message in the ingest queue is older.",
    )
    file_filter: FileFilterBody | None = Field(
        None, description="The file filter that the system has for this bucket."
    )
    filters: FiltersBody | None = Field(
        None, description="Which objects its syncs are about; a sync may narrow them."
    )
    removals: RemovalsBody | None = Field(
        None,
        description="That a sync of all of it reports the objects that are gone since the sync"
        " before; nothing is ever deleted.",
    )
    limits: LimitsBody | None = Field(
        None,
        description="How much of its work is done at once, how fast, and when; also for jobs that"
        " run.",
    )
    expected_bucket_owner: AccountId | None = Field(
        None, description="The 12-digit id of the account that must own the bucket."
    )
    role_arn: RoleArn | None = Field(
        None, description="The role in which the bucket is reached; the service's own without one."
    )

    def settings(self) -> dict[str, Any]:
        """Return the values by their names in `NewConnector`, ingest apart."""
        return {
            "prefixes": tuple(self.prefixes or ()),
            "status": self.status,
            "verify": self.verify,
            "filters": filters_of(self.filters),
            "removals": self.removals.to_removals() if self.removals else None,
            "limits": self.limits.to_limits() if self.limits else None,
            "queue_limit": self._queue_limit(),
            "expected_owner": self.expected_bucket_owner,
            "role_arn": self.role_arn,
        }

    def _queue_limit(self) -> QueueLimit | None:
        return queue_limit_of(
            depth_max=self.ingest_queue_max_depth, age_max_s=self.ingest_queue_max_age_seconds
        )

    def ingest_settings(self) -> dict[str, Any]:
        """Return the values by their names in `Ingest`."""
        return {
            "trigger": self.trigger,
            "ids": self.ids,
            "restore_tags": self.restore_tags,
            "queue_url": self.ingest_queue_url,
            "file_filter": self.file_filter.to_filter() if self.file_filter else None,
        }


class ConnectorBody(_SettingsBody, _NamesBody):  # the fields of the last come first
    """A bucket to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {
                "anyOf": [
                    {"required": ["trigger"], "properties": {"trigger": {"const": "queue"}}},
                    {
                        "required": ["ingestQueueMaxDepth"],
                        "properties": {"ingestQueueMaxDepth": {"type": "integer"}},
                    },
                    {
                        "required": ["ingestQueueMaxAgeSeconds"],
                        "properties": {"ingestQueueMaxAgeSeconds": {"type": "integer"}},
                    },
                ]
            },
            "then": {
                "required": ["ingestQueueUrl"],
                "properties": {"ingestQueueUrl": {"type": "string"}},
            },
        }
    )

    def to_connector(self) -> NewConnector:
        """Return the connector to register."""
        return NewConnector(
            bucket_name=self.bucket_name,
            connector_id=self.connector_id,
            ingest=Ingest(**self.ingest_settings()),
            **self.settings(),
        )


# The names of settings on the wire that are others in `NewConnector` and `Ingest`.
_WIRE_NAMES: Final[Mapping[str, str]] = {
    "expected_owner": "expected_bucket_owner",
    "queue_url": "ingest_queue_url",
}
_OF_BUCKET: Final = frozenset({"expected_owner", "role_arn"})


class ConnectorChangesBody(_SettingsBody):
    """What to change of a connector; what is left out stays as it is.

    Null means what leaving the field out means for a new connector.
    """

    def changed(self, connector: Connector) -> Connector:
        """Return the connector with the fields that the body has."""
        given = self._given(self.settings())
        given["queue_limit"] = self._limit_after(connector.queue_limit or QueueLimit())
        of_bucket = {name: given.pop(name) for name in _OF_BUCKET & given.keys()}
        return replace(
            connector,
            bucket=replace(connector.bucket, **of_bucket),
            ingest=replace(connector.ingest, **self._given(self.ingest_settings())),
            **given,
        )

    def _limit_after(self, before: QueueLimit) -> QueueLimit | None:
        """Return the limit with those of its parts that the body has."""
        given = self.model_fields_set
        return queue_limit_of(
            depth_max=(
                self.ingest_queue_max_depth
                if "ingest_queue_max_depth" in given
                else before.depth_max
            ),
            age_max_s=(
                self.ingest_queue_max_age_seconds
                if "ingest_queue_max_age_seconds" in given
                else before.age_max_s
            ),
        )

    def _given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: value
            for name, value in values.items()
            if _WIRE_NAMES.get(name, name) in self.model_fields_set
        }
