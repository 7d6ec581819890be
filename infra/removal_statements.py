"""What the engine needs to compare a sync with the one before, and to announce what is gone."""

from typing import Final

from infra.statements import Statement

_POLICY: Final = "Removals"


def comparing_syncs() -> list[Statement]:
    """Write what a sync no longer sees, and announce it."""
    return [
        Statement(
            sid="Removals",
            reason=(
                "Write the objects that a sync no longer sees, by multipart upload, and read"
                " them: to look for them once more, and with the next sync."
            ),
            actions=("s3:GetObject", "s3:PutObject"),
            resources=("{results_bucket}/jobs/*/removals/*",),
            apart=_POLICY,
        ),
        Statement(
            sid="ReadIndexes",
            reason="Read what a sync and the one before have seen, from their indexes.",
            actions=("s3:GetObject",),
            resources=("{results_bucket}/jobs/*/index/*",),
            apart=_POLICY,
        ),
        Statement(
            sid="AnnounceRemovals",
            reason="Send an event to the ingest bus for each object that is gone.",
            actions=("events:PutEvents",),
            resources=("{ingest_bus}",),
            apart=_POLICY,
        ),
    ]
