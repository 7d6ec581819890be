"""The trace of a job: each process that works on it finds it by the job's id alone.

A job is worked on by many invocations: those of a queue, of a sweep that found a lost message, of
workers that were started twice. What would hand a trace on from one to the next is lost with them.
So nothing is handed on: the trace's id and that of its root span follow from the job's id, and each
span names the root as its parent. The root is sent when the job ends; if that is done twice, it is
the same span.

The ids are as random as a hash. AWS X-Ray accepts such ids (X-Ray Developer Guide, "Sending trace
data to AWS X-Ray", W3C trace IDs; read in 2026-11).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanContext, TraceFlags

# W3C Trace Context, sections "trace-id" and "parent-id": 16 and 8 bytes, not all zero.
_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8


def root_of(job_id: str) -> SpanContext:
    """Return the ids of the root span of a job's trace."""
    digest = hashlib.sha256(b"job\0" + job_id.encode()).digest()
    return SpanContext(
        trace_id=int.from_bytes(digest[:_TRACE_ID_BYTES], "big") or 1,
        span_id=int.from_bytes(digest[_TRACE_ID_BYTES:][:_SPAN_ID_BYTES], "big") or 1,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


class JobIds(RandomIdGenerator):
    """Generates random ids, and those of a job's root span inside of `of_root`."""

    def __init__(self) -> None:
        self._chosen: ContextVar[SpanContext | None] = ContextVar("chosen", default=None)

    @contextmanager
    def of_root(self, job_id: str) -> Iterator[None]:
        """Let a span without a parent be the root of the job's trace."""
        before = self._chosen.set(root_of(job_id))
        try:
            yield
        finally:
            self._chosen.reset(before)

    def generate_trace_id(self) -> int:
        chosen = self._chosen.get()
        return chosen.trace_id if chosen is not None else super().generate_trace_id()

    def generate_span_id(self) -> int:
        chosen = self._chosen.get()
        return chosen.span_id if chosen is not None else super().generate_span_id()
