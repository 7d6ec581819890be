"""What AWS documents about rates: the default of an account in us-east-1, with the page.

docs/aws-facts.md lists them. Soft ones can be raised by a request to AWS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A documented figure."""

    name: str
    value: float
    unit: str
    source: str
    soft: bool = False


S3_WRITES: Final = Quota(
    name="S3 PUT, COPY, POST, DELETE per partitioned prefix",
    value=3_500,
    unit="requests/s",
    source='S3 UG "Best practices design patterns: optimizing Amazon S3 performance"',
)
S3_READS: Final = Quota(
    name="S3 GET, HEAD per partitioned prefix",
    value=5_500,
    unit="requests/s",
    source="same page",
)
S3_LATENCY: Final = Quota(
    name="S3 first byte of a small request, the lower end of what is documented",
    value=0.1,
    unit="s",
    source="same page",
)
DYNAMODB_LATENCY: Final = Quota(
    name="DynamoDB request, the upper end of single-digit milliseconds",
    value=0.01,
    unit="s",
    source='DDB "What is Amazon DynamoDB?"',
)
DYNAMODB_PARTITION_WRITES: Final = Quota(
    name="DynamoDB write units of one partition key, or of one item",
    value=1_000,
    unit="units/s",
    source='DDB "Designing partition keys to distribute your workload"',
)
DYNAMODB_PARTITION_READS: Final = Quota(
    name="DynamoDB read units of one partition key",
    value=3_000,
    unit="units/s",
    source="same page",
)
DYNAMODB_NEW_TABLE_READS: Final = Quota(
    name="DynamoDB read units of a new on-demand table",
    value=12_000,
    unit="units/s",
    source='DDB "Warm throughput"',
    soft=True,
)
DYNAMODB_TABLE_READS: Final = Quota(
    name="DynamoDB read units of an on-demand table",
    value=40_000,
    unit="units/s",
    source='DDB "Quotas"',
    soft=True,
)
DYNAMODB_ITEM_BYTES: Final = Quota(
    name="DynamoDB item",
    value=400_000,
    unit="bytes",
    source='DDB "Quotas"',
)
PUT_EVENTS: Final = Quota(
    name="EventBridge PutEvents, us-east-1",
    value=10_000,
    unit="requests/s",
    source='EventBridge UG "Quotas"',
    soft=True,
)
EVENT_INVOCATIONS: Final = Quota(
    name="EventBridge invocations of targets, us-east-1",
    value=18_750,
    unit="events/s",
    source="same page",
    soft=True,
)
LAMBDA_CONCURRENCY: Final = Quota(
    name="Lambda concurrent executions",
    value=1_000,
    unit="executions",
    source='Lambda Developer Guide "Understanding Lambda function scaling"',
    soft=True,
)
MAPPING_BEGIN: Final = Quota(
    name="Batches that an SQS event source mapping begins with",
    value=5,
    unit="batches",
    source='Lambda Developer Guide "Configuring scaling behavior for SQS event source mappings"',
)
MAPPING_GROWTH: Final = Quota(
    name="Batches that it adds",
    value=300,
    unit="batches/min",
    source="same page",
)
MAPPING_CONCURRENCY: Final = Quota(
    name="Maximum concurrency of a mapping",
    value=1_000,
    unit="batches",
    source="same page",
)
SQS_IN_FLIGHT: Final = Quota(
    name="SQS messages in flight of a standard queue",
    value=120_000,
    unit="messages",
    source='SQS Developer Guide "Amazon SQS message quotas"',
    soft=True,
)
BATCH_JOB_OBJECTS: Final = Quota(
    name="Objects of one S3 Batch Operations job that invokes a function",
    value=20_000_000_000,
    unit="objects",
    source='S3 UG "Invoke AWS Lambda function"',
)

ALL: Final = (
    S3_WRITES,
    S3_READS,
    S3_LATENCY,
    DYNAMODB_LATENCY,
    DYNAMODB_PARTITION_WRITES,
    DYNAMODB_PARTITION_READS,
    DYNAMODB_NEW_TABLE_READS,
    DYNAMODB_TABLE_READS,
    DYNAMODB_ITEM_BYTES,
    PUT_EVENTS,
    EVENT_INVOCATIONS,
    LAMBDA_CONCURRENCY,
    MAPPING_BEGIN,
    MAPPING_GROWTH,
    MAPPING_CONCURRENCY,
    SQS_IN_FLIGHT,
    BATCH_JOB_OBJECTS,
)
