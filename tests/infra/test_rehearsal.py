"""The pages of docs/deploy, rehearsed: a stage is deployed, checked and deleted.

The synthesized template is loaded into moto; other behaviour of CloudFormation, such as a rollback
of a failed creation, follows its documentation (stack_in_aws). The blocks of text on the pages are
compared with the output here, so a page cannot show another message.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from aws_with_history import ACCOUNT, REGION, Answers, AwsWithHistory, Seen
from infra.app import build as build_stack
from infra.config import Config
from moto import mock_aws
from stack_in_aws import KINDS, SessionWith, StackInAws
from tools import deploy
from tools.teardown import Stopped
from trial import template as template_support
from trial.template import Resolver, loadable
from tutorial import matches, steps

from entrypoints.cli.stage.checks.check import Finding, Stage, Verdict
from entrypoints.cli.stage.doctor import run_checks

Template = dict[str, Any]
PAGES = Path(__file__).resolve().parents[2] / "docs" / "deploy"
API_URL = "https://api.example.com"
BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"


class Cloud:
    """An account in which `cdk` deploys the real template, as far as moto supports it."""

    def __init__(self, session: boto3.Session, tmp_path: Path) -> None:
        self.session = session
        self.stack: StackInAws | None = None
        self.outputs: dict[str, str] = {}
        self._folder = tmp_path

    def opened(self) -> Any:
        """The session of the commands."""
        services = {"cloudformation": self.stack} if self.stack else {}
        return SessionWith(self.session, **services, **{"lambda": _Lambda()})

    def cdk(self, config: Config, command: str, *arguments: str) -> None:
        if command == "bootstrap":
            value: Any = {"Name": BOOTSTRAP, "Value": "30", "Type": "String"}
            self.session.client("ssm").put_parameter(**value)
        elif command == "deploy":
            self._deploy(config)
            path = Path(arguments[arguments.index("--outputs-file") + 1])
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps({config.stack_name: self.outputs}))
        else:
            assert self.stack is not None
            if not self.stack.delete():
                raise Stopped("- `cdk destroy` failed; it says above why")

    def _deploy(self, config: Config) -> None:
        import aws_cdk as cdk

        context = json.loads((PAGES.parents[1] / "cdk.json").read_text())["context"]
        given = {**context, **deploy._as_given(config), "code": "stub"}
        app = cdk.App(context=given, outdir=str(self._folder / "out"))
        build_stack(app)
        app.synth()
        path = self._folder / "out" / f"{config.stack_name}.template.json"
        template: Template = json.loads(path.read_text())
        cloudformation = self.session.client("cloudformation")
        body = json.dumps(loadable(template)[0])
        cloudformation.create_stack(StackName=config.stack_name, TemplateBody=body)
        made = cloudformation.describe_stack_resources(StackName=config.stack_name)
        physical = {
            each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
            for each in made["StackResources"]
        }
        resolver = Resolver(template, physical)
        self._make_what_moto_leaves_out(template, resolver)
        self.outputs = {
            name: API_URL if name == "ApiUrl" else resolver.text(output["Value"])
            for name, output in template["Outputs"].items()
        }
        names = {kind: name for name, kind in KINDS.items()}
        self.stack = StackInAws(
            self.session,
            {
                logical: (names[resource["Type"]], resolver.identity(logical))
                for logical, resource in template["Resources"].items()
                if resource["Type"] in names
            },
            protected=config.keeps_data,
            deletion_policy="RetainExceptOnCreate" if config.keeps_data else "Delete",
        )

    def _make_what_moto_leaves_out(self, template: Template, resolver: Resolver) -> None:
        client = self.session.client
        for logical, resource in template["Resources"].items():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::Events::Rule":
                name = properties["Name"]
                client("events").put_rule(Name=name, ScheduleExpression="rate(5 minutes)")
                arn = resolver.text(properties["Targets"][0]["Arn"])
                client("events").put_targets(Rule=name, Targets=[{"Id": "t", "Arn": arn}])
            elif resource["Type"] == "AWS::Scheduler::ScheduleGroup":
                client("scheduler").create_schedule_group(Name=properties["Name"])
            elif resource["Type"] == "AWS::CloudWatch::Alarm":
                client("cloudwatch").put_metric_alarm(
                    AlarmName=properties["AlarmName"],
                    Namespace="AWS/SQS",
                    MetricName="Any",
                    Statistic="Sum",
                    Period=300,
                    EvaluationPeriods=1,
                    Threshold=1,
                    ComparisonOperator="GreaterThanThreshold",
                )
            elif resource["Type"] == "AWS::DynamoDB::Table" and (
                ttl := properties.get("TimeToLiveSpecification")
            ):
                client("dynamodb").update_time_to_live(
                    TableName=resolver.identity(logical), TimeToLiveSpecification=ttl
                )
            elif resource["Type"] == "AWS::S3::Bucket":
                (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
                by_default = rule["ServerSideEncryptionByDefault"]
                client("s3").put_bucket_encryption(
                    Bucket=resolver.identity(logical),
                    ServerSideEncryptionConfiguration={
                        "Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]
                    },
                )


class _Lambda:
    """An account with enough quota and no reservations."""

    def get_account_settings(self) -> Any:
        return {"AccountLimit": {"UnreservedConcurrentExecutions": 1000}}

    def get_function_concurrency(self, **_: str) -> Any:
        return {}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)
    # The resolver builds ARNs for the account and Region of the local runtime.
    monkeypatch.setattr(template_support, "REGION", REGION)
    monkeypatch.setattr(template_support, "ACCOUNT_ID", ACCOUNT)
    for name, value in {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT}.items():
        monkeypatch.setitem(template_support._PSEUDO, name, value)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        made = Cloud(boto3.Session(region_name=REGION), tmp_path)
        monkeypatch.setattr(deploy, "ROOT", tmp_path)
        monkeypatch.setattr(deploy, "build", lambda *_, **__: 42_000_000)
        monkeypatch.setattr(deploy, "_cdk", made.cdk)
        monkeypatch.setattr(deploy, "boto3", SimpleNamespace(Session=lambda **_: made.opened()))
        yield made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command; return its output, and why it stopped."""

    def give(command: str, *choices: str, targets: str = "media-a") -> str:
        arguments = ["--stage", "dev", "--targets", targets]
        for choice in ("profile=none", "trail=none", *choices):
            arguments += ["--choose", choice]
        try:
            deploy.main([*arguments, command])
        except SystemExit as stopped:
            return f"{capsys.readouterr().out}{stopped}"
        return capsys.readouterr().out

    return give


