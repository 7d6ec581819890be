"""Whether a trail and a bucket deliver the events that the service needs, for doctor and preflight.

Pure: it interprets responses of AWS, and sends no requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

# S3 User Guide, "Examples: Tracking an S3 Batch Operations job in Amazon EventBridge through AWS
# CloudTrail" (checked 2026-11): the event at the end of a batch job, by the fields of a selector.
_BATCH_JOB_EVENT: Final[Mapping[str, str]] = {
    "eventCategory": "Management",
    "eventName": "JobStatusChanged",
    "eventSource": "s3.amazonaws.com",
    "eventType": "AwsServiceEvent",
    "readOnly": "false",
}
# CloudTrail API Reference, "AdvancedFieldSelector" (checked 2026-11).
_OPERATORS: Final[Mapping[str, Any]] = {
    "Equals": lambda value, wanted: value in wanted,
    "StartsWith": lambda value, wanted: value.startswith(tuple(wanted)),
    "EndsWith": lambda value, wanted: value.endswith(tuple(wanted)),
    "NotEquals": lambda value, wanted: value not in wanted,
    "NotStartsWith": lambda value, wanted: not value.startswith(tuple(wanted)),
    "NotEndsWith": lambda value, wanted: not value.endswith(tuple(wanted)),
}
# S3 User Guide, "Supported event types for SQS, SNS, and Lambda" (checked 2026-11): of an object
# that is copied onto itself.
_COPY_EVENTS: Final = {"s3:ObjectCreated:*", "s3:ObjectCreated:Copy"}
_RECEIVERS: Final = (
    "QueueConfigurations",
    "TopicConfigurations",
    "LambdaFunctionConfigurations",
)


def records_batch_jobs(selectors: Mapping[str, Any]) -> bool:
    """Return whether a trail with these selectors records that a batch job ended.

    `selectors` is the response of GetEventSelectors. A trail without selectors records all
    management events (CloudTrail API Reference, "PutEventSelectors").
    """
    basic = selectors.get("EventSelectors") or []
    advanced = selectors.get("AdvancedEventSelectors") or []
    if not basic and not advanced:
        return True
    return any(
        each.get("IncludeManagementEvents", True)
        and each.get("ReadWriteType", "All") in ("All", "WriteOnly")
        for each in basic
    ) or any(_matches(each["FieldSelectors"]) for each in advanced)


def _matches(fields: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the event is selected; a selector of a missing field never matches."""
    return all(
        field["Field"] in _BATCH_JOB_EVENT
        and all(
            _OPERATORS[name](_BATCH_JOB_EVENT[field["Field"]], wanted)
            for name, wanted in field.items()
            if name != "Field" and wanted
        )
        for field in fields
    )


def notifies_of_copies(notifications: Mapping[str, Any]) -> bool:
    """Return whether a bucket sends an event for an object that is copied onto itself.

    `notifications` is the response of GetBucketNotificationConfiguration.
    """
    return "EventBridgeConfiguration" in notifications or any(
        _COPY_EVENTS & set(each["Events"])
        for receiver in _RECEIVERS
        for each in notifications.get(receiver, [])
    )
