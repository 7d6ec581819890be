"""The age of the oldest message of an SQS queue, by the metric that SQS sends to CloudWatch.

SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS" (read in 2026-11): it is reported
while the queue has messages and is active, and leaves out messages of a standard queue that were
received three times or more. CloudWatch API Reference, "GetMetricData": each result has a status of
its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.aws.errors import map_aws_errors
from domain.limits import AGE_METRIC, AGE_METRIC_LAG_S
from ports.errors import AccessDenied, CorruptData, PortError, Unavailable

OPERATION: Final = "GetMetricData"

_ID: Final = "age"
_PERIOD_S: Final = 60
# The permission has no resource (Service Authorization Reference, "Actions, resources, and
# condition keys for Amazon CloudWatch").
_RESOURCE: Final = "*"
_FAILED: Final[Mapping[str, type[PortError]]] = {
    "Forbidden": AccessDenied,
    "InternalError": Unavailable,
}


async def oldest_age_s(client: Any, queue_url: str, now: datetime) -> int | None:
    """Return the age that was reported last, None if there is none of the last minutes.

    Raises:
        PortError: The metric cannot be read.
    """
    with map_aws_errors("cloudwatch", operation=OPERATION, resource=_RESOURCE):
        response = await client.get_metric_data(
            MetricDataQueries=[{"Id": _ID, "MetricStat": _statistic(queue_url)}],
            StartTime=now - timedelta(seconds=AGE_METRIC_LAG_S),
            # The present period counts as well.
            EndTime=now + timedelta(seconds=_PERIOD_S),
            ScanBy="TimestampDescending",
        )
        found = [each for each in response["MetricDataResults"] if each["Id"] == _ID]
        if len(found) != 1:
            raise _corrupt(queue_url, f"{len(found)} results")
        failed = _FAILED.get(found[0].get("StatusCode", ""))
        if failed is not None:
            raise failed(
                f"cloudwatch {OPERATION} of {queue_url}: {found[0]['StatusCode']}; grant"
                f" cloudwatch:{OPERATION} on {_RESOURCE}, or try again",
                operation=OPERATION,
                resource=_RESOURCE,
                vendor_code=found[0]["StatusCode"],
            )
        values = found[0].get("Values", [])
        if not values:
            return None
        if not (math.isfinite(values[0]) and values[0] >= 0):
            raise _corrupt(queue_url, f"an age of {values[0]} s")
        return int(values[0])


def _statistic(queue_url: str) -> dict[str, Any]:
    dimension = {"Name": "QueueName", "Value": queue_url.rsplit("/", 1)[-1]}
    return {
        "Metric": {"Namespace": "AWS/SQS", "MetricName": AGE_METRIC, "Dimensions": [dimension]},
        "Period": _PERIOD_S,
        "Stat": "Maximum",
    }


def _corrupt(queue_url: str, cause: str) -> CorruptData:
    return CorruptData(
        f"cloudwatch {OPERATION} of {queue_url}: {cause}", operation=OPERATION, resource=_RESOURCE
    )
