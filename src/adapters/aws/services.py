"""Which services of AWS the service calls: what a client can be opened of, and nothing else.

The build of the Lambda package keeps the SDK's data of these services and no others'. It does not
import the SDK.
"""

from enum import StrEnum


class Service(StrEnum):
    """A service, by the SDK's name for it."""

    DYNAMODB = "dynamodb"
    EVENTS = "events"
    LAMBDA = "lambda"
    S3 = "s3"
    S3_CONTROL = "s3control"
    SNS = "sns"
    SQS = "sqs"
    STS = "sts"
