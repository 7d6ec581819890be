"""Logs, metrics and spans, kept in lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from ports.telemetry import Metric, Span, Telemetry

# Of one task and its subtasks, like an invocation.
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log, with the id of the invocation that wrote it."""

    name: str
    facts: Mapping[str, str | int | float | bool | None]
    is_warning: bool
    request_id: str | None


@dataclass(slots=True, kw_only=True)
class MemorySpan:
    """A span: a piece of a job's work, or, `whole_job`, the root of a job's trace."""

    name: str
    job_id: str | None
    parent: str | None = None
    whole_job: bool = False
    noted: dict[str, str | int | float | bool | None]
    error_class: str | None = None

    def facts(self, **facts: str | int | float | bool | None) -> None:
        """See `ports.telemetry.Span`."""
        self.noted.update(facts)


class MemoryTelemetry:
    """Stores what was logged: `entries` and `spans` in order, and `counts` by metric."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.spans: list[MemorySpan] = []
        self.counts: Counter[Metric] = Counter()

    @property
    def events(self) -> list[Entry]:
        """The entries that are not warnings."""
        return [entry for entry in self.entries if not entry.is_warning]

    @property
    def warnings(self) -> list[Entry]:
        """The entries that are warnings."""
        return [entry for entry in self.entries if entry.is_warning]

    def event(self, name: str, **facts: str | int | float | bool | None) -> None:
        self._add(name, facts, is_warning=False)

    def warning(self, name: str, **facts: str | int | float | bool | None) -> None:
        self._add(name, facts, is_warning=True)

    def count(self, metric: Metric, value: int = 1) -> None:
        self.counts[metric] += value

    @contextmanager
    def invocation(self, request_id: str) -> Iterator[None]:
        before = _request_id.set(request_id)
        try:
            yield
        finally:
            _request_id.reset(before)

    @contextmanager
    def span(
        self,
        name: str,
        *,
        job_id: str | None = None,
        parent: str | None = None,
        **facts: str | int | float | bool | None,
    ) -> Iterator[Span]:
        span = MemorySpan(name=name, job_id=job_id, parent=parent, noted=dict(facts))
        self.spans.append(span)
        try:
            yield span
        except BaseException as error:
            span.error_class = type(error).__name__
            raise

    def job_span(
        self,
        job_id: str,
        *,
        began_at: datetime,
        ended_at: datetime,
        **facts: str | int | float | bool | None,
    ) -> None:
        self.spans.append(MemorySpan(name="job", job_id=job_id, whole_job=True, noted=dict(facts)))

    def _add(
        self, name: str, facts: Mapping[str, str | int | float | bool | None], *, is_warning: bool
    ) -> None:
        self.entries.append(
            Entry(name=name, facts=facts, is_warning=is_warning, request_id=_request_id.get())
        )


_: type[Telemetry] = MemoryTelemetry
