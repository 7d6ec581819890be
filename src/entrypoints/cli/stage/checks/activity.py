"""What can be seen only when it has happened: that functions start, that events arrive."""

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
_REFUSED: Final = {"iam": "403", "jwt": "401"}


def api(stage: Stage) -> Iterator[Finding]:
    """Ask the API for one connector: its function starts, and lets a caller with rights in."""
    subject = f"API {stage.outputs['ApiUrl']}"
    try:
        stage.signed.get("/connectors", {"limit": 1})
    except ApiProblem as problem:
        yield found(
            subject,
            False,
            f"answers: {problem}",
            "403: allow yourself execute-api:Invoke on it; 401: sign in with its issuer; 5xx: read"
            f" the log of {stage.outputs['ApiFunctionName']}",
        )
    else:
        yield found(subject, True, "answers a caller with rights")


def unauthorised_access(stage: Stage) -> Iterator[Finding]:
    """Ask the API without a signature: it lets nobody in."""
    wanted = _REFUSED[stage.outputs.get("ApiAuthorisation", "iam")]
    try:
        stage.unsigned.get("/connectors", {"limit": 1})
    except ApiProblem as problem:
        yield found(
            "API without a signature",
            wanted in str(problem),
            f"answers: {problem}",
            f"it should refuse with {wanted}: is ApiUrl the stage's own? deploy the stage again",
        )
    else:
        yield found(
            "API without a signature",
            False,
            "answers anybody",
            "deploy the stage again at once: its routes have lost their authorizer",
        )


def sweep(stage: Stage) -> Iterator[Finding]:
    """Look whether the schedule starts the engine, and the engine gets to its end."""
    name = stage.outputs["EngineFunctionName"]
    started = _sum(stage, "AWS/Lambda", "Invocations", {"FunctionName": name}, _LATELY)
    failed = _sum(stage, "AWS/Lambda", "Errors", {"FunctionName": name}, _LATELY)
    yield _counted(
        f"starts of {name}",
        started,
        failed,
        "of the last 30 minutes",
        "wait ten minutes after the deployment: the schedule starts it every five",
    )


def invocations(stage: Stage) -> Iterator[Finding]:
    """Look whether the processor's code has run: for a batch job, and for a chunk's message."""
    for function, discovery in (("Discovery", "batch"), ("Processor", "direct")):
        name = stage.outputs[f"{function}FunctionName"]
        started = _sum(stage, "AWS/Lambda", "Invocations", {"FunctionName": name}, _EVER)
        failed = _sum(stage, "AWS/Lambda", "Errors", {"FunctionName": name}, _LATELY)
        yield _counted(
            f"starts of {name}",
            started,
            failed,
            "of 14 days",
            f"start a dry run: asset-sync sync CONNECTOR --dry-run --discovery {discovery}",
        )


def _counted(subject: str, started: int, failed: int, when: str, first: str) -> Finding:
    if not started:
        return Finding(subject, Verdict.NOT_SEEN, f"none {when}", first)
    return found(
        subject,
        not failed,
        f"{started} {when}, {failed} errors of the last 30 minutes",
        "read its log: the dashboard shows warnings; docs/runbook.md says what each alarm means",
    )


def batch_jobs(stage: Stage) -> Iterator[Finding]:
    """Look whether S3 assumed the batch role, read a manifest and invoked the processor."""
    last = _last_batch_job(stage)
    if last is None:
        yield Finding(
            "batch jobs",
            Verdict.NOT_SEEN,
            "none of this service has ended",
            "start a dry run: asset-sync sync CONNECTOR --dry-run --discovery batch --wait",
        )
        return
    tasks = last.get("ProgressSummary", {})
    yield found(
        f"batch job {last['JobId']}",
        last["Status"] == "Complete" and tasks.get("NumberOfTasksSucceeded", 0) > 0,
        f"{last['Status']}, {tasks.get('NumberOfTasksSucceeded', 0)} tasks succeeded,"
        f" {tasks.get('NumberOfTasksFailed', 0)} failed",
        f"aws s3control describe-job --account-id {stage.account} --job-id {last['JobId']} says"
        " why; a role that S3 cannot assume fails it before the first task",
    )


def batch_events(stage: Stage) -> Iterator[Finding]:
    """Look whether the end of a batch job reached the rule, through CloudTrail."""
    rule = stage.outputs["BatchJobRuleName"]
    count = _sum(stage, "AWS/Events", "TriggeredRules", {"RuleName": rule}, _EVER)
    if stage.outputs["Trail"] == "none":
        yield found(f"events of {rule}", True, "none by choice of trail=none")
    elif count:
        yield found(f"events of {rule}", True, f"{count} of 14 days")
    elif _last_batch_job(stage) is None:
        yield Finding(
            f"events of {rule}",
            Verdict.NOT_SEEN,
            "none, and no batch job has ended",
            "start a dry run of discovery batch, and look again a quarter of an hour later",
        )
    else:
        yield found(
            f"events of {rule}",
            False,
            "none, though a batch job has ended",
            "events come by CloudTrail, minutes late: look again; then check the trail. Until then"
            " the sweep notices ends, up to ten minutes later",
        )


def alarm_messages(stage: Stage) -> Iterator[Finding]:
    """Look whether an alarm's message left its topic."""
    name = stage.outputs["AlarmTopicArn"].rpartition(":")[2]
    sent = _sum(stage, "AWS/SNS", "NumberOfNotificationsDelivered", {"TopicName": name}, _EVER)
    failed = _sum(stage, "AWS/SNS", "NumberOfNotificationsFailed", {"TopicName": name}, _EVER)
    if not sent and not failed:
        yield Finding(
            "messages of alarms",
            Verdict.NOT_SEEN,
            "none of 14 days",
            f"try one: aws cloudwatch set-alarm-state --alarm-name {stage.name}-DeadLetters"
            " --state-value ALARM --state-reason try",
        )
        return
    yield found(
        "messages of alarms",
        not failed,
        f"{sent} delivered, {failed} failed, of 14 days",
        "look at the topic's subscriptions: an address or an endpoint does not take them",
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
    answer = stage.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - since,
        EndTime=now,
        Period=int(min(since, _PERIOD_MAX).total_seconds()),
        Statistics=["Sum"],
    )
    return sum(int(each["Sum"]) for each in answer["Datapoints"])
