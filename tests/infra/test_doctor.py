"""`asset-sync doctor` finds what is wrong with a stage, and says what to do."""

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from infra.policies import target_role_trust
from moto import mock_aws

from entrypoints.cli.api_problem import ApiProblem
from entrypoints.cli.doctor import examine, stage_outputs

REGION = "eu-west-1"
ACCOUNT = "123456789012"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "batchoperations.s3.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield boto3.Session(region_name=REGION)


@pytest.fixture
def outputs(aws: boto3.Session) -> dict[str, str]:
    """A stage in which all is well."""
    place: Any = {"LocationConstraint": REGION}
    for bucket in ("results", "media-a"):
        aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    outputs = {
        "ApiUrl": "https://x.example.com",
        "ResultsBucket": "results",
        "Targets": "media-a",
        "Trail": "existing",
        "BatchJobRuleName": "batch",
        "SweepRuleName": "sweep",
    }
    for key in ("Job", "Chunk", "Error", "Connector", "Assets"):
        outputs[f"{key}TableName"] = key
        aws.client("dynamodb").create_table(
            TableName=key,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    aws.client("dynamodb").update_time_to_live(
        TableName="Error",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expiresAt"},
    )
    sqs = aws.client("sqs")
    for key in ("DeadLetter", "FailedEvents", "Processor"):
        attributes = {}
        if key == "Processor":
            dead = f"arn:aws:sqs:{REGION}:{ACCOUNT}:DeadLetter"
            attributes["RedrivePolicy"] = json.dumps(
                {"deadLetterTargetArn": dead, "maxReceiveCount": 5}
            )
        made = sqs.create_queue(QueueName=key, Attributes=attributes)
        outputs[f"{key}QueueUrl"] = made["QueueUrl"]
    role = aws.client("iam").create_role(
        RoleName="batch", AssumeRolePolicyDocument=json.dumps(TRUST)
    )["Role"]
    outputs["BatchRoleArn"] = role["Arn"]
    for name in ("api", "engine", "processor"):
        _function(aws, f"asset-sync-dev-{name}", role["Arn"])
        outputs[f"{name.title()}FunctionName"] = f"asset-sync-dev-{name}"
    for name in ("batch", "sweep"):
        aws.client("events").put_rule(Name=name, ScheduleExpression="rate(5 minutes)")
    trail = aws.client("cloudtrail")
    trail.create_trail(Name="account", S3BucketName="results", IsMultiRegionTrail=True)
    trail.start_logging(Name="account")
    topic = aws.client("sns").create_topic(Name="alarms")["TopicArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
    outputs["AlarmTopicArn"] = topic
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName="asset-sync-dev-DeadLetters",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Statistic="Maximum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    return outputs


def _function(aws: boto3.Session, name: str, role: str) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("f.py", "def handler(event, context): pass\n")
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="f.handler",
        Code={"ZipFile": code.getvalue()},
    )


def _wrong(aws: boto3.Session, outputs: dict[str, str]) -> dict[str, str]:
    return {f.subject: f.fix for f in examine(outputs, aws.client) if not f.good}


def test_a_sound_stage_has_nothing_wrong(aws: boto3.Session, outputs: dict[str, str]) -> None:
    assert _wrong(aws, outputs) == {}


def test_a_stage_without_a_catalog_has_no_table_of_it(
    aws: boto3.Session, outputs: dict[str, str]
) -> None:
    del outputs["AssetsTableName"]
    assert _wrong(aws, {**outputs, "CatalogProfile": "none"}) == {}


BREAK: dict[str, tuple[Callable[[boto3.Session, dict[str, str]], Any], str, str]] = {
    "rule": (
        lambda aws, _: aws.client("events").disable_rule(Name="sweep"),
        "rule sweep",
        "enable-rule",
    ),
    "trail": (
        lambda aws, _: aws.client("cloudtrail").stop_logging(Name="account"),
        "trail",
        "trail=create",
    ),
    "bucket": (
        lambda aws, _: aws.client("s3").delete_bucket(Bucket="media-a"),
        "bucket media-a",
        "TARGETS",
    ),
    "dead letters": (
        lambda aws, outputs: aws.client("sqs").send_message(
            QueueUrl=outputs["DeadLetterQueueUrl"], MessageBody="{}"
        ),
        "queue DeadLetter",
        "runbook.md, DeadLetters",
    ),
    "trust": (
        lambda aws, _: aws.client("iam").update_assume_role_policy(
            RoleName="batch", PolicyDocument=json.dumps(TRUST).replace("batchoperations.s3", "ec2")
        ),
        "role batch",
        "batchoperations.s3.amazonaws.com",
    ),
    "alarm": (
        lambda aws, _: aws.client("cloudwatch").set_alarm_state(
            AlarmName="asset-sync-dev-DeadLetters", StateValue="ALARM", StateReason="3 messages"
        ),
        "alarm asset-sync-dev-DeadLetters",
        "runbook.md, DeadLetters",
    ),
    "table": (
        lambda aws, _: aws.client("dynamodb").delete_table(TableName="Chunk"),
        "tables",
        "deploy the stage anew",
    ),
}


@pytest.mark.parametrize("what", BREAK)
def test_what_is_wrong_is_found_with_its_fix(
    aws: boto3.Session, outputs: dict[str, str], what: str
) -> None:
    destroy, subject, fix = BREAK[what]
    destroy(aws, outputs)
    found = _wrong(aws, outputs)
    assert [*found] == [subject]
    assert fix in found[subject]


ENGINE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/asset-sync-dev-EngineRole"
PROCESSOR_ROLE = f"arn:aws:iam::{ACCOUNT}:role/asset-sync-dev-ProcessorRole"
OURS = f"arn:aws:iam::{ACCOUNT}:role/media/target"
OTHERS = "arn:aws:iam::210987654321:role/target"


@pytest.fixture
def roles_only(outputs: dict[str, str]) -> dict[str, str]:
    """A stage whose buckets are all reached by roles."""
    kept = {name: value for name, value in outputs.items() if name != "Targets"}
    return {
        **kept,
        "EngineRoleArn": ENGINE_ROLE,
        "ProcessorRoleArn": PROCESSOR_ROLE,
        "TargetRoles": f"{OTHERS},{OURS}",
    }


def _target_role(aws: boto3.Session, trust: Any, path: str = "/media/") -> None:
    aws.client("iam").create_role(
        RoleName="target", Path=path, AssumeRolePolicyDocument=json.dumps(trust)
    )


def _trust_of(principal: Any, **other: Any) -> Any:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **other}
    return {"Version": "2012-10-17", "Statement": statement}


