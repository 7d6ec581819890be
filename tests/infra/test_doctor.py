"""`asset-sync doctor` finds the problems of a stage, and names the fix."""

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from aws_with_history import ACCOUNT, REGION, Answers, AwsWithHistory, Seen
from infra.policies import target_role_trust
from moto import mock_aws

from entrypoints.cli.remote.stage_api_client import stage_outputs
from entrypoints.cli.stage.checks.check import Finding, Stage, Verdict
from entrypoints.cli.stage.checks.checklist import CHECKS
from entrypoints.cli.stage.doctor import run_checks
from entrypoints.cli.terminal.api_problem import ApiProblem

ENGINE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/asset-sync-dev-EngineRole"
PROCESSOR_ROLE = f"arn:aws:iam::{ACCOUNT}:role/asset-sync-dev-ProcessorRole"
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
def seen() -> Seen:
    return Seen()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> Iterator[Any]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield AwsWithHistory(boto3.Session(region_name=REGION), seen)


@pytest.fixture
def outputs(aws: Any) -> dict[str, str]:
    """The outputs of a sound stage."""
    place: Any = {"LocationConstraint": REGION}
    for bucket in ("results", "media-a"):
        aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    aws.client("s3").put_bucket_encryption(
        Bucket="results", ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    aws.client("cloudformation").create_stack(
        StackName="asset-sync-dev", TemplateBody=json.dumps(template)
    )
    outputs = {
        "ApiUrl": "https://x.example.com",
        "ResultsBucket": "results",
        "Targets": "media-a",
        "Trail": "existing",
        "BatchJobRuleName": "batch",
        "SweepRuleName": "sweep",
        "IngestBusName": "ingest",
        "ScheduleGroupName": "asset-sync-dev",
        "EngineRoleArn": ENGINE_ROLE,
        "ProcessorRoleArn": PROCESSOR_ROLE,
    }
    aws.client("events").create_event_bus(Name="ingest")
    aws.client("scheduler").create_schedule_group(Name="asset-sync-dev")
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
    for name in ("api", "engine", "processor", "discovery"):
        _function(aws, f"asset-sync-dev-{name}", role["Arn"])
        outputs[f"{name.title()}FunctionName"] = f"asset-sync-dev-{name}"
    for name in ("batch", "sweep"):
        aws.client("events").put_rule(Name=name, ScheduleExpression="rate(5 minutes)")
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:asset-sync-dev-engine"
        aws.client("events").put_targets(Rule=name, Targets=[{"Id": "engine", "Arn": arn}])
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


def _function(aws: Any, name: str, role: str) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("f.py", "def handler(event, context): pass\n")
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Architectures=["arm64"],
        Role=role,
        Handler="f.handler",
        Code={"ZipFile": code.getvalue()},
    )


Found = list[Finding]


def _look(aws: Any, outputs: dict[str, str]) -> Found:
    seen: Seen = aws.seen
    stage = Stage(
        outputs=outputs,
        client=aws.client,
        signed=Answers(seen.connectors, seen.api_problem),
        unsigned=Answers(seen.connectors, seen.strangers_problem),
    )
    return [finding for _, finding in run_checks(stage)]


def _wrong(aws: Any, outputs: dict[str, str]) -> dict[str, str]:
    return {f.subject: f.fix for f in _look(aws, outputs) if f.verdict is Verdict.WRONG}


def test_a_sound_stage_has_nothing_wrong(aws: Any, outputs: dict[str, str]) -> None:
    found = _look(aws, outputs)
    assert [f for f in found if f.verdict is not Verdict.OK] == []


def test_a_bucket_of_another_region_is_reported_as_such(aws: Any, outputs: dict[str, str]) -> None:
    place: Any = {"LocationConstraint": "us-west-2"}
    aws.client("s3", region_name="us-west-2").create_bucket(
        Bucket="media-us", CreateBucketConfiguration=place
    )
    found = {f.subject: f for f in _look(aws, {**outputs, "Targets": "media-a,media-us"})}
    assert found["bucket media-a"].detail == "exists"
    assert "is in us-west-2: sync it with discovery direct" in found["bucket media-us"].detail
    assert found["bucket media-us"].verdict is Verdict.OK


def test_an_unconfirmed_subscription_receives_nothing(
    aws: Any, outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = AwsWithHistory.client

    class Sns:
        def list_subscriptions_by_topic(self, **_: str) -> Any:
            return {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]}

    monkeypatch.setattr(
        AwsWithHistory,
        "client",
        lambda self, name, **options: Sns() if name == "sns" else real(self, name, **options),
    )
    found = _wrong(aws, outputs)
    assert [*found] == ["subscriptions to alarms"]
    assert "confirm it" in found["subscriptions to alarms"]


