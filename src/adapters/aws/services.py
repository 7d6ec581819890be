"""The AWS services that clients can be opened for.

The build of the Lambda package keeps the SDK's data of these services only. This module does not
import the SDK.
"""

from enum import StrEnum


class Service(StrEnum):
    """A service, by its name in the SDK."""

    CLOUDWATCH = "cloudwatch"
    DYNAMODB = "dynamodb"
    EVENTS = "events"
    LAMBDA = "lambda"
    S3 = "s3"
    S3_CONTROL = "s3control"
    SCHEDULER = "scheduler"
    SNS = "sns"
    SQS = "sqs"
    STS = "sts"
