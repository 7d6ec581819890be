"""The checks before a deployment test whether existing resources are usable, not only present."""

import json
import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from infra.config import read_config
from infra.preflight import Identity, look
from moto import mock_aws
from stack_in_aws import SessionWith, StackInAws

from entrypoints.cli.stage.event_delivery import notifies_of_copies, records_batch_jobs

ACCOUNT = "123456789012"
IDENTITY = Identity(account=ACCOUNT, region="eu-west-1")
CHOICES = {"stage": "dev", "targets": "media-a", "reserve": "false", "trail": "none"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", IDENTITY.region)
    with mock_aws():
        session = boto3.Session(region_name=IDENTITY.region)
        place: Any = {"LocationConstraint": IDENTITY.region}
        session.client("s3").create_bucket(Bucket="media-a", CreateBucketConfiguration=place)
        yield session


def _found(session: Any, **choices: str) -> dict[bool, str]:
    config = read_config({**CHOICES, **choices})
    found = look(config, IDENTITY, session.client)
    return {fatal: "\n".join(f.text for f in found if f.fatal is fatal) for fatal in (True, False)}


# The index.


def _catalog(
    session: boto3.Session, *, kind: str = "S", projection: Any = None, key_kind: str = "S"
) -> None:
    made: Any = {
        "TableName": "assets",
        "KeySchema": [{"AttributeName": "InventoryID", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": "InventoryID", "AttributeType": key_kind},
            {"AttributeName": "StoragePath", "AttributeType": kind},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "S3PathIndex",
                "KeySchema": [{"AttributeName": "StoragePath", "KeyType": "HASH"}],
                "Projection": projection or {"ProjectionType": "ALL"},
            }
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }
    session.client("dynamodb").create_table(**made)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, ""),
        ({"kind": "N"}, "StoragePath, the key of index S3PathIndex of table assets, is of type N"),
        ({"key_kind": "B"}, "InventoryID, the key of table assets, is of type B"),
        (
            {"projection": {"ProjectionType": "KEYS_ONLY"}},
            "S3PathIndex of table assets does not project DigitalSourceAsset,",
        ),
        (
            {
                "projection": {
                    "ProjectionType": "INCLUDE",
                    "NonKeyAttributes": ["DigitalSourceAsset"],
                }
            },
            "",
        ),
    ],
)
def test_an_index_must_be_usable_for_queries(
    aws: boto3.Session, table: dict[str, Any], message: str
) -> None:
    _catalog(aws, **table)
    fatal = _found(aws, catalog="assets")[True]
    assert (message in fatal) if message else (fatal == "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"TableStatus": "CREATING"}, "table assets is CREATING"),
        ({"index": "CREATING"}, "index S3PathIndex of table assets is CREATING"),
    ],
)
def test_a_table_in_creation_is_not_usable_yet(
    aws: boto3.Session, change: dict[str, str], message: str
) -> None:
    _catalog(aws)

    class Dynamo:
        def describe_table(self, **given: str) -> Any:
            table = aws.client("dynamodb").describe_table(**given)["Table"]  # type: ignore[arg-type]
            if "index" in change:
                table["GlobalSecondaryIndexes"][0]["IndexStatus"] = change["index"]
            else:
                table.update(change)
            return {"Table": table}

    assert message in _found(SessionWith(aws, dynamodb=Dynamo()), catalog="assets")[True]


# The trail.

_MANAGEMENT = [{"Field": "eventCategory", "Equals": ["Management"]}]


@pytest.mark.parametrize(
    ("selectors", "good"),
    [
        ({}, True),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}, True),
        ({"EventSelectors": [{"ReadWriteType": "WriteOnly"}]}, True),
        ({"EventSelectors": [{"ReadWriteType": "ReadOnly"}]}, False),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": False}]}, False),
        ({"AdvancedEventSelectors": [{"FieldSelectors": _MANAGEMENT}]}, True),
        (
            {
                "AdvancedEventSelectors": [
                    {
                        "FieldSelectors": [
                            *_MANAGEMENT,
                            {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]},
                        ]
                    }
                ]
            },
            True,
        ),
        (
            {
                "AdvancedEventSelectors": [
                    {"FieldSelectors": [*_MANAGEMENT, {"Field": "readOnly", "Equals": ["true"]}]}
                ]
            },
            False,
        ),
        (
            {
                "AdvancedEventSelectors": [
                    {
                        "FieldSelectors": [
                            *_MANAGEMENT,
                            {"Field": "eventType", "Equals": ["AwsApiCall"]},
                        ]
                    }
                ]
            },
            False,
        ),
        (
            {
                "AdvancedEventSelectors": [
                    {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]},
                    {"FieldSelectors": _MANAGEMENT},
                ]
            },
            True,
        ),
        (
            {
                "AdvancedEventSelectors": [
                    {
                        "FieldSelectors": [
                            {"Field": "eventCategory", "Equals": ["Data"]},
                            {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
                        ]
                    }
                ]
            },
            False,
        ),
    ],
)
def test_a_trail_must_record_ends_of_batch_jobs(selectors: dict[str, Any], good: bool) -> None:
    assert records_batch_jobs(selectors) is good


