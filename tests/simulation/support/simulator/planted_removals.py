"""Planted bugs of comparisons of syncs."""

from __future__ import annotations

from simulator.planted import bug

REMOVAL_BUGS = (
    bug(
        "announcing what the guard stops",
        1_000_002,
        "application.engine.compare_syncs:CompareSyncs._guard",
        "if reason is None:",
        "if True:",
        "only_what_is_gone_is_announced",
    ),
)
