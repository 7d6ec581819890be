"""What the engine needs to compare a sync with others and the catalog, and to announce removals."""

from infra.statements import Statement


def connector_records() -> list[Statement]:
    """Read connectors, and record with them what their next sync needs."""
    return [
        Statement(
            sid="ConnectorRecords",
            reason=(
                "Read a connector when a job begins, and when one is compared with the sync before;"
                " note with it when its ingest queue was seen empty, and what its next sync is"
                " compared with."
            ),
            actions=("dynamodb:GetItem", "dynamodb:UpdateItem"),
            resources=("{connectors_table}",),
        ),
    ]


def comparing_syncs() -> list[Statement]:
    """Write what a sync no longer sees, and announce it."""
    return [
        Statement(
            sid="Removals",
            reason=(
                "Write the objects that a sync no longer sees, and records of the catalog without"
                " an object, by multipart upload, and read them: to look for them once more, and"
                " with the next sync."
            ),
            actions=("s3:GetObject", "s3:PutObject"),
            resources=(
                "{results_bucket}/jobs/*/removals/*",
                "{results_bucket}/jobs/*/orphans/*",
            ),
        ),
        Statement(
            sid="ReadIndexes",
            reason="Read what a sync and the one before have seen, from their indexes.",
            actions=("s3:GetObject",),
            resources=("{results_bucket}/jobs/*/index/*",),
        ),
        Statement(
            sid="AnnounceRemovals",
            reason="Send an event to the ingest bus for each object that is gone.",
            actions=("events:PutEvents",),
            resources=("{ingest_bus}",),
        ),
    ]