def _shown(page: str, heading: str) -> list[list[str]]:
    """Return the blocks of text under a heading of a page, as lines."""
    text = (PAGES / page).read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"## {heading}")[2], flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```text\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    return [block.splitlines() for block in blocks]


def _bucket(cloud: Cloud, name: str, region: str = REGION) -> None:
    place: Any = {"LocationConstraint": region}
    cloud.session.client("s3", region_name=region).create_bucket(
        Bucket=name, CreateBucketConfiguration=place
    )


def _holds(printed: str, lines: list[str]) -> None:
    missing = [line for line in lines if line not in printed]
    assert not missing, printed


def _look(cloud: Cloud) -> list[Finding]:
    name = "asset-sync-dev"
    seen = Seen(
        sums={
            f"{name}-engine Invocations": 6,
            f"{name}-processor Invocations": 40,
            f"{name}-discovery Invocations": 40,
            f"{name}-batch-job-status TriggeredRules": 1,
        },
        connectors=[{"connectorId": "media", "bucketName": "media-a", "trigger": "copy"}],
    )
    topic = cloud.outputs["AlarmTopicArn"]
    cloud.session.client("sns").subscribe(
        TopicArn=topic, Protocol="email", Endpoint="ops@example.com"
    )
    history = AwsWithHistory(cloud.session, seen)
    stage = Stage(
        outputs=cloud.outputs,
        client=SessionWith(history, cloudformation=cloud.stack).client,
        signed=Answers(seen.connectors, ""),
        unsigned=Answers([], "HTTP 403"),
    )
    return [finding for _, finding in run_checks(stage)]


def test_the_first_deployment(cloud: Cloud, run: Callable[..., str]) -> None:
    refused, deployed = _shown("first-deployment.md", "2. Deploy")
    _holds(run("deploy"), refused)
    _bucket(cloud, "media-a")
    _holds(run("deploy"), deployed)
    (looked,) = _shown("first-deployment.md", "3. Look it over")
    found = _look(cloud)
    # The stack has every output that the checks read, and every resource that they check.
    wrong = [each for each in found if each.verdict is Verdict.WRONG]
    assert [each.subject for each in wrong if "function" not in each.subject] == []
    # Moto does not keep a function's architecture.
    assert all("x86_64" in each.detail for each in wrong)
    assert set(looked) <= {each.subject for each in found}


def test_a_first_deployment_that_failed(cloud: Cloud, run: Callable[..., str]) -> None:
    _bucket(cloud, "media-a")
    run("deploy", "data=keep")
    assert cloud.stack is not None
    cloud.stack.status = "ROLLBACK_COMPLETE"
    (shown,) = _shown("first-deployment.md", "When it fails")
    made = cloud.cdk

    def fails(config: Config, command: str, *arguments: str) -> None:
        if command == "deploy":
            raise Stopped("- it fails again")
        made(config, command, *arguments)

    deploy._cdk = fails
    _holds(run("deploy", "data=keep"), shown)
    assert cloud.stack.status == "DELETE_COMPLETE"
    assert cloud.session.client("dynamodb").list_tables()["TableNames"] == []


def test_the_second_region(cloud: Cloud, run: Callable[..., str]) -> None:
    _bucket(cloud, "media-us", "us-west-2")
    text = (PAGES / "second-region.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```text\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    _holds(run("deploy", targets="media-us"), block.splitlines())


