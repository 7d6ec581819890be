"""A stage is deleted only if all of it can be, and a failed deployment can be deleted."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from stack_in_aws import NAME, SessionWith, StackInAws
from tools import deploy, teardown

REGION = "eu-west-1"
TRUST = '{"Version": "2012-10-17", "Statement": []}'
OTHERS = "arn:aws:iam::123456789012:policy/audit"
RESOURCES = {
    "Results": ("bucket", "results"),
    "TrailBucket": ("bucket", "trail"),
    "Jobs": ("table", "jobs"),
    "IngestBus": ("bus", "asset-sync-dev-ingest"),
    "EngineRole": ("role", "engine"),
    "EngineFunction": ("function", "asset-sync-dev-engine"),
}

MakeStack = Callable[..., StackInAws]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        session = boto3.Session(region_name=REGION)
        place: Any = {"LocationConstraint": REGION}
        for bucket in ("results", "trail", "media-a"):
            session.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
        session.client("dynamodb").create_table(
            TableName="jobs",
            KeySchema=[{"AttributeName": "jobId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "jobId", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        session.client("events").create_event_bus(Name="asset-sync-dev-ingest")
        session.client("iam").create_role(RoleName="engine", AssumeRolePolicyDocument=TRUST)
        statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
        session.client("iam").create_policy(
            PolicyName="audit",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        yield session


@pytest.fixture
def stack(aws: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> MakeStack:
    def make(**options: Any) -> StackInAws:
        made = StackInAws(aws, dict(RESOURCES), **options)

        def cdk(_: object, command: str, *arguments: str) -> None:
            if command == "destroy":
                assert arguments == (NAME, "--force")
                if not made.delete():
                    raise teardown.Stopped("- `cdk destroy` failed; it says above why")
            elif command == "deploy":
                assert made.status == "DELETE_COMPLETE"
                raise teardown.Stopped("- the next deployment failed, too")

        monkeypatch.setattr(deploy, "_cdk", cdk)
        session = SimpleNamespace(Session=lambda **_: SessionWith(aws, cloudformation=made))
        monkeypatch.setattr(deploy, "boto3", session)
        return made

    return make


def _put(aws: boto3.Session, bucket: str, key: str = "jobs/1/manifest.csv") -> None:
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")


def _count(aws: boto3.Session, bucket: str) -> int:
    return int(aws.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"])


def _buckets(aws: boto3.Session) -> set[str]:
    return {each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]}


def _stopped(*arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        deploy.main(["--stage", "dev", *arguments])
    return str(stopped.value)


def test_a_scratch_stage_is_deleted_with_what_is_in_its_buckets(
    aws: boto3.Session, stack: MakeStack
) -> None:
    made = stack()
    _put(aws, "results")
    _put(aws, "media-a")
    deploy.main(["--stage", "dev", "destroy"])
    assert made.status == "DELETE_COMPLETE"
    # A target is never deleted.
    assert _buckets(aws) == {"media-a"}
    assert _count(aws, "media-a") == 1


def test_versions_and_delete_markers_are_emptied(aws: boto3.Session, stack: MakeStack) -> None:
    aws.client("s3").put_bucket_versioning(
        Bucket="results", VersioningConfiguration={"Status": "Enabled"}
    )
    made = stack()
    _put(aws, "results")
    _put(aws, "results")
    aws.client("s3").delete_object(Bucket="results", Key="jobs/1/manifest.csv")
    deploy.main(["--stage", "dev", "destroy"])
    assert made.status == "DELETE_COMPLETE"


def test_objects_written_during_the_deletion_are_removed_too(
    aws: boto3.Session, stack: MakeStack
) -> None:
    """CloudTrail delivers, and workers write, until their resources are deleted."""
    made = stack()
    made.before_each = lambda name: _put(aws, "trail", name) if name == "EngineFunction" else None
    assert _count(aws, "trail") == 0
    deploy.main(["--stage", "dev", "destroy"])
    assert made.status == "DELETE_COMPLETE"
    assert made.deletions == 2


REFUSED: dict[str, tuple[dict[str, Any], Callable[[boto3.Session], Any], str]] = {
    "termination protection": ({"protected": True}, lambda _: None, "data=destroy"),
    "kept resources": ({"deletion_policy": "Retain"}, lambda _: None, "data=destroy"),
    "kept resources, except after a failed creation": (
        {"deletion_policy": "RetainExceptOnCreate"},
        lambda _: None,
        "data=destroy",
    ),
    "a change in progress": (
        {"status": "UPDATE_IN_PROGRESS"},
        lambda _: None,
        "wait until that is done",
    ),
    "rules on the bus": (
        {},
        lambda aws: aws.client("events").put_rule(
            Name="to-media-lake", EventBusName="asset-sync-dev-ingest", EventPattern="{}"
        ),
        "to-media-lake",
    ),
    "a protected table": (
        {},
        lambda aws: aws.client("dynamodb").update_table(
            TableName="jobs", DeletionProtectionEnabled=True
        ),
        "--no-deletion-protection-enabled",
    ),
    "a policy that others attached": (
        {},
        lambda aws: aws.client("iam").attach_role_policy(RoleName="engine", PolicyArn=OTHERS),
        f"--policy-arn {OTHERS}",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_deletion_is_reported_before_anything_is_lost(
    aws: boto3.Session, stack: MakeStack, what: str
) -> None:
    options, break_it, message = REFUSED[what]
    made = stack(**options)
    break_it(aws)
    _put(aws, "results")
    message = _stopped("destroy")
    assert "nothing was created or changed" in message
    assert message in message
    assert _count(aws, "results") == 1
    assert made.deletions == 0


def test_a_policy_of_the_stage_that_is_attached_elsewhere(
    aws: boto3.Session, stack: MakeStack
) -> None:
    """IAM deletes no policy that is attached to another role."""
    made = stack()
    made.resources["ProcessorTargets1"] = ("policy", OTHERS)
    aws.client("iam").attach_role_policy(RoleName="engine", PolicyArn=OTHERS)
    aws.client("iam").create_role(RoleName="auditor", AssumeRolePolicyDocument=TRUST)
    aws.client("iam").attach_role_policy(RoleName="auditor", PolicyArn=OTHERS)
    message = _stopped("destroy")
    assert f"policy {OTHERS} is attached to auditor, too" in message
    assert "role engine" not in message
    assert made.deletions == 0


def test_missing_resources_do_not_stop_the_deletion(aws: boto3.Session, stack: MakeStack) -> None:
    made = stack()
    aws.client("iam").delete_role(RoleName="engine")
    aws.client("events").delete_event_bus(Name="asset-sync-dev-ingest")
    aws.client("dynamodb").delete_table(TableName="jobs")
    aws.client("s3").delete_bucket(Bucket="trail")
    deploy.main(["--stage", "dev", "destroy"])
    assert made.status == "DELETE_COMPLETE"


def test_data_that_is_to_be_kept_is_not_deleted(aws: boto3.Session, stack: MakeStack) -> None:
    made = stack()
    assert "data=keep" in _stopped("--choose", "data=keep", "destroy")
    assert made.deletions == 0


def test_the_deployed_options_decide_and_not_those_of_this_call(
    aws: boto3.Session, stack: MakeStack
) -> None:
    """The default for stage dev is to destroy; this one was deployed with data=keep."""
    made = stack(protected=True, deletion_policy="RetainExceptOnCreate")
    _put(aws, "results")
    assert "data=destroy" in _stopped("--choose", "data=destroy", "destroy")
    assert _count(aws, "results") == 1
    assert made.deletions == 0


def test_a_partial_deletion_reports_what_was_done(aws: boto3.Session, stack: MakeStack) -> None:
    made = stack()
    _put(aws, "results")

    def rule(name: str) -> None:
        if name == "EngineFunction":
            aws.client("events").put_rule(
                Name="late", EventBusName="asset-sync-dev-ingest", EventPattern="{}"
            )

    made.before_each = rule
    message = _stopped("destroy")
    assert "nothing was created or changed" not in message
    assert "started the deletion of" in message
    assert "IngestBus (asset-sync-dev-ingest): EventBus can't be deleted since it has rules" in (
        message
    )
    assert _count(aws, "results") == 1
    # The deletion can be repeated.
    aws.client("events").delete_rule(Name="late", EventBusName="asset-sync-dev-ingest")
    made.before_each = lambda _: None
    deploy.main(["--stage", "dev", "destroy"])
    assert made.status == "DELETE_COMPLETE"


def test_an_object_that_is_not_deleted_is_reported(
    aws: boto3.Session, stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DeleteObjects returns 200 also for objects that it did not delete."""
    stack()
    _put(aws, "results")
    real = SessionWith.client

    class Locked:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

        def delete_objects(self, **_: Any) -> Any:
            return {"Errors": [{"Key": "jobs/1/manifest.csv", "Code": "AccessDenied"}]}

    def client(self: SessionWith, name: str, **options: Any) -> Any:
        found = real(self, name, **options)
        return Locked(found) if name == "s3" else found

    monkeypatch.setattr(SessionWith, "client", client)
    message = _stopped("destroy")
    assert "jobs/1/manifest.csv: AccessDenied" in message
    assert "nothing was created or changed" not in message


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])
@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_a_failed_first_deployment_can_be_repeated_and_deleted(
    aws: boto3.Session,
    stack: MakeStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: str,
    command: str,
) -> None:
    """The stack and its tables are protected, which must be lifted before the deletion."""
    monkeypatch.setattr(deploy, "build", lambda *_, package: 1)
    monkeypatch.setattr(deploy, "_is_bootstrapped", lambda *_: True)
    aws.client("dynamodb").update_table(TableName="jobs", DeletionProtectionEnabled=True)
    made = stack(status=status, protected=True, deletion_policy="RetainExceptOnCreate")
    arguments = ["--stage", "dev", "--targets", "media-a"]
    arguments += ["--choose", "trail=none", "--choose", "data=keep"] if command == "deploy" else []
    arguments += ["--choose", "reserve=false", "--choose", "profile=none", command]
    if command == "deploy":
        with pytest.raises(SystemExit) as stopped:
            deploy.main(arguments)
        assert "termination protection" in str(stopped.value)
        message = capsys.readouterr().out
        assert "EngineFunction: ReservedConcurrentExecutions decreases" in message
    else:
        deploy.main(arguments)
    assert made.status == "DELETE_COMPLETE"
    assert aws.client("dynamodb").list_tables()["TableNames"] == []
    assert _buckets(aws) == {"media-a"}


def test_resources_of_a_failed_deployment_with_content_are_named_and_kept(
    aws: boto3.Session, stack: MakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    """CloudTrail may have written to the trail's bucket before the rollback."""
    stack(status="ROLLBACK_COMPLETE", protected=True, deletion_policy="RetainExceptOnCreate")
    _put(aws, "trail")
    aws.client("dynamodb").put_item(TableName="jobs", Item={"jobId": {"S": "job-1"}})
    deploy.main(["--stage", "dev", "destroy"])
    message = capsys.readouterr().out
    assert "bucket trail of the failed deployment holds objects" in message
    assert "table jobs of the failed deployment holds items" in message
    assert _buckets(aws) == {"media-a", "trail"}
    assert aws.client("dynamodb").list_tables()["TableNames"] == ["jobs"]


def test_a_missing_stage(aws: boto3.Session, stack: MakeStack) -> None:
    stack(status="DELETE_COMPLETE")
    assert "no stack asset-sync-dev" in _stopped("destroy")
