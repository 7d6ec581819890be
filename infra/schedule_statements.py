"""The statements on schedules: who makes them, and what EventBridge Scheduler may do."""

from dataclasses import replace

from infra.config import Config
from infra.statements import Statement, key_statement


def keeping_schedules() -> list[Statement]:
    """Create and delete the schedules of connectors."""
    return [
        Statement(
            sid="KeepSchedules",
            reason=(
                "Create the schedule of a connector, and delete it with the connector; those of"
                " this installation's group, and no others."
            ),
            actions=("scheduler:CreateSchedule", "scheduler:DeleteSchedule"),
            resources=("{schedules}",),
        ),
        Statement(
            sid="ListSchedules",
            reason=(
                "See which schedules there are, to delete an outdated one and create a missing"
                " one. AWS has no resource to name here."
            ),
            actions=("scheduler:ListSchedules",),
            resources=("*",),
            resourceless=True,
        ),
        Statement(
            sid="PassScheduleRole",
            reason="Pass a schedule the role in which it invokes the engine, and no other role.",
            actions=("iam:PassRole",),
            resources=("{schedule_role}",),
            conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        ),
    ]


def running_schedules() -> list[Statement]:
    """Start syncs at their times, and keep the schedules of connectors as they must be."""
    return [
        Statement(
            sid="Connectors",
            reason=(
                "Read a connector and the runs of its schedule; record with it these runs, when its"
                " ingest queue was seen empty, and what its next sync is compared with; start a"
                " scheduled sync only if the connector is as it was read."
            ),
            actions=(
                "dynamodb:GetItem",
                "dynamodb:UpdateItem",
            ),
            resources=("{connectors_table}",),
        ),
        Statement(
            sid="AskForSurveys",
            reason=(
                "Have a bucket looked at by the function of discovery, before a scheduled sync with"
                " a maximum cost."
            ),
            actions=("lambda:InvokeFunction",),
            resources=("{discovery_function}",),
            apart="Schedules",
        ),
        *(replace(each, apart="Schedules") for each in keeping_schedules()),
        Statement(
            sid="ReadSchedules",
            reason=(
                "See which connector a schedule is of, before one that no connector has is deleted."
            ),
            actions=("scheduler:GetSchedule",),
            resources=("{schedules}",),
            apart="Schedules",
        ),
    ]


def schedule_role_statements(config: Config) -> list[Statement]:
    """What EventBridge Scheduler may do in our name: invoke the engine, and keep what failed."""
    statements = [
        Statement(
            sid="InvokeEngine",
            reason="Invoke the engine at the times of a connector's schedule.",
            actions=("lambda:InvokeFunction",),
            resources=("{engine_function}",),
            by_service=True,
        ),
        Statement(
            sid="KeepFailedEvents",
            reason="Keep what could not be delivered for an hour.",
            actions=("sqs:SendMessage",),
            resources=("{failed_events_queue}",),
            by_service=True,
        ),
    ]
    if config.kms != "none":
        reason = "That queue is encrypted with this key."
        statements.append(key_statement("QueueKey", reason, ("{key}",), "sqs"))
    return statements
