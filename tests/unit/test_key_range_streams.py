"""Streams over ranges of keys: no key is lost or doubled, and few requests are made in vain."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.memory.buckets import MemoryBuckets
from adapters.memory.object_store import MemoryObjectStore
from adapters.memory.system import ManualClock
from adapters.memory.telemetry import MemoryTelemetry
from application.engine.key_range_streams import KeyRangeStreams, TakenPage
from application.execution.tuning import Tuning
from domain.connector import Bucket
from domain.job import Job, new_job
from domain.key_ranges import RANGE_COUNT_MAX, WHOLE, KeyRange
from domain.manifest import ManifestEntry
from domain.sync_request import SyncRequest
from ports.errors import AccessDenied, Garbled, PortError, Throttled
from ports.object_store import ListedPage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUCKET = Bucket(name="media")
JOB: Job = new_job(
    job_id="job-1",
    request=SyncRequest(connector_id="con-1", bucket=BUCKET),
    now=NOW,
)
KEYS = st.text("09Aaz/\u00e9\uffee\U00010348", min_size=1, max_size=4)


class Died(BaseException):
    """The process is killed."""


@dataclass
class World:
    """A bucket whose pages arrive in a random order; `asked` has the first key after each start."""

    objects: MemoryObjectStore
    random: random.Random
    telemetry: MemoryTelemetry = field(default_factory=MemoryTelemetry)
    asked: list[str | None] = field(default_factory=list)
    in_flight: int = 0
    highest: int = 0
    before_page: Callable[[str | None], None] = lambda _start: None

    async def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None, token: str | None = None
    ) -> AsyncIterator[ListedPage]:
        pages = self.objects.list_objects(
            bucket, prefix=prefix, start_after=start_after, token=token
        )
        while True:
            self.asked.append(start_after)
            self.in_flight += 1
            self.highest = max(self.highest, self.in_flight)
            try:
                for _ in range(self.random.randrange(4)):
                    await asyncio.sleep(0)
                self.before_page(start_after)
                page = await anext(pages)
            finally:
                self.in_flight -= 1
            yield page
            if page.token is None:
                return

    def streams(
        self, ranges: Sequence[KeyRange] = (WHOLE,), *, prefix: str = "", **tuning: int
    ) -> KeyRangeStreams:
        store: Any = self
        return KeyRangeStreams(
            store, JOB, prefix, ranges, telemetry=self.telemetry, tuning=Tuning(**tuning)
        )


def world(
    keys: Sequence[str], *, page: int = 3, deleted: Sequence[str] = (), seed: int = 0
) -> World:
    buckets = MemoryBuckets(ManualClock(NOW))
    buckets.create(BUCKET.name, versioned=True)
    for key in keys:
        buckets.put(BUCKET.name, key, b"")
    for key in deleted:
        buckets.delete(BUCKET.name, key)
    store = MemoryObjectStore(buckets, page_object_count=page)
    return World(store, random.Random(seed))


async def keys_of(streams: KeyRangeStreams) -> list[str]:
    async with streams as pages:
        return [entry.key async for page in pages for entry in page.entries]


def numbered(count: int, folder: str = "") -> list[str]:
    return [f"{folder}{number:05}" for number in range(count)]


@settings(max_examples=200)
@given(
    st.sets(KEYS, max_size=60),
    st.integers(0, 2**32),
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(1, 3),
    st.data(),
)
def test_every_key_is_listed_once_whenever_the_process_dies(
    keys: set[str], seed: int, streams: int, page: int, per_probe: int, data: st.DataObject
) -> None:
    """What was taken is kept, and what is left is listed by the next process."""
    deleted = sorted(keys)[: data.draw(st.integers(0, 30), label="deleted")]
    made = world(sorted(keys), page=page, deleted=deleted, seed=seed)
    lives = data.draw(st.lists(st.integers(1, 6), max_size=8), label="pages of each life")

    async def live(ranges: tuple[KeyRange, ...], page_count: int) -> tuple[KeyRange, ...]:
        listing = made.streams(ranges, listing_streams=streams, listing_pages_per_probe=per_probe)
        async with listing as pages:
            async for taken in pages:
                listed.extend(entry.key for entry in taken.entries)
                ranges, page_count = taken.left, page_count - 1
                assert len(ranges) <= max(1, min(streams, RANGE_COUNT_MAX))
                assert is_in_order(ranges)
                if not page_count:
                    break
        assert made.in_flight == 0
        return ranges

    listed: list[str] = []
    ranges: tuple[KeyRange, ...] = (WHOLE,)
    for page_count in [*lives, 10_000]:
        if ranges:
            ranges = asyncio.run(live(ranges, page_count))
    assert ranges == ()
    assert Counter(listed) == Counter(keys - set(deleted))
    assert made.highest <= min(streams, RANGE_COUNT_MAX)


def is_in_order(ranges: Sequence[KeyRange]) -> bool:
    """Return whether ranges are in order, and do not overlap."""
    ends = all(
        a.up_to is not None and b.after is not None and a.up_to <= b.after
        for a, b in pairwise(ranges)
    )
    return ends and all(
        each.after is None or each.up_to is None or each.after < each.up_to for each in ranges
    )


@pytest.mark.parametrize("count", [0, 1, 3, 30])
async def test_a_small_prefix_costs_no_more_requests_than_by_one_stream(count: int) -> None:
    """Ten pages are listed before the first probe, and there is none after the last page."""
    made = world(numbered(count))
    assert await keys_of(made.streams()) == numbered(count)
    assert len(made.asked) == max(1, -(-count // 3))


@pytest.mark.parametrize("folder", ["", "archive/2026/spring campaign/clip-"])
async def test_many_pages_are_listed_by_many_streams_with_few_requests(folder: str) -> None:
    keys = numbered(1_500, folder)
    made = world(keys)
    assert sorted(await keys_of(made.streams())) == keys
    assert made.highest == 8
    # A page for each three keys, a probe for each ten pages at most, and the last page of each
    # range has keys of the next one.
    assert 500 <= len(made.asked) <= 500 * 1.2


async def test_one_stream_lists_in_order_without_a_probe() -> None:
    keys = numbered(300)
    made = world(keys)
    assert await keys_of(made.streams(listing_streams=1)) == keys
    assert len(made.asked) == 100
    assert made.highest == 1


async def test_more_ranges_than_streams_are_listed_one_after_the_other() -> None:
    keys = numbered(60)
    made = world(keys)
    ranges = [KeyRange(up_to="00019"), KeyRange(after="00019", up_to="00039")]
    ranges.append(KeyRange(after="00039"))
    assert sorted(await keys_of(made.streams(ranges, listing_streams=1))) == keys
    assert made.highest == 1


async def test_no_other_prefix_is_listed() -> None:
    keys = [f"{folder}/{key}" for folder in "abc" for key in numbered(200)]
    made = world(keys)
    found = await keys_of(made.streams(prefix="b/"))
    assert sorted(found) == keys[200:400]
    assert made.highest > 1


async def test_no_stream_waits_for_faster_ones() -> None:
    """Pages are taken in the order of their requests, although all of them arrive at once."""
    made = world(numbered(90))
    ranges = (KeyRange(up_to="00044"), KeyRange(after="00044"))
    async with made.streams(ranges) as pages:
        firsts = [page.entries[0].key async for page in pages if page.entries]
    of_the_first = [first <= "00044" for first in firsts]
    assert of_the_first[:10].count(True) in range(3, 8)


@pytest.mark.parametrize("error", [Throttled("503"), Garbled("out of order")])
async def test_a_probe_that_fails_for_a_passing_reason_splits_nothing(error: PortError) -> None:
    keys = numbered(300)
    made = world(keys)

    def fail(start_after: str | None) -> None:
        if start_after is not None:
            raise error

    made.before_page = fail
    assert await keys_of(made.streams()) == keys
    assert len([start for start in made.asked if start is not None]) == 1
    assert [entry.name for entry in made.telemetry.warnings] == ["listing_not_split"]


@pytest.mark.parametrize("error", [AccessDenied("no"), Died()])
async def test_another_error_of_a_probe_ends_the_listing(error: BaseException) -> None:
    made = world(numbered(300))

    def fail(start_after: str | None) -> None:
        if start_after is not None:
            raise error

    made.before_page = fail
    with pytest.raises(type(error)):
        await keys_of(made.streams())
    assert made.in_flight == 0


async def test_requests_in_flight_are_cancelled_when_the_listing_stops() -> None:
    """A page that never arrives does not keep an invocation from its end."""
    made = world(numbered(90))
    list_objects = made.list_objects
    cancelled = False

    async def stuck(bucket: Bucket, **place: Any) -> AsyncIterator[ListedPage]:
        nonlocal cancelled
        if place["start_after"] is not None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled = True
        async for page in list_objects(bucket, **place):
            yield page

    made.list_objects = stuck  # type: ignore[method-assign]
    ranges = (KeyRange(up_to="00044"), KeyRange(after="00044"))
    async with asyncio.timeout(20), made.streams(ranges) as pages:
        await anext(pages)
    assert cancelled


async def test_an_error_of_one_stream_ends_all() -> None:
    made = world(numbered(90))
    ranges = (KeyRange(up_to="00044"), KeyRange(after="00044"))
    left: list[TakenPage] = []

    def fail(start_after: str | None) -> None:
        if start_after == "00044" and len(left) > 4:
            raise Throttled("503")

    made.before_page = fail

    async def take_all() -> None:
        async with made.streams(ranges) as pages:
            async for page in pages:
                left.append(page)  # noqa: PERF401 - what was taken before the error counts

    with pytest.raises(Throttled):
        await take_all()
    assert made.in_flight == 0
    # Nothing after the last page that was taken is missing from what is left.
    done = [entry.key for page in left for entry in page.entries]
    made.before_page = lambda _start: None
    assert sorted(done + await keys_of(made.streams(left[-1].left))) == numbered(90)


async def test_a_listing_that_ends_before_its_last_page_is_an_error() -> None:
    made = world(numbered(90))
    list_objects = made.list_objects

    async def cut(*args: Any, **place: Any) -> AsyncIterator[ListedPage]:
        async for page in list_objects(*args, **place):
            yield page
            return

    made.list_objects = cut  # type: ignore[method-assign]
    with pytest.raises(Garbled, match="before its last page"):
        await keys_of(made.streams())


class TreeStore:
    """A store that lists a directory before the keys next to it, as SeaweedFS does.

    Like the adapter for S3, it raises Garbled when a key is out of the order of UTF-8 bytes.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = sorted(keys, key=lambda key: key.split("/"))

    async def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None, token: str | None = None
    ) -> AsyncIterator[ListedPage]:
        place = (start_after or "").split("/")
        rest = [key for key in self.keys if start_after is None or key.split("/") > place]
        before = start_after or ""
        while True:
            await asyncio.sleep(0)
            page, rest = rest[:3], rest[3:]
            for key in page:
                if key <= before:
                    raise Garbled("out of order")
                before = key
            entries = [ManifestEntry(key=key, size_bytes=1, last_modified=NOW) for key in page]
            yield ListedPage(entries, "more" if rest else None)
            if not rest:
                return


NAMES = st.sampled_from(["a", "b", "m", "5", "z", "k", "am", "zz", "A"])
TREES = st.sets(st.lists(NAMES, min_size=2, max_size=4).map("/".join), min_size=20, max_size=120)


@settings(max_examples=100, suppress_health_check=[HealthCheck.large_base_example])
@given(TREES, st.sampled_from("-.!'"), st.randoms(use_true_random=False))
def test_a_store_with_another_order_is_always_found_out(
    keys: set[str], sign: str, rng: random.Random
) -> None:
    """A key next to a directory of the same stem is listed after it, but is before it in bytes."""
    [*folders, _] = rng.choice(sorted(keys)).split("/")
    folder = "/".join(folders[: rng.randint(1, len(folders))])
    store: Any = TreeStore([*keys, f"{folder}{sign}x"])
    tuning = Tuning(listing_pages_per_probe=1)
    telemetry = MemoryTelemetry()
    streams = KeyRangeStreams(store, JOB, "", (WHOLE,), telemetry=telemetry, tuning=tuning)
    with pytest.raises(Garbled, match="out of order"):
        asyncio.run(keys_of(streams))
