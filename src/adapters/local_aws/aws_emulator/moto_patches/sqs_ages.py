"""The metric of the oldest message of a queue, which moto does not report.

SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS": it is reported while the queue
has messages. Here it is of the time of the request, and counts every message that was not deleted.
"""

import time
from typing import Any

from moto.cloudwatch.models import MetricDatum
from moto.core.common_models import CloudWatchMetricProvider
from moto.core.utils import utcnow
from moto.sqs.models import sqs_backends

from domain.limits import AGE_METRIC


def apply() -> None:
    """Report it. Moto finds subclasses of its class, and asks them when metrics are requested."""

    class _QueueAges(CloudWatchMetricProvider):
        @staticmethod
        def get_cloudwatch_metrics(account_id: str, region: str) -> Any:
            queues: Any = sqs_backends[account_id][region].queues
            kept = ((name, queue._messages) for name, queue in queues.items())  # noqa: SLF001
            return [_age(name, messages) for name, messages in kept if messages]

    _applied.append(_QueueAges)


# Moto has weak references only.
_applied: list[type[CloudWatchMetricProvider]] = []


def _age(name: str, messages: list[Any]) -> MetricDatum:
    sent_ms = min(message.sent_timestamp for message in messages)
    return MetricDatum(
        namespace="AWS/SQS",
        name=AGE_METRIC,
        value=max(0.0, time.time() - sent_ms / 1_000),
        dimensions=[{"Name": "QueueName", "Value": name}],
        timestamp=utcnow(),
        unit="Seconds",
    )
