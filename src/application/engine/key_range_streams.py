"""Lists a prefix by several streams of pages at once, each of a range of keys of its own.

There is one stream at first. When fewer streams run than may, a range that still has pages is split
(`domain.key_ranges`): its stream continues up to a guessed key, and a probe lists the first page
after it. If the page has keys of the range, it is the first one of the new stream, so it was not
requested in vain. If not, the range stays as it is, and the next guess is closer.

There is at most one probe for `listing_pages_per_probe` pages of the prefix, so a small prefix
costs no request more than by one stream. Each stream has one page in flight or waiting, and
requests the next one when the caller has taken that.

A page of large objects would make more chunks than one transaction records. A direct discovery
takes it in several parts.

The caller takes one page at a time, with the ranges that are left when it is taken. Nothing else
changes them: what was listed and not taken when the process dies is still in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final

from application.execution.tuning import Tuning
from application.results.failure_records import cause_of
from domain.discovery import Discovery
from domain.job import Job
from domain.key_ranges import RANGE_COUNT_MAX, KeyRange, is_within, split, split_key, take_page
from domain.key_source import SourceCounts
from domain.manifest import ManifestEntry
from domain.packing import fitting_count
from ports.errors import Garbled, Refused, Retryable
from ports.object_store import ListedPage, ObjectStore
from ports.telemetry import Telemetry

CHUNKS_PER_PAGE_MAX: Final = 50
"""The chunks that one page may make. With it, those of the pages before (`added_chunk_count`), and
the last ones of all streams are recorded in one transaction (ADDED_CHUNK_COUNT_MAX)."""


@dataclass(frozen=True, slots=True)
class TakenPage:
    """A page of one stream.

    Attributes:
        entries: The objects of the page that are in the stream's range, in order.
        left: The ranges that are left to list, in order; none at the end.
        stream: The number of the stream, in the order in which they were started.
        ends_stream: Whether it is the stream's last page.
        source: What the source has counted up to the page, if the keys come from one.
    """

    entries: Sequence[ManifestEntry]
    left: tuple[KeyRange, ...]
    stream: int
    ends_stream: bool
    source: SourceCounts | None = None


@dataclass(slots=True, eq=False)
class _Stream:
    """A range with the stream of its pages.

    There are no keys of the range after `nothing_after`, as far as is known. `page_count` counts
    the pages since the last attempt to split it, and `first_key` is the first key of these. `rest`
    is what was not taken of its last page.
    """

    number: int
    keys: KeyRange
    pages: AsyncIterator[ListedPage]
    nothing_after: str | None
    first_key: str | None = None
    page_count: int = 0
    rest: ListedPage | None = None


@dataclass(slots=True, eq=False)
class _Probe:
    """A request for the keys of a stream after the key `at`."""

    stream: _Stream
    at: str
    pages: AsyncIterator[ListedPage]


class KeyRangeStreams:
    """An iterator over the pages of one prefix; use it as a context, which ends its requests.

    Pages of one range come in order. An error of any stream ends the iteration. A probe that fails
    for a passing reason does not: then no range is split until the next invocation.

    Args:
        ranges: What is left to list of the prefix.
    """

    def __init__(
        self,
        objects: ObjectStore,
        job: Job,
        prefix: str,
        ranges: Sequence[KeyRange],
        *,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._objects = objects
        self._job = job
        self._prefix = prefix
        self._telemetry = telemetry
        into_chunks = job.request.options.discovery is Discovery.DIRECT
        self._sizing = tuning.sizing if into_chunks else None
        self._stream_count_max = min(tuning.listing_streams, RANGE_COUNT_MAX)
        self._pages_per_probe = tuning.listing_pages_per_probe
        self._streams = [
            _Stream(number, keys, self._pages(keys), keys.up_to)
            for number, keys in enumerate(ranges)
        ]
        self._stream_count = len(self._streams)
        # In the order of the requests, so that no stream waits for faster ones.
        self._requests: dict[asyncio.Task[ListedPage], _Stream | _Probe] = {}
        self._page_count = 0
        self._probe_count = 0
        self._splits = self._stream_count_max > 1

    async def __aenter__(self) -> KeyRangeStreams:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for request in self._requests:
            request.cancel()
        # A coroutine that is closed, rather than cancelled, cannot wait.
        if self._requests and kind is not GeneratorExit:
            done, _ = await asyncio.wait(self._requests)
            # asyncio would log an error that is never looked at, and the caller has ended by now.
            _ = [request.cancelled() or request.exception() for request in done]

    def __aiter__(self) -> KeyRangeStreams:
        return self

    async def __anext__(self) -> TakenPage:
        while self._streams:
            for stream in self._streams:
                if (rest := stream.rest) is not None:
                    stream.rest = None
                    return self._taken(stream, rest)
            self._request_pages()
            done = next((request for request in self._requests if request.done()), None)
            if done is None:
                await asyncio.wait(self._requests, return_when=asyncio.FIRST_COMPLETED)
                continue
            requested_by = self._requests.pop(done)
            if isinstance(requested_by, _Stream):
                return self._take(requested_by, done.result())
            if (taken := self._take_probe(requested_by, done)) is not None:
                return taken
        raise StopAsyncIteration

    def _request_pages(self) -> None:
        waiting = [each for each in self._requests.values() if isinstance(each, _Stream)]
        # A job may have more ranges than there may be streams now.
        for stream in self._streams[: self._stream_count_max]:
            if stream not in waiting:
                self._request(stream)
        if self._may_probe() and (probe := self._next_probe()) is not None:
            self._probe_count += 1
            self._request(probe)

    def _request(self, by: _Stream | _Probe) -> None:
        self._requests[asyncio.create_task(_next_page(by.pages))] = by

    def _may_probe(self) -> bool:
        return (
            self._splits
            and len(self._streams) < self._stream_count_max
            and self._probe_count < self._page_count // self._pages_per_probe
            and not any(isinstance(each, _Probe) for each in self._requests.values())
        )

    def _next_probe(self) -> _Probe | None:
        """Return a probe of the range that has listed most pages since the last attempt at it.

        A range that has listed many pages probably has many more.
        """
        for stream in sorted(self._streams, key=lambda each: -each.page_count):
            if stream.first_key is None or stream.keys.after is None:
                continue
            at = split_key(
                self._prefix,
                first=stream.first_key,
                position=stream.keys.after,
                end=stream.nothing_after,
            )
            if at is not None:
                stream.page_count, stream.first_key = 0, None
                return _Probe(stream, at, self._pages(KeyRange(after=at)))
        return None

    def _take(self, stream: _Stream, page: ListedPage) -> TakenPage:
        self._page_count += 1
        stream.page_count += 1
        return self._taken(stream, page)

    def _taken(self, stream: _Stream, page: ListedPage) -> TakenPage:
        """Return the page, or as much of it as the caller may take."""
        entries, left = take_page(stream.keys, page.entries, page.token)
        if stream.first_key is None and entries:
            stream.first_key = entries[0].key
        if self._sizing is not None:
            count = fitting_count(entries, self._sizing, CHUNKS_PER_PAGE_MAX)
            if count < len(entries):
                stream.rest = ListedPage(page.entries[count:], page.token)
                entries = entries[:count]
                left = replace(stream.keys, after=entries[-1].key, token=None)
        if left is None:
            self._streams.remove(stream)
        else:
            stream.keys = left
        left_ranges = tuple(each.keys for each in self._streams)
        return TakenPage(entries, left_ranges, stream.number, left is None)

    def _take_probe(self, probe: _Probe, request: asyncio.Task[ListedPage]) -> TakenPage | None:
        """Split the range if there are keys after the guess; return their first page."""
        try:
            page = request.result()
        except Retryable as error:
            self._splits = False
            self._telemetry.warning(
                "listing_not_split", job_id=self._job.job_id, cause=cause_of(error)
            )
            return None
        stream = probe.stream
        if stream not in self._streams or not is_within(stream.keys, probe.at):
            # In the meantime its own stream has listed the keys after the guess.
            return None
        lower, upper = split(stream.keys, probe.at)
        entries, left = take_page(upper, page.entries, page.token)
        nothing_after = stream.nothing_after
        stream.nothing_after = probe.at
        if not entries and left is None:
            return None
        stream.keys = lower
        added = _Stream(self._stream_count, upper, probe.pages, nothing_after)
        self._stream_count += 1
        self._streams.insert(self._streams.index(stream) + 1, added)
        return self._take(added, page)

    async def _pages(self, keys: KeyRange) -> AsyncIterator[ListedPage]:
        """Yield the pages of a range, and those after it: after a key, or after empty pages."""
        bucket, prefix = self._job.request.bucket, self._prefix
        if keys.token is not None:
            pages = self._objects.list_objects(
                bucket, prefix=prefix, start_after=keys.after, token=keys.token
            )
            try:
                first = await anext(pages)
            except Refused as error:
                self._telemetry.warning(
                    "listing_token_refused", job_id=self._job.job_id, cause=cause_of(error)
                )
            else:
                yield first
                async for page in pages:
                    yield page
                return
        async for page in self._objects.list_objects(bucket, prefix=prefix, start_after=keys.after):
            yield page


async def _next_page(pages: AsyncIterator[ListedPage]) -> ListedPage:
    """Return the next page; there is one, because the last one had a token."""
    async for page in pages:
        return page
    raise Garbled("the listing of the bucket ended before its last page")
