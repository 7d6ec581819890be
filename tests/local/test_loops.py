"""No event of a customer's bucket starts a function of this service; and filters for others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from adapters.aws import resources
from adapters.aws.resources import INGEST_RULE, RuleSpec
from adapters.local_aws.event_bridge.event_patterns import matches
from adapters.local_aws.event_bridge.rules import DefaultEventBus
from domain.errors import InvalidMessage
from domain.limits import COPY_OBJECT_BYTES_MAX
from entrypoints.engine_events import parse_engine_event
from entrypoints.processor_events import parse_processor_event

Json = dict[str, Any]
RULES = [value for value in vars(resources).values() if isinstance(value, RuleSpec)]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "object-safety.md"


def s3_event(detail_type: str, *, size: int = 5, reason: str | None = None) -> Json:
    """S3 User Guide, "EventBridge event message structure" (checked 2026-11)."""
    event: Json = {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": detail_type,
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-11-23T00:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::media"],
        "detail": {
            "version": "0",
            "bucket": {"name": "media"},
            "object": {
                "key": "a.jpg",
                "size": size,
                "etag": "b1946ac92492d2347c6235b4d2611184",
                "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
                "sequencer": "617f08299329d189",
            },
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "111122223333",
            "source-ip-address": "192.0.2.3",
        },
    }
    if reason is not None:
        event["detail"]["reason"] = reason
    return event


def trail_event(name: str) -> Json:
    """The same by CloudTrail, if an account logs data events: similar to the matched events."""
    return {
        "version": "0",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3",
        "resources": [],
        "detail": {
            "eventSource": "s3.amazonaws.com",
            "eventName": name,
            "requestParameters": {"bucketName": "media", "key": "a.jpg"},
        },
    }


EVENTS = [
    *(
        s3_event("Object Created", reason=reason)
        for reason in ("PutObject", "POST Object", "CopyObject", "CompleteMultipartUpload")
    ),
    s3_event("Object Tags Added"),
    s3_event("Object Tags Deleted"),
    *(
        trail_event(name)
        for name in ("PutObject", "CopyObject", "CompleteMultipartUpload", "PutObjectTagging")
    ),
]


def _name(event: Json) -> str:
    detail = event["detail"]
    return f"{event['detail-type']} {detail.get('reason') or detail.get('eventName') or ''}".strip()


@pytest.mark.parametrize("event", EVENTS, ids=_name)
async def test_no_event_of_an_object_starts_a_function(event: Json) -> None:
    assert [rule.name for rule in RULES if matches(rule.pattern, event)] == []

    submitted: list[str] = []

    def submit(function: str, _: bytes) -> str:
        submitted.append(function)
        return "id"

    await DefaultEventBus(tuple(RULES), submit).publish(event)
    assert submitted == []


@pytest.mark.parametrize("event", EVENTS, ids=_name)
@pytest.mark.parametrize("parse", [parse_engine_event, parse_processor_event])
def test_a_function_refuses_such_an_event(parse: Any, event: Json) -> None:
    with pytest.raises(InvalidMessage, match="unknown event for"):
        parse(event)


def test_the_ingest_event_starts_no_function() -> None:
    ingest = {"source": "asset-sync", "detail-type": "AssetSyncObjectReady", "detail": {}}
    heard = [rule for rule in RULES if matches(rule.pattern, ingest)]
    assert heard == [INGEST_RULE]
    assert INGEST_RULE.function is None


# The filter that the documents recommend.


def documented_filters() -> list[Json]:
    """Return the patterns in the section on loops."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Loops\n")[2].partition("\n## ")[0]
    [block] = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    patterns: list[Json] = json.loads(block)
    return patterns


@pytest.mark.parametrize(
    ("reason", "size", "wanted"),
    [
        # This service's.
        ("CopyObject", 1, False),
        ("CopyObject", COPY_OBJECT_BYTES_MAX, False),
        ("CompleteMultipartUpload", COPY_OBJECT_BYTES_MAX + 1, False),
        # The owner's.
        ("PutObject", 1, True),
        ("PutObject", COPY_OBJECT_BYTES_MAX, True),
        ("POST Object", 1, True),
        ("CompleteMultipartUpload", 1, True),
        ("CompleteMultipartUpload", COPY_OBJECT_BYTES_MAX, True),
    ],
)
def test_the_documented_filter_matches_the_owners_uploads_and_not_copies_in_place(
    reason: str, size: int, wanted: bool
) -> None:
    event = s3_event("Object Created", size=size, reason=reason)
    assert any(matches(pattern, event) for pattern in documented_filters()) is wanted
