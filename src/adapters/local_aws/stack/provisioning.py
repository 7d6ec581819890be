"""Creates in the emulator the resources that a deployment creates on AWS, from the same data.

Only resources in moto: tables, queues, the topic, the ingest bus, the results bucket and the group
of schedules. Functions, event source mappings, the default bus and schedules run in this process.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from adapters.aws import resources
from adapters.aws.resources import IndexSpec, KeyAttribute, QueueSpec, TableSpec
from adapters.local_aws.aws_emulator.clients import EmulatorClients

ASSET_SYSTEM_QUEUE: Final = QueueSpec(
    name="asset-management", visibility_timeout_s=60, retention_s=4 * resources.DAY_S
)
RESULTS_BUCKET: Final = "asset-sync-results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """Names that are known only after creation."""

    queue_urls: dict[str, str]
    queue_arns: dict[str, str]
    topic_arn: str


async def provision(clients: EmulatorClients) -> Provisioned:
    """Create all resources; the emulator must be empty."""
    dynamodb = await clients.open("dynamodb")
    for table in resources.TABLES:
        await dynamodb.create_table(**table_request(table))
        if table.ttl_attribute is not None:
            await dynamodb.update_time_to_live(
                TableName=table.name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute},
            )
    s3 = await clients.open("s3")
    await s3.create_bucket(Bucket=RESULTS_BUCKET)
    urls, arns = await _create_queues(clients)
    sns = await clients.open("sns")
    topic_arn = (await sns.create_topic(Name=resources.STATUS_TOPIC_NAME))["TopicArn"]
    await _create_ingest_bus(clients, arns[ASSET_SYSTEM_QUEUE.name])
    scheduler = await clients.open("scheduler")
    await scheduler.create_schedule_group(Name=resources.SCHEDULE_GROUP_NAME)
    return Provisioned(queue_urls=urls, queue_arns=arns, topic_arn=topic_arn)


async def _create_queues(clients: EmulatorClients) -> tuple[dict[str, str], dict[str, str]]:
    sqs = await clients.open("sqs")
    urls: dict[str, str] = {}
    arns: dict[str, str] = {}
    # Dead-letter queues come first in `QUEUES`: a redrive policy names an ARN that exists.
    for queue in (*resources.QUEUES, ASSET_SYSTEM_QUEUE):
        created = await sqs.create_queue(
            QueueName=queue.name, Attributes=_queue_attributes(queue, arns)
        )
        urls[queue.name] = created["QueueUrl"]
        described = await sqs.get_queue_attributes(
            QueueUrl=created["QueueUrl"], AttributeNames=["QueueArn"]
        )
        arns[queue.name] = described["Attributes"]["QueueArn"]
    return urls, arns


async def _create_ingest_bus(clients: EmulatorClients, target_arn: str) -> None:
    events = await clients.open("events")
    await events.create_event_bus(Name=resources.INGEST_BUS_NAME)
    rule = resources.INGEST_RULE
    await events.put_rule(
        Name=rule.name,
        EventBusName=resources.INGEST_BUS_NAME,
        EventPattern=json.dumps(rule.pattern),
    )
    await events.put_targets(
        Rule=rule.name,
        EventBusName=resources.INGEST_BUS_NAME,
        Targets=[{"Id": ASSET_SYSTEM_QUEUE.name, "Arn": target_arn}],
    )


def _queue_attributes(queue: QueueSpec, arns: dict[str, str]) -> Any:
    attributes = {
        "VisibilityTimeout": str(queue.visibility_timeout_s),
        "MessageRetentionPeriod": str(queue.retention_s),
    }
    if queue.dead_letter_queue is not None:
        attributes["RedrivePolicy"] = json.dumps(
            {
                "deadLetterTargetArn": arns[queue.dead_letter_queue],
                "maxReceiveCount": queue.receive_count_max,
            }
        )
    return attributes


def table_request(table: TableSpec) -> dict[str, Any]:
    """Return the parameters of CreateTable."""
    request: dict[str, Any] = {
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(table.partition_key, table.sort_key),
        "AttributeDefinitions": [
            {"AttributeName": key.name, "AttributeType": key.type.value}
            for key in table.key_attributes()
        ],
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [_index_request(index) for index in table.indexes]
    return request


def _index_request(index: IndexSpec) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": _key_schema(index.partition_key, index.sort_key),
        "Projection": {"ProjectionType": index.projection.value},
    }


def _key_schema(partition_key: KeyAttribute, sort_key: KeyAttribute | None) -> list[dict[str, str]]:
    schema = [{"AttributeName": partition_key.name, "KeyType": "HASH"}]
    if sort_key is not None:
        schema.append({"AttributeName": sort_key.name, "KeyType": "RANGE"})
    return schema
