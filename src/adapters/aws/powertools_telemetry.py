"""Logs as JSON and metrics in CloudWatch's embedded format, both on standard output.

Dimensions of metrics are few and fixed: a job id as a dimension would create, and bill, a metric
for every job. Ids belong in the log.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from ports.telemetry import Metric, Telemetry

SERVICE: Final = "asset-sync"
METRIC_NAMESPACE: Final = "AssetSync"
"""The default for Powertools' own variable, POWERTOOLS_METRICS_NAMESPACE."""


def to_ascii_json(record: Any) -> str:
    """Return a log record on one line that any stream can encode and that is safe on a terminal.

    Fields may hold text from elsewhere, such as keys of objects, with control characters and halves
    of surrogate pairs.
    """
    return json.dumps(record, default=str, separators=(",", ":"))


class PowertoolsTelemetry:
    """Logs immediately; counts are buffered until the invocation ends.

    `on_count` gets every count at once; the local runtime shows them.
    """

    def __init__(
        self, logger: Logger | None = None, *, on_count: Callable[[Metric, int], None] | None = None
    ) -> None:
        self._on_count = on_count
        self._logger = logger or Logger(service=SERVICE, json_serializer=to_ascii_json)
        self._metrics = EphemeralMetrics(
            namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", METRIC_NAMESPACE),
            service=SERVICE,
        )

    def event(self, name: str, **facts: str | int | float | bool | None) -> None:
        # In a field of their own: a field called `name` or `message` must not break the log record.
        self._logger.info(name, extra={"facts": facts}, stacklevel=3)

    def warning(self, name: str, **facts: str | int | float | bool | None) -> None:
        self._logger.warning(name, extra={"facts": facts}, stacklevel=3)

    def count(self, metric: Metric, value: int = 1) -> None:
        self._metrics.add_metric(name=metric, unit=MetricUnit.Count, value=value)
        if self._on_count is not None:
            self._on_count(metric, value)

    @contextmanager
    def invocation(self, request_id: str) -> Iterator[None]:
        # For this task and its subtasks: in the local runtime, other threads share the logger.
        self._logger.thread_safe_append_keys(function_request_id=request_id)
        try:
            yield
        finally:
            self._logger.thread_safe_remove_keys(["function_request_id"])
            if self._metrics.metric_set:
                self._metrics.flush_metrics()


_: type[Telemetry] = PowertoolsTelemetry
