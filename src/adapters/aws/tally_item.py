"""The stored form of counts: each number of a tally is an attribute, so that ADD can change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from domain.outcome import COUNT_NAMES, Statistics, counts_by_name
from domain.tally import Tally

_CHUNK_COUNTS: Final[Mapping[str, str]] = {
    "chunksTotal": "chunks_total",
    "chunksCompleted": "chunks_completed",
    "chunksFailed": "chunks_failed",
    "chunksCancelled": "chunks_cancelled",
}
_FAILED_IN_DISCOVERY: Final = "failedInDiscovery"


def tally_values(tally: Tally) -> dict[str, int]:
    """Return the tally's attributes; they are at the top level of the job's item."""
    counts = {name: getattr(tally, field) for name, field in _CHUNK_COUNTS.items()}
    return {
        **statistics_values(tally.statistics),
        **counts,
        _FAILED_IN_DISCOVERY: tally.failed_in_discovery,
    }


def to_tally(values: Mapping[str, Any]) -> Tally:
    """Return the tally of a job's attributes."""
    counts = {field: values[name] for name, field in _CHUNK_COUNTS.items()}
    return Tally(
        statistics=to_statistics(values),
        # Version 0.1 did not count them.
        failed_in_discovery=values.get(_FAILED_IN_DISCOVERY, 0),
        **counts,
    )


def tally_addition(change: Tally) -> dict[str, int]:
    """Return what to add to which attribute; nothing for unchanged numbers."""
    return {name: number for name, number in tally_values(change).items() if number}


def statistics_values(statistics: Statistics) -> dict[str, int]:
    """Return the attributes of the counts by outcome."""
    return counts_by_name(statistics)


def to_statistics(values: Mapping[str, Any]) -> Statistics:
    """Return the counts by outcome; items of earlier versions have fewer of them."""
    return Statistics(**{field: values.get(name, 0) for field, name in COUNT_NAMES.items()})
