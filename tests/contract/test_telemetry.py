"""The contract of ports.telemetry: what is logged can be read, and logging never fails."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
from aws_lambda_powertools import Logger
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters.aws.powertools_telemetry import PowertoolsTelemetry, to_ascii_json
from adapters.memory.telemetry import MemoryTelemetry
from adapters.otel.traced_telemetry import TracedTelemetry
from adapters.otel.tracing import Tracing
from ports.telemetry import Metric, Telemetry

Line = tuple[str, dict[str, Any]]
NOW = datetime(2026, 1, 31, tzinfo=UTC)


class Reader(Protocol):
    telemetry: Telemetry

    def events(self) -> list[Line]: ...

    def warnings(self) -> list[Line]: ...

    def counts(self) -> dict[str, int]: ...

    def request_ids(self) -> list[str | None]:
        """The id logged with each event and warning, in order."""


class MemoryReader:
    def __init__(self) -> None:
        self._telemetry = MemoryTelemetry()
        self.telemetry: Telemetry = self._telemetry

    def events(self) -> list[Line]:
        return [(entry.name, dict(entry.facts)) for entry in self._telemetry.events]

    def warnings(self) -> list[Line]:
        return [(entry.name, dict(entry.facts)) for entry in self._telemetry.warnings]

    def counts(self) -> dict[str, int]:
        return {metric.value: count for metric, count in self._telemetry.counts.items()}

    def request_ids(self) -> list[str | None]:
        return [entry.request_id for entry in self._telemetry.entries]


class PowertoolsReader:
    def __init__(self, name: str, output: pytest.CaptureFixture[str]) -> None:
        self._log = io.StringIO()
        self._output = output
        self._telemetry = PowertoolsTelemetry(
            # Powertools keeps one logger for each service.
            Logger(service=name, stream=self._log, level="INFO", json_serializer=to_ascii_json)
        )
        self.telemetry: Telemetry = self._telemetry

    def events(self) -> list[Line]:
        return self._lines("INFO")

    def warnings(self) -> list[Line]:
        return self._lines("WARNING")

    def counts(self) -> dict[str, int]:
        text = self._output.readouterr().out
        if not text:
            return {}
        record = json.loads(text)
        declared = record["_aws"]["CloudWatchMetrics"][0]
        assert declared["Namespace"] == "AssetSync"
        assert declared["Dimensions"] == [["service"]]
        assert record["service"] == "asset-sync"
        return {metric["Name"]: int(sum(record[metric["Name"]])) for metric in declared["Metrics"]}

    def request_ids(self) -> list[str | None]:
        records = map(json.loads, self._log.getvalue().splitlines())
        return [record.get("function_request_id") for record in records]

    def _lines(self, level: str) -> list[Line]:
        records = map(json.loads, self._log.getvalue().splitlines())
        return [(r["message"], r["facts"]) for r in records if r["level"] == level]


class TracedReader(MemoryReader):
    def __init__(self) -> None:
        super().__init__()
        self.telemetry = TracedTelemetry(self._telemetry, Tracing(InMemorySpanExporter()))


@pytest.fixture(params=["memory", "aws", "otel"])
def reader(
    request: pytest.FixtureRequest, unique_name: str, capsys: pytest.CaptureFixture[str]
) -> Reader:
    if request.param == "memory":
        return MemoryReader()
    if request.param == "otel":
        return TracedReader()
    return PowertoolsReader(unique_name, capsys)


def test_events_and_warnings_are_logged_with_their_fields(reader: Reader) -> None:
    reader.telemetry.event("job_status", job_id="job-1", count=3, share=0.5, last=True, cause=None)
    reader.telemetry.warning("slow", job_id="job-2")

    facts = {"job_id": "job-1", "count": 3, "share": 0.5, "last": True, "cause": None}
    assert reader.events() == [("job_status", facts)]
    assert reader.warnings() == [("slow", {"job_id": "job-2"})]


def test_no_fact_is_called_something_that_breaks_the_log(reader: Reader) -> None:
    facts = dict.fromkeys(["message", "args", "module", "level", "service", "exc_info"], "x")

    reader.telemetry.event("odd", **facts)

    assert reader.events() == [("odd", facts)]


def test_counts_add_up(reader: Reader) -> None:
    with reader.telemetry.invocation("request-1"):
        reader.telemetry.count(Metric.OBJECTS_COPIED)
        reader.telemetry.count(Metric.OBJECTS_COPIED, 41)
        reader.telemetry.count(Metric.JOBS_ENDED)

    assert reader.counts() == {"ObjectsCopied": 42, "JobsEnded": 1}


def test_without_counts_no_metric_is_written(reader: Reader) -> None:
    with reader.telemetry.invocation("request-1"):
        pass

    assert reader.counts() == {}


def test_counts_are_written_when_an_invocation_fails_too(reader: Reader) -> None:
    with pytest.raises(ValueError, match="a bug"), reader.telemetry.invocation("request-1"):  # noqa: PT012
        reader.telemetry.count(Metric.CHUNKS_FAILED)
        raise ValueError("a bug")

    assert reader.counts() == {"ChunksFailed": 1}


def test_the_id_of_an_invocation_goes_with_its_events(reader: Reader) -> None:
    reader.telemetry.event("before")
    with reader.telemetry.invocation("request-1"):
        reader.telemetry.event("within")
        reader.telemetry.warning("within, too")
    reader.telemetry.event("after")

    assert reader.request_ids() == [None, "request-1", "request-1", None]


async def test_invocations_at_the_same_time_keep_their_ids(reader: Reader) -> None:
    """As in the local service, where each thread has its own loop, and as tasks of one loop."""
    together = threading.Barrier(3)

    async def invoke(request_id: str) -> None:
        with reader.telemetry.invocation(request_id):
            await asyncio.to_thread(together.wait, 10)
            reader.telemetry.event(request_id)
            await asyncio.to_thread(together.wait, 10)
            await asyncio.create_task(_tell(reader.telemetry, request_id))
        reader.telemetry.event("after")

    thread = threading.Thread(target=lambda: asyncio.run(invoke("thread")))
    thread.start()
    async with asyncio.TaskGroup() as group:
        for request_id in ("task-1", "task-2"):
            group.create_task(invoke(request_id))
    await asyncio.to_thread(thread.join, 10)

    logged = [name for name, _ in reader.events()]
    expected = [None if name == "after" else name for name in logged]
    assert sorted(logged) == ["after"] * 3 + ["task-1"] * 2 + ["task-2"] * 2 + ["thread"] * 2
    assert reader.request_ids() == expected


async def test_a_span_changes_no_result(reader: Reader) -> None:
    with reader.telemetry.invocation("request-1"):
        with reader.telemetry.span("outer", parent="no traceparent", share=1, cause=None) as outer:
            with reader.telemetry.span("inner", job_id="job-1") as inner:
                inner.facts(worked=True, status="DONE")
            outer.facts(count=2)
        with pytest.raises(LookupError, match="gone"), reader.telemetry.span("failing"):
            raise LookupError("gone")
        with pytest.raises(asyncio.CancelledError), reader.telemetry.span("stopped"):
            raise asyncio.CancelledError
        for _ in range(2):
            reader.telemetry.job_span("job-1", began_at=NOW, ended_at=NOW, status="COMPLETED")
        reader.telemetry.event("after")

    assert reader.request_ids() == ["request-1"]


async def _tell(telemetry: Telemetry, name: str) -> None:
    telemetry.event(name)


@pytest.mark.parametrize(
    "text", ["a\nb", "\x1b[31m\x07\x7f\x9b", "\ud800", "\u2028\x85", "\uffff", "é\U0001f600", '"\\']
)
def test_a_fact_may_hold_any_text(reader: Reader, text: str) -> None:
    reader.telemetry.event("odd", key=text)
    assert reader.events() == [("odd", {"key": text})]


def test_a_line_of_the_log_is_one_line_of_printable_ascii() -> None:
    text = "".join(map(chr, range(0x300))) + "\u2028\u202e\ud800\uffff"
    line = to_ascii_json({"facts": {"key": text}})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"facts": {"key": text}}
