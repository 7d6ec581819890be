"""The command line's summary of an ended job, in addition to its counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.outcome import Statistics, counts_by_name
from entrypoints.cli.terminal.output import summary_of

QUIET = Statistics(skipped=7)


@pytest.mark.parametrize(
    ("statistics", "summary"),
    [
        (QUIET, None),
        (replace(QUIET, put=2, not_media=3), None),
        (
            replace(QUIET, ingesting=1200),
            "nothing was written; 1,200 were triggered earlier and are still pending; sync later",
        ),
        (
            replace(QUIET, not_taken=2, put=1),
            "2 were triggered and not taken: asset-sync outcomes job-1 --outcome NOT_TAKEN",
        ),
        (
            replace(QUIET, ingesting=1, not_taken=2, tags_restored=1),
            (
                "1 were triggered earlier and are still pending; sync later; 2 were triggered and"
                " not taken: asset-sync outcomes job-1 --outcome NOT_TAKEN"
            ),
        ),
        (replace(QUIET, not_taken=2, failed=1), "next: asset-sync errors job-1 --group cause"),
    ],
)
def test_one_line_with_the_next_step(statistics: Statistics, summary: str | None) -> None:
    assert summary_of({"jobId": "job-1", "statistics": counts_by_name(statistics)}) == summary
