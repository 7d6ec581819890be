"""Planted bugs of comparisons of syncs."""

from __future__ import annotations

from simulator.planted import bug

REMOVAL_BUGS = (
    bug(
        "announcing what the guard stops",
        1_000_004,
        "application.engine.compare_syncs:CompareSyncs._guard",
        "if reason is None:",
        "if True:",
        "only_what_is_gone_is_announced",
    ),
    bug(
        "announcing a removal twice",
        1_000_000,
        "application.engine.check_missing:CheckMissing._announce",
        "self._bus.publish_removals(group)",
        "self._bus.publish_removals("
        '[*group, *(replace(each, event_id=f"{each.event_id}+") for each in group)])',
        "only_what_is_gone_is_announced",
    ),
)
