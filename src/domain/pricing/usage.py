"""What is used, and its price: every operation that an adapter calls, or that AWS bills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Where(StrEnum):
    """What a request is for."""

    BUCKET = "bucket"
    CATALOG = "catalog"
    RESULTS = "results"
    RECORDS = "records"
    EVENTS = "events"
    COMPUTE = "compute"
    DISCOVERY = "discovery"
    INDEX = "index"
    SOURCE = "source"
    REMOVALS = "removals"
    ORPHANS = "orphans"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One line of what is used: requests, and the units that are billed (`PRICE_OF`)."""

    where: Where
    service: str
    operation: str
    requests: int
    units: Decimal


def used(
    where: Where, service: str, operation: str, requests: int, units: Decimal | int | None = None
) -> Usage:
    """Return a line; each request is billed as a unit, unless `units` are given."""
    billed = Decimal(requests if units is None else units)
    return Usage(where=where, service=service, operation=operation, requests=requests, units=billed)


def run(where: Where, invocations: int, seconds: float, memory_gb: float) -> Iterator[Usage]:
    """Yield the lines of a function that ran so long in all."""
    yield used(where, "lambda", "Invoke", invocations)
    gb_s = Decimal(seconds * memory_gb).quantize(Decimal("0.001"))
    yield used(where, "lambda", "Duration", 0, gb_s)


PRICE_OF: Final[Mapping[tuple[str, str], str]] = {
    ("s3", "ListObjectsV2"): "s3-write",
    ("s3", "CopyObject"): "s3-write",
    ("s3", "PutObject"): "s3-write",
    ("s3", "PutObjectTagging"): "s3-write",
    ("s3", "CreateMultipartUpload"): "s3-write",
    ("s3", "UploadPart"): "s3-write",
    ("s3", "UploadPartCopy"): "s3-write",
    ("s3", "CompleteMultipartUpload"): "s3-write",
    ("s3", "GetObject"): "s3-read",
    ("s3", "HeadObject"): "s3-read",
    ("s3", "HeadBucket"): "s3-read",
    ("s3", "GetObjectTagging"): "s3-read",
    ("s3", "GetObjectAcl"): "s3-read",
    ("s3", "GetObjectRetention"): "s3-read",
    ("s3", "GetObjectLegalHold"): "s3-read",
    ("s3", "GetObjectLockConfiguration"): "s3-read",
    ("s3", "GetBucketVersioning"): "s3-read",
    ("s3", "GetBucketRequestPayment"): "s3-read",
    ("s3", "GetBucketOwnershipControls"): "s3-read",
    ("s3", "GetBucketEncryption"): "s3-read",
    ("s3", "GetBucketNotificationConfiguration"): "s3-read",
    ("s3control", "Job"): "s3-batch-job",
    ("s3control", "Object"): "s3-batch-object",
    ("dynamodb", "GetItem"): "dynamodb-read",
    ("dynamodb", "BatchGetItem"): "dynamodb-read",
    ("dynamodb", "Query"): "dynamodb-read",
    ("dynamodb", "Scan"): "dynamodb-read",
    ("dynamodb", "PutItem"): "dynamodb-write",
    ("dynamodb", "UpdateItem"): "dynamodb-write",
    ("dynamodb", "BatchWriteItem"): "dynamodb-write",
    ("dynamodb", "TransactWriteItems"): "dynamodb-write",
    ("sqs", "SendMessageBatch"): "sqs-request",
    ("sqs", "ReceiveMessage"): "sqs-request",
    ("sqs", "DeleteMessageBatch"): "sqs-request",
    ("sqs", "GetQueueAttributes"): "sqs-request",
    ("cloudwatch", "GetMetricData"): "cloudwatch-metric",
    ("sns", "Publish"): "sns-publish",
    ("events", "PutEvents"): "eventbridge-event",
    ("kms", "Decrypt"): "kms-request",
    ("kms", "GenerateDataKey"): "kms-request",
    ("lambda", "Invoke"): "lambda-request",
    ("lambda", "Duration"): "lambda-duration",
}
"""The price of each operation; `units` of a usage are in the unit of that price."""

FREE: Final[Mapping[tuple[str, str], str]] = {
    ("s3", "AbortMultipartUpload"): "DELETE and CANCEL requests are free",
    ("s3control", "CreateJob"): "a job is billed as a job and by its objects",
    ("s3control", "DescribeJob"): "a job is billed as a job and by its objects",
    ("s3control", "ListJobs"): "a job is billed as a job and by its objects",
    ("s3control", "UpdateJobStatus"): "a job is billed as a job and by its objects",
    ("scheduler", "CreateSchedule"): "schedules are billed by their invocations",
    ("scheduler", "DeleteSchedule"): "schedules are billed by their invocations",
    ("scheduler", "GetSchedule"): "schedules are billed by their invocations",
    ("scheduler", "ListSchedules"): "schedules are billed by their invocations",
    ("sts", "AssumeRole"): "STS is free",
    ("dynamodb", "DescribeTable"): "reads of a table's description are free",
}
"""Operations without a price, and why (the pricing pages of `price_table`)."""
