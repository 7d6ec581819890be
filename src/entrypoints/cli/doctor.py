"""A deployed stage: finding it by the outputs of its stack, asking its API, and looking it over.

`asset-sync doctor --stage dev` looks at everything that the stack was told to make, and says what
to do about each thing that is not as it should be. It changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped]
import typer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError

from domain.profile import CatalogProfile
from entrypoints.cli.api_client import ApiClient, ApiProblem
from entrypoints.cli.output import (
    ERR,
    OUT,
    Format,
    OutputOption,
    print_json,
    print_table,
    printable,
    reporting_problems,
)

Outputs = Mapping[str, str]
OpenClient = Callable[[str], Any]

StageOption = Annotated[str, typer.Option("--stage", help="The deployed stage, such as dev.")]

_BATCH_OPERATIONS = "batchoperations.s3.amazonaws.com"
_TABLES = (
    "JobTableName",
    "ChunkTableName",
    "ErrorTableName",
    "ConnectorTableName",
    "AssetsTableName",
)
_FUNCTIONS = ("ApiFunctionName", "EngineFunctionName", "ProcessorFunctionName")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `fix` says what to do where it is not as it should be."""

    subject: str
    good: bool
    detail: str
    fix: str = ""


def stage_outputs(stage: str, client: OpenClient) -> Outputs:
    """Return the outputs of the stage's stack.

    Raises:
        ApiProblem: there is no such stack here, or AWS does not say.
    """
    name = f"asset-sync-{stage}"
    try:
        (stack,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise ApiProblem(
            f"the stack {name} cannot be looked up: {error} (is AWS_PROFILE the right account, and"
            f" AWS_REGION the region of the stage? `make deploy STAGE={stage} TARGETS=…` makes it)"
        ) from error
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


class StageApiClient(ApiClient):
    """The API of a deployed stage: its requests are signed with the caller's credentials."""

    def __init__(self, outputs: Outputs, session: boto3.Session) -> None:
        super().__init__(outputs["ApiUrl"])
        self.outputs = outputs
        if outputs.get("ApiAuthorisation", "iam") == "iam":
            self._pool: Any = SigningPool(self._pool, session)

    @classmethod
    def of_stage(cls, stage: str) -> StageApiClient:
        """Find the stage.

        Raises:
            ApiProblem: there is no such stage here.
        """
        session = _session()
        return cls(stage_outputs(stage, session.client), session)


class SigningPool:
    """A pool of connections that signs what it sends, for API Gateway with IAM authorisation."""

    def __init__(self, pool: Any, session: boto3.Session) -> None:
        self._pool = pool
        self._session = session

    def request(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str]
    ) -> Any:
        """Sign and send.

        Raises:
            ApiProblem: there are no credentials to sign with.
        """
        credentials = self._session.get_credentials()
        if credentials is None:
            raise ApiProblem(
                f"there are no credentials to sign requests to {urlsplit(url).netloc} with: set"
                " AWS_PROFILE, or sign in"
            )
        asked = AWSRequest(method=method, url=url, data=body or b"", headers=dict(headers))
        SigV4Auth(
            credentials.get_frozen_credentials(), "execute-api", self._session.region_name
        ).add_auth(asked)
        return self._pool.request(method, url, body=body, headers=dict(asked.headers))


def _session() -> boto3.Session:
    # boto3 by itself reads AWS_DEFAULT_REGION only; the AWS CLI reads this one first.
    return boto3.Session(region_name=os.environ.get("AWS_REGION"))


@reporting_problems
def doctor(stage: StageOption, output: OutputOption = Format.HUMAN) -> None:
    """Look a deployed stage over; exits with 1 if something is not as it should be."""
    client = _session().client
    findings = list(examine(stage_outputs(stage, client), client))
    if output is Format.JSON:
        print_json(
            [
                {"subject": f.subject, "good": f.good, "detail": f.detail, "fix": f.fix}
                for f in findings
            ]
        )
    else:
        rows = [("ok" if f.good else "WRONG", f.subject, f.detail) for f in findings]
        print_table(("", "what", "how it is"), rows)
        for finding in findings:
            if not finding.good:
                OUT.print(printable(f"{finding.subject}: {finding.fix}"))
    if not all(finding.good for finding in findings):
        ERR.print("Something is not as it should be.")
        raise typer.Exit(1)