@pytest.mark.parametrize(
    "trust",
    [
        target_role_trust(ENGINE_ROLE, PROCESSOR_ROLE),
        _trust_of({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        _trust_of({"AWS": [ACCOUNT]}, Action=["sts:TagSession", "sts:*"]),
        _trust_of("*", Condition={"StringEquals": {"aws:PrincipalArn": ENGINE_ROLE}}),
    ],
)
def test_a_role_of_our_account_that_trusts_the_functions_is_sound(
    aws: boto3.Session, roles_only: dict[str, str], trust: Any
) -> None:
    _target_role(aws, trust)
    assert _wrong(aws, roles_only) == {}
    good = [f.subject for f in examine(roles_only, aws.client)]
    assert f"target role {OURS}" in good
    # Of a role that cannot be asked for, nothing is said.
    assert not [subject for subject in good if OTHERS in subject]


@pytest.mark.parametrize(
    ("trust", "named"),
    [
        (target_role_trust(ENGINE_ROLE, "AROAEXAMPLEOFDELETED"), [PROCESSOR_ROLE]),
        (_trust_of({"AWS": PROCESSOR_ROLE}), [ENGINE_ROLE]),
        (_trust_of({"Service": "lambda.amazonaws.com"}), [ENGINE_ROLE, PROCESSOR_ROLE]),
        (_trust_of({"AWS": "*"}, Effect="Deny"), [ENGINE_ROLE, PROCESSOR_ROLE]),
        (_trust_of({"AWS": "*"}, Action="sts:TagSession"), [ENGINE_ROLE, PROCESSOR_ROLE]),
    ],
)
def test_a_role_of_our_account_that_does_not_trust_the_functions_is_told(
    aws: boto3.Session, roles_only: dict[str, str], trust: Any, named: list[str]
) -> None:
    _target_role(aws, trust)
    found = _wrong(aws, roles_only)
    assert [*found] == [f"target role {OURS}"]
    for role in (ENGINE_ROLE, PROCESSOR_ROLE):
        assert (role in found[f"target role {OURS}"]) == (role in named)


def test_a_role_of_our_account_that_is_not_there_is_told(
    aws: boto3.Session, roles_only: dict[str, str]
) -> None:
    found = _wrong(aws, roles_only)
    assert [*found] == [f"target role {OURS}"]
    assert "target_roles" in found[f"target role {OURS}"]


def test_a_role_under_another_path_is_another_role(
    aws: boto3.Session, roles_only: dict[str, str]
) -> None:
    _target_role(aws, target_role_trust(ENGINE_ROLE, PROCESSOR_ROLE), path="/")
    (told,) = (f for f in examine(roles_only, aws.client) if not f.good)
    assert f"arn:aws:iam::{ACCOUNT}:role/target" in told.detail


def test_an_output_of_targets_may_be_empty(aws: boto3.Session, roles_only: dict[str, str]) -> None:
    assert _wrong(aws, {**roles_only, "Targets": "", "TargetRoles": OTHERS}) == {}


def test_a_stage_that_is_not_there(aws: boto3.Session) -> None:
    with pytest.raises(ApiProblem, match="make deploy STAGE=dev"):
        stage_outputs("dev", aws.client)