def _trail(session: boto3.Session, name: str = "account") -> None:
    cloudtrail = session.client("cloudtrail")
    cloudtrail.create_trail(Name=name, S3BucketName="media-a", IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name=name)


def test_a_trail_without_management_events_does_not_count(aws: boto3.Session) -> None:
    _trail(aws)
    assert _found(aws, trail="existing")[True] == ""
    aws.client("cloudtrail").put_event_selectors(
        TrailName="account",
        EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": False}],
    )
    fatal = _found(aws, trail="existing")[True]
    assert "records management events that write (account does not)" in fatal
    assert "trail=create" in fatal


@pytest.mark.parametrize(
    "code", ["CloudTrailARNInvalidException", "TrailNotFoundException", "AccessDeniedException"]
)
def test_an_organizations_trail_cannot_be_read(aws: boto3.Session, code: str) -> None:
    _trail(aws)

    class CloudTrail:
        def __getattr__(self, name: str) -> Any:
            return getattr(aws.client("cloudtrail"), name)

        def get_event_selectors(self, **_: str) -> Any:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetEventSelectors")

    found = _found(SessionWith(aws, cloudtrail=CloudTrail()), trail="existing")
    assert found[True] == ""
    assert "trail account is not this account's to look into" in found[False]


def test_a_sixth_trail_is_not_created(aws: boto3.Session) -> None:
    for number in range(5):
        assert _found(aws, trail="create")[True] == ""
        _trail(aws, f"trail-{number}")
    assert "eu-west-1 has 5 trails, and CloudTrail takes 5" in _found(aws, trail="create")[True]


# The bucket's notifications.


@pytest.mark.parametrize(
    ("notifications", "good"),
    [
        ({}, False),
        ({"EventBridgeConfiguration": {}}, True),
        ({"QueueConfigurations": [{"QueueArn": "q", "Events": ["s3:ObjectCreated:*"]}]}, True),
        ({"TopicConfigurations": [{"TopicArn": "t", "Events": ["s3:ObjectCreated:Copy"]}]}, True),
        ({"QueueConfigurations": [{"QueueArn": "q", "Events": ["s3:ObjectCreated:Put"]}]}, False),
        (
            {"LambdaFunctionConfigurations": [{"Id": "f", "Events": ["s3:ObjectRemoved:*"]}]},
            False,
        ),
    ],
)
def test_a_bucket_must_send_events_for_copies(notifications: dict[str, Any], good: bool) -> None:
    assert notifies_of_copies(notifications) is good


def test_a_bucket_without_events_is_reported_with_a_media_lake(aws: boto3.Session) -> None:
    assert "bucket media-a sends no event for copied objects" in _found(aws)[False]
    assert "sends no event" not in _found(aws, profile="none")[False]

    class S3:
        """Moto does not store that EventBridge is enabled."""

        def __getattr__(self, name: str) -> Any:
            return getattr(aws.client("s3"), name)

        def get_bucket_notification_configuration(self, **_: str) -> Any:
            return {"EventBridgeConfiguration": {}}

    assert "sends no event" not in _found(SessionWith(aws, s3=S3()))[False]


# Keys.


def test_a_key_must_be_usable(aws: boto3.Session) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]
    found = _found(aws, kms=key["Arn"])
    assert found[True] == ""
    assert "does not let cloudwatch.amazonaws.com and events.amazonaws.com in" in found[False]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
            }
        ],
    }
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(policy))
    assert "does not let" not in _found(aws, kms=key["Arn"])[False]
    kms.disable_key(KeyId=key["KeyId"])
    assert "is Disabled" in _found(aws, target_keys=key["Arn"])[True]
    pair = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
    assert "is RSA_2048" in _found(aws, catalog_key=pair["Arn"])[True]
    gone = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    assert f"there is no key {gone}" in _found(aws, target_keys=gone)[True]


@pytest.mark.parametrize(
    ("choice", "fatal"), [("kms", True), ("catalog_key", True), ("target_keys", False)]
)
def test_a_key_of_another_region(aws: boto3.Session, choice: str, fatal: bool) -> None:
    key = aws.client("kms", region_name="us-west-2").create_key()["KeyMetadata"]["Arn"]
    assert "us-west-2" in _found(aws, **{choice: key})[fatal]


