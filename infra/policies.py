"""What each role may do, as data: every statement with the reason for it.

The stack creates its policies from this data, docs/iam.md is generated from it, and a test compares
it with the functions' calls to AWS. It imports no AWS library.

There is no managed policy of AWS, and `*` as a resource only for actions without a resource: those
statements are marked `resourceless`, and a test checks each of their actions in AWS's own list.

ROLES are those of this installation. The owner of a bucket in another account creates a role there;
the permissions and the trust that it needs are also here.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from infra.batch_role_statements import batch_role_statements
from infra.config import Config
from infra.orphan_statements import searching_orphans
from infra.removal_statements import comparing_syncs
from infra.schedule_statements import (
    keeping_schedules,
    running_schedules,
    schedule_role_statements,
)
from infra.statements import (
    Statement,
    announcing,
    common,
    missing_results,
    publishing,
    queueing,
    summary,
)
from infra.system_statements import (
    catalog,
    scanning_catalog,
    sending_to_ingest,
    sizing_catalog,
    watching_ingest,
)
from infra.target_statements import (
    assuming,
    engine_on_sources,
    engine_on_targets,
    processor_on_targets,
)


def api_statements(config: Config) -> list[Statement]:
    """What the API's function may do: its own records, no customer's bucket, no batch jobs."""
    return [
        Statement(
            sid="JobRecords",
            reason=(
                "Create, show, cancel, pause and redrive jobs; take and free prefixes; check that a"
                " connector that is removed has no active job."
            ),
            actions=(
                "dynamodb:BatchGetItem",
                "dynamodb:ConditionCheckItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            ),
            resources=("{jobs_table}",),
        ),
        Statement(
            sid="JobLists",
            reason=(
                "List jobs, all or a connector's; continue the open ones when the pause of all jobs"
                " ends."
            ),
            actions=("dynamodb:Query",),
            resources=(
                "{jobs_table}/index/ByConnectorIndex",
                "{jobs_table}/index/ByCreatedIndex",
                "{jobs_table}/index/OpenIndex",
            ),
        ),
        Statement(
            sid="JobDetails",
            reason="List a job's chunks and its failures.",
            actions=("dynamodb:Query",),
            resources=("{chunks_table}", "{errors_table}"),
        ),
        Statement(
            sid="ChunkOfObject",
            reason="Show the chunk, with its attempts, of an object found in a job's index.",
            actions=("dynamodb:GetItem",),
            resources=("{chunks_table}",),
        ),
        Statement(
            sid="Connectors",
            reason=(
                "Register, show, edit, remove and list connectors; the list of the small table is a"
                " Scan. A job starts only if its connector is as it was read."
            ),
            actions=(
                "dynamodb:ConditionCheckItem",
                "dynamodb:DeleteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Scan",
                "dynamodb:UpdateItem",
            ),
            resources=("{connectors_table}",),
        ),
        Statement(
            sid="ReadOutcomes",
            reason=(
                "Return outcomes, from the index or the files of chunks, removed objects, and"
                " orphans."
            ),
            actions=("s3:GetObject",),
            resources=(
                "{results_bucket}/jobs/*/index/*",
                "{results_bucket}/jobs/*/outcomes/*",
                "{results_bucket}/jobs/*/removals/*",
                "{results_bucket}/jobs/*/orphans/*",
            ),
        ),
        summary(),
        missing_results(),
        Statement(
            sid="AskForSurveys",
            reason=(
                "Have a bucket looked at for a plan, or an object to explain it: the function of"
                " discovery may read it, and this one may not."
            ),
            actions=("lambda:InvokeFunction",),
            resources=("{discovery_function}",),
        ),
        *sizing_catalog(config),
        *keeping_schedules(),
        *announcing(),
        *common(config),
    ]


def engine_statements(config: Config) -> list[Statement]:
    """What the engine's function may do: list buckets, order batch jobs, split, sweep."""
    return [
        Statement(
            sid="JobRecords",
            reason=(
                "Read and move jobs; free prefixes when one ends; record the shares of a long"
                " listing, and remove them when it is done."
            ),
            actions=(
                "dynamodb:BatchGetItem",
                "dynamodb:DeleteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            ),
            resources=("{jobs_table}",),
        ),
        Statement(
            sid="OpenJobs",
            reason="The sweep reads every job that has not ended.",
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
            reason="Record what failed; clear what the workers of a cancelled chunk recorded.",
            actions=("dynamodb:BatchWriteItem", "dynamodb:Query"),
            resources=("{errors_table}",),
        ),
        *catalog(config, by_asset=False),
        *scanning_catalog(config),
        *watching_ingest(config),
        *engine_on_targets(config),
        *engine_on_sources(config),
        *assuming(config),
        Statement(
            sid="WriteManifest",
            reason=(
                "Write a manifest, and the list of known objects, by multipart upload, or abort it:"
                " if empty, or cancelled."
            ),
            actions=("s3:AbortMultipartUpload", "s3:PutObject"),
            resources=(
                "{results_bucket}/jobs/*/known.csv",
                "{results_bucket}/jobs/*/manifest.csv",
            ),
        ),
        Statement(
            sid="WriteResults",
            reason=(
                "Write chunks, what discovery found, what a cancelled chunk's workers had done, and"
                " the index of a job's outcomes."
            ),
            actions=("s3:PutObject",),
            resources=(
                "{results_bucket}/jobs/*/chunks/*",
                "{results_bucket}/jobs/*/index/*",
                "{results_bucket}/jobs/*/outcomes/*",
                "{results_bucket}/jobs/*/progress/*",
            ),
        ),
        Statement(
            sid="ReadResults",
            reason=(
                "Read manifests, known objects, completion reports, and the chunks and outcomes of"
                " which the index is made; the results of a cancelled chunk."
            ),
            actions=("s3:GetObject",),
            resources=(
                "{results_bucket}/jobs/*/chunks/*",
                "{results_bucket}/jobs/*/known.csv",
                "{results_bucket}/jobs/*/manifest.csv",
                "{results_bucket}/jobs/*/outcomes/*",
                "{results_bucket}/jobs/*/progress/*",
                "{results_bucket}/jobs/*/reports/*",
            ),
        ),
        *comparing_syncs(),
        *searching_orphans(),
        summary(),
        missing_results(),
        Statement(
            sid="CreateBatchJobs",
            reason=(
                "Create batch jobs for discovery. AWS has no resource to name here; the request"
                " must have the service's job tag, and can pass only the service's role."
            ),
            actions=("s3:CreateJob",),
            resources=("*",),
            conditions={"Null": {"aws:RequestTag/asset-sync:job": "false"}},
            resourceless=True,
        ),
        Statement(
            sid="WatchBatchJobs",
            reason=(
                "Tag a batch job at its creation, and read its status. Events report all batch jobs"
                " of the account, so the engine also reads others, to recognise its own."
            ),
            actions=("s3:DescribeJob", "s3:PutJobTagging"),
            resources=("{batch_jobs}",),
        ),
        Statement(
            sid="FindBatchJobs",
            reason=(
                "Find the batch job of a cancelled job whose record does not name it, because the"
                " engine died right after creating it. AWS has no resource to name here."
            ),
            actions=("s3:ListJobs",),
            resources=("*",),
            resourceless=True,
        ),
        Statement(
            sid="CancelBatchJobs",
            reason="Cancel a batch job of this service, which has its tag, and no other.",
            actions=("s3:UpdateJobStatus",),
            resources=("{batch_jobs}",),
            conditions={"Null": {"aws:ResourceTag/asset-sync:job": "false"}},
        ),
        Statement(
            sid="PassBatchRole",
            reason="Pass a batch job the role that it runs with, and no other role.",
            actions=("iam:PassRole",),
            resources=("{batch_role}",),
            conditions={
                "StringEquals": {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}
            },
        ),
        queueing(),
        Statement(
            sid="LookAtQueue",
            reason="From the number of messages, the sweep detects lost ones.",
            actions=("sqs:GetQueueAttributes",),
            resources=("{processor_queue}",),
        ),
        *running_schedules(),
        *announcing(),
        Statement(
            sid="LostInvocations",
            reason="Lambda keeps the events that failed permanently in this queue.",
            actions=("sqs:SendMessage",),
            resources=("{failed_events_queue}",),
            by_service=True,
        ),
        *common(config),
    ]


def processor_statements(config: Config) -> list[Statement]:
    """What the processor's function may do: decide, tag, copy onto itself, announce, settle."""
    return [
        Statement(
            sid="JobRecords",
            reason="Read jobs, move their counts; free prefixes; take slots of limited connectors.",
            actions=("dynamodb:BatchGetItem", "dynamodb:UpdateItem"),
            resources=("{jobs_table}",),
        ),
        Statement(
            sid="ChunkRecords",
            reason="Lease chunks and settle them; find one that waits for a worker.",
            actions=("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
            resources=("{chunks_table}",),
        ),
        Statement(
            sid="Failures",
            reason="Record what failed, and clear it when it is retried.",
            actions=("dynamodb:BatchWriteItem", "dynamodb:Query"),
            resources=("{errors_table}",),
        ),
        *catalog(config),
        Statement(
            sid="WriteResults",
            reason="Write the outcomes of chunks, and progress if a worker releases one.",
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
        *processor_on_targets(config),
        *assuming(config),
        Statement(
            sid="AnnounceObjects",
            reason="Send an event to the ingest bus for each object that is ready.",
            actions=("events:PutEvents",),
            resources=("{ingest_bus}",),
        ),
        *sending_to_ingest(config),
        queueing(),
        Statement(
            sid="PollQueues",
            reason="Lambda receives chunk messages and dead letters from their queues.",
            actions=("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
            resources=("{processor_queue}", "{dead_letter_queue}"),
            by_service=True,
        ),
        publishing(),
        *common(config),
    ]


def target_role_statements(config: Config) -> list[Statement]:
    """Return the statements on the targets of a role that engine and processor assume.

    These are those of their own roles, so the two cannot differ.
    """
    return [*engine_on_targets(config), *engine_on_sources(config), *processor_on_targets(config)]


def target_role_trust(engine_role: str, processor_role: str) -> dict[str, Any]:
    """Return the trust policy of such a role: the two roles with these ARNs, and no others."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AssetSync",
                "Effect": "Allow",
                "Principal": {"AWS": [engine_role, processor_role]},
                "Action": "sts:AssumeRole",
            }
        ],
    }


ROLES: Final[Mapping[str, Callable[[Config], list[Statement]]]] = {
    "api": api_statements,
    "engine": engine_statements,
    "processor": processor_statements,
    "batch": batch_role_statements,
    "schedules": schedule_role_statements,
}
