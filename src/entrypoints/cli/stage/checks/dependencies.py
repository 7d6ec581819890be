"""What the stage works on and relies on, and did not make: buckets, roles, a trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from entrypoints.cli.stage.checks.check import Finding, Stage, Verdict, found
from entrypoints.cli.stage.event_delivery import notifies_of_copies, records_batch_jobs

# What CloudTrail answers a member account that asks for more of its organization's trail.
_NOT_OURS: Final = (
    "AccessDeniedException",
    "CloudTrailARNInvalidException",
    "TrailNotFoundException",
)


def buckets(stage: Stage) -> Iterator[Finding]:
    """Look whether the buckets are there, and where."""
    s3 = stage.client("s3")
    here = stage.outputs["AlarmTopicArn"].split(":")[3]
    for name in (stage.outputs["ResultsBucket"], *stage.listed("Targets")):
        try:
            region = s3.head_bucket(Bucket=name)["BucketRegion"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            fix = (
                "create it, or deploy with other TARGETS"
                if code == "404"
                else "its policy does not let you in; does it let the functions in? docs/iam.md"
            )
            yield found(f"bucket {name}", False, f"answers {code}", fix)
        else:
            yield found(
                f"bucket {name}",
                True,
                "is there"
                if region == here
                else f"is in {region}: sync it with discovery direct, batch jobs work in {here}",
            )


def rights(stage: Stage) -> Iterator[Finding]:
    """Have IAM say whether the processor may write to the targets, by its own policies.

    IAM API Reference, "SimulatePrincipalPolicy": the policies of the role, not those of a bucket or
    of an organization.
    """
    role, targets = stage.outputs["ProcessorRoleArn"], stage.listed("Targets")
    for bucket in dict.fromkeys((*targets[:1], *targets[-1:])):
        partition = role.split(":")[1]
        answer = stage.client("iam").simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=["s3:GetObjectTagging", "s3:PutObject"],
            ResourceArns=[f"arn:{partition}:s3:::{bucket}/asset-sync-doctor"],
        )
        denied = [
            f"{each['EvalActionName']} {each['EvalDecision']}"
            for each in answer["EvaluationResults"]
            if each["EvalDecision"] != "allowed"
        ]
        yield found(
            f"processor on {bucket}",
            not denied,
            ", ".join(denied) or "may read tags and write",
            "deploy the stage again with this bucket in TARGETS",
        )


def target_roles(stage: Stage) -> Iterator[Finding]:
    """Look at the roles of our own account; those of others cannot be asked for from here."""
    for arn in stage.listed("TargetRoles"):
        ours = {
            "engine": stage.outputs["EngineRoleArn"],
            "processor": stage.outputs["ProcessorRoleArn"],
        }
        if _account(arn) == _account(ours["engine"]):
            yield _target_role(arn, ours, stage)


def _target_role(arn: str, ours: Mapping[str, str], stage: Stage) -> Finding:
    subject = f"target role {arn}"
    try:
        role = stage.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        fix = "create it (docs/iam.md), or deploy with other CHOICES=target_roles=…"
        return found(subject, False, "is not there", fix)
    if role["Arn"] != arn:
        fix = "deploy with its ARN as it is, and register connectors with that"
        return found(subject, False, f"its ARN is {role['Arn']}", fix)
    trusted = _trusted(role["AssumeRolePolicyDocument"])
    # To trust the account is enough within it: our roles are allowed to assume this one.
    everyone = {"*", _account(arn), f"{arn.partition(':role/')[0]}:root"}
    missing = [name for name, one in ours.items() if not trusted & {one, *everyone}]
    if not missing:
        return found(subject, True, "trusts engine and processor")
    return found(
        subject,
        False,
        f"does not trust {' and '.join(missing)}",
        f"name {' and '.join(ours[name] for name in missing)} in its trust policy (docs/iam.md);"
        " after a stage was destroyed and deployed again, name them again",
    )


def _trusted(policy: Any) -> set[str]:
    """Return whom a trust policy lets assume its role, whatever else it asks of them."""
    trusted: set[str] = set()
    for statement in _as_list(policy["Statement"]):
        actions = {action.lower() for action in _as_list(statement.get("Action", []))}
        if statement["Effect"] == "Allow" and actions & {"sts:assumerole", "sts:*", "*"}:
            principal = statement.get("Principal", {})
            trusted.update(_as_list(principal if principal == "*" else principal.get("AWS", [])))
    return trusted


def _account(arn: str) -> str:
    return arn.split(":")[4]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def trail(stage: Stage) -> Iterator[Finding]:
    """Look for a trail that records ends of batch jobs."""
    if stage.outputs["Trail"] == "none":
        yield found("trail", True, "none by choice: the sweep notices ends of batch jobs")
        return
    cloudtrail = stage.client("cloudtrail")
    logging = [
        each
        for each in cloudtrail.describe_trails(includeShadowTrails=True)["trailList"]
        if cloudtrail.get_trail_status(Name=each["TrailARN"])["IsLogging"]
    ]
    states = {each["Name"]: _records(each, stage) for each in logging}
    good = [name for name, state in states.items() if state != "no management events that write"]
    yield found(
        "trail",
        bool(good),
        "; ".join(f"{name}: {state}" for name, state in states.items()) or "none is logging",
        "start one that records management events that write, or deploy with CHOICES=trail=create;"
        " until then only the sweep notices ends",
    )


def _records(each: Any, stage: Stage) -> str:
    cloudtrail = stage.client("cloudtrail", region_name=each["HomeRegion"])
    try:
        selectors = cloudtrail.get_event_selectors(TrailName=each["TrailARN"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_OURS:
            raise
        return "logging; not this account's to look into"
    if records_batch_jobs(selectors):
        return "records management events that write"
    return "no management events that write"


def notifications(stage: Stage) -> Iterator[Finding]:
    """Look whether buckets of connectors with trigger `copy` send an event for a copy."""
    s3 = stage.client("s3")
    for connector in stage.signed.pages("/connectors"):
        bucket = connector["bucketName"]
        if connector["trigger"] != "copy" or connector.get("roleArn"):
            # A role's bucket is another account's; its owner looks.
            continue
        subject = f"notifications of {bucket}"
        try:
            told = s3.get_bucket_notification_configuration(Bucket=bucket)
        except ClientError as error:
            yield Finding(
                subject,
                Verdict.NOT_SEEN,
                f"answers {error.response['Error']['Code']}",
                "allow yourself s3:GetBucketNotification on it, or ask its owner",
            )
        else:
            good = notifies_of_copies(told)
            yield found(
                subject,
                good,
                "send events for copied objects" if good else "send no event for copied objects",
                f"connector {connector['connectorId']} has trigger copy: switch EventBridge on in"
                " the bucket's properties, or use a connector with trigger queue or event",
            )
