"""Planted bugs of searches for orphans; their seeds are those of `searching`."""

from __future__ import annotations

from simulator.planted import bug

ORPHAN_BUGS = (
    bug(
        "reporting what exists",
        2_000_001,
        "application.engine.check_orphans:CheckOrphans._orphans_of",
        "if row.key not in found",
        "if row",
        "only_what_is_gone_is_reported",
    ),
)