def examine(outputs: Outputs, client: OpenClient) -> Iterator[Finding]:
    """Yield a finding for everything that the stack should have made, in the order of a sync."""
    questions = (
        _functions,
        _tables,
        _queues,
        _role,
        _buckets,
        _target_roles,
        _rules,
        _trail,
        _alarms,
    )
    for question in questions:
        try:
            yield from question(outputs, client)
        except (BotoCoreError, ClientError) as error:
            subject = question.__name__.strip("_")
            yield Finding(
                subject, False, str(error), "allow yourself this question, or deploy the stage anew"
            )


def _functions(outputs: Outputs, client: OpenClient) -> Iterator[Finding]:
    for name in _FUNCTIONS:
        found = client("lambda").get_function_configuration(FunctionName=outputs[name])
        state = found.get("State", "Active")
        yield Finding(
            f"function {outputs[name]}",
            state in ("Active", "Inactive"),
            state,
            f"{found.get('StateReason', 'no reason is given')}; deploy the stage anew",
        )


def _tables(outputs: Outputs, client: OpenClient) -> Iterator[Finding]:
    dynamodb = client("dynamodb")
    for name in _TABLES:
        if name == "AssetsTableName" and outputs.get("CatalogProfile") == CatalogProfile.NONE:
            continue  # there is no catalog to look at
        status = dynamodb.describe_table(TableName=outputs[name])["Table"]["TableStatus"]
        yield Finding(
            f"table {outputs[name]}",
            status in ("ACTIVE", "UPDATING"),
            status,
            "wait until it is ACTIVE; if it was deleted, restore it from its point in time",
        )
    table = outputs["ErrorTableName"]
    ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    yield Finding(
        f"expiry of {table}",
        ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING"),
        ttl["TimeToLiveStatus"],
        "deploy the stage anew, or old failures are kept for ever",
    )


def _queues(outputs: Outputs, client: OpenClient) -> Iterator[Finding]:
    sqs = client("sqs")
    empty = {
        "DeadLetterQueueUrl": "docs/runbook.md, DeadLetters",
        "FailedEventsQueueUrl": "docs/runbook.md, FailedEvents",
    }
    for name in ("ProcessorQueueUrl", *empty):
        found = sqs.get_queue_attributes(QueueUrl=outputs[name], AttributeNames=["All"])
        attributes = found["Attributes"]
        count = int(attributes["ApproximateNumberOfMessages"])
        yield Finding(
            f"queue {outputs[name].rsplit('/', 1)[-1]}",
            count == 0 or name not in empty,
            f"{count} messages",
            empty.get(name, ""),
        )
        if name == "ProcessorQueueUrl":
            yield Finding(
                "its dead-letter queue",
                "RedrivePolicy" in attributes,
                attributes.get("RedrivePolicy", "none"),
                "deploy the stage anew: without it a poisonous message comes for ever",
            )


def _role(outputs: Outputs, client: OpenClient) -> Iterator[Finding]:
    name = outputs["BatchRoleArn"].rsplit("/", 1)[-1]
    document = client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    yield Finding(
        f"role {name}",
        _BATCH_OPERATIONS in json.dumps(document),
        "trusts S3 Batch Operations"
        if _BATCH_OPERATIONS in json.dumps(document)
        else "does not trust S3 Batch Operations",
        f"let {_BATCH_OPERATIONS} assume it: deploy the stage anew",
    )


def _buckets(outputs: Outputs, client: OpenClient) -> Iterator[Finding]:
    s3 = client("s3")
    for name in (outputs["ResultsBucket"], *_listed(outputs, "Targets")):
        try:
            s3.head_bucket(Bucket=name)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            fix = (
                "create it, or deploy with other TARGETS"
                if code == "404"
                else "its policy does not let you in; does it let the functions in? docs/iam.md"
            )
            yield Finding(f"bucket {name}", False, f"answers {code}", fix)
        else:
            yield Finding(f"bucket {name}", True, "is there")


