"""Bugs in snapshots of the catalog that are planted for one test each; see `planted`."""

from __future__ import annotations

from simulator.planted import bug

SNAPSHOT_BUGS = (
    bug(
        "trusting a snapshot of any age",
        11,
        "domain.snapshot:Lookup.trusted",
        "return snapshot if (now - snapshot.began_at).total_seconds() <= age_max_s else None",
        "return snapshot",
        "an_old_snapshot_is_not_used",
    ),
    bug(
        "trusting the snapshot of an earlier job, older than a delete",
        2,
        "application.results.snapshot_files:SnapshotReader._rows",
        "self._blocks.get((job_id, number, block), read_block)",
        "self._blocks.get((number, block), read_block)",
        "outcomes_are_what_the_world_asked_for",
    ),
    bug(
        "taking a record of other content for this version",
        2,
        "domain.verification:_describes",
        "record.storage_path == storage_path\n",
        "record.storage_path == storage_path or True\n",
        "outcomes_are_what_the_world_asked_for",
    ),
)
