"""Logs as JSON and metrics in CloudWatch's embedded format, both on standard output.

Dimensions of metrics are few and fixed: a job id as a dimension would create, and bill, a metric
for every job. Ids belong in the log.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from ports.telemetry import Metric, Span, Telemetry

SERVICE: Final = "asset-sync"
METRIC_NAMESPACE: Final = "AssetSync"
"""The default for Powertools' own variable, POWERTOOLS_METRICS_NAMESPACE."""


def to_ascii_json(record: Any) -> str:
    """Return a log record on one line that any stream can encode and that is safe on a terminal.

    Fields may hold text from elsewhere, such as keys of objects, with control characters and halves
    of surrogate pairs.
    """
    return json.dumps(record, default=str, separators=(",", ":"))


class _Untraced:
    def facts(self, **facts: str | int | float | bool | None) -> None:
        pass


_UNTRACED: Final = _Untraced()


class PowertoolsTelemetry:
    """Logs immediately; counts are buffered until the invocation ends.

    `on_count` gets every count at once; the local runtime shows them. `frames_between` is the
    number of calls between those who log and this class: a record has their location.
    """

    def __init__(
        self,
        logger: Logger | None = None,
        *,
        on_count: Callable[[Metric, int], None] | None = None,
        frames_between: int = 0,
    ) -> None:
        self._on_count = on_count
        self._stack_level = 3 + frames_between
        self._logger = logger or Logger(service=SERVICE, json_serializer=to_ascii_json)
        self._metrics = EphemeralMetrics(
            namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", METRIC_NAMESPACE),
            service=SERVICE,
        )

    def event(self, name: str, **facts: str | int | float | bool | None) -> None:
        # In a field of their own: a field called `name` or `message` must not break the log record.
        self._logger.info(name, extra={"facts": facts}, stacklevel=self._stack_level)

    def warning(self, name: str, **facts: str | int | float | bool | None) -> None:
        self._logger.warning(name, extra={"facts": facts}, stacklevel=self._stack_level)

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

    @contextmanager
    def span(
        self,
        name: str,
        *,
        job_id: str | None = None,
        parent: str | None = None,
        **facts: str | int | float | bool | None,
    ) -> Iterator[Span]:
        """Do nothing: traces are those of `adapters.otel`."""
        yield _UNTRACED

    def job_span(
        self,
        job_id: str,
        *,
        began_at: datetime,
        ended_at: datetime,
        **facts: str | int | float | bool | None,
    ) -> None:
        """Do nothing, as `span`."""


_: type[Telemetry] = PowertoolsTelemetry
