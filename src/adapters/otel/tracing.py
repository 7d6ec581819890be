"""The SDK of OpenTelemetry, set up for this service; one for all apps of a process.

The SDK's own variables hold: OTEL_EXPORTER_OTLP_ENDPOINT and _HEADERS, OTEL_TRACES_SAMPLER,
OTEL_RESOURCE_ATTRIBUTES (OpenTelemetry specification, "Environment Variable Specification").
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from adapters.otel.job_traces import JobIds

SCOPE: Final = "asset-sync"

# An invocation waits so long for a collector that does not answer. The SDK's default is ten.
_EXPORT_S: Final = 2.0
_EXPORT_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")

# OpenTelemetry semantic conventions, "FaaS" and "Cloud"; Lambda sets the variables.
_FROM_LAMBDA: Final = {
    "faas.name": "AWS_LAMBDA_FUNCTION_NAME",
    "faas.version": "AWS_LAMBDA_FUNCTION_VERSION",
    "cloud.region": "AWS_REGION",
}


class Tracing:
    """Makes spans, and exports those that have ended when asked to."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.ids = JobIds()
        self._provider = TracerProvider(
            id_generator=self.ids, resource=_resource(), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer = self._provider.get_tracer(SCOPE)

    def flush(self) -> None:
        """Export all spans that have ended: Lambda may freeze the process next."""
        self._provider.force_flush()

    def close(self) -> None:
        """Export, and stop the exporter's thread."""
        self._provider.shutdown()


class _Shared:
    """The one of this process, by where its spans go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, Tracing] = {}

    def to(self, path: str) -> Tracing:
        with self._lock:
            if path not in self._made:
                self._made[path] = Tracing(_exporter(path))
            return self._made[path]


_SHARED: Final = _Shared()


def tracing_to(path: str) -> Tracing:
    """Return what sends spans to a collector, or, with a path, writes them to a file.

    The file has one JSON document per line, in the SDK's own form.
    """
    return _SHARED.to(path)


def _exporter(path: str) -> SpanExporter:
    if path:
        # It is open as long as the process lives.
        file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115
        return ConsoleSpanExporter(out=file, formatter=_line)
    chosen = any(os.environ.get(name) for name in _EXPORT_VARIABLES)
    return OTLPSpanExporter() if chosen else OTLPSpanExporter(timeout=_EXPORT_S)


def _line(span: ReadableSpan) -> str:
    return str(span.to_json(indent=None)) + "\n"


def _resource() -> Resource:
    found = {name: os.environ.get(variable) for name, variable in _FROM_LAMBDA.items()}
    known = {name: value for name, value in found.items() if value}
    return Resource.create({"service.name": SCOPE, **known})
