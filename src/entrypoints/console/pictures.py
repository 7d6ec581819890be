"""Chunks and throughput, as data for drawings and as text for those who do not see them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.chunk import TERMINAL, ChunkStatus
from domain.outcome import COUNT_NAMES, OutcomeKind
from domain.views import Json
from entrypoints.console import text

_BAR_COUNT_MAX: Final = 60
PLOT_HEIGHT: Final = 100.0
PLOT_WIDTH: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPicture:
    """Chunks by index, one cell each, and how many of each state there are."""

    cells: tuple[Json, ...]
    states: tuple[tuple[str, int], ...]
    total: int

    @property
    def complete(self) -> bool:
        """Whether every chunk of the job has a cell."""
        return len(self.cells) >= self.total

    @property
    def description(self) -> str:
        """The same in words."""
        if not self.cells:
            return "No chunks yet."
        counts = ", ".join(
            f"{number:,} {text.words(state).lower()}" for state, number in self.states
        )
        lead = "" if self.complete else f"The first {len(self.cells):,} of "
        return f"{lead}{text.plural(self.total, 'chunk')}: {counts}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The rate within one interval, in the coordinates of the plot."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Objects per second over the time of a job."""

    bars: tuple[Bar, ...]
    top: float
    begin: datetime
    end: datetime
    description: str


def chunk_picture(chunks: Sequence[Json], total: int) -> ChunkPicture:
    """Return the cells of these chunks, of `total` in the job."""
    found = Counter(chunk["status"] for chunk in chunks)
    return ChunkPicture(
        cells=tuple(chunks),
        states=tuple((state.value, found[state]) for state in ChunkStatus if found[state]),
        total=max(total, len(chunks)),
    )


def throughput(chunks: Sequence[Json], begin: datetime, now: datetime) -> Plot | None:
    """Return the plot of a job's settled chunks; None while there is too little to draw.

    A chunk's objects count at the time when it settled, which is when the job's counts change.
    """
    settled = [
        (text.parse(chunk["updatedAt"]), objects)
        for chunk in chunks
        if chunk["status"] in TERMINAL and (objects := _object_count(chunk))
    ]
    if not settled:
        return None
    end = now
    if all(chunk["status"] in TERMINAL for chunk in chunks):
        end = max(at for at, _ in settled)
    begin = min(begin, min(at for at, _ in settled))
    span_s = max((end - begin).total_seconds(), 1.0)
    bin_s = max(span_s / _BAR_COUNT_MAX, 1.0)
    bar_count = max(1, math.ceil(span_s / bin_s))
    counts = [0] * bar_count
    for at, objects in settled:
        index = int((at - begin).total_seconds() / bin_s)
        counts[min(max(index, 0), bar_count - 1)] += objects
    return _drawn(counts, bin_s, begin, end, span_s)


def _drawn(
    counts: Sequence[int], bin_s: float, begin: datetime, end: datetime, span_s: float
) -> Plot:
    rates = [objects / bin_s for objects in counts]
    top = _round_up(max(rates))
    width = PLOT_WIDTH / len(rates)
    bars = []
    for index, value in enumerate(rates):
        height = PLOT_HEIGHT * value / top
        at = begin + timedelta(seconds=index * bin_s)
        bars.append(
            Bar(
                x=round(index * width, 2),
                y=round(PLOT_HEIGHT - height, 2),
                width=round(max(width - 1.0, 0.5), 2),
                height=round(height, 2),
                label=f"{at:%H:%M:%S} UTC: {text.rate(value)}",
            )
        )
    peak = max(range(len(rates)), key=lambda index: rates[index])
    peak_at = begin + timedelta(seconds=peak * bin_s)
    description = (
        f"{text.plural(sum(counts), 'object')} in {text.span(span_s)}:"
        f" {text.rate(sum(counts) / span_s)} on average, at most {text.rate(rates[peak])}"
        f" (at {peak_at:%H:%M:%S} UTC)."
    )
    return Plot(bars=tuple(bars), top=top, begin=begin, end=end, description=description)


def _object_count(chunk: Json) -> int:
    statistics = chunk["statistics"]
    return sum(statistics[COUNT_NAMES[kind.lower()]] for kind in OutcomeKind)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ... for the axis."""
    scale = 10.0 ** math.floor(math.log10(value))
    return next(step * scale for step in (1.0, 2.0, 5.0, 10.0) if step * scale >= value)
