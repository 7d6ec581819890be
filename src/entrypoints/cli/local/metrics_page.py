"""The metrics of the local runtime in Prometheus's text format, since the process started."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    disable_created_metrics,
    generate_latest,
)

from ports.telemetry import MEANINGS, Metric

_PREFIX: Final = "asset_sync_"
_WORD: Final = re.compile(r"(?<!^)(?=[A-Z])")


class MetricsPage:
    """Counts what engine and processor do; thread-safe, as Prometheus's client is."""

    def __init__(self) -> None:
        # The time of creation of each counter would be half of the page.
        disable_created_metrics()  # type: ignore[no-untyped-call] # its stub has no types
        self._registry = CollectorRegistry()
        self._counters = {
            metric: Counter(_PREFIX + snake_case(metric), MEANINGS[metric], registry=self._registry)
            for metric in Metric
        }
        self._requests = Counter(
            _PREFIX + "aws_requests",
            "requests to AWS by engine and processor, retries by the SDK not included",
            ["service", "operation"],
            registry=self._registry,
        )

    def add(self, metric: Metric, value: int) -> None:
        """Add to a metric."""
        self._counters[metric].inc(value)

    def add_request(self, service: str, operation: str, _: Mapping[str, Any]) -> None:
        """Count one request to AWS."""
        self._requests.labels(service, operation).inc()

    def text(self) -> bytes:
        """Return the page."""
        return generate_latest(self._registry)


def snake_case(name: str) -> str:
    """Return a metric's name as Prometheus has it: `ObjectsPut` is `objects_put`."""
    return _WORD.sub("_", name).lower()
