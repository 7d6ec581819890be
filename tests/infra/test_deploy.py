"""`make deploy` around the CDK: the bootstrap, errors of AWS, and the final messages."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from infra.config import Config, InvalidConfig, read_config
from infra.parts import functions
from infra.preflight import Identity
from moto import mock_aws
from tools import deploy
from tools.build_lambda import package_with
from tools.next_steps import next_steps
from tools.teardown import Progress
from typer.testing import CliRunner

from entrypoints.cli.main import app
from entrypoints.cli.stage import doctor as stage_doctor
from entrypoints.cli.terminal.api_problem import ApiProblem

IDENTITY = Identity(account="123456789012", region="eu-west-1")
CHOICES = {"stage": "dev", "targets": "media-a"}
ROLE = "arn:aws:iam::210987654321:role/asset sync"
OUTPUTS = {
    "ApiUrl": "https://x.example.com",
    "AlarmTopicArn": "arn:aws:sns:x",
    "EngineRoleArn": "arn:aws:iam::123456789012:role/engine",
    "ProcessorRoleArn": "arn:aws:iam::123456789012:role/processor",
}


class Aws:
    """A session whose SSM returns what a test sets, over HTTP, through the SDK."""

    def __init__(self) -> None:
        self.session = boto3.Session(region_name=IDENTITY.region)
        self.denied: tuple[str, ...] = ()

    def client(self, service: str) -> Any:
        client = self.session.client(service)
        client.meta.events.register_first("before-send.ssm.*", self._deny)
        return client

    def _deny(self, request: Any, **_: object) -> AWSResponse | None:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        if operation not in self.denied:
            return None

        class Raw:
            """The body of a response."""

            def stream(self, **_: object) -> Iterator[bytes]:
                message = f"User: me is not authorized to perform: ssm:{operation}"
                kind = '{"__type":"AccessDeniedException","Message":"%s"}'
                yield (kind % message).encode()

        return AWSResponse(request.url, 400, {}, Raw())


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield Aws()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """The CDK commands that were run."""
    made: list[tuple[str, ...]] = []

    def cdk(_: Config, *arguments: str) -> None:
        made.append(arguments)
        if arguments[0] == "deploy":
            (tmp_path / "build").mkdir()
            (tmp_path / "build" / "outputs.json").write_text(
                '{"asset-sync-dev": {"ApiUrl": "https://x", "AlarmTopicArn": "arn:aws:sns:x"}}'
            )

    monkeypatch.setattr(deploy, "ROOT", tmp_path)
    monkeypatch.setattr(deploy, "build", lambda *_, **__: 42_000_000)
    monkeypatch.setattr(deploy, "look", lambda *_: [])
    monkeypatch.setattr(deploy, "_cdk", cdk)
    return made


def _bootstrap(aws: Aws, qualifier: str, version: str = "30") -> None:
    name = f"/cdk-bootstrap/{qualifier}/version"
    aws.session.client("ssm").put_parameter(Name=name, Value=version, Type="String")


def _deploy(aws: Aws, **choices: str) -> None:
    config = read_config({**CHOICES, **choices})
    deploy._deploy(config, IDENTITY, aws, Progress(print))  # type: ignore[arg-type]


@pytest.mark.parametrize("denied", [("GetParameter",), ("GetParameter", "GetParametersByPath")])
def test_a_bootstrap_that_may_not_be_looked_up_is_left_to_the_cdk(
    aws: Aws,
    commands: list[tuple[str, ...]],
    capsys: pytest.CaptureFixture[str],
    denied: tuple[str, ...],
) -> None:
    aws.denied = denied
    _deploy(aws)
    assert [command for command, *_ in commands] == ["deploy"]
    assert "not authorized to perform: ssm:GetParameter" in capsys.readouterr().out


def test_a_forbidden_list_of_bootstraps_does_not_block_bootstrapping(
    aws: Aws, commands: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    aws.denied = ("GetParametersByPath",)
    _deploy(aws)
    assert [command for command, *_ in commands] == ["bootstrap", "deploy"]
    assert "ssm:GetParametersByPath" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("there", "choices", "expected"),
    [
        ({}, {}, ["bootstrap", "deploy"]),
        ({"hnb659fds": "30"}, {}, ["deploy"]),
        ({"hnb659fds": "5"}, {}, ["bootstrap", "deploy"]),
        ({"hnb659fds": "30", "ours": "30"}, {}, ["deploy"]),
        ({"ours": "30"}, {"qualifier": "ours"}, ["deploy"]),
        ({"ours": "30"}, {"qualifier": "hnb659fds"}, ["bootstrap", "deploy"]),
        ({"hnb659fds": "30"}, {"qualifier": "ours"}, ["bootstrap", "deploy"]),
    ],
)
def test_the_bootstrap_is_that_of_the_qualifier(
    aws: Aws,
    commands: list[tuple[str, ...]],
    there: dict[str, str],
    choices: dict[str, str],
    expected: list[str],
) -> None:
    for qualifier, version in there.items():
        _bootstrap(aws, qualifier, version)
    _deploy(aws, **choices)
    assert [command for command, *_ in commands] == expected


def test_another_bootstrap_is_named_and_none_is_added(
    aws: Aws, commands: list[tuple[str, ...]]
) -> None:
    _bootstrap(aws, "ours")
    with pytest.raises(deploy.Stopped, match="CHOICES=qualifier=ours"):
        _deploy(aws)
    assert commands == []


def test_the_users_bootstrap_does_not_replace_that_of_others(
    aws: Aws, commands: list[tuple[str, ...]]
) -> None:
    _bootstrap(aws, "hnb659fds")
    _deploy(aws, qualifier="our_own")
    (bootstrap, _) = commands
    assert bootstrap[2:] == (
        *("--qualifier", "our_own"),
        *("--toolkit-stack-name", "CDKToolkit-our-own"),
    )


def test_the_template_asks_for_the_bootstrap_of_the_qualifier(
    synthesize: Callable[..., Any], plain: Any
) -> None:
    assert "/cdk-bootstrap/hnb659fds/version" in str(plain["Parameters"])
    assert "/cdk-bootstrap/ours/version" in str(
        synthesize(**CHOICES, qualifier="ours")["Parameters"]
    )
    with pytest.raises(InvalidConfig, match="no qualifier"):
        read_config({**CHOICES, "qualifier": "much-too-long"})


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"AWS_PROFILE": "typo"}, "typo"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "127.0.0.1:9"),
    ],
)
def test_no_failure_of_aws_is_a_traceback(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_REGION", IDENTITY.region)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=message):
        deploy.main(["--stage", "dev", "--targets", "media-a", "deploy"])


def _pasted(text: str) -> list[list[str]]:
    """Return the words of each line to paste that calls `asset-sync`."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("  ")]
    words = [shlex.split(line) for line in lines if "bin/asset-sync" in line]
    assert {Path(line[0]).absolute() for line in words} == {
        Path(sys.executable).parent / "asset-sync"
    }
    return [line[1:] for line in words]


