"""Telemetry whose pieces of work are spans of OpenTelemetry; logs and metrics are another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adapters.otel.job_traces import root_of
from adapters.otel.tracing import Tracing
from ports.telemetry import Metric, Span, Telemetry

_PREFIX: Final = "asset_sync."
_NS: Final = 1_000_000_000

# The requests to AWS of the innermost span; the tasks that it starts count on it as well.
_requests: ContextVar[Counter[str] | None] = ContextVar("requests", default=None)


def count_request(service: str, operation: str, _: Mapping[str, Any]) -> None:
    """Count a request to AWS on the span that makes it: a span each would be ten thousands."""
    counter = _requests.get()
    if counter is not None:
        counter[f"{service}.{operation}"] += 1


class _OtelSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def facts(self, **facts: str | int | float | bool | None) -> None:
        self._span.set_attributes(_attributes(facts))


class TracedTelemetry:
    """Adds traces to `telemetry`. Warnings are also events of the span in which they are logged."""

    def __init__(self, telemetry: Telemetry, tracing: Tracing) -> None:
        self._telemetry = telemetry
        self._tracing = tracing

    def event(self, name: str, **facts: str | int | float | bool | None) -> None:
        self._telemetry.event(name, **facts)

    def warning(self, name: str, **facts: str | int | float | bool | None) -> None:
        self._telemetry.warning(name, **facts)
        trace.get_current_span().add_event(name, _attributes(facts))

    def count(self, metric: Metric, value: int = 1) -> None:
        self._telemetry.count(metric, value)

    @contextmanager
    def invocation(self, request_id: str) -> Iterator[None]:
        with self._telemetry.invocation(request_id):
            try:
                yield
            finally:
                self._tracing.flush()

    @contextmanager
    def span(
        self,
        name: str,
        *,
        job_id: str | None = None,
        parent: str | None = None,
        **facts: str | int | float | bool | None,
    ) -> Iterator[Span]:
        current = trace.get_current_span()
        context, links = self._place(current.get_span_context(), job_id, parent)
        counter: Counter[str] = Counter()
        before = _requests.set(counter)
        attributes = _attributes({"job_id": job_id, **facts})
        try:
            with self._tracing.tracer.start_as_current_span(
                name,
                context=context,
                kind=SpanKind.INTERNAL if current.is_recording() else SpanKind.SERVER,
                links=links,
                attributes=attributes,
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                for link in links:
                    current.add_link(span.get_span_context(), link.attributes)
                try:
                    yield _OtelSpan(span)
                except BaseException as error:
                    span.set_attribute("error.type", type(error).__qualname__)
                    # Without its text, which may have keys of objects.
                    span.set_status(Status(StatusCode.ERROR))
                    raise
                finally:
                    span.set_attributes(
                        {f"aws.requests.{name}": count for name, count in counter.items()}
                    )
        finally:
            _requests.reset(before)

    def job_span(
        self,
        job_id: str,
        *,
        began_at: datetime,
        ended_at: datetime,
        **facts: str | int | float | bool | None,
    ) -> None:
        with self._tracing.ids.of_root(job_id):
            span = self._tracing.tracer.start_span(
                "job",
                context=Context(),
                attributes=_attributes({"job_id": job_id, **facts}),
                start_time=_nanoseconds(began_at),
            )
        span.end(_nanoseconds(ended_at))

    @staticmethod
    def _place(
        current: trace.SpanContext, job_id: str | None, parent: str | None
    ) -> tuple[Context | None, list[Link]]:
        """Return the context of a new span, and links to a span of another trace that caused it."""
        if parent is not None:
            return TraceContextTextMapPropagator().extract({"traceparent": parent}), []
        if job_id is None:
            return None, []
        root = root_of(job_id)
        if current.trace_id == root.trace_id:
            return None, []
        links = [Link(current)] if current.is_valid else []
        return trace.set_span_in_context(NonRecordingSpan(root), Context()), links


def _attributes(
    facts: Mapping[str, str | int | float | bool | None],
) -> dict[str, str | int | float | bool]:
    return {_PREFIX + name: value for name, value in facts.items() if value is not None}


def _nanoseconds(time: datetime) -> int:
    return int(time.timestamp() * _NS)


_: type[Telemetry] = TracedTelemetry