def test_a_stage_without_a_catalog_has_no_table_of_it(aws: Any, outputs: dict[str, str]) -> None:
    del outputs["AssetsTableName"]
    assert _wrong(aws, {**outputs, "CatalogProfile": "none"}) == {}


def test_a_new_stage_has_no_problem(aws: Any, outputs: dict[str, str], seen: Seen) -> None:
    """A new stage, before its first sync."""
    seen.sums.clear()
    seen.batch_jobs = seen.batch_jobs[1:]
    found = [f for f in _look(aws, outputs) if f.verdict is not Verdict.OK]
    assert {f.verdict for f in found} == {Verdict.NOT_SEEN}
    assert {f.subject for f in found} == {
        "invocations of asset-sync-dev-engine",
        "invocations of asset-sync-dev-processor",
        "invocations of asset-sync-dev-discovery",
        "batch jobs",
        "events of batch",
        "alarm messages",
    }
    assert all(f.fix for f in found)


SEEN: dict[str, tuple[Callable[[Seen], Any], str, str]] = {
    "an API that lets strangers in": (
        lambda seen: setattr(seen, "strangers_problem", ""),
        "API without a signature",
        "redeploy the stage immediately",
    ),
    "an API that is not there": (
        lambda seen: setattr(seen, "strangers_problem", "HTTP 404"),
        "API without a signature",
        "expected 403",
    ),
    "a sweep that fails": (
        lambda seen: seen.sums.update({"asset-sync-dev-engine Errors": 3}),
        "invocations of asset-sync-dev-engine",
        "docs/runbook.md",
    ),
    "a processor that does not start": (
        lambda seen: seen.sums.update({"asset-sync-dev-processor Errors": 40}),
        "invocations of asset-sync-dev-processor",
        "docs/runbook.md",
    ),
    "a batch role that S3 cannot assume": (
        lambda seen: seen.batch_jobs[0].update(Status="Failed", ProgressSummary={}),
        "batch job 1",
        "describe-job --account-id 123456789012 --job-id 1",
    ),
    "an end of a batch job without an event": (
        lambda seen: seen.sums.pop("batch TriggeredRules"),
        "events of batch",
        "check the trail",
    ),
    "alarms that do not arrive": (
        lambda seen: seen.sums.update({"alarms NumberOfNotificationsFailed": 1}),
        "alarm messages",
        "subscriptions",
    ),
    "rights that are not there": (
        lambda seen: setattr(seen, "decision", "implicitDeny"),
        "processor on media-a",
        "TARGETS",
    ),
    "a bucket that sends no event for copies": (
        lambda seen: setattr(seen, "notifications", {}),
        "notifications of media-a",
        "connector media has trigger copy",
    ),
}


@pytest.mark.parametrize("what", SEEN)
def test_a_recorded_problem_is_found(
    aws: Any, outputs: dict[str, str], seen: Seen, what: str
) -> None:
    change, subject, fix = SEEN[what]
    change(seen)
    found = _wrong(aws, outputs)
    assert [*found] == [subject]
    assert fix in found[subject]


def test_mappings_that_are_disabled(aws: Any, outputs: dict[str, str], seen: Seen) -> None:
    seen.mapping_state = "Disabled"
    found = _wrong(aws, outputs)
    assert [*found] == ["mapping of Processor", "mapping of DeadLetter"]
    assert "update-event-source-mapping --uuid Processor --enabled" in found["mapping of Processor"]


def test_an_api_that_refuses_its_caller(aws: Any, outputs: dict[str, str], seen: Seen) -> None:
    seen.api_problem = "HTTP 403"
    found = _wrong(aws, outputs)
    # Its connectors cannot be listed either.
    assert [*found] == [
        "API https://x.example.com",
        "the schedules of connectors",
        "copies send events",
    ]
    assert "execute-api:Invoke" in found["API https://x.example.com"]


def test_every_check_has_its_manual_equivalent(aws: Any, outputs: dict[str, str]) -> None:
    stage = Stage(outputs, aws.client, Answers([], ""), Answers([], ""))
    assert 20 <= len(CHECKS) <= 25
    titles = [check.title for check in CHECKS]
    assert len(set(titles)) == len(titles)
    for check in CHECKS:
        command = check.command_of(stage)
        assert command.startswith(("aws ", "curl ", "asset-sync ")), command
        assert "STAGE" not in command
        # Names of outputs are replaced, and the stack has each of them.
        assert not {name for name in outputs if name in command.split()}, command
        verb = command.split()[2] if command.startswith("aws ") else ""
        changes = {"set-alarm-state"}  # which doctor leaves to the operator
        assert verb.startswith(("get-", "list-", "describe-", "head-", "simulate-")) or (
            verb in changes or not verb
        )


