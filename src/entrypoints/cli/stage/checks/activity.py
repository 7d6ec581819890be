"""Checks of past activity: functions run, batch jobs complete, events and messages arrive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from entrypoints.cli.stage.checks.check import Finding, Stage, Verdict, found
from entrypoints.cli.terminal.api_problem import ApiProblem

_LATELY: Final = timedelta(minutes=30)
# CloudWatch keeps sums of five minutes for 63 days (CloudWatch User Guide, "Metrics retention").
_EVER: Final = timedelta(days=14)
# CloudWatch User Guide, "Metrics concepts", "Periods": a day at most.
_PERIOD_MAX: Final = timedelta(days=1)
_REJECTED: Final = {"iam": "403", "jwt": "401"}


def api(stage: Stage) -> Iterator[Finding]:
    """Call the API: its function starts, and it accepts an authorised caller."""
    subject = f"API {stage.outputs['ApiUrl']}"
    try:
        stage.signed.get("/connectors", {"limit": 1})
    except ApiProblem as problem:
        yield found(
            subject,
            False,
            f"error: {problem}",
            "403: grant yourself execute-api:Invoke on it; 401: sign in with its issuer; 5xx: read"
            f" the log of {stage.outputs['ApiFunctionName']}",
        )
    else:
        yield found(subject, True, "accepts an authorised caller")


def unauthorised_access(stage: Stage) -> Iterator[Finding]:
    """Call the API without authorisation: it rejects the request."""
    wanted = _REJECTED[stage.outputs.get("ApiAuthorisation", "iam")]
    try:
        stage.unsigned.get("/connectors", {"limit": 1})
    except ApiProblem as problem:
        yield found(
            "API without a signature",
            wanted in str(problem),
            f"error: {problem}",
            f"expected {wanted}: check that ApiUrl is the stage's own, or redeploy the stage",
        )
    else:
        yield found(
            "API without a signature",
            False,
            "accepts callers without authorisation",
            "redeploy the stage immediately: its routes have lost their authorizer",
        )


def sweep(stage: Stage) -> Iterator[Finding]:
    """Check that the schedule invokes the engine, and the engine succeeds."""
    yield _invocations(
        stage,
        "Engine",
        _LATELY,
        "in the last 30 minutes",
        "wait ten minutes after the deployment: the schedule invokes it every five minutes",
    )


def invocations(stage: Stage) -> Iterator[Finding]:
    """Check that the processor's code has run: for a batch job, and for a chunk message."""
    for function, discovery in (("Discovery", "batch"), ("Processor", "direct")):
        yield _invocations(
            stage,
            function,
            _EVER,
            "in 14 days",
            f"start a dry run: asset-sync sync CONNECTOR --dry-run --discovery {discovery}",
        )


def _invocations(
    stage: Stage, function: str, since: timedelta, period: str, if_none: str
) -> Finding:
    name = stage.outputs[f"{function}FunctionName"]
    subject, dimensions = f"invocations of {name}", {"FunctionName": name}
    count = _sum(stage, "AWS/Lambda", "Invocations", dimensions, since)
    failed = _sum(stage, "AWS/Lambda", "Errors", dimensions, _LATELY)
    if not count:
        return Finding(subject, Verdict.NOT_SEEN, f"none {period}", if_none)
    return found(
        subject,
        not failed,
        f"{count} {period}, {failed} errors in the last 30 minutes",
        "read its log: the dashboard shows warnings; docs/runbook.md explains each alarm",
    )


def batch_jobs(stage: Stage) -> Iterator[Finding]:
    """Check that S3 assumed the batch role, read a manifest and invoked the processor."""
    last = _last_batch_job(stage)
    if last is None:
        yield Finding(
            "batch jobs",
            Verdict.NOT_SEEN,
            "no batch job of this service has ended",
            "start a dry run: asset-sync sync CONNECTOR --dry-run --discovery batch --wait",
        )
        return
    tasks = last.get("ProgressSummary", {})
    yield found(
        f"batch job {last['JobId']}",
        last["Status"] == "Complete" and tasks.get("NumberOfTasksSucceeded", 0) > 0,
        f"{last['Status']}, {tasks.get('NumberOfTasksSucceeded', 0)} tasks succeeded,"
        f" {tasks.get('NumberOfTasksFailed', 0)} failed",
        f"aws s3control describe-job --account-id {stage.account} --job-id {last['JobId']} shows"
        " the cause; if S3 cannot assume the role, the job fails before the first task",
    )


def batch_events(stage: Stage) -> Iterator[Finding]:
    """Check that the end of a batch job reached the rule, via CloudTrail."""
    rule = stage.outputs["BatchJobRuleName"]
    count = _sum(stage, "AWS/Events", "TriggeredRules", {"RuleName": rule}, _EVER)
    if stage.outputs["Trail"] == "none":
        yield found(f"events of {rule}", True, "none, as configured with trail=none")
    elif count:
        yield found(f"events of {rule}", True, f"{count} in 14 days")
    elif _last_batch_job(stage) is None:
        yield Finding(
            f"events of {rule}",
            Verdict.NOT_SEEN,
            "none, and no batch job has ended",
            "start a dry run with discovery batch, and check again 15 minutes later",
        )
    else:
        yield found(
            f"events of {rule}",
            False,
            "none, although a batch job has ended",
            "events arrive via CloudTrail after some minutes: check again, then check the trail."
            " Without events, the sweep detects ends up to ten minutes later",
        )


def alarm_messages(stage: Stage) -> Iterator[Finding]:
    """Check that alarm messages were delivered."""
    name = stage.outputs["AlarmTopicArn"].rpartition(":")[2]
    sent = _sum(stage, "AWS/SNS", "NumberOfNotificationsDelivered", {"TopicName": name}, _EVER)
    failed = _sum(stage, "AWS/SNS", "NumberOfNotificationsFailed", {"TopicName": name}, _EVER)
    if not sent and not failed:
        yield Finding(
            "alarm messages",
            Verdict.NOT_SEEN,
            "none in 14 days",
            f"send one: aws cloudwatch set-alarm-state --alarm-name {stage.name}-DeadLetters"
            " --state-value ALARM --state-reason try",
        )
        return
    yield found(
        "alarm messages",
        not failed,
        f"{sent} delivered, {failed} failed in 14 days",
        "check the topic's subscriptions: an address or endpoint rejects them",
    )


def _last_batch_job(stage: Stage) -> Any:
    """Return the newest batch job of this service that has ended; None if there is none."""
    pages = (
        stage.client("s3control")
        .get_paginator("list_jobs")
        .paginate(AccountId=stage.account, JobStatuses=["Complete", "Failed"])
    )
    ended = [
        each
        for page in pages
        for each in page.get("Jobs", [])
        if each.get("Description", "").startswith("asset-sync job-")
    ]
    return max(ended, key=lambda each: each["CreationTime"], default=None)


def _sum(
    stage: Stage, namespace: str, metric: str, dimensions: Mapping[str, str], since: timedelta
) -> int:
    now = datetime.now(UTC)
    response = stage.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - since,
        EndTime=now,
        Period=int(min(since, _PERIOD_MAX).total_seconds()),
        Statistics=["Sum"],
    )
    return sum(int(each["Sum"]) for each in response["Datapoints"])
