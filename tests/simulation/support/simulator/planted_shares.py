"""Planted bugs of listings that are shared out; see `planted`."""

from __future__ import annotations

from simulator.planted import bug

SHARE_BUGS = (
    bug(
        "keeping what was handed on to another share",
        7,
        "domain.listing_share:hand_on",
        "kept = replace(giver, listing=replace(at, ranges=at.ranges[::2]))",
        "kept = giver",
        "i1_every_entry_has_one_outcome",
        "outcomes_are_what_the_world_asked_for",
    ),
    bug(
        "losing what was handed on to another share",
        17,
        "domain.listing_share:hand_on",
        "given = replace(at, ranges=at.ranges[1::2])",
        "given = replace(at, ranges=at.ranges[2::2] or at.ranges[:1])",
        "i1_every_entry_has_one_outcome",
        "outcomes_are_what_the_world_asked_for",
    ),
    bug(
        "continuing to list what was handed on",
        7,
        "application.engine.list_share:ListShare._list",
        "break",
        "pass",
        "i1_every_entry_has_one_outcome",
        "outcomes_are_what_the_world_asked_for",
    ),
    bug(
        "leasing a share whose lease is live",
        235,
        "domain.listing_share:lease_share",
        "if share.lease is not None and share.lease.live(now):",
        "if False:",
        "i4_only_the_lease_holder_lists_a_share",
    ),
    bug(
        "recording a share over another worker's version",
        1_757,
        "adapters.memory.share_store:MemoryShareStore._over",
        "expected_version=share.version",
        "expected_version=table.find(share.number).version",
        "i1_every_entry_has_one_outcome",
        "i4_only_the_lease_holder_lists_a_share",
        "outcomes_are_what_the_world_asked_for",
    ),
    bug(
        "adding chunks of a share to a job that is ending",
        330,
        "adapters.memory.share_store:MemoryShareStore.record",
        "if job is None or job.terminal or job.ending is not None:",
        "if job is None:",
        "i2_a_terminal_job_has_terminal_chunks",
        "i4_only_the_lease_holder_lists_a_share",
    ),
    bug(
        "not listing a share whose message was lost",
        255,
        "application.engine.share_listing:ShareListing._idle",
        "return (now - share.updated_at).total_seconds() >= self._tuning.stuck_after_s",
        "return False",
        "i9_faults_end_and_so_do_jobs",
    ),
)
