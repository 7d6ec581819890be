"""What the engine needs to search records of the catalog whose objects do not exist."""

from infra.statements import Statement


def searching_orphans() -> list[Statement]:
    """Write what a search has found, and the files that it is made of."""
    return [
        Statement(
            sid="Orphans",
            reason=(
                "Write records of the catalog whose objects are not listed, by multipart upload,"
                " and read them: to sort them, and to look for their objects once more."
            ),
            actions=("s3:GetObject", "s3:PutObject"),
            resources=("{results_bucket}/jobs/*/orphans/*",),
            apart="Removals",
        ),
    ]