def _target_roles(outputs: Outputs, client: OpenClient) -> Iterator[Finding]:
    """Look at the roles of our own account; those of others cannot be asked for from here."""
    for arn in _listed(outputs, "TargetRoles"):
        ours = {"engine": outputs["EngineRoleArn"], "processor": outputs["ProcessorRoleArn"]}
        if _account(arn) == _account(ours["engine"]):
            yield _target_role(arn, ours, client)


def _target_role(arn: str, ours: Mapping[str, str], client: OpenClient) -> Finding:
    subject = f"target role {arn}"
    try:
        role = client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        fix = "create it (docs/iam.md), or deploy with other CHOICES=target_roles=…"
        return Finding(subject, False, "is not there", fix)
    if role["Arn"] != arn:
        fix = "deploy with its ARN as it is, and register connectors with that"
        return Finding(subject, False, f"its ARN is {role['Arn']}", fix)
    trusted = _trusted(role["AssumeRolePolicyDocument"])
    # To trust the account is enough within it: our roles are allowed to assume this one.
    everyone = {"*", _account(arn), f"{arn.partition(':role/')[0]}:root"}
    missing = [name for name, one in ours.items() if not trusted & {one, *everyone}]
    if not missing:
        return Finding(subject, True, "trusts engine and processor")
    return Finding(
        subject,
        False,
        f"does not trust {' and '.join(missing)}",
        f"name {' and '.join(ours[name] for name in missing)} in its trust policy (docs/iam.md);"
        " after a stage was destroyed and made anew, name them again",
    )


def _trusted(policy: Any) -> set[str]:
    """Return whom a trust policy lets assume its role, whatever else it asks of them."""
    found: set[str] = set()
    for statement in _as_list(policy["Statement"]):
        actions = {action.lower() for action in _as_list(statement.get("Action", []))}
        if statement["Effect"] == "Allow" and actions & {"sts:assumerole", "sts:*", "*"}:
            principal = statement.get("Principal", {})
            found.update(_as_list(principal if principal == "*" else principal.get("AWS", [])))
    return found


def _account(arn: str) -> str:
    return arn.split(":")[4]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _listed(outputs: Outputs, name: str) -> list[str]:
    """Return what an output lists; without it, nothing."""
    return [part for part in outputs.get(name, "").split(",") if part]


def _rules(outputs: Outputs, client: OpenClient) -> Iterator[Finding]:
    for key in ("BatchJobRuleName", "SweepRuleName"):
        name = outputs[key]
        state = client("events").describe_rule(Name=name)["State"]
        yield Finding(
            f"rule {name}", state == "ENABLED", state, f"aws events enable-rule --name {name}"
        )


def _trail(outputs: Outputs, client: OpenClient) -> Iterator[Finding]:
    if outputs["Trail"] == "none":
        yield Finding("trail", True, "none by choice: the sweep notices ends of batch jobs")
        return
    cloudtrail = client("cloudtrail")
    logging = [
        trail["Name"]
        for trail in cloudtrail.describe_trails(includeShadowTrails=True)["trailList"]
        if cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"]
    ]
    yield Finding(
        "trail",
        bool(logging),
        ", ".join(logging) or "none is logging",
        "start one, or deploy with CHOICES=trail=create; until then only the sweep notices ends",
    )


def _alarms(outputs: Outputs, client: OpenClient) -> Iterator[Finding]:
    prefix = outputs["ApiFunctionName"].removesuffix("api")
    alarms = client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    yield Finding(
        "alarms", bool(alarms), f"{len(alarms)} of them", "deploy the stage anew: they are gone"
    )
    for alarm in alarms:
        if alarm.get("StateValue") == "ALARM":
            name = alarm["AlarmName"]
            fix = f"docs/runbook.md, {name.removeprefix(prefix)}"
            yield Finding(f"alarm {name}", False, alarm.get("StateReason", "in alarm"), fix)
    topic = outputs["AlarmTopicArn"]
    heard = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    yield Finding(
        "who hears of alarms",
        bool(heard),
        f"{len(heard)} subscriptions",
        f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint YOU",
    )
