"""A connector as an item of the connector table; the names are those of the API."""

from __future__ import annotations

from typing import Final

from adapters.aws.attributes import (
    Item,
    Value,
    reading,
    to_attribute,
    to_item,
    to_optional_timestamp,
    to_timestamp,
    to_values,
)
from adapters.aws.bucket_item import bucket_values, to_bucket
from adapters.aws.dynamo_writes import Request, update
from adapters.aws.filters_item import filters_values, to_filters
from adapters.aws.ingest_item import ingest_values, to_ingest
from adapters.aws.limits_item import limits_values, to_limits
from adapters.aws.queue_limit_item import queue_limit_values, to_queue_limit
from adapters.aws.removals_item import (
    baseline_values,
    settings_values,
    stored_baseline,
    to_baseline,
    to_settings,
)
from adapters.aws.schedule_item import schedule_values, to_schedule
from domain.connector import Connector, ConnectorStatus, Verify
from domain.removal_settings import NO_BASELINE, Baseline

# An item that was written before connectors could be edited has no version.
_FIRST_VERSION: Final = 1


def connector_key(connector_id: str) -> Item:
    """Return the key of the connector's item."""
    return to_item({"connectorId": connector_id})


def new_connector_item(connector: Connector) -> Item:
    """Return the whole item of a connector for its first write."""
    return connector_key(connector.connector_id) | to_item(
        {
            **_settings(connector),
            "queueEmptyAt": connector.queue_empty_at,
            "baseline": stored_baseline(connector.baseline),
            "createdAt": connector.created_at,
            "version": connector.version,
        }
    )


def to_connector(item: Item) -> Connector:
    """Return the connector of an item.

    Raises:
        CorruptData: The item is not valid.
    """
    with reading(f"connector {item.get('connectorId')}"):
        values = to_values(item)
        return Connector(
            connector_id=values["connectorId"],
            bucket=to_bucket(values),
            prefixes=tuple(values["prefixes"]),
            status=ConnectorStatus(values["status"]),
            ingest=to_ingest(values),
            verify=Verify(values.get("verify", Verify.TAGS)),
            filters=to_filters(values.get("filters")),
            schedule=to_schedule(values.get("schedule")),
            removals=to_settings(values.get("removals")),
            limits=to_limits(values.get("limits")),
            queue_limit=to_queue_limit(values),
            queue_empty_at=to_optional_timestamp(values.get("queueEmptyAt")),
            baseline=to_baseline(values.get("baseline")),
            created_at=to_timestamp(values["createdAt"]),
            version=values.get("version", _FIRST_VERSION),
        )


def save_connector(table_name: str, connector: Connector, *, other_queue: bool) -> Request:
    """Return the Update of the settings over the connector's version.

    With `other_queue` the time at which its queue was empty is removed, else it stays.
    """
    values = _settings(connector) | ({"queueEmptyAt": None} if other_queue else {})
    key = connector_key(connector.connector_id)
    written = update(table_name, key, values, version=connector.version, add={})
    condition = _condition(connector)
    return {
        **written,
        "ConditionExpression": condition["ConditionExpression"],
        "ExpressionAttributeNames": {
            **written["ExpressionAttributeNames"],
            **condition["ExpressionAttributeNames"],
        },
        "ExpressionAttributeValues": {
            **written["ExpressionAttributeValues"],
            **condition["ExpressionAttributeValues"],
        },
    }


def over_baseline(table_name: str, connector: Connector, baseline: Baseline) -> Request:
    """Return the Update of the baseline over the one that the connector was read with."""
    absent = "attribute_not_exists(#baseline) OR " if connector.baseline == NO_BASELINE else ""
    return {
        "TableName": table_name,
        "Key": connector_key(connector.connector_id),
        "UpdateExpression": "SET #baseline = :baseline",
        "ConditionExpression": f"#createdAt = :createdAt AND ({absent}#baseline = :read)",
        "ExpressionAttributeNames": {"#createdAt": "createdAt", "#baseline": "baseline"},
        "ExpressionAttributeValues": {
            ":createdAt": to_attribute(connector.created_at),
            ":baseline": to_attribute(baseline_values(baseline)),
            ":read": to_attribute(baseline_values(connector.baseline)),
        },
    }


def at_version(table_name: str, connector: Connector) -> Request:
    """Return a Delete, or a ConditionCheck, of the connector at the version that was read."""
    key = connector_key(connector.connector_id)
    return {"TableName": table_name, "Key": key, **_condition(connector)}


def also_at_version(request: Request, connector: Connector) -> Request:
    """Return an Update of the connector's item under the condition of `at_version` as well.

    It has no names of its own for `version` and `read`.
    """
    condition = _condition(connector)
    both = f"({request['ConditionExpression']}) AND ({condition['ConditionExpression']})"
    merged = {
        each: {**request[each], **condition[each]}
        for each in ("ExpressionAttributeNames", "ExpressionAttributeValues")
    }
    return {**request, **merged, "ConditionExpression": both}


def _condition(connector: Connector) -> Request:
    first = " OR attribute_not_exists(#version)" if connector.version == _FIRST_VERSION else ""
    return {
        "ConditionExpression": f"#createdAt = :createdAt AND (#version = :read{first})",
        "ExpressionAttributeNames": {"#createdAt": "createdAt", "#version": "version"},
        "ExpressionAttributeValues": {
            ":createdAt": to_attribute(connector.created_at),
            ":read": to_attribute(connector.version),
        },
    }


def _settings(connector: Connector) -> dict[str, Value | None]:
    """Return what an edit writes; None for attributes to remove."""
    return {
        **bucket_values(connector.bucket),
        "prefixes": connector.prefixes,
        "status": connector.status,
        **ingest_values(connector.ingest),
        "verify": connector.verify,
        "filters": filters_values(connector.filters),
        "schedule": schedule_values(connector.schedule),
        "removals": settings_values(connector.removals),
        "limits": limits_values(connector.limits),
        **queue_limit_values(connector.queue_limit),
    }
