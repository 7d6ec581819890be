"""Event patterns, the default bus and the schedule."""

import json
from typing import Any

import pytest

from adapters.aws.resources import BATCH_JOB_RULE, INGEST_RULE, SWEEP_SCHEDULE
from adapters.local_aws.event_bridge.event_patterns import UnknownOperator, matches
from adapters.local_aws.event_bridge.rules import DefaultEventBus, Schedule
from adapters.local_aws.lambda_service.invocation import InvocationRejected


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"a": ["x"]}, {"a": "x", "b": 1}, True),
        ({"a": ["x", "y"]}, {"a": "y"}, True),
        ({"a": ["x"]}, {"a": "y"}, False),
        ({"a": ["x"]}, {}, False),
        ({"a": ["x"]}, {"a": ["w", "x"]}, True),
        ({"a": [1]}, {"a": True}, False),
        ({"a": [None]}, {"a": None}, True),
        ({"a": {"b": ["x"]}}, {"a": {"b": "x"}}, True),
        ({"a": {"b": ["x"]}}, {"a": "b"}, False),
        ({"a": [{"prefix": "ab"}]}, {"a": "abc"}, True),
        ({"a": [{"suffix": "bc"}]}, {"a": "abc"}, True),
        ({"a": [{"prefix": "b"}]}, {"a": 1}, False),
        ({"a": [{"equals-ignore-case": "AbC"}]}, {"a": "aBc"}, True),
        ({"a": [{"wildcard": "a*/*.jpg"}]}, {"a": "a1/x.jpg"}, True),
        ({"a": [{"wildcard": "a.c"}]}, {"a": "abc"}, False),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "z"}, True),
        ({"a": [{"anything-but": "x"}]}, {"a": "x"}, False),
        ({"a": [{"anything-but": {"prefix": "x"}}]}, {"a": "xy"}, False),
        ({"a": [{"exists": True}]}, {"a": 0}, True),
        ({"a": [{"exists": False}]}, {}, True),
        ({"a": {"b": [{"exists": False}]}}, {}, True),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}, True),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 6}, False),
    ],
)
def test_patterns(pattern: dict[str, Any], event: dict[str, Any], expected: bool) -> None:
    assert matches(pattern, event) is expected


def test_an_unsupported_operator_is_refused() -> None:
    with pytest.raises(UnknownOperator, match="cidr"):
        matches({"a": [{"cidr": "10.0.0.0/8"}]}, {"a": "10.0.0.1"})


def _job_event(status: str) -> dict[str, Any]:
    return {
        "version": "0",
        "detail-type": "AWS Service Event via CloudTrail",
        "source": "aws.s3",
        "resources": [],
        "detail": {
            "eventSource": "s3.amazonaws.com",
            "eventName": "JobStatusChanged",
            "serviceEventDetails": {"jobId": "j", "status": status, "failureCodes": []},
        },
    }


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("Complete", True),
        ("Failed", True),
        ("Cancelled", True),
        ("Suspended", True),
        ("Active", False),
        ("Completing", False),
    ],
)
async def test_the_default_bus_invokes_the_engine_when_a_batch_job_ends(
    status: str, wanted: bool
) -> None:
    submitted: list[tuple[str, Any]] = []

    def submit(function: str, payload: bytes) -> str:
        submitted.append((function, json.loads(payload)))
        return "id"

    event = _job_event(status)
    await DefaultEventBus((BATCH_JOB_RULE, INGEST_RULE), submit).publish(event)

    assert submitted == ([("asset-sync-engine", event)] if wanted else [])


async def test_a_target_that_is_refused_does_not_reach_the_publisher() -> None:
    def refuse(_function: str, _payload: bytes) -> str:
        raise InvocationRejected("ResourceNotFoundException", 404, "gone")

    bus = DefaultEventBus((BATCH_JOB_RULE,), refuse)
    await bus.publish(_job_event("Complete"))
    assert bus.published_count == 1


async def test_the_schedule_fires_its_constant_input_each_interval(eventually: Any) -> None:
    submitted: list[tuple[str, bytes]] = []

    def submit(function: str, payload: bytes) -> str:
        submitted.append((function, payload))
        return "id"

    schedule = Schedule(SWEEP_SCHEDULE, submit, interval_s=0.02)
    schedule.start()
    await eventually(lambda: len(submitted) >= 3)
    await schedule.stop()
    count = len(submitted)

    assert set(submitted) == {("asset-sync-engine", b'{"action": "sweep"}')}
    schedule.fire()
    assert len(submitted) == count + 1
