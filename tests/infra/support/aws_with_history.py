"""AWS as the checks of a deployed stage see it: moto, and features that moto lacks.

These are metrics, event source mappings that do not poll, batch jobs, simulated policies, and
whether EventBridge is enabled for a bucket. The responses have the form of AWS's API.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3

from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.terminal.api_problem import ApiProblem

REGION = "eu-west-1"
ACCOUNT = "123456789012"


class Also:
    """A client with some operations replaced, which moto lacks."""

    def __init__(self, client: Any, **operations: Callable[..., Any]) -> None:
        self._client = client
        self._operations = operations

    def __getattr__(self, name: str) -> Any:
        return self._operations.get(name) or getattr(self._client, name)


@dataclass
class Seen:
    """The history of the stage, as AWS returns it."""

    sums: dict[str, int] = field(
        default_factory=lambda: {
            "asset-sync-dev-engine Invocations": 6,
            "asset-sync-dev-processor Invocations": 40,
            "asset-sync-dev-discovery Invocations": 400,
            "batch TriggeredRules": 1,
            "alarms NumberOfNotificationsDelivered": 1,
        }
    )
    batch_jobs: list[Any] = field(
        default_factory=lambda: [
            {
                "JobId": "1",
                "Description": "asset-sync job-1",
                "Status": "Complete",
                "CreationTime": datetime(2026, 11, 25, tzinfo=UTC),
                "ProgressSummary": {"NumberOfTasksSucceeded": 40, "NumberOfTasksFailed": 0},
            },
            {
                "JobId": "2",
                "Description": "of another service",
                "Status": "Failed",
                "CreationTime": datetime(2026, 11, 26, tzinfo=UTC),
            },
        ]
    )
    mapping_state: str = "Enabled"
    decision: str = "allowed"
    notifications: Any = field(default_factory=lambda: {"EventBridgeConfiguration": {}})
    connectors: list[Any] = field(
        default_factory=lambda: [
            {"connectorId": "media", "bucketName": "media-a", "trigger": "copy", "roleArn": None},
            {"connectorId": "far", "bucketName": "far", "trigger": "copy", "roleArn": "arn:x"},
        ]
    )
    api_problem: str = ""
    strangers_problem: str = "HTTP 403"


class AwsWithHistory:
    """Moto with metrics, mappings that do not poll, and batch jobs."""

    def __init__(self, session: boto3.Session, seen: Seen) -> None:
        self._session = session
        self.seen = seen
        self.region_name = session.region_name
        self.get_credentials = session.get_credentials

    def client(self, name: str, **options: Any) -> Any:
        client = self._session.client(name, **options)
        more: dict[str, dict[str, Callable[..., Any]]] = {
            "lambda": {"list_event_source_mappings": self._mappings},
            "cloudwatch": {"get_metric_statistics": self._statistics},
            "iam": {"simulate_principal_policy": self._simulate},
            "s3control": {"get_paginator": self._batch_jobs},
            "s3": {"get_bucket_notification_configuration": lambda **_: self.seen.notifications},
        }
        return Also(client, **more.get(name, {}))

    def _mappings(self, **_: str) -> Any:
        queues = ("Processor", "DeadLetter")
        return {
            "EventSourceMappings": [
                {
                    "UUID": name,
                    "EventSourceArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
                    "State": self.seen.mapping_state,
                }
                for name in queues
            ]
        }

    def _statistics(self, **asked: Any) -> Any:
        (dimension,) = asked["Dimensions"]
        assert asked["EndTime"] > asked["StartTime"]
        assert asked["Period"] % 60 == 0
        assert asked["Period"] <= 86_400
        count = self.seen.sums.get(f"{dimension['Value']} {asked['MetricName']}")
        return {"Datapoints": [] if count is None else [{"Sum": float(count)}]}

    def _simulate(self, **asked: Any) -> Any:
        return {
            "EvaluationResults": [
                {"EvalActionName": name, "EvalDecision": self.seen.decision}
                for name in asked["ActionNames"]
            ]
        }

    def _batch_jobs(self, operation: str) -> Any:
        assert operation == "list_jobs"

        class Pages:
            def paginate(_, **asked: Any) -> Any:  # noqa: N805 - self is the session's
                assert asked == {"AccountId": ACCOUNT, "JobStatuses": ["Complete", "Failed"]}
                return [{"Jobs": self.seen.batch_jobs}]

        return Pages()


class Answers(ApiClient):
    """An API that returns a result, or a problem."""

    def __init__(self, connectors: list[Any], problem: str) -> None:
        super().__init__("https://x.example.com")
        self._connectors = connectors
        self._refusal = problem
        self.schedules: dict[str, Any] = {}
        """Of connectors, by their paths."""
        self.unreadable: list[Any] = []

    def get(self, path: str, query: Any = None) -> Any:
        if self._refusal:
            raise ApiProblem(self._refusal)
        if path != "/connectors":
            if path not in self.schedules:
                raise ApiProblem("HTTP 404")
            return self.schedules[path]
        return {"items": self._connectors, "unreadable": self.unreadable}
