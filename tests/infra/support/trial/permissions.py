"""Which IAM actions a call needs, on which resources, and whether a policy allows it.

From the Service Authorization Reference and "Required permissions for Amazon S3 API operations"
(checked 2026-11). An unknown call is a LookupError, so none can be added unnoticed.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from adapters.local_aws.lambda_service.invocation import ACCOUNT_ID, REGION

Params = Mapping[str, Any]

_PLACE = f"{REGION}:{ACCOUNT_ID}"
_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
# The permissions that S3 requires in addition to s3:PutObject for these parameters.
_WITH_A_WRITE = {
    "Tagging": "PutObjectTagging",
    "GrantFullControl": "PutObjectAcl",
    "GrantRead": "PutObjectAcl",
    "GrantReadACP": "PutObjectAcl",
    "GrantWriteACP": "PutObjectAcl",
    "ObjectLockMode": "PutObjectRetention",
    "ObjectLockLegalHoldStatus": "PutObjectLegalHold",
}


@dataclass(frozen=True)
class Need:
    """A permission that a call needs; `tags` are those of the request, `service` gets the role."""

    action: str
    resource: str
    tags: frozenset[str] = field(default=frozenset(), compare=False)
    service: str = field(default="batchoperations.s3", compare=False)


def needs(
    service: str, operation: str, params: Params, *, targets: Collection[str]
) -> Iterator[Need]:
    """Yield what the call needs; `targets` are the customers' buckets.

    Raises:
        LookupError: it is not known what this call needs.
    """
    match service:
        case "dynamodb":
            yield from _dynamodb(operation, params)
        case "s3":
            yield from _s3(operation, params, targets)
        case "s3control":
            yield from _s3control(operation, params)
        case "sqs" if operation in ("SendMessage", "SendMessageBatch"):
            name = params["QueueUrl"].rsplit("/", 1)[-1]
            yield Need("sqs:SendMessage", f"arn:aws:sqs:{_PLACE}:{name}")
        case "sqs" if operation == "GetQueueAttributes":
            name = params["QueueUrl"].rsplit("/", 1)[-1]
            yield Need("sqs:GetQueueAttributes", f"arn:aws:sqs:{_PLACE}:{name}")
        case "sns" if operation == "Publish":
            yield Need("sns:Publish", params["TopicArn"])
        case "events" if operation == "PutEvents":
            for entry in params["Entries"]:
                bus = f"arn:aws:events:{_PLACE}:event-bus/{entry['EventBusName']}"
                yield Need("events:PutEvents", bus)
        case "lambda" if operation == "Invoke":
            yield Need("lambda:InvokeFunction", params["FunctionName"])
        case "scheduler":
            yield from _scheduler(operation, params)
        case "sts" if operation == "AssumeRole":
            yield Need("sts:AssumeRole", params["RoleArn"])
        case _:
            raise LookupError(f"what does {service} {operation} need?")


def _scheduler(operation: str, params: Params) -> Iterator[Need]:
    if operation == "ListSchedules":
        yield Need("scheduler:ListSchedules", "*")
    elif operation in ("CreateSchedule", "DeleteSchedule", "GetSchedule"):
        name = f"{params['GroupName']}/{params['Name']}"
        yield Need(f"scheduler:{operation}", f"arn:aws:scheduler:{_PLACE}:schedule/{name}")
        if operation == "CreateSchedule":
            yield Need("iam:PassRole", params["Target"]["RoleArn"], service="scheduler")
    else:
        raise LookupError(f"what does scheduler {operation} need?")


def _dynamodb(operation: str, params: Params) -> Iterator[Need]:
    if operation in (
        "GetItem",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "Query",
        "Scan",
        "DescribeTable",
    ):
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        yield Need(f"dynamodb:{operation}", _table(params["TableName"]) + index)
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for name in params["RequestItems"]:
            yield Need(f"dynamodb:{operation}", _table(name))
    elif operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            for kind, request in item.items():
                yield Need(f"dynamodb:{_TRANSACTION[kind]}", _table(request["TableName"]))
    else:
        raise LookupError(f"what does dynamodb {operation} need?")


def _table(name: str) -> str:
    return f"arn:aws:dynamodb:{_PLACE}:table/{name}"


def _s3(operation: str, params: Params, targets: Collection[str]) -> Iterator[Need]:
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    item = f"{bucket}/{params.get('Key', '')}"
    match operation:
        case "GetObject" | "HeadObject":
            yield Need("s3:GetObject", item)
            # Without it, the response for a missing object is that for a forbidden one.
            yield Need("s3:ListBucket", bucket)
            if params["Bucket"] in targets:
                # Without these, the response omits an object's lock.
                yield Need("s3:GetObjectLegalHold", item)
                yield Need("s3:GetObjectRetention", item)
        case "GetObjectTagging":
            yield Need("s3:GetObjectTagging", item)
            yield Need("s3:ListBucket", bucket)
        case "PutObjectTagging":
            version = "Version" if "VersionId" in params else ""
            yield Need(f"s3:PutObject{version}Tagging", item)
        case "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload":
            yield from _write(item, params)
        case "CopyObject" | "UploadPartCopy":
            source = params["CopySource"]
            yield Need("s3:GetObject", f"arn:aws:s3:::{_source(source)}")
            yield from _write(item, params)
        case "ListObjectsV2" | "HeadBucket":
            yield Need("s3:ListBucket", bucket)
        case "GetBucketOwnershipControls" | "GetBucketVersioning" | "GetBucketRequestPayment":
            yield Need(f"s3:{operation}", bucket)
        case "GetObjectLockConfiguration":
            yield Need("s3:GetBucketObjectLockConfiguration", bucket)
        case "GetBucketEncryption":
            yield Need("s3:GetEncryptionConfiguration", bucket)
        case "GetBucketNotificationConfiguration":
            yield Need("s3:GetBucketNotification", bucket)
        case "GetObjectAcl" | "GetObjectRetention" | "GetObjectLegalHold" | "AbortMultipartUpload":
            yield Need(f"s3:{operation}", item)
        case _:
            raise LookupError(f"what does s3 {operation} need?")


def _source(source: Any) -> str:
    return source if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"


def _write(item: str, params: Params) -> Iterator[Need]:
    yield Need("s3:PutObject", item)
    for name, action in _WITH_A_WRITE.items():
        if name in params:
            yield Need(f"s3:{action}", item)


def _s3control(operation: str, params: Params) -> Iterator[Need]:
    jobs = f"arn:aws:s3:{_PLACE}:job/"
    if operation == "CreateJob":
        tags = frozenset(tag["Key"] for tag in params.get("Tags", []))
        yield Need("s3:CreateJob", "*", tags)
        if tags:
            yield Need("s3:PutJobTagging", f"{jobs}new", tags)
        yield Need("iam:PassRole", params["RoleArn"])
    elif operation == "ListJobs":
        yield Need("s3:ListJobs", "*")
    elif operation in ("DescribeJob", "UpdateJobStatus"):
        yield Need(f"s3:{operation}", f"{jobs}{params['JobId']}")
    else:
        raise LookupError(f"what does s3control {operation} need?")


@dataclass(frozen=True)
class Right:
    """An action on a resource (with wildcards), as a role has it."""

    action: str
    resource: str
    conditions: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def allows(self, need: Need) -> bool:
        """Whether it is what the call needs.

        Raises:
            LookupError: it has an unknown condition.
        """
        if self.action != need.action or not fnmatchcase(need.resource, self.resource):
            return False
        for operator, keys in self.conditions.items():
            for key, value in keys.items():
                if not _holds(operator, key, value, need):
                    return False
        return True


def _holds(operator: str, key: str, value: str, need: Need) -> bool:
    if operator == "Null" and key.startswith("aws:RequestTag/"):
        return (key.removeprefix("aws:RequestTag/") not in need.tags) == (value == "true")
    if (operator, key) == ("Null", "aws:ResourceTag/asset-sync:job"):
        # All jobs of this service have it: they cannot be created without it.
        return value == "false"
    if (operator, key) == ("StringEquals", "iam:PassedToService"):
        return value == f"{need.service}.amazonaws.com"
    raise LookupError(f"what does {operator} on {key} mean?")