def test_a_key_of_another_account_is_not_read(aws: boto3.Session) -> None:
    theirs = "arn:aws:kms:eu-west-1:210987654321:key/a"
    assert _found(aws, target_keys=theirs)[True] == ""


# Quotas.


@pytest.mark.parametrize(
    ("count", "quota", "message"),
    [
        (200, 10, ""),
        (400, 10, "the processor's role needs 15 managed policies of 6,144 characters for 400 of"),
        (400, 20, ""),
        (900, 20, "and IAM attaches 20"),
    ],
)
def test_more_buckets_than_policies_can_name(
    aws: boto3.Session, count: int, quota: int, message: str
) -> None:
    summary = aws.client("iam").get_account_summary()["SummaryMap"]

    class Iam:
        def get_account_summary(self) -> Any:
            return {"SummaryMap": {**summary, "AttachedPoliciesPerRoleQuota": quota}}

    class S3:
        def head_bucket(self, **_: str) -> Any:
            return {"ResponseMetadata": {"HTTPHeaders": {}}}

        def get_bucket_notification_configuration(self, **_: str) -> Any:
            return {}

    targets = ",".join(f"{i:03}-{'b' * 36}" for i in range(count))
    fatal = _found(SessionWith(aws, iam=Iam(), s3=S3()), targets=targets)[True]
    assert (message in fatal) if message else (fatal == "")
    if message:
        assert "docs/deploy/many-buckets.md" in fatal


@pytest.mark.parametrize("what", ["Roles", "Policies"])
def test_an_account_without_room_for_roles(aws: boto3.Session, what: str) -> None:
    summary = dict(aws.client("iam").get_account_summary()["SummaryMap"])
    summary[what] = summary[f"{what}Quota"] - 1

    class Iam:
        def get_account_summary(self) -> Any:
            return {"SummaryMap": summary}

    stack = StackInAws(aws, {})

    first = SessionWith(aws, iam=Iam())
    assert f"IAM {what.lower()}, and the account has room for 1 of" in _found(first)[True]
    assert _found(SessionWith(aws, iam=Iam(), cloudformation=stack))[True] == ""


@pytest.mark.parametrize("discovery", ["batch", "direct"])
def test_the_effect_of_a_missing_reservation_is_reported(
    aws: boto3.Session, discovery: str
) -> None:
    message = _found(aws, discovery=discovery)[False]
    assert "may take all the concurrency that the account has" in message
    least = "processor_concurrency=7 discovery_concurrency=1 engine_concurrency=2"
    assert f"{least}, where 110 are unreserved" in message


# The stack.


@pytest.mark.parametrize(
    ("status", "fatal", "message"),
    [
        ("CREATE_COMPLETE", True, ""),
        ("UPDATE_ROLLBACK_COMPLETE", True, ""),
        ("REVIEW_IN_PROGRESS", True, ""),
        ("UPDATE_IN_PROGRESS", True, "wait until it is done"),
        ("DELETE_FAILED", True, "make destroy STAGE=dev"),
        ("UPDATE_ROLLBACK_FAILED", True, "continue-update-rollback"),
        ("ROLLBACK_COMPLETE", False, "EngineFunction: ReservedConcurrentExecutions decreases"),
        ("ROLLBACK_FAILED", False, "takes off its termination protection"),
    ],
)
def test_a_stack_must_be_in_a_state_that_can_be_updated(
    aws: boto3.Session, status: str, fatal: bool, message: str
) -> None:
    stack = StackInAws(aws, {}, status=status, protected=True)
    session = SessionWith(aws, cloudformation=stack)
    found = _found(session, profile="none")
    assert (message in found[fatal]) if message else (found[True] == "")


def test_a_failed_first_deployment_does_not_count_as_installed(aws: boto3.Session) -> None:
    """Its checks are those of a first deployment: no resource of it exists."""

    class Lambda:
        def get_account_settings(self) -> Any:
            return {"AccountLimit": {"UnreservedConcurrentExecutions": 150}}

        def get_function_concurrency(self, **_: str) -> Any:
            raise ClientError(
                {"Error": {"Code": "ResourceNotFoundException", "Message": "no"}},
                "GetFunctionConcurrency",
            )

    stack = StackInAws(aws, {}, status="ROLLBACK_COMPLETE", protected=True)
    session = SessionWith(aws, **{"lambda": Lambda(), "cloudformation": stack})
    assert "50 can be reserved" in _found(session, reserve="true")[True]
