"""Spans of OpenTelemetry: a job has one trace, whichever process works on it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id
from raw_server import answer, raw_aws

from adapters.memory.telemetry import MemoryTelemetry
from adapters.otel.job_traces import root_of
from adapters.otel.traced_telemetry import TracedTelemetry, count_request
from adapters.otel.tracing import Tracing, tracing_to
from entrypoints.settings import InvalidSettings
from entrypoints.wiring.tracing import TRACES_VARIABLE, traced

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Traces:
    """Telemetry, and the spans that it has exported, by name."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracing = Tracing(self._exporter)
        self.logs = MemoryTelemetry()
        self.telemetry = TracedTelemetry(self.logs, self.tracing)

    def spans(self, name: str) -> list[ReadableSpan]:
        self.tracing.flush()
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def span(self, name: str) -> Any:
        (found,) = self.spans(name)
        return found


@pytest.fixture
def traces() -> Iterator[Traces]:
    made = Traces()
    yield made
    made.tracing.close()


def test_every_process_finds_the_trace_of_a_job(traces: Traces) -> None:
    other = Traces()
    with traces.telemetry.span("advance", job_id="job-1"):
        pass
    with other.telemetry.span("process_chunk", job_id="job-1", chunk_index=3):
        pass
    other.telemetry.job_span(
        "job-1", began_at=NOW, ended_at=NOW + timedelta(seconds=90), status="COMPLETED"
    )
    with traces.telemetry.span("advance of another", job_id="job-2"):
        pass

    root = other.span("job")
    assert root.parent is None
    assert (root.start_time, root.end_time - root.start_time) == (1769860800 * 10**9, 90 * 10**9)
    assert root.attributes == {"asset_sync.job_id": "job-1", "asset_sync.status": "COMPLETED"}
    for span in (traces.span("advance"), other.span("process_chunk")):
        assert span.context.trace_id == root.context.trace_id
        assert span.parent.span_id == root.context.span_id
    assert other.span("process_chunk").attributes["asset_sync.chunk_index"] == 3
    assert traces.span("advance of another").context.trace_id != root.context.trace_id


def test_an_end_that_is_sent_twice_is_one_span(traces: Traces) -> None:
    for _ in range(2):
        traces.telemetry.job_span("job-1", began_at=NOW, ended_at=NOW)
    first, second = traces.spans("job")
    assert first.context == second.context


def test_a_request_and_the_job_that_it_starts_are_linked(traces: Traces) -> None:
    with (
        traces.telemetry.span("POST /x", parent=TRACEPARENT) as request,
        traces.telemetry.span("start_job", job_id="job-1"),
        traces.telemetry.span("within"),
    ):
        request.facts(status=202)

    request_span, start, within = (traces.span(n) for n in ("POST /x", "start_job", "within"))
    assert format_trace_id(request_span.context.trace_id) == TRACEPARENT.split("-")[1]
    assert format_span_id(request_span.parent.span_id) == TRACEPARENT.split("-")[2]
    assert request_span.attributes["asset_sync.status"] == 202
    assert start.parent.span_id == root_of("job-1").span_id
    assert [link.context.span_id for link in start.links] == [request_span.context.span_id]
    assert [link.context.span_id for link in request_span.links] == [start.context.span_id]
    assert within.parent.span_id == start.context.span_id


def test_work_within_the_job_s_trace_is_a_child(traces: Traces) -> None:
    with traces.telemetry.span("outer", job_id="j"), traces.telemetry.span("inner", job_id="j"):
        pass
    assert traces.span("inner").parent.span_id == traces.span("outer").context.span_id
    assert traces.span("inner").links == ()


async def test_requests_are_counted_on_the_span_that_makes_them(traces: Traces) -> None:
    async def copy() -> None:
        count_request("s3", "CopyObject", {})

    count_request("s3", "ListObjectsV2", {})
    with traces.telemetry.span("outer"):
        count_request("dynamodb", "GetItem", {})
        with traces.telemetry.span("inner"):
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(copy())
        count_request("dynamodb", "GetItem", {})

    assert traces.span("outer").attributes == {"aws.requests.dynamodb.GetItem": 2}
    assert traces.span("inner").attributes == {"aws.requests.s3.CopyObject": 3}


def test_an_error_is_recorded_with_its_class_and_not_its_text(traces: Traces) -> None:
    with suppress(LookupError), traces.telemetry.span("failing"):
        traces.telemetry.warning("slow", attempt=2)
        raise LookupError("customer/key.jpg")

    span = traces.span("failing")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "LookupError"
    assert [(each.name, dict(each.attributes)) for each in span.events] == [
        ("slow", {"asset_sync.attempt": 2})
    ]
    assert "customer" not in span.to_json()
    assert [entry.name for entry in traces.logs.warnings] == ["slow"]


class Failing(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise OSError("no collector")


def test_an_exporter_that_fails_harms_nothing() -> None:
    telemetry = TracedTelemetry(MemoryTelemetry(), Tracing(Failing()))
    with telemetry.invocation("request-1"), telemetry.span("advance", job_id="job-1"):
        pass


async def test_spans_are_sent_to_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_aws() as server:
        server.answer = lambda _: answer(200)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", os.environ["AWS_ENDPOINT_URL"])
        monkeypatch.setenv(TRACES_VARIABLE, "otlp")
        monkeypatch.setattr("adapters.otel.tracing._SHARED", type("S", (), {"to": _new})())
        telemetry, _ = traced(MemoryTelemetry(), None)

        def work() -> None:
            with telemetry.invocation("request-1"), telemetry.span("advance", job_id="job-1"):
                pass

        await asyncio.to_thread(work)

    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/traces")
    assert b"advance" in request.body
    assert b"asset-sync" in request.body


def _new(_: object, path: str) -> Tracing:
    from adapters.otel.tracing import _exporter

    return Tracing(_exporter(path))


async def test_a_collector_that_is_away_delays_an_invocation_by_seconds_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("adapters.otel.tracing._EXPORT_S", 0.2)
    telemetry = TracedTelemetry(MemoryTelemetry(), _new(None, ""))
    began = time.monotonic()
    with telemetry.invocation("request-1"), telemetry.span("advance"):
        pass
    assert time.monotonic() - began < 5


def test_spans_are_written_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "spans.jsonl"
    monkeypatch.setenv(TRACES_VARIABLE, str(path))
    seen: list[str] = []
    telemetry, on_request = traced(MemoryTelemetry(), lambda *call: seen.append(call[1]))
    assert on_request is not None
    with telemetry.invocation("request-1"), telemetry.span("advance", job_id="job-1"):
        on_request("s3", "GetObject", {})

    (line,) = path.read_text().splitlines()
    span = json.loads(line)
    assert span["name"] == "advance"
    assert span["attributes"]["aws.requests.s3.GetObject"] == 1
    assert span["resource"]["attributes"]["service.name"] == "asset-sync"
    assert seen == ["GetObject"]
    assert tracing_to(str(path)) is tracing_to(str(path))


def test_without_the_variable_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TRACES_VARIABLE, raising=False)
    telemetry = MemoryTelemetry()
    assert traced(telemetry, None) == (telemetry, None)


def test_another_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACES_VARIABLE, "yes")
    with pytest.raises(InvalidSettings, match="`otlp`, or the absolute path"):
        traced(MemoryTelemetry(), None)


def test_missing_packages_are_named_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACES_VARIABLE, "otlp")
    monkeypatch.setitem(__import__("sys").modules, "adapters.otel.traced_telemetry", None)
    with pytest.raises(InvalidSettings, match=r"install the extra `traces`"):
        traced(MemoryTelemetry(), None)
