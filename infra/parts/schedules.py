"""The group that holds the schedules of connectors.

The functions create and delete the schedules themselves. Deleting a group deletes those in it
(EventBridge Scheduler User Guide, "Deleting a schedule group", checked 2026-11), so a stage that is
removed leaves none behind.
"""

from aws_cdk import Stack
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.config import Config


def make_schedule_group(scope: Construct, config: Config) -> scheduler.CfnScheduleGroup:
    """Make the group; its name is fixed, because the functions' rights name it."""
    return scheduler.CfnScheduleGroup(scope, "ScheduleGroup", name=group_name(config))


def group_name(config: Config) -> str:
    """Return the name of the group."""
    return config.stack_name


def schedule_arns(scope: Construct, config: Config) -> dict[str, str]:
    """Return the ARNs of the group and of all schedules in it, by their names in policies."""
    stack = Stack.of(scope)
    place = f"arn:{stack.partition}:scheduler:{stack.region}:{stack.account}"
    return {
        "schedule_group": f"{place}:schedule-group/{group_name(config)}",
        "schedules": f"{place}:schedule/{group_name(config)}/*",
    }
