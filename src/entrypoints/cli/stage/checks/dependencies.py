"""Checks of what the stage depends on but does not create: buckets, roles, a trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from entrypoints.cli.stage.checks.check import Finding, Stage, Verdict, found
from entrypoints.cli.stage.event_delivery import notifies_of_copies, records_batch_jobs

# Error codes for a member account that reads the trail of its organization.
_OTHER_ACCOUNT: Final = (
    "AccessDeniedException",
    "CloudTrailARNInvalidException",
    "TrailNotFoundException",
)


def buckets(stage: Stage) -> Iterator[Finding]:
    """Check that the buckets exist, and their Regions."""
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
                else "its policy denies you access; check that it allows the functions: docs/iam.md"
            )
            yield found(f"bucket {name}", False, f"error {code}", fix)
        else:
            yield found(
                f"bucket {name}",
                True,
                "exists"
                if region == here
                else f"is in {region}: sync it with discovery direct, batch jobs run in {here}",
            )


def rights(stage: Stage) -> Iterator[Finding]:
    """Check with IAM that the processor's own policies allow it to write to the targets.

    IAM API Reference, "SimulatePrincipalPolicy": it evaluates the policies of the role, not those
    of a bucket or an organization.
    """
    role, targets = stage.outputs["ProcessorRoleArn"], stage.listed("Targets")
    for bucket in dict.fromkeys((*targets[:1], *targets[-1:])):
        partition = role.split(":")[1]
        response = stage.client("iam").simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=["s3:GetObjectTagging", "s3:PutObject"],
            ResourceArns=[f"arn:{partition}:s3:::{bucket}/asset-sync-doctor"],
        )
        denied = [
            f"{each['EvalActionName']} {each['EvalDecision']}"
            for each in response["EvaluationResults"]
            if each["EvalDecision"] != "allowed"
        ]
        yield found(
            f"processor on {bucket}",
            not denied,
            ", ".join(denied) or "may read tags and write",
            "redeploy the stage with this bucket in TARGETS",
        )


def target_roles(stage: Stage) -> Iterator[Finding]:
    """Check the roles of this account; those of other accounts cannot be read from here."""
    for arn in stage.listed("TargetRoles"):
        roles = {
            "engine": stage.outputs["EngineRoleArn"],
            "processor": stage.outputs["ProcessorRoleArn"],
        }
        if _account(arn) == _account(roles["engine"]):
            yield _target_role(arn, roles, stage)


def _target_role(arn: str, roles: Mapping[str, str], stage: Stage) -> Finding:
    subject = f"target role {arn}"
    try:
        role = stage.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        fix = "create it (docs/iam.md), or deploy with other CHOICES=target_roles=…"
        return found(subject, False, "does not exist", fix)
    if role["Arn"] != arn:
        fix = "deploy with its exact ARN, and register connectors with it"
        return found(subject, False, f"its ARN is {role['Arn']}", fix)
    trusted = _trusted(role["AssumeRolePolicyDocument"])
    # Within an account, trusting the account is enough: the functions' roles may assume this role.
    everyone = {"*", _account(arn), f"{arn.partition(':role/')[0]}:root"}
    missing = [name for name, one in roles.items() if not trusted & {one, *everyone}]
    if not missing:
        return found(subject, True, "trusts engine and processor")
    return found(
        subject,
        False,
        f"does not trust {' and '.join(missing)}",
        f"name {' and '.join(roles[name] for name in missing)} in its trust policy (docs/iam.md);"
        " repeat this after a stage was destroyed and redeployed",
    )


def _trusted(policy: Any) -> set[str]:
    """Return the principals of a trust policy, regardless of conditions."""
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
    """Check that a trail records the ends of batch jobs."""
    if stage.outputs["Trail"] == "none":
        yield found("trail", True, "none, as configured: the sweep detects the ends of batch jobs")
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
        " until then only the sweep detects the ends",
    )


def _records(each: Any, stage: Stage) -> str:
    cloudtrail = stage.client("cloudtrail", region_name=each["HomeRegion"])
    try:
        selectors = cloudtrail.get_event_selectors(TrailName=each["TrailARN"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _OTHER_ACCOUNT:
            raise
        return "logging; cannot be read from this account"
    if records_batch_jobs(selectors):
        return "records management events that write"
    return "no management events that write"


def notifications(stage: Stage) -> Iterator[Finding]:
    """Check that buckets of connectors with trigger `copy` send an event for a copy."""
    s3 = stage.client("s3")
    for connector in stage.signed.pages("/connectors"):
        bucket = connector["bucketName"]
        if connector["trigger"] != "copy" or connector.get("roleArn"):
            # The bucket of a role is in another account; its owner must check it.
            continue
        subject = f"notifications of {bucket}"
        try:
            configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
        except ClientError as error:
            yield Finding(
                subject,
                Verdict.NOT_SEEN,
                f"error {error.response['Error']['Code']}",
                "grant yourself s3:GetBucketNotification on it, or ask its owner",
            )
        else:
            good = notifies_of_copies(configuration)
            yield found(
                subject,
                good,
                "send events for copied objects" if good else "send no event for copied objects",
                f"connector {connector['connectorId']} has trigger copy: enable EventBridge in"
                " the bucket's properties, or use a connector with trigger queue or event",
            )
