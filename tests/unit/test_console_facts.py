"""What the console says of a job: sentences, phases, counts, pictures."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decision import Reason
from domain.job import JobStatus
from domain.outcome import COUNT_NAMES, OutcomeKind
from domain.shown import shown
from entrypoints.console import job_facts, pictures, reasons, text
from entrypoints.console.api import ApiError, both
from entrypoints.console.chunk_reader import CHUNK_COUNT_MAX, ChunkReader

Json = dict[str, Any]
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def job(status: str = "PROCESSING", **changes: Any) -> Json:
    counts = dict.fromkeys(COUNT_NAMES.values(), 0)
    statistics = {**counts, "objectsListed": 100, **changes.pop("statistics", {})}
    return {
        "jobId": "job-1",
        "status": status,
        "statusReason": None,
        "discovery": "direct",
        "dryRun": False,
        "statistics": statistics,
        "chunks": {"total": 10, "completed": 0, "failed": 0, "cancelled": 0},
        "progress": {"percent": 0.0, "objectsPerSecond": None, "etaSeconds": None},
        "updatedAt": NOW.isoformat(),
        **changes,
    }


def chunk(index: int, status: str = "COMPLETED", *, at_s: float = 0, put: int = 10) -> Json:
    counts = dict.fromkeys(COUNT_NAMES.values(), 0)
    return {
        "chunkIndex": index,
        "status": status,
        "objectCount": put,
        "statistics": {**counts, "put": put if status == "COMPLETED" else 0},
        "updatedAt": (NOW + timedelta(seconds=at_s)).isoformat(),
    }


RUNNING = {"percent": 40.0, "objectsPerSecond": 12.0, "etaSeconds": 5.0}


@pytest.mark.parametrize(
    ("given_job", "sentence"),
    [
        (job("INITIALIZING"), "Listing: 100 objects so far, 0 done."),
        (job(progress=RUNNING, statistics={"put": 40}), "40 of 100 objects done (40 %) at 12/s"),
        (job(progress=RUNNING, statistics={"failed": 1}), "1 object failed so far."),
        (job("DISCOVERING", discovery="batch"), "Deciding about 100 objects"),
        (job("COMPLETED", statistics={"put": 100}), "Completed: 100 objects of 100 were written."),
        (job("COMPLETED", statistics={"skipped": 100}), "nothing was written"),
        (job("COMPLETED", statistics={"objectsListed": 0}), "There was nothing to sync"),
        (job("COMPLETED", dryRun=True, statistics={"put": 3}), "3 would be written"),
        (job("COMPLETED_WITH_ERRORS", statistics={"failed": 2}), "2 objects of 100 failed"),
        (job("FAILED", statusReason="no\nbucket"), "Failed: no\\nbucket."),
        (job("CANCELLED", statistics={"put": 7}), "Cancelled. 7 of 100 objects had been done"),
        (job(statusReason="cancelled by request"), "Ending: cancelled by request."),
    ],
)
def test_a_job_is_answered_for_in_a_sentence(given_job: Json, sentence: str) -> None:
    assert sentence in job_facts.lead(given_job)


def test_every_status_has_a_tone_and_a_sentence() -> None:
    for status in JobStatus:
        assert status in job_facts.TONES
        assert job_facts.lead(job(status))
        assert job_facts.announcement(job(status))


@pytest.mark.parametrize(
    ("given_job", "states"),
    [
        (job("INITIALIZING"), ["current", "next", "next"]),
        (job(progress=RUNNING), ["done", "current", "next"]),
        (job("COMPLETED"), ["done", "done", "done"]),
        (job("COMPLETED_WITH_ERRORS"), ["done", "done", "done"]),
        # It is not recorded how far it was.
        (job("FAILED"), ["unknown", "unknown", "stopped"]),
        (job("CANCELLED"), ["unknown", "unknown", "stopped"]),
        (job("INITIALIZING", discovery="batch"), ["current", "next", "next", "next"]),
        (job("DISCOVERING", discovery="batch"), ["done", "current", "next", "next"]),
        (job("PROCESSING", discovery="batch"), ["done", "done", "current", "next"]),
    ],
)
def test_phases_show_how_far_a_job_is(given_job: Json, states: list[str]) -> None:
    assert [phase.state for phase in job_facts.phases(given_job)] == states


def test_outcomes_are_complete_and_their_parts_fill_the_bar() -> None:
    counts = {COUNT_NAMES[kind.lower()]: number for number, kind in enumerate(OutcomeKind, 1)}
    rows = job_facts.outcomes(job(statistics=counts))
    assert [row.kind for row in rows] == list(OutcomeKind)
    assert sum(row.share for row in rows) == pytest.approx(100)
    for before, after in pairwise(rows):
        assert after.offset == pytest.approx(before.offset + before.share)
    assert job_facts.done_count(job(statistics=counts)) == sum(counts.values())


def test_a_long_silence_is_explained_and_a_short_one_is_not() -> None:
    recently, long_ago = NOW - timedelta(seconds=300), NOW - timedelta(seconds=900)
    assert job_facts.silence(job(), recently, NOW) is None
    assert "sweep" in (job_facts.silence(job(), long_ago, NOW) or "")
    waiting = job("DISCOVERING", discovery="batch")
    assert "That is normal" in (job_facts.silence(waiting, long_ago, NOW) or "")
    assert job_facts.silence(job("COMPLETED"), long_ago, NOW) is None


@pytest.mark.parametrize(
    ("status", "dry_run", "redrivable"),
    [
        ("COMPLETED_WITH_ERRORS", False, True),
        ("COMPLETED_WITH_ERRORS", True, False),
        ("FAILED", False, False),
        ("COMPLETED", False, False),
    ],
)
def test_only_failures_can_be_redriven(status: str, *, dry_run: bool, redrivable: bool) -> None:
    assert job_facts.is_redrivable(job(status, dryRun=dry_run)) is redrivable


def test_every_reason_has_a_sentence() -> None:
    for reason in Reason:
        assert reasons.sentence(reason) != reason
    assert reasons.sentence("TagLimitExceeded") == "TagLimitExceeded"


# --- pictures


def test_a_picture_of_chunks_says_the_same_in_words() -> None:
    chunks = [chunk(0), chunk(1, "FAILED"), chunk(2, "QUEUED"), chunk(3, "QUEUED")]
    picture = pictures.chunk_picture(chunks, 4)
    assert picture.description == "4 chunks: 2 queued, 1 completed, 1 failed."
    assert picture.complete
    part = pictures.chunk_picture(chunks, 10)
    assert part.description.startswith("The first 4 of 10 chunks")
    assert pictures.chunk_picture([], 0).description == "No chunks yet."


def test_a_plot_has_the_rate_of_each_interval() -> None:
    chunks = [chunk(0, at_s=10, put=30), chunk(1, at_s=20, put=10), chunk(2, "QUEUED")]
    plot = pictures.throughput(chunks, NOW, NOW + timedelta(seconds=30))
    assert plot is not None
    assert len(plot.bars) == 30
    heights = {round(bar.x / 20): bar.height for bar in plot.bars if bar.height}
    assert (plot.top, heights) == (50.0, {10: 60.0, 20: 20.0})
    assert plot.description == (
        "40 objects in 30 s: 1.3/s on average, at most 30/s (at 12:00:10 UTC)."
    )


def test_there_is_no_plot_before_a_chunk_has_settled() -> None:
    assert pictures.throughput([chunk(0, "PROCESSING")], NOW, NOW) is None
    assert pictures.throughput([], NOW, NOW) is None


@given(
    st.lists(st.tuples(st.floats(0, 1e7), st.integers(1, 10**9)), min_size=1, max_size=50),
    st.floats(0, 1e7),
)
def test_a_plot_stays_within_its_frame_and_loses_no_object(
    settled: list[tuple[float, int]], running_s: float
) -> None:
    chunks = [chunk(i, at_s=at_s, put=put) for i, (at_s, put) in enumerate(settled)]
    plot = pictures.throughput(chunks, NOW, NOW + timedelta(seconds=running_s))
    assert plot is not None
    assert 1 <= len(plot.bars) <= 61
    assert all(bar.y >= 0 and bar.y + bar.height <= 100.02 for bar in plot.bars)
    assert all(bar.x + bar.width <= 600.01 for bar in plot.bars)
    assert plot.description.startswith(text.plural(sum(put for _, put in settled), "object"))


# --- texts


def test_figures_are_short_and_say_their_unit() -> None:
    assert (text.count(1_234_567), text.count(None)) == ("1,234,567", text.NOTHING)
    assert [text.size(n) for n in (0, 999, 1_500, 10**15)] == ["0 B", "999 B", "1.5 KB", "1.0 PB"]
    assert [text.rate(n) for n in (0.25, 12.3, None)] == ["0.2/s", "12/s", text.NOTHING]
    assert [text.span(n) for n in (5, 300, 9_000, 300_000)] == ["5 s", "5 min", "2.5 h", "3.5 days"]
    assert (text.percent(40.0), text.percent(99.9)) == ("40 %", "99.9 %")
    assert text.ago(NOW.isoformat(), NOW + timedelta(seconds=90)) == "90 s ago"
    assert text.ago(NOW.isoformat(), NOW - timedelta(seconds=5)) == "just now"


@given(st.text())
def test_a_key_is_one_line_without_markup(key: str) -> None:
    html = str(text.key(key))
    plain = html.replace('<bdi dir="ltr">', "").replace("</bdi>", "")
    assert "<" not in plain
    assert ">" not in plain
    assert '"' not in plain
    assert all(char.isprintable() for char in plain)
    assert unescape(plain) == shown(key)


# --- reading


class Chunks:
    """An API with the chunks of a job, by pages."""

    label = "test"

    def __init__(self, chunks: list[Json]) -> None:
        self.chunks = chunks
        self.asked: list[str | None] = []

    async def get(self, path: str, query: Any = None) -> Json:
        assert path == "/jobs/job-1/chunks"
        self.asked.append(query["cursor"])
        begin = int(query["cursor"] or 0)
        end = begin + query["limit"]
        more = str(end) if end < len(self.chunks) else None
        return {"items": deepcopy(self.chunks[begin:end]), "nextCursor": more}


async def test_settled_chunks_are_read_once_and_open_ones_every_time() -> None:
    api = Chunks([chunk(n, "COMPLETED" if n < 150 else "QUEUED") for n in range(320)])
    reader = ChunkReader(api)  # type: ignore[arg-type] # it only reads
    assert len(await reader.read(job())) == 320
    assert api.asked == [None, "100", "200", "300"]
    api.asked.clear()
    api.chunks[150]["status"] = "COMPLETED"
    assert (await reader.read(job()))[150]["status"] == "COMPLETED"
    assert api.asked == ["100", "200", "300"]
    # A redrive changes the job, and chunks that were settled.
    api.asked.clear()
    api.chunks[0]["status"] = "QUEUED"
    later = job(updatedAt=(NOW + timedelta(seconds=1)).isoformat())
    assert (await reader.read(later))[0]["status"] == "QUEUED"
    assert api.asked[0] is None


async def test_only_so_many_chunks_are_read() -> None:
    api = Chunks([chunk(n) for n in range(CHUNK_COUNT_MAX + 500)])
    assert len(await ChunkReader(api).read(job())) == CHUNK_COUNT_MAX  # type: ignore[arg-type] # it only reads
    assert len(api.asked) == CHUNK_COUNT_MAX // 100


async def test_a_failure_of_two_requests_is_the_error_itself() -> None:
    async def fails() -> Json:
        raise ApiError("no", {"type": "/problems/unavailable", "status": 503})

    async def works() -> Json:
        return {}

    with pytest.raises(ApiError) as failed:
        await both(fails(), works())
    assert (failed.value.kind, failed.value.status) == ("unavailable", 503)
    assert await both(works(), works()) == ({}, {})
