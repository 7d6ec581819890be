"""Checks of the stack's own resources: each exists, and its state and configuration are right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from domain.profile import CatalogProfile
from entrypoints.cli.stage.checks.check import Finding, Stage, Verdict, found

_BATCH_OPERATIONS: Final = "batchoperations.s3.amazonaws.com"
_TABLES: Final = (
    "JobTableName",
    "ChunkTableName",
    "ErrorTableName",
    "ConnectorTableName",
    "AssetsTableName",
)
_FUNCTIONS: Final = (
    "ApiFunctionName",
    "EngineFunctionName",
    "ProcessorFunctionName",
    "DiscoveryFunctionName",
)
_DEPLOY: Final = "redeploy the stage"


def stack(stage: Stage) -> Iterator[Finding]:
    """Check that CloudFormation completed."""
    (made,) = stage.client("cloudformation").describe_stacks(StackName=stage.name)["Stacks"]
    status = made["StackStatus"]
    yield found(
        f"stack {stage.name}",
        status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"),
        status,
        f"{_DEPLOY}; the events of the stack show the cause",
    )


def functions(stage: Stage) -> Iterator[Finding]:
    """Check that the functions can be invoked, and the architecture is that of the package."""
    for name in (stage.outputs[each] for each in _FUNCTIONS):
        made = stage.client("lambda").get_function_configuration(FunctionName=name)
        state, platform = made.get("State", "Active"), ", ".join(made["Architectures"])
        yield found(
            f"function {name}",
            # A function that was idle for long is Inactive, and starts at the next invocation.
            state in ("Active", "Inactive") and platform == "arm64",
            f"{state}, {made['Runtime']}, {platform}",
            f"{made.get('StateReason', 'the package is built for arm64')}; {_DEPLOY}",
        )


def mappings(stage: Stage) -> Iterator[Finding]:
    """Check that Lambda reads the two queues."""
    name = stage.outputs["ProcessorFunctionName"]
    made = stage.client("lambda").list_event_source_mappings(FunctionName=name)
    mappings = made["EventSourceMappings"]
    yield found(
        f"queues of {name}", len(mappings) == 2, f"{len(mappings)} event source mappings", _DEPLOY
    )
    for each in mappings:
        yield found(
            f"mapping of {each['EventSourceArn'].rpartition(':')[2]}",
            each["State"] in ("Enabled", "Enabling", "Updating"),
            f"{each['State']}, {each.get('LastProcessingResult', 'nothing processed yet')}",
            f"aws lambda update-event-source-mapping --uuid {each['UUID']} --enabled",
        )


def tables(stage: Stage) -> Iterator[Finding]:
    """Check that the tables are active."""
    dynamodb = stage.client("dynamodb")
    for name in _TABLES:
        if name == "AssetsTableName" and (
            stage.outputs.get("CatalogProfile") == CatalogProfile.NONE
        ):
            continue  # there is no catalog
        status = dynamodb.describe_table(TableName=stage.outputs[name])["Table"]["TableStatus"]
        yield found(
            f"table {stage.outputs[name]}",
            status in ("ACTIVE", "UPDATING"),
            status,
            "wait until it is ACTIVE; if it was deleted, restore it with point-in-time recovery",
        )


def expiry(stage: Stage) -> Iterator[Finding]:
    """Check that old failures are deleted."""
    table = stage.outputs["ErrorTableName"]
    ttl = stage.client("dynamodb").describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    yield found(
        f"expiry of {table}",
        ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING"),
        ttl["TimeToLiveStatus"],
        f"{_DEPLOY}, or old failures are kept forever",
    )


def queues(stage: Stage) -> Iterator[Finding]:
    """Check that there is a dead-letter queue, and that it is empty."""
    sqs = stage.client("sqs")
    empty = {
        "DeadLetterQueueUrl": "docs/runbook.md, DeadLetters",
        "FailedEventsQueueUrl": "docs/runbook.md, FailedEvents",
    }
    for name in ("ProcessorQueueUrl", *empty):
        url = stage.outputs[name]
        held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        count = int(held["ApproximateNumberOfMessages"])
        yield found(
            f"queue {url.rsplit('/', 1)[-1]}",
            count == 0 or name not in empty,
            f"{count} messages",
            empty.get(name, ""),
        )
        if name == "ProcessorQueueUrl":
            yield found(
                "its dead-letter queue",
                "RedrivePolicy" in held,
                held.get("RedrivePolicy", "none"),
                f"{_DEPLOY}: without it a poison message is redelivered forever",
            )


def batch_role(stage: Stage) -> Iterator[Finding]:
    """Check that S3 Batch Operations may assume its role."""
    name = stage.outputs["BatchRoleArn"].rsplit("/", 1)[-1]
    role = stage.client("iam").get_role(RoleName=name)["Role"]
    trusts = _BATCH_OPERATIONS in json.dumps(role["AssumeRolePolicyDocument"])
    yield found(
        f"role {name}",
        trusts,
        f"{'trusts' if trusts else 'does not trust'} S3 Batch Operations",
        f"allow {_BATCH_OPERATIONS} to assume it: {_DEPLOY}",
    )


def results_bucket(stage: Stage) -> Iterator[Finding]:
    """Check that S3 Batch Operations can read manifests: it does not support KMS keys."""
    name = stage.outputs["ResultsBucket"]
    made = stage.client("s3").get_bucket_encryption(Bucket=name)
    (rule,) = made["ServerSideEncryptionConfiguration"]["Rules"]
    algorithm = rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    yield found(
        f"encryption of {name}",
        algorithm == "AES256",
        algorithm,
        f"{_DEPLOY}: S3 Batch Operations cannot read a manifest that is encrypted with a KMS key",
    )


def rules(stage: Stage) -> Iterator[Finding]:
    """Check that the rules invoke the engine."""
    events = stage.client("events")
    for name in (stage.outputs["BatchJobRuleName"], stage.outputs["SweepRuleName"]):
        state = events.describe_rule(Name=name)["State"]
        targets = events.list_targets_by_rule(Rule=name)["Targets"]
        engine = stage.outputs["EngineFunctionName"]
        leads = any(each["Arn"].endswith(f":function:{engine}") for each in targets)
        if state != "ENABLED":
            yield found(f"rule {name}", False, state, f"aws events enable-rule --name {name}")
        else:
            yield found(
                f"rule {name}",
                leads,
                "ENABLED, invokes the engine" if leads else "does not invoke the engine",
                _DEPLOY,
            )


def bus(stage: Stage) -> Iterator[Finding]:
    """Check that the event bus exists: events to a missing bus are lost silently."""
    name = stage.outputs["IngestBusName"]
    events = stage.client("events")
    events.describe_event_bus(Name=name)
    count = len(events.list_rules(EventBusName=name)["Rules"])
    yield Finding(
        f"event bus {name}",
        Verdict.OK,
        f"exists; {count} rules on it" + ("" if count else ", so it has no subscriber yet"),
    )


def alarms(stage: Stage) -> Iterator[Finding]:
    """Check that there are alarms, and none is in state ALARM."""
    prefix = f"{stage.name}-"
    pages = stage.client("cloudwatch").get_paginator("describe_alarms")
    made = [
        each for page in pages.paginate(AlarmNamePrefix=prefix) for each in page["MetricAlarms"]
    ]
    yield found("alarms", bool(made), f"{len(made)} of them", f"{_DEPLOY}: they were deleted")
    for alarm in made:
        if alarm.get("StateValue") == "ALARM":
            name = alarm["AlarmName"]
            fix = f"docs/runbook.md, {name.removeprefix(prefix)}"
            yield found(f"alarm {name}", False, alarm.get("StateReason", "in alarm"), fix)


def subscriptions(stage: Stage) -> Iterator[Finding]:
    """Check that alarms have a confirmed subscription; others receive nothing."""
    topic = stage.outputs["AlarmTopicArn"]
    made = stage.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    confirmed = [each for each in made if each["SubscriptionArn"].startswith("arn:")]
    yield found(
        "subscriptions to alarms",
        bool(confirmed),
        f"{len(confirmed)} subscriptions, {len(made) - len(confirmed)} not confirmed",
        (
            "confirm it: open the link in the message that AWS sent"
            if made
            else f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint"
            " YOU"
        ),
    )
