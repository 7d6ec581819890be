"""What each role may do, as data: every statement with the reason for it.

The stack makes its policies from this, docs/iam.md is written from it, and a test compares it with
what the functions ask AWS for. It knows no AWS library.

No managed policy, and no `*` as a resource but where AWS has no resource to name: those statements
are marked `resourceless`, and a test looks each of their actions up in AWS's own list.
"""

from collections.abc import Callable, Mapping
from typing import Final

from infra.config import Config
from infra.statements import (
    Statement,
    announcing,
    common,
    missing_results,
    publishing,
    queueing,
    summary,
    target_buckets,
)


def api_statements(config: Config) -> list[Statement]:
    """What the API's function may do: its own records, no customer's bucket, no batch jobs."""
    return [
        Statement(
            sid="JobRecords",
            reason="Create, show, cancel and redrive jobs; take and free a connector's prefixes.",
            actions=(
                "dynamodb:BatchGetItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            ),
            resources=("{jobs_table}",),
        ),
        Statement(
            sid="JobLists",
            reason="List jobs, all or a connector's.",
            actions=("dynamodb:Query",),
            resources=("{jobs_table}/index/ByConnectorIndex", "{jobs_table}/index/ByCreatedIndex"),
        ),
        Statement(
            sid="JobDetails",
            reason="List a job's chunks and its failures.",
            actions=("dynamodb:Query",),
            resources=("{chunks_table}", "{errors_table}"),
        ),
        Statement(
            sid="Connectors",
            reason="Register, show and list connectors; the list of the small table is a Scan.",
            actions=("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"),
            resources=("{connectors_table}",),
        ),
        Statement(
            sid="ReadOutcomes",
            reason="Answer what became of an object.",
            actions=("s3:GetObject",),
            resources=("{results_bucket}/jobs/*/outcomes/*",),
        ),
        summary(),
        missing_results(),
        *announcing(),
        *common(config),
    ]


def engine_statements(config: Config) -> list[Statement]:
    """What the engine's function may do: list buckets, order batch jobs, split, sweep."""
    return [
        Statement(
            sid="JobRecords",
            reason="Read and move jobs; free a connector's prefixes when one ends.",
            actions=("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"),
            resources=("{jobs_table}",),
        ),
        Statement(
            sid="OpenJobs",
            reason="The sweep looks at every job that has not ended.",
            actions=("dynamodb:Query",),
            resources=("{jobs_table}/index/OpenIndex",),
        ),
        Statement(
            sid="ChunkRecords",
            reason="Record chunks, free expired leases, queue and cancel chunks.",
            actions=("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
            resources=("{chunks_table}",),
        ),
        Statement(
            sid="Failures",
            reason="Record what failed.",
            actions=("dynamodb:BatchWriteItem",),
            resources=("{errors_table}",),
        ),
        Statement(
            sid="ListTargets",
            reason=(
                "List the objects of the buckets that are synchronised, and look first whether a"
                " bucket has versions (a copy would leave one behind) or has its readers pay."
            ),
            actions=("s3:GetBucketRequestPayment", "s3:GetBucketVersioning", "s3:ListBucket"),
            resources=target_buckets(config),
        ),
        Statement(
            sid="WriteManifest",
            reason="Write a manifest in parts, or give its upload up: if empty, or cancelled.",
            actions=("s3:AbortMultipartUpload", "s3:PutObject"),
            resources=("{results_bucket}/jobs/*/manifest.csv",),
        ),
        Statement(
            sid="WriteResults",
            reason="Write chunks and what discovery found.",
            actions=("s3:PutObject",),
            resources=(
                "{results_bucket}/jobs/*/chunks/*",
                "{results_bucket}/jobs/*/outcomes/*",
            ),
        ),
        Statement(
            sid="ReadResults",
            reason="Read manifests and completion reports.",
            actions=("s3:GetObject",),
            resources=(
                "{results_bucket}/jobs/*/manifest.csv",
                "{results_bucket}/jobs/*/reports/*",
            ),
        ),
        summary(),
        missing_results(),
        Statement(
            sid="CreateBatchJobs",
            reason=(
                "Order discovery from S3 Batch Operations. AWS has no resource to name here; the"
                " request must carry our job tag, and the only role it can pass is ours."
            ),
            actions=("s3:CreateJob",),
            resources=("*",),
            conditions={"Null": {"aws:RequestTag/asset-sync:job": "false"}},
            resourceless=True,
        ),
        Statement(
            sid="WatchBatchJobs",
            reason=(
                "Tag a batch job at its creation, and ask how it is. Events tell of all batch jobs"
                " of the account, so it is asked of others' as well whose they are."
            ),
            actions=("s3:DescribeJob", "s3:PutJobTagging"),
            resources=("{batch_jobs}",),
        ),
        Statement(
            sid="CancelBatchJobs",
            reason="Cancel a batch job of ours, which carries our tag; nobody else's.",
            actions=("s3:UpdateJobStatus",),
            resources=("{batch_jobs}",),
            conditions={"Null": {"aws:ResourceTag/asset-sync:job": "false"}},
        ),
        Statement(
            sid="PassBatchRole",
            reason="Give a batch job the role that it runs with, and no other role to no one else.",
            actions=("iam:PassRole",),
            resources=("{batch_role}",),
            conditions={
                "StringEquals": {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}
            },
        ),
        queueing(),
        *announcing(),
        Statement(
            sid="LostInvocations",
            reason="Lambda keeps the events that failed for good in this queue.",
            actions=("sqs:SendMessage",),
            resources=("{failed_events_queue}",),
            by_service=True,
        ),
        *common(config),
    ]


def processor_statements(config: Config) -> list[Statement]:
    """What the processor's function may do: decide, tag, copy onto itself, announce, settle."""
    targets = tuple(f"{bucket}/*" for bucket in target_buckets(config))
    return [
        Statement(
            sid="JobRecords",
            reason="Read jobs and move their counts; free a connector's prefixes when one ends.",
            actions=("dynamodb:GetItem", "dynamodb:UpdateItem"),
            resources=("{jobs_table}",),
        ),
        Statement(
            sid="ChunkRecords",
            reason="Lease chunks and settle them.",
            actions=("dynamodb:GetItem", "dynamodb:PutItem"),
            resources=("{chunks_table}",),
        ),
        Statement(
            sid="Failures",
            reason="Record what failed, and clear it when it is tried again.",
            actions=("dynamodb:BatchWriteItem", "dynamodb:Query"),
            resources=("{errors_table}",),
        ),
        Statement(
            sid="Catalog",
            reason="Look records of assets up by their inventory id; never write.",
            actions=("dynamodb:BatchGetItem",),
            resources=("{catalog_table}",),
        ),
        *_catalog_index(config),
        Statement(
            sid="WriteResults",
            reason="Write the outcomes of chunks, and progress where one is handed on.",
            actions=("s3:PutObject",),
            resources=(
                "{results_bucket}/jobs/*/outcomes/*",
                "{results_bucket}/jobs/*/progress/*",
            ),
        ),
        Statement(
            sid="ReadResults",
            reason="Read chunks, what discovery found, and the progress of earlier attempts.",
            actions=("s3:GetObject",),
            resources=(
                "{results_bucket}/jobs/*/chunks/*",
                "{results_bucket}/jobs/*/outcomes/*",
                "{results_bucket}/jobs/*/progress/*",
            ),
        ),
        summary(),
        missing_results(),
        Statement(
            sid="LookAtTargets",
            reason=(
                "Tell a deleted object from a forbidden one: without ListBucket both are 403."
                " Whether the bucket uses ACLs, or locks by default, decides what a copy restates."
            ),
            actions=(
                "s3:GetBucketObjectLockConfiguration",
                "s3:GetBucketOwnershipControls",
                "s3:ListBucket",
            ),
            resources=target_buckets(config),
        ),
        Statement(
            sid="ReadTargets",
            reason=(
                "Read an object's tags and head, with its lock and its ACL, and be the source of"
                " its copy. HeadObject leaves out a lock that its caller may not see."
            ),
            actions=(
                "s3:GetObject",
                "s3:GetObjectAcl",
                "s3:GetObjectLegalHold",
                "s3:GetObjectRetention",
                "s3:GetObjectTagging",
            ),
            resources=targets,
        ),
        Statement(
            sid="WriteTargets",
            reason=(
                "Copy an object onto itself with its new tags, whole or in parts, keeping its ACL"
                " and its lock; or tag it only, by version where there are versions."
            ),
            actions=(
                "s3:AbortMultipartUpload",
                "s3:PutObject",
                "s3:PutObjectAcl",
                "s3:PutObjectLegalHold",
                "s3:PutObjectRetention",
                "s3:PutObjectTagging",
                "s3:PutObjectVersionTagging",
            ),
            resources=targets,
        ),
        *_target_keys(config),
        Statement(
            sid="AnnounceObjects",
            reason="Tell the ingest bus of each object that is ready.",
            actions=("events:PutEvents",),
            resources=("{ingest_bus}",),
        ),
        queueing(),
        Statement(
            sid="PollQueues",
            reason="Lambda takes chunk messages and dead letters off their queues.",
            actions=("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
            resources=("{processor_queue}", "{dead_letter_queue}"),
            by_service=True,
        ),
        publishing(),
        *common(config),
    ]


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
            reason="Ask the processor for a decision on each object.",
            actions=("lambda:InvokeFunction",),
            resources=("{processor_function}",),
            by_service=True,
        ),
    ]


ROLES: Final[Mapping[str, Callable[[Config], list[Statement]]]] = {
    "api": api_statements,
    "engine": engine_statements,
    "processor": processor_statements,
    "batch": batch_role_statements,
}


def _catalog_index(config: Config) -> list[Statement]:
    if not config.catalog_index:
        return []
    return [
        Statement(
            sid="CatalogIndex",
            reason="Ask the index over asset ids for what the records leave open.",
            actions=("dynamodb:Query",),
            resources=(f"{{catalog_table}}/index/{config.catalog_index}",),
        )
    ]


def _target_keys(config: Config) -> list[Statement]:
    if not config.target_keys:
        return []
    return [
        Statement(
            sid="TargetKeys",
            reason="Copy objects that are encrypted with these keys, under the same key.",
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=config.target_keys,
            conditions={"StringEquals": {"kms:ViaService": "s3.{region}.amazonaws.com"}},
            by_service=True,
        )
    ]
