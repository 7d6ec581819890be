"""Checks against AWS stop a deployment before anything is created, and name the fix."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from infra.config import Config, read_config
from infra.preflight import Identity, NoCredentials, identify, look
from moto import mock_aws
from tools import deploy

IDENTITY = Identity(account="123456789012", region="eu-west-1")
_NONE = "AWS.SimpleQueueService.NonExistentQueue"
CHOICES = {"stage": "dev", "targets": "media-a", "reserve": "false"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", IDENTITY.region)
    monkeypatch.setenv("AWS_DEFAULT_REGION", IDENTITY.region)
    with mock_aws():
        session = boto3.Session(region_name=IDENTITY.region)
        _bucket(session, "media-a", IDENTITY.region)
        _trail(session)
        yield session


def _bucket(session: boto3.Session, name: str, region: str) -> None:
    where: Any = {"LocationConstraint": region}
    session.client("s3", region_name=region).create_bucket(
        Bucket=name, CreateBucketConfiguration=where
    )


def _trail(session: boto3.Session) -> None:
    cloudtrail = session.client("cloudtrail")
    cloudtrail.create_trail(Name="account", S3BucketName="media-a", IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name="account")


def _faults(session: boto3.Session, **choices: str) -> list[str]:
    config = read_config({**CHOICES, **choices})
    return [f.text for f in look(config, IDENTITY, session.client) if f.fatal]


def _reported(session: boto3.Session, **choices: str) -> list[str]:
    config = read_config({**CHOICES, **choices})
    return [f.text for f in look(config, IDENTITY, session.client) if not f.fatal]


def test_a_sound_configuration_has_no_problem(aws: boto3.Session) -> None:
    assert _faults(aws) == []


def test_a_missing_bucket(aws: boto3.Session) -> None:
    (fault,) = _faults(aws, targets="media-a,media-x")
    assert "no bucket media-x" in fault
    assert "TARGETS" in fault


def test_a_bucket_of_another_region(aws: boto3.Session) -> None:
    _bucket(aws, "media-us", "us-west-2")
    (fault,) = _faults(aws, targets="media-us")
    assert "AWS_REGION=us-west-2" in fault


def test_a_bucket_of_another_region_can_be_synced_directly(aws: boto3.Session) -> None:
    _bucket(aws, "media-us", "us-west-2")
    choices = {"targets": "media-us", "discovery": "direct"}
    assert _faults(aws, **choices) == []
    assert any("us-west-2" in text and "direct only" in text for text in _reported(aws, **choices))


def test_a_role_of_this_account_that_does_not_exist_yet_is_reported(aws: boto3.Session) -> None:
    ours = f"arn:aws:iam::{IDENTITY.account}:role/media/asset-sync"
    message = [text for text in _reported(aws, targets="", target_roles=ours) if ours in text]
    assert len(message) == 1
    assert "docs/iam.md" in message[0]
    # It cannot exist before the stage: it trusts the stage's roles.
    assert _faults(aws, targets="", target_roles=ours) == []
    aws.client("iam").create_role(
        RoleName="asset-sync", Path="/media/", AssumeRolePolicyDocument="{}"
    )
    assert not [text for text in _reported(aws, targets="", target_roles=ours) if ours in text]
    without_path = f"arn:aws:iam::{IDENTITY.account}:role/asset-sync"
    (fault,) = _faults(aws, targets="", target_roles=without_path)
    assert ours in fault


def test_a_role_of_another_account_is_not_read(aws: boto3.Session) -> None:
    class Summary:
        def get_account_summary(self) -> Any:
            return aws.client("iam").get_account_summary()

    def client(name: str, **options: str) -> Any:
        assert name != "sts"
        return Summary() if name == "iam" else aws.client(name, **options)

    others = "arn:aws:iam::210987654321:role/asset-sync"
    config = read_config({**CHOICES, "targets": "", "target_roles": others})
    assert not [f.text for f in look(config, IDENTITY, client) if "210987654321" in f.text]


def test_a_missing_catalog_and_one_of_another_shape(aws: boto3.Session) -> None:
    (fault,) = _faults(aws, catalog="assets")
    assert "no table assets" in fault
    aws.client("dynamodb").create_table(
        TableName="assets",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    keyed, index = _faults(aws, catalog="assets")
    assert "keyed by id, and a catalog by InventoryID" in keyed
    assert "no index S3PathIndex (its indexes: none)" in index
    assert "catalog_path_index=none" in index
    _, index = _faults(aws, catalog="assets", profile="generic")
    assert "no index AssetIDIndex" in index
    assert "catalog_index=none" in index


def _catalog(session: boto3.Session, **indexes: str) -> None:
    """Create a table of assets; `indexes` has the key of each index by its name."""
    made: Any = {
        "TableName": "assets",
        "KeySchema": [{"AttributeName": "InventoryID", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"}
            for name in dict.fromkeys(["InventoryID", *indexes.values()])
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": name,
                "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
            for name, key in indexes.items()
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }
    session.client("dynamodb").create_table(**made)


def test_a_media_lakes_table_fits(aws: boto3.Session) -> None:
    _catalog(aws, S3PathIndex="StoragePath", FileHashIndex="FileHash")
    assert _faults(aws, catalog="assets") == []


def test_an_index_that_is_missing_or_keyed_otherwise(aws: boto3.Session) -> None:
    _catalog(aws, S3PathIndex="Path", FileHashIndex="FileHash")
    (fault,) = _faults(aws, catalog="assets")
    assert "index S3PathIndex of table assets is keyed by Path, not StoragePath" in fault
    assert "catalog_path_index_key=Path" in fault
    assert _faults(aws, catalog="assets", catalog_path_index_key="Path") == []
    assert _faults(aws, catalog="assets", catalog_path_index="none") == []
    (fault,) = _faults(aws, catalog="assets", catalog_path_index="ByPath")
    assert "no index ByPath (its indexes: FileHashIndex, S3PathIndex)" in fault
    (fault,) = _faults(aws, catalog="assets", profile="generic")
    assert "no index AssetIDIndex" in fault


def test_without_a_catalog_no_table_is_read(aws: boto3.Session) -> None:
    def client(name: str, **options: str) -> Any:
        assert name != "dynamodb"
        return aws.client(name, **options)

    config = read_config({**CHOICES, "profile": "none"})
    assert not [f.text for f in look(config, IDENTITY, client) if "catalog" in f.text]


def _queue_arn(name: str, *, region: str = "us-west-2", account: str = IDENTITY.account) -> str:
    return f"arn:aws:sqs:{region}:{account}:{name}"


def test_an_ingest_queue_is_read_in_its_own_region(aws: boto3.Session) -> None:
    aws.client("sqs", region_name="us-west-2").create_queue(QueueName="ingest")
    assert _faults(aws, ingest_queues=_queue_arn("ingest")) == []
    elsewhere = _queue_arn("ingest", region="eu-west-1")
    (fault,) = _faults(aws, ingest_queues=f"{_queue_arn('ingest')},{elsewhere}")
    assert f"no queue {elsewhere}" in fault
    assert "sqsArn" in fault
    assert not [
        text for text in _reported(aws, ingest_queues=_queue_arn("ingest")) if ":sqs:" in text
    ]


def test_queues_of_a_wildcard_are_not_read(aws: boto3.Session) -> None:
    wildcard = _queue_arn("medialake-connector-*")
    assert _faults(aws, ingest_queues=wildcard) == []
    assert not [text for text in _reported(aws, ingest_queues=wildcard) if ":sqs:" in text]


def test_an_inaccessible_queue_of_another_account_is_reported(aws: boto3.Session) -> None:
    theirs = _queue_arn("ingest", account="210987654321")
    assert _faults(aws, ingest_queues=theirs) == []
    (message,) = (text for text in _reported(aws, ingest_queues=theirs) if ":sqs:" in text)
    assert theirs in message
    assert "ProcessorRoleArn" in message


def test_a_forbidden_queue_does_not_block_the_others(aws: boto3.Session) -> None:
    class Forbidden:
        def get_queue_url(self, **parameters: str) -> Any:
            code = "AccessDenied" if parameters["QueueName"] == "mine" else _NONE
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetQueueUrl")

    def client(name: str, **options: str) -> Any:
        return Forbidden() if name == "sqs" else aws.client(name, **options)

    mine, gone = _queue_arn("mine"), _queue_arn("gone")
    config = read_config({**CHOICES, "ingest_queues": f"{mine},{gone}"})
    found = [f for f in look(config, IDENTITY, client) if ":sqs:" in f.text]
    assert [(f.fatal, mine in f.text, gone in f.text) for f in found] == [
        (False, True, False),
        (True, False, True),
    ]


def test_the_key_of_an_ingest_queue_must_be_allowed(aws: boto3.Session) -> None:
    key = "arn:aws:kms:us-west-2:123456789012:key/a"
    sqs = aws.client("sqs", region_name="us-west-2")
    sqs.create_queue(QueueName="ingest", Attributes={"KmsMasterKeyId": key})
    sqs.create_queue(QueueName="plain", Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    queues = f"{_queue_arn('ingest')},{_queue_arn('plain')}"
    (message,) = (text for text in _reported(aws, ingest_queues=queues) if "encrypted" in text)
    assert key in message
    assert "ingest_queue_keys=ARN" in message
    allowed = {"ingest_queues": queues, "ingest_queue_keys": key}
    assert not [text for text in _reported(aws, **allowed) if "encrypted" in text]


def test_a_missing_bus(aws: boto3.Session) -> None:
    (fault,) = _faults(aws, bus="media-lake")
    assert "silently lost" in fault


def test_no_trail(aws: boto3.Session) -> None:
    aws.client("cloudtrail").stop_logging(Name="account")
    (fault,) = _faults(aws)
    assert "trail=create" in fault
    assert _faults(aws, trail="create") == []


def test_no_region_and_no_credentials(aws: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoCredentials, match="AWS_REGION"):
        identify(aws.client, None)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NoCredentials, match="AWS_PROFILE"):
        identify(boto3.Session().client, "eu-west-1")


@pytest.mark.parametrize(
    ("unreserved", "held", "message"),
    [
        (1000, None, None),
        # The concurrency that this stage's three functions have reserved already is its own.
        (100, 50, None),
        (
            150,
            None,
            '"processor_concurrency=16 discovery_concurrency=29 engine_concurrency=5" fits',
        ),
        (110, None, '"processor_concurrency=7 discovery_concurrency=1 engine_concurrency=2" fits'),
        (109, None, 'CHOICES="reserve=false discovery=direct"'),
        (10, None, "0 can be reserved"),
    ],
)
def test_too_little_concurrency_for_the_reservation(
    aws: boto3.Session, unreserved: int, held: int | None, message: str | None
) -> None:
    class Account:
        """Moto has no account settings."""

        def get_account_settings(self) -> Any:
            return {"AccountLimit": {"UnreservedConcurrentExecutions": unreserved}}

        def get_function_concurrency(self, **_: str) -> Any:
            if held is None:
                raise ClientError(
                    {"Error": {"Code": "ResourceNotFoundException", "Message": "no"}},
                    "GetFunctionConcurrency",
                )
            return {"ReservedConcurrentExecutions": held}

    def client(name: str, **options: str) -> Any:
        return Account() if name == "lambda" else aws.client(name, **options)

    config = read_config({**CHOICES, "reserve": "true"})
    found = [f.text for f in look(config, IDENTITY, client) if f.fatal]
    if message is None:
        assert found == []
    else:
        (fault,) = found
        assert "want 145" in fault
        assert message in fault


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stage", "Wrong!", "--targets", "media-a"], "small letters"),
        (["--stage", "dev"], "TARGETS"),
        (["--stage", "dev", "--choose", "target_roles=role/mine"], "not the ARN of a role"),
        (["--stage", "dev", "--targets", "media-missing"], "no bucket media-missing"),
        (["--stage", "dev", "--targets", "media-a", "--choose", "catalog"], "is no choice"),
    ],
)
def test_a_deployment_stops_before_anything_is_created(
    aws: boto3.Session, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    def never(*_: object) -> int:
        raise AssertionError("it continued")

    monkeypatch.setattr(deploy, "build", never)
    monkeypatch.setattr(deploy, "_cdk", never)
    with pytest.raises(SystemExit, match=message) as stopped:
        deploy.main([*arguments, "--choose", "reserve=false", "deploy"])
    assert "nothing was created" in str(stopped.value)


def test_options_reach_the_cdk_as_they_were_read() -> None:
    role = "arn:aws:iam::210987654321:role/a=b"
    given = {"stage": "dev", "target_roles": f"{role},{role}c", "code": "stub"}
    queues = {"ingest_queues": f"{_queue_arn('medialake-*')},{_queue_arn('b')}"}
    for more in ({}, queues, {"catalog_path_index": "none"}, {"profile": "none"}):
        config = read_config({**given, **more})
        assert read_config(deploy._as_given(config)) == config


def test_a_missing_stage_is_not_destroyed(aws: boto3.Session) -> None:
    with pytest.raises(SystemExit, match="no stack asset-sync-dev"):
        deploy.main(["--stage", "dev", "destroy"])


@pytest.mark.parametrize(
    "what",
    [
        ["--targets", "media-a"],
        ["--targets", "", "--choose", "target_roles=arn:aws:iam::210987654321:role/a=b"],
    ],
)
def test_a_stage_is_deployed_with_the_cdk(
    aws: boto3.Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: list[str]
) -> None:
    commands: list[str] = []

    def cdk(_: Config, command: str, *arguments: str) -> None:
        commands.append(command)
        if command == "deploy":
            path = Path(arguments[arguments.index("--outputs-file") + 1])
            path.parent.mkdir(exist_ok=True)
            outputs = {"ApiUrl": "https://x.example.com", "AlarmTopicArn": "arn:aws:sns:x"}
            outputs |= {"EngineRoleArn": "arn:engine", "ProcessorRoleArn": "arn:processor"}
            path.write_text(json.dumps({"asset-sync-dev": outputs}))

    monkeypatch.setattr(deploy, "ROOT", tmp_path)
    monkeypatch.setattr(deploy, "build", lambda *_, package: 42_000_000)
    monkeypatch.setattr(deploy, "_cdk", cdk)
    arguments = ["--stage", "dev", *what, "--choose", "reserve=false", "deploy"]
    deploy.main(arguments)
    assert commands == ["bootstrap", "deploy"]
    version: Any = {"Name": "/cdk-bootstrap/hnb659fds/version", "Value": "30", "Type": "String"}
    aws.client("ssm").put_parameter(**version)
    deploy.main(arguments)
    assert commands == ["bootstrap", "deploy", "deploy"]


def test_the_region_is_read_as_the_aws_cli_reads_it(
    aws: boto3.Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(SystemExit, match="no bucket media-x"):
        deploy.main(
            ["--stage", "dev", "--targets", "media-x", "--choose", "reserve=false", "deploy"]
        )
    assert "eu-west-1" in capsys.readouterr().out
