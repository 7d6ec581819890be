"""What a statement of a policy is, and those that several roles share.

Resources are templates: a name in braces stands for an ARN of this installation, which `render`
puts in. It imports no AWS library.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.config import Config

Condition = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a policy.

    Attributes:
        sid: Its name in the policy: letters and digits.
        reason: Why it is there, for those who review it.
        actions: IAM actions.
        resources: ARNs, with names in braces for those of this installation.
        conditions: As in a policy document.
        resourceless: Whether AWS defines no resource for these actions, so that it must be `*`.
        by_service: Whether AWS itself acts with it in the function's name (polling, tracing), so
            that no call of our code ever needs it.
        list_of: The choice that its resources are a list of, such as `targets`; empty where their
            number is fixed. A list has no bound, and a document has one (infra.policy_documents).
        apart: The name of the managed policy that it stands in, for what a role can do besides its
            main work; empty for the inline policy, which has room for no more.
    """

    sid: str
    reason: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Condition = field(default_factory=dict)
    resourceless: bool = False
    by_service: bool = False
    list_of: str = ""
    apart: str = ""


def render(statement: Statement, arns: Mapping[str, str]) -> dict[str, Any]:
    """Return the statement as in a policy document, with `arns` for the names in braces."""
    document: dict[str, Any] = {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": list(statement.actions),
        "Resource": [resource.format_map(arns) for resource in statement.resources],
    }
    if statement.conditions:
        document["Condition"] = {
            operator: {key: value.format_map(arns) for key, value in keys.items()}
            for operator, keys in statement.conditions.items()
        }
    return document


def document(statements: Iterable[Statement], arns: Mapping[str, str]) -> dict[str, Any]:
    """Return a whole policy document."""
    return {
        "Version": "2012-10-17",
        "Statement": [render(statement, arns) for statement in statements],
    }


def summary() -> Statement:
    """Leave a job's record with its files."""
    return Statement(
        sid="WriteSummary",
        reason=(
            "Write the record of an ended job to its files, before its end is published; read its"
            " ETag, so that a late write does not replace a later record."
        ),
        actions=("s3:GetObject", "s3:PutObject"),
        resources=("{results_bucket}/jobs/*/summary.json",),
    )


def missing_results() -> Statement:
    """Tell missing files from forbidden ones."""
    return Statement(
        sid="TellMissingResults",
        reason="Distinguish a missing file from a forbidden one: without this, both are 403.",
        actions=("s3:ListBucket",),
        resources=("{results_bucket}",),
    )


def queueing() -> Statement:
    """Send chunk messages."""
    return Statement(
        sid="QueueChunks",
        reason="Send chunk messages.",
        actions=("sqs:SendMessage",),
        resources=("{processor_queue}",),
    )


def publishing() -> Statement:
    """Publish statuses."""
    return Statement(
        sid="PublishStatus",
        reason="Publish the status of a job.",
        actions=("sns:Publish",),
        resources=("{status_topic}",),
    )


def announcing() -> list[Statement]:
    """Publish statuses and invoke the engine."""
    return [
        publishing(),
        Statement(
            sid="InvokeEngine",
            reason="Invoke the engine to continue a job.",
            actions=("lambda:InvokeFunction",),
            resources=("{engine_function}",),
        ),
    ]


def common(config: Config) -> list[Statement]:
    """Log and trace, and use the keys of the role's resources."""
    statements = [
        Statement(
            sid="Logs",
            reason="Write the function's own log; its group is made with the function.",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=("{log_group}",),
            by_service=True,
        ),
        Statement(
            sid="Traces",
            reason="Send traces to X-Ray, which has no resource to name.",
            actions=("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
            resources=("*",),
            resourceless=True,
            by_service=True,
        ),
    ]
    if config.kms != "none":
        own = ("{key}",)
        statements += [
            table_key_statement(
                "TableKey", "Tables are encrypted with this key.", own, writes=True
            ),
            key_statement("QueueKey", "Queues are encrypted with this key.", own, "sqs"),
            key_statement("TopicKey", "The status topic is encrypted with this key.", own, "sns"),
        ]
    return statements


def table_key_statement(sid: str, reason: str, keys: tuple[str, ...], *, writes: bool) -> Statement:
    """Use a KMS key through DynamoDB, to read a table or to write to it as well.

    DynamoDB Developer Guide, "DynamoDB encryption at rest usage notes" (checked 2026-11): DynamoDB
    requires Encrypt, Decrypt, ReEncrypt*, GenerateDataKey*, DescribeKey and CreateGrant of the
    principal on whose behalf it uses the key, and from any Region, for global tables. The creator
    of the table makes the grant. The page does not say which of the others a read needs; these are
    what the CDK grants for it. Through DynamoDB, none lets its holder do more.
    """
    reads = ("kms:Decrypt", "kms:DescribeKey")
    return Statement(
        sid=sid,
        reason=reason,
        actions=(
            (
                *reads,
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            )
            if writes
            else reads
        ),
        resources=keys,
        conditions={"StringLike": {"kms:ViaService": "dynamodb.*.amazonaws.com"}},
        by_service=True,
    )


def key_statement(
    sid: str,
    reason: str,
    keys: tuple[str, ...],
    service: str,
    *,
    any_region: bool = False,
    list_of: str = "",
) -> Statement:
    """Use KMS keys through a service, in this Region or in any."""
    operator, region = ("StringLike", "*") if any_region else ("StringEquals", "{region}")
    return Statement(
        sid=sid,
        reason=reason,
        actions=("kms:Decrypt", "kms:GenerateDataKey"),
        resources=keys,
        conditions={operator: {"kms:ViaService": f"{service}.{region}.amazonaws.com"}},
        by_service=True,
        list_of=list_of,
    )
