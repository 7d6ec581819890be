"""The plan of an import: which connectors of a Media Lake to register, and why not others. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from domain import prefixes as prefix_rules
from domain.connector import IdSource, Trigger
from domain.medialake_connector import (
    EVENTBRIDGE,
    ID_PREFIX,
    MediaLakeConnector,
    NotAConnector,
    is_derived_bucket_name,
    read_connector,
)
from domain.views import Json, filter_view

_COMPARED: Final = (
    "bucketName",
    "prefixes",
    "status",
    "trigger",
    "ids",
    "ingestQueueUrl",
    "fileFilter",
)


class ImportState(StrEnum):
    """The state of a connector of the table in an import."""

    NEW = "new"
    UNCHANGED = "unchanged"
    DIFFERS = "differs"
    LEFT_OUT = "left out"
    INVALID = "invalid"
    CREATED = "created"
    REFUSED = "refused"


# Connectors that could not be imported.
FAILED: Final = frozenset({ImportState.INVALID, ImportState.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """The options of an import.

    Attributes:
        trigger: `copy` or `queue`.
        ids: Who generates the ids of objects that Media Lake does not have.
        region: The Region of the table, None if unknown.
        derived_buckets: Buckets of derived files, specified by name or found in a sample.
        include_derived: Whether to import such buckets.
        results_bucket: The bucket of this service's own files, None if unknown.
    """

    trigger: Trigger = Trigger.COPY
    ids: IdSource = IdSource.MINTED
    region: str | None = None
    derived_buckets: frozenset[str] = frozenset()
    include_derived: bool = False
    results_bucket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field in which a registered connector differs from the table."""

    field: str
    registered: object
    table: object


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedConnector:
    """One item of the table. `body` is the request that registers it, None if there is none."""

    source_id: str
    name: str
    bucket_name: str
    state: ImportState
    connector_id: str | None = None
    reason: str = ""
    body: Json | None = None
    differences: tuple[Difference, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All items of the table, and imported connectors that are no longer in it."""

    items: tuple[PlannedConnector, ...]
    not_in_table: tuple[str, ...] = ()

    @property
    def new(self) -> tuple[PlannedConnector, ...]:
        """The connectors to register."""
        return tuple(item for item in self.items if item.state is ImportState.NEW)


@dataclass(frozen=True, slots=True)
class _ImportContext:
    """What the plan of a connector depends on, in addition to the connector."""

    options: ImportOptions
    registered: Sequence[Json]
    sharing: Counter[str] = field(default_factory=Counter)


def plan_import(
    items: Iterable[Mapping[str, object]], registered: Sequence[Json], options: ImportOptions
) -> Plan:
    """Compare the table with what is registered.

    Args:
        items: The items of the connector table, as plain values.
        registered: All connectors of this service, as in its API.
        options: The options of the import.
    """
    read: list[MediaLakeConnector] = []
    planned: list[PlannedConnector] = []
    for item in items:
        try:
            read.append(read_connector(item))
        except NotAConnector as error:
            planned.append(_invalid(item, str(error)))
    # Personal uploads share one bucket, with one item for each person.
    sharing = Counter(one.bucket_name for one in read if not one.personal)
    context = _ImportContext(options, registered, sharing)
    planned += [_planned(one, context) for one in read]
    ids = {one.connector_id for one in read}
    return Plan(
        items=tuple(sorted(planned, key=lambda one: (one.bucket_name, one.source_id))),
        not_in_table=tuple(
            sorted(
                one["connectorId"]
                for one in registered
                if one["connectorId"].startswith(ID_PREFIX) and one["connectorId"] not in ids
            )
        ),
    )


def _invalid(item: Mapping[str, object], reason: str) -> PlannedConnector:
    return PlannedConnector(
        source_id=str(item.get("id") or ""),
        name=str(item.get("name") or ""),
        bucket_name=str(item.get("storageIdentifier") or ""),
        state=ImportState.INVALID,
        reason=f"not a connector: {reason}",
    )


def _planned(one: MediaLakeConnector, context: _ImportContext) -> PlannedConnector:
    state, reason, body = ImportState.NEW, "", _body(one, context.options)
    differences: tuple[Difference, ...] = ()
    found = next((r for r in context.registered if r["connectorId"] == one.connector_id), None)
    refusal = _refusal(one, context.options)
    if refusal is not None:
        state, reason = refusal
    elif found is not None:
        differences = tuple(_differences(body, found))
        state = ImportState.DIFFERS if differences else ImportState.UNCHANGED
    left_out = refusal is not None
    return PlannedConnector(
        source_id=one.source_id,
        name=one.name,
        bucket_name=one.bucket_name,
        state=state,
        connector_id=one.connector_id,
        reason=reason,
        body=None if left_out else body,
        differences=differences,
        warnings=() if left_out else tuple(_warnings(one, context)),
    )


def _refusal(one: MediaLakeConnector, options: ImportOptions) -> tuple[ImportState, str] | None:
    if one.personal:
        return (
            ImportState.LEFT_OUT,
            "Media Lake's own connector for personal uploads, which it does not list either",
        )
    if one.bucket_name == options.results_bucket:
        return ImportState.LEFT_OUT, "the bucket contains this service's own files"
    if not options.include_derived and _is_derived(one.bucket_name, options):
        return (
            ImportState.LEFT_OUT,
            "the bucket contains files that Media Lake derived (import it with --include-derived)",
        )
    if options.trigger is Trigger.QUEUE and one.queue_url is None:
        return (
            ImportState.INVALID,
            "trigger queue requires the ingest queue, but the item has no queueUrl",
        )
    return None


def _is_derived(bucket_name: str, options: ImportOptions) -> bool:
    return bucket_name in options.derived_buckets or is_derived_bucket_name(bucket_name)


def _warnings(one: MediaLakeConnector, context: _ImportContext) -> Iterator[str]:
    options = context.options
    yield from _integration_warnings(one)
    if one.blank_prefix:
        yield (
            "its list of prefixes contains a blank one, which is ignored here; Media Lake's event"
            " rule uses `/` instead, which matches no other key"
        )
    if context.sharing[one.bucket_name] > 1:
        yield (
            f"{context.sharing[one.bucket_name]} connectors of the table have this bucket; Media"
            " Lake applies the file filter of one of them to all, and two syncs of the same objects"
            " may run at the same time"
        )
    for other in _others_on_the_same_objects(one, context.registered):
        yield (
            f"connector {other} is already registered for the same objects; do not sync both at the"
            " same time"
        )
    if one.region and options.region and one.region != options.region:
        yield (
            f"the bucket is in {one.region}, the table in {options.region}: if this service runs in"
            " another Region than the bucket, only discovery direct works (sync --discovery direct)"
        )
    if one.queue_url is None:
        yield ("the item has no queueUrl, so the backlog of Media Lake's queue cannot be checked")
    if _is_derived(one.bucket_name, options):
        yield "the bucket contains files that Media Lake derived: they would become assets"


def _integration_warnings(one: MediaLakeConnector) -> Iterator[str]:
    if one.integration == EVENTBRIDGE:
        return
    if one.integration == "s3Notifications":
        yield (
            "its integration is s3Notifications, not EventBridge: S3 notifies a standard queue, so"
            " events may arrive twice or out of order, and its ingest runs in parallel"
        )
    else:
        shown = one.integration or "missing"
        yield (
            f"its integrationMethod is {shown}, not eventbridge: check that S3's events reach its"
            " ingest before you sync with trigger copy"
        )


def _others_on_the_same_objects(
    one: MediaLakeConnector, registered: Iterable[Json]
) -> Iterator[str]:
    for other in registered:
        if (
            other["connectorId"] != one.connector_id
            and other["bucketName"] == one.bucket_name
            and prefix_rules.overlap(one.prefixes, other["prefixes"])
        ):
            yield other["connectorId"]


def _body(one: MediaLakeConnector, options: ImportOptions) -> Json:
    body: Json = {
        "connectorId": one.connector_id,
        "bucketName": one.bucket_name,
        "status": one.status.value,
        "trigger": options.trigger.value,
        "ids": options.ids.value,
    }
    if one.prefixes:
        body["prefixes"] = list(one.prefixes)
    if one.queue_url is not None:
        body["ingestQueueUrl"] = one.queue_url
    if one.file_filter is not None:
        body["fileFilter"] = filter_view(one.file_filter)
    return body


def _differences(body: Json, registered: Json) -> Iterator[Difference]:
    for name in _COMPARED:
        here, there = registered.get(name), body.get(name, [] if name == "prefixes" else None)
        if _comparable(here) != _comparable(there):
            yield Difference(field=name, registered=here, table=there)


def _comparable(value: object) -> object:
    """Ignore the order of lists, also of those in a filter."""
    if isinstance(value, list):
        return sorted(value)
    if isinstance(value, dict):
        return {name: _comparable(inner) for name, inner in value.items()}
    return value