def test_many_buckets(cloud: Cloud, run: Callable[..., str]) -> None:
    names = [f"{i:03}-{'b' * 36}" for i in range(400)]
    for name in names:
        _bucket(cloud, name)
    text = (PAGES / "many-buckets.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```text\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    _holds(run("deploy", targets=",".join(names)), block.splitlines())


def test_the_figures_of_many_buckets() -> None:
    from infra.config import read_config
    from infra.policy_documents import in_documents

    text = (PAGES / "many-buckets.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+)[^|]*\| (\d+) \| (\d+) \|$", text, flags=re.MULTILINE)
    assert len(rows) == 3

    def policies(length: int, count: int) -> int:
        names = ",".join(f"{i:04}-{'b' * (length - 5)}" for i in range(count))
        config = read_config({"stage": "dev", "targets": names})
        return len(in_documents("processor", config).managed)

    for length, one, ten in ((int(a), int(b), int(c)) for a, b, c in rows):
        assert (policies(length, one), policies(length, one + 1)) == (1, 2)
        assert (policies(length, ten), policies(length, ten + 1)) == (10, 11)


def test_removing_it(cloud: Cloud, run: Callable[..., str]) -> None:
    _bucket(cloud, "media-a")
    text = (PAGES / "take-it-back.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```text\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    kept, rules, done = (block.splitlines() for block in blocks)
    run("deploy", "data=keep")
    _holds(run("destroy"), kept)
    assert cloud.stack is not None
    # As if it had been deployed with data=destroy.
    cloud.stack.protected, cloud.stack.deletion_policy = False, "Delete"
    for table in cloud.session.client("dynamodb").list_tables()["TableNames"]:
        cloud.session.client("dynamodb").update_table(
            TableName=table, DeletionProtectionEnabled=False
        )
    events = cloud.session.client("events")
    events.put_rule(Name="to-media-lake", EventBusName="asset-sync-dev-ingest", EventPattern="{}")
    _holds(run("destroy"), rules)
    events.delete_rule(Name="to-media-lake", EventBusName="asset-sync-dev-ingest")
    cloud.session.client("s3").put_object(
        Bucket=cloud.outputs["ResultsBucket"], Key="jobs/1/manifest.csv", Body=b""
    )
    _holds(run("destroy"), done)
    assert cloud.stack.status == "DELETE_COMPLETE"
    (left,) = cloud.session.client("s3").list_buckets()["Buckets"]
    assert left["Name"] == "media-a"


def _arguments(line: str) -> list[str]:
    """Return what `make` calls with this line of the tutorial, as infra.mk does."""
    make, command, *variables = shlex.split(line)
    assert make == "make"
    given = dict(each.split("=", 1) for each in variables)
    arguments = ["--stage", given.pop("STAGE"), "--targets", given.pop("TARGETS", "")]
    for choice in given.pop("CHOICES", "").split():
        arguments += ["--choose", choice]
    assert not given
    return [*arguments, command]


def test_part_two_of_the_tutorial(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    _bucket(cloud, "my-archive")
    ran = []
    for step in steps():
        if step.kind not in ("synth", "deploy", "destroy"):
            continue
        (line,) = step.commands.splitlines()
        if step.kind == "synth":
            made = cloud.cdk
            deploy._cdk = lambda config, *_: None
            deploy.main(_arguments(line))
            deploy._cdk = made
        else:
            deploy.main(_arguments(line))
        printed = capsys.readouterr().out
        assert step.shown is not None
        assert matches([*step.shown, "..."], printed), printed
        ran.append(step.kind)
    assert ran == ["synth", "deploy", "destroy"]
    assert cloud.stack is not None
    assert cloud.stack.status == "DELETE_COMPLETE"