@pytest.mark.parametrize(
    "choices",
    [
        CHOICES,
        {"stage": "dev", "target_roles": ROLE.replace(" ", "-")},
        {
            **CHOICES,
            "auth": "jwt",
            "jwt_issuer": "https://login.example.com/",
            "jwt_audience": "asset-sync",
        },
    ],
    ids=["targets", "roles", "jwt"],
)
def test_each_command_of_the_next_steps_is_one(
    monkeypatch: pytest.MonkeyPatch, choices: dict[str, str]
) -> None:
    asked: list[str] = []

    def never(stage: str, *_: object) -> Any:
        asked.append(stage)
        raise ApiProblem("reached")

    monkeypatch.setattr(stage_doctor.StageApiClient, "of_stage", never)
    monkeypatch.setattr(stage_doctor, "stage_outputs", never)
    monkeypatch.setenv("AWS_DEFAULT_REGION", IDENTITY.region)
    commands = _pasted(next_steps(read_config(choices), IDENTITY, OUTPUTS))
    assert [command[0] for command in commands] == ["connectors", "sync", "doctor"]
    for command in commands:
        result = CliRunner().invoke(app, command)
        # 2 would be an unknown command or option.
        assert (result.exit_code, "reached" in result.output) == (1, True), result.output
    assert asked == ["dev"] * 3


def test_the_next_steps_name_the_stage_and_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "my profile")
    text = next_steps(read_config(CHOICES), IDENTITY, OUTPUTS)
    assert "export AWS_PROFILE='my profile' AWS_REGION=eu-west-1" in text
    assert "asset-sync-dev-eu-west-1 in CloudWatch" in text
    monkeypatch.delenv("AWS_PROFILE")
    # Under a profile, the variables of keys are empty.
    assert "AWS_ACCESS_KEY_ID" not in text
    assert "  export AWS_REGION=eu-west-1" in next_steps(read_config(CHOICES), IDENTITY, OUTPUTS)


def test_the_next_steps_with_roles_name_whom_to_trust() -> None:
    config = read_config({"stage": "dev", "target_roles": ROLE.replace(" ", "-")})
    text = next_steps(config, IDENTITY, OUTPUTS)
    assert OUTPUTS["EngineRoleArn"] in text
    assert OUTPUTS["ProcessorRoleArn"] in text
    assert OUTPUTS["EngineRoleArn"] not in next_steps(read_config(CHOICES), IDENTITY, OUTPUTS)


def test_the_next_steps_with_tokens_ask_for_one() -> None:
    jwt = {"auth": "jwt", "jwt_issuer": "https://login.example.com/", "jwt_audience": "asset-sync"}
    text = next_steps(read_config({**CHOICES, **jwt}), IDENTITY, OUTPUTS)
    assert "a JWT of https://login.example.com/ for asset-sync" in text
    assert "export ASSET_SYNC_TOKEN" in text


@pytest.mark.parametrize(
    ("choices", "built"),
    [
        ({}, ["build/lambda"]),
        ({"parquet": "true"}, ["build/lambda", "build/lambda-parquet"]),
        ({"traces": "true"}, ["build/lambda-traces"]),
        (
            {"parquet": "true", "traces": "true"},
            ["build/lambda-traces", "build/lambda-parquet-traces"],
        ),
    ],
)
def test_the_packages_that_are_deployed_are_built(
    aws: Aws,
    commands: list[tuple[str, ...]],
    capsys: pytest.CaptureFixture[str],
    choices: dict[str, str],
    built: list[str],
) -> None:
    _deploy(aws, **choices)
    assert commands
    lines = capsys.readouterr().out.splitlines()
    assert [line.removesuffix(": 42.0 MB") for line in lines if "42.0 MB" in line] == built


def test_the_folders_of_packages_are_those_of_the_stack() -> None:
    for parquet, traces in product((False, True), repeat=2):
        config = read_config({**CHOICES, "traces": str(traces).lower()})
        built = package_with(parquet=parquet, traces=traces).folder
        assert built == functions.BUILD / functions.bundle_name(config, parquet=parquet)