BREAK: dict[str, tuple[Callable[[Any, dict[str, str]], Any], str, str]] = {
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
        "the tables",
        "redeploy the stage: aws dynamodb describe-table",
    ),
    "a trail that records reads only": (
        lambda aws, _: aws.client("cloudtrail").put_event_selectors(
            TrailName="account", EventSelectors=[{"ReadWriteType": "ReadOnly"}]
        ),
        "trail",
        "management events that write",
    ),
    "a manifest that cannot be read": (
        lambda aws, _: aws.client("s3").put_bucket_encryption(
            Bucket="results",
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
            },
        ),
        "encryption of results",
        "KMS key",
    ),
    "a rule that starts nothing": (
        lambda aws, _: aws.client("events").remove_targets(Rule="sweep", Ids=["engine"]),
        "rule sweep",
        "redeploy the stage",
    ),
    "a schedule group that is gone": (
        lambda aws, _: aws.client("scheduler").delete_schedule_group(Name="asset-sync-dev"),
        "schedule group asset-sync-dev",
        "aws scheduler create-schedule-group --name asset-sync-dev",
    ),
    "a bus that is gone": (
        lambda aws, _: aws.client("events").delete_event_bus(Name="ingest"),
        "the ingest bus",
        "list-rules",
    ),
}


@pytest.mark.parametrize("what", BREAK)
def test_a_problem_is_found_with_its_fix(aws: Any, outputs: dict[str, str], what: str) -> None:
    destroy, subject, fix = BREAK[what]
    destroy(aws, outputs)
    found = _wrong(aws, outputs)
    assert [*found] == [subject]
    assert fix in found[subject]


OURS = f"arn:aws:iam::{ACCOUNT}:role/media/target"
OTHERS = "arn:aws:iam::210987654321:role/target"


@pytest.fixture
def roles_only(outputs: dict[str, str]) -> dict[str, str]:
    """A stage whose buckets are all accessed by roles."""
    kept = {name: value for name, value in outputs.items() if name != "Targets"}
    return {
        **kept,
        "TargetRoles": f"{OTHERS},{OURS}",
    }


def _target_role(aws: Any, trust: Any, path: str = "/media/") -> None:
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
def test_a_role_of_this_account_that_trusts_the_functions_is_sound(
    aws: Any, roles_only: dict[str, str], trust: Any
) -> None:
    _target_role(aws, trust)
    assert _wrong(aws, roles_only) == {}
    good = [f.subject for f in _look(aws, roles_only)]
    assert f"target role {OURS}" in good
    # A role that cannot be read is not reported.
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
def test_a_role_of_this_account_that_does_not_trust_the_functions_is_reported(
    aws: Any, roles_only: dict[str, str], trust: Any, named: list[str]
) -> None:
    _target_role(aws, trust)
    found = _wrong(aws, roles_only)
    assert [*found] == [f"target role {OURS}"]
    for role in (ENGINE_ROLE, PROCESSOR_ROLE):
        assert (role in found[f"target role {OURS}"]) == (role in named)


def test_a_missing_role_of_this_account_is_reported(aws: Any, roles_only: dict[str, str]) -> None:
    found = _wrong(aws, roles_only)
    assert [*found] == [f"target role {OURS}"]
    assert "target_roles" in found[f"target role {OURS}"]


def test_a_role_under_another_path_is_another_role(aws: Any, roles_only: dict[str, str]) -> None:
    _target_role(aws, target_role_trust(ENGINE_ROLE, PROCESSOR_ROLE), path="/")
    (finding,) = (f for f in _look(aws, roles_only) if f.verdict is Verdict.WRONG)
    assert f"arn:aws:iam::{ACCOUNT}:role/target" in finding.detail


def test_an_output_of_targets_may_be_empty(aws: Any, roles_only: dict[str, str]) -> None:
    assert _wrong(aws, {**roles_only, "Targets": "", "TargetRoles": OTHERS}) == {}


def test_a_missing_stage(aws: Any) -> None:
    with pytest.raises(ApiProblem, match="make deploy STAGE=dev"):
        stage_outputs("dev", aws.client)
