"""The statements of the role that S3 Batch Operations assumes."""

from __future__ import annotations

from infra.config import Config
from infra.statements import Statement


def batch_role_statements(_config: Config) -> list[Statement]:
    """What S3 Batch Operations may do in our name; it touches no object of a customer."""
    return [
        Statement(
            sid="ReadManifest",
            reason="Read the list of a job's objects.",
            actions=("s3:GetObject",),
            resources=("{results_bucket}/jobs/*/manifest.csv",),
            by_service=True,
        ),
        Statement(
            sid="WriteReport",
            reason="Write the completion report.",
            actions=("s3:PutObject",),
            resources=("{results_bucket}/jobs/*/reports/*",),
            by_service=True,
        ),
        Statement(
            sid="InvokeProcessor",
            reason=(
                "Ask for a decision on each object. Batch jobs that were made before discovery had"
                " a function of its own call the processor's."
            ),
            actions=("lambda:InvokeFunction",),
            resources=("{discovery_function}", "{processor_function}"),
            by_service=True,
        ),
    ]
