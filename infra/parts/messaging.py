"""Queues, topics and the ingest bus."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from adapters.aws import resources
from infra.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Messaging:
    """What carries messages. `queues` are by the names in adapters.aws.resources.

    `failed_events` holds what Lambda and EventBridge could not deliver to the engine.
    """

    queues: Mapping[str, sqs.Queue]
    failed_events: sqs.Queue
    status_topic: sns.Topic
    alarm_topic: sns.Topic
    bus: events.IEventBus


def make_messaging(scope: Construct, config: Config, key: kms.IKey | None) -> Messaging:
    """Make the queues and topics, and make or import the bus."""
    encryption: dict[str, Any] = (
        {"encryption": sqs.QueueEncryption.KMS, "encryption_master_key": key}
        if key
        else {"encryption": sqs.QueueEncryption.SQS_MANAGED}
    )
    queues: dict[str, sqs.Queue] = {}
    for shape, name in zip(resources.QUEUES, ("DeadLetters", "ProcessorQueue"), strict=True):
        redrive = None
        if shape.dead_letter_queue is not None and shape.receive_count_max is not None:
            redrive = sqs.DeadLetterQueue(
                queue=queues[shape.dead_letter_queue], max_receive_count=shape.receive_count_max
            )
        queues[shape.name] = sqs.Queue(
            scope,
            name,
            visibility_timeout=Duration.seconds(shape.visibility_timeout_s),
            retention_period=Duration.seconds(shape.retention_s),
            dead_letter_queue=redrive,
            enforce_ssl=True,
            **encryption,
        )
    return Messaging(
        queues=queues,
        failed_events=sqs.Queue(
            scope,
            "FailedEvents",
            retention_period=Duration.days(14),
            enforce_ssl=True,
            **encryption,
        ),
        status_topic=sns.Topic(scope, "StatusTopic", master_key=key, enforce_ssl=True),
        alarm_topic=_alarm_topic(scope, config, key),
        bus=_bus(scope, config),
    )


def _alarm_topic(scope: Construct, config: Config, key: kms.IKey | None) -> sns.Topic:
    """Make the topic that alarms publish to.

    CloudWatch publishes as a service. The default policy of a topic lets it in, but this topic has
    a policy of its own, so that policy must (SNS Developer Guide, "Example cases for Amazon SNS
    access control", checked 2026-11).
    """
    topic = sns.Topic(scope, "AlarmTopic", master_key=key, enforce_ssl=True)
    stack = Stack.of(scope)
    alarms = f"arn:{stack.partition}:cloudwatch:{stack.region}:{stack.account}:alarm"
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="AlarmsOfThisStage",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {"aws:SourceArn": f"{alarms}:{config.stack_name}-*"},
            },
        )
    )
    if config.alarm_email:
        topic.add_subscription(subscriptions.EmailSubscription(config.alarm_email))
    return topic


def _bus(scope: Construct, config: Config) -> events.IEventBus:
    if config.creates_bus:
        return events.EventBus(scope, "IngestBus", event_bus_name=f"{config.stack_name}-ingest")
    return events.EventBus.from_event_bus_name(scope, "IngestBus", config.bus)
