"""Checks of EventBridge Scheduler: each connector has the schedule that it must have, and no other.

A list of the group shows names, states and functions, and a name has the revision of the times. The
times themselves, the role and the event are in the answer of GetSchedule alone (EventBridge
Scheduler API Reference, "ScheduleSummary" and "GetSchedule", checked 2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from domain.connector import ConnectorStatus
from domain.manifest import parse_timestamp
from domain.schedule import Schedule
from domain.schedule_runs import Timer, id_part, name_prefix, timer_for
from domain.schedule_times import canonical
from entrypoints.cli.remote.api_client import connector_path
from entrypoints.cli.stage.checks.check import Finding, Stage, Verdict, found
from entrypoints.cli.terminal.api_problem import ApiProblem

_PAGE_COUNT: Final = 100
_LISTED_MAX: Final = 10_000
# Each costs a request to the API and one to EventBridge Scheduler, one after the other.
_COMPARED_MAX: Final = 100
_DENIED: Final = "AccessDeniedException"
_MISSING: Final = "ResourceNotFoundException"
_LATER: Final = (
    "the sweep makes it within five minutes; if it does not, its log has schedule_not_applied with"
    " the cause (docs/runbook.md, A schedule did not run)"
)

Summaries = Mapping[str, Any]
"""What the list shows of schedules, by name."""


class _Denied(Exception):
    """The operator may not read something; `finding` names the permission."""

    def __init__(self, subject: str, action: str, resource: str) -> None:
        super().__init__(action)
        self.finding = Finding(
            subject,
            Verdict.WRONG,
            f"could not be read: {action} is denied",
            f"grant yourself {action} on {resource}, then run this again",
        )


@dataclass(frozen=True, slots=True)
class _Group:
    """The stage's schedule group."""

    stage: Stage
    name: str
    client: Any

    @property
    def subject(self) -> str:
        return f"schedule group {self.name}"

    def state(self) -> str | None:
        """Return its state, None if it does not exist."""
        try:
            answer = self.client.get_schedule_group(Name=self.name)
        except ClientError as error:
            if _code(error) == _MISSING:
                return None
            if _code(error) == _DENIED:
                resource = self._arn(f"schedule-group/{self.name}")
                raise _Denied(self.subject, "scheduler:GetScheduleGroup", resource) from error
            raise
        return str(answer["State"])

    def listed(self) -> Summaries | None:
        """Return its schedules, None if they are too many to be looked at."""
        made: dict[str, Any] = {}
        request: dict[str, Any] = {"GroupName": self.name, "MaxResults": _PAGE_COUNT}
        while True:
            try:
                page = self.client.list_schedules(**request)
            except ClientError as error:
                if _code(error) == _DENIED:
                    subject = f"schedules of {self.name}"
                    raise _Denied(subject, "scheduler:ListSchedules", "*") from error
                raise
            made |= {each["Name"]: each for each in page["Schedules"]}
            if page.get("NextToken") is None:
                return made
            if len(made) >= _LISTED_MAX:
                return None
            request["NextToken"] = page["NextToken"]

    def shown(self, name: str) -> Any:
        """Return a schedule, None if it was deleted since."""
        try:
            return self.client.get_schedule(GroupName=self.name, Name=name)
        except ClientError as error:
            if _code(error) == _MISSING:
                return None
            if _code(error) == _DENIED:
                resource = self._arn(f"schedule/{self.name}/*")
                raise _Denied("times of schedules", "scheduler:GetSchedule", resource) from error
            raise

    def deletion(self, name: str) -> str:
        """Return the command that deletes a schedule."""
        return f"aws scheduler delete-schedule --group-name {self.name} --name {name}"

    def _arn(self, resource: str) -> str:
        _, partition, _, region, account, _ = self.stage.outputs["AlarmTopicArn"].split(":")
        return f"arn:{partition}:scheduler:{region}:{account}:{resource}"


def schedules(stage: Stage) -> Iterator[Finding]:
    """Check the group of the stage, and the schedules in it against the connectors."""
    name = stage.outputs.get("ScheduleGroupName")
    if name is None:
        fix = "redeploy the stage: until then no schedule starts a sync"
        yield found("schedule group", False, "the stack has none", fix)
        return
    group = _Group(stage, name, stage.client("scheduler"))
    try:
        state = group.state()
    except _Denied as denied:
        yield denied.finding
    else:
        yield _group_finding(group, state)
        if state is None:
            return
    try:
        listed = group.listed()
    except _Denied as denied:
        yield denied.finding
        return
    if listed is None:
        detail = f"more than {_LISTED_MAX}: not compared with the connectors"
        fix = f"compare some: aws scheduler list-schedules --group-name {name} --name-prefix ID"
        yield Finding(f"schedules of {name}", Verdict.NOT_SEEN, detail, fix)
        return
    yield from _against_connectors(group, listed)


def _group_finding(group: _Group, state: str | None) -> Finding:
    again = (
        f"aws scheduler create-schedule-group --name {group.name}: the sweep then makes the"
        " schedules again; until then none starts a sync"
    )
    if state is None:
        return found(group.subject, False, "does not exist", again)
    return found(group.subject, state == "ACTIVE", state, f"wait until it is deleted, then {again}")


def _against_connectors(group: _Group, listed: Summaries) -> Iterator[Finding]:
    """Compare the list with the connectors; a change during the check may show as a finding."""
    names_of: dict[str, set[str]] = {}
    for name in listed:
        names_of.setdefault(name.rpartition(".")[0] + ".", set()).add(name)
    wanted: list[tuple[Any, set[str]]] = []
    unreadable: list[Any] = []
    for connector in group.stage.signed.pages("/connectors", on_unreadable=unreadable.append):
        connector_id = connector["connectorId"]
        names = names_of.pop(name_prefix(connector_id), set())
        if _must_have_one(connector):
            wanted.append((connector, names))
            continue
        for name in sorted(names):
            yield _left_over(group, name, f"connector {connector_id} must have none now")
    yield from _wanted(group, listed, wanted)
    for record in unreadable:
        names_of.pop(name_prefix(record["id"]), None)
        detail = f"the connector's record cannot be read: {record['cause']}"
        fix = "docs/runbook.md, A record that cannot be read"
        yield found(f"schedule of {record['id']}", False, detail, fix)
    for name in sorted(each for names in names_of.values() for each in names):
        if beginning := id_part(name):
            yield _left_over(group, name, f"no connector has it, its id began with {beginning}")
        else:
            fix = f"create it in another group, and delete it here: {group.deletion(name)}"
            yield found(f"schedule {name}", False, "was not made by this service", fix)
    if not listed and not wanted:
        yield found(f"schedules of {group.name}", True, "none, and no connector must have one")


def _must_have_one(connector: Any) -> bool:
    schedule = connector.get("schedule")
    return bool(schedule and schedule["enabled"] and connector["status"] == ConnectorStatus.ENABLED)


def _left_over(group: _Group, name: str, why: str) -> Finding:
    fix = (
        "the sweep removes it within five minutes if a connector has a schedule, or else its next"
        f" time does; to remove it now: {group.deletion(name)}"
    )
    return found(f"schedule {name}", False, f"starts nothing: {why}", fix)


def _wanted(
    group: _Group, listed: Summaries, wanted: Sequence[tuple[Any, set[str]]]
) -> Iterator[Finding]:
    """Compare the schedules that connectors must have; of so many, the times as well."""
    may_read = True
    for connector, names in wanted[:_COMPARED_MAX]:
        connector_id = connector["connectorId"]
        subject = f"schedule of {connector_id}"
        try:
            timer = _timer(group.stage, connector)
        except ApiProblem as problem:
            fix = f"run this again, or: asset-sync schedule show {connector_id}"
            yield found(subject, False, f"error: {problem}", fix)
            continue
        name = timer.name
        for each in sorted(names - {name}):
            yield _left_over(group, each, f"connector {connector_id} was changed since")
        shown = None
        if name in names and may_read:
            try:
                shown = group.shown(name)
            except _Denied as denied:
                yield denied.finding
                may_read = False
        if name not in names or (may_read and shown is None):
            yield found(subject, False, "is missing: no sync starts on its own", _LATER)
            continue
        wrong = [*_in_list(group, listed[name])]
        if shown is not None:
            wrong += _in_schedule(group, shown, timer)
        times = f"{timer.expression}, {timer.time_zone}" if shown else "its times were not read"
        yield found(
            subject,
            not wrong,
            "; ".join(wrong) or f"{times}; ENABLED, invokes the engine",
            f"{group.deletion(name)}: the sweep makes it again within five minutes, as it must be",
        )
    others = wanted[_COMPARED_MAX:]
    for connector, names in others:
        if not names:
            subject = f"schedule of {connector['connectorId']}"
            yield found(subject, False, "is missing: no sync starts on its own", _LATER)
    there = sum(1 for _, names in others if names)
    if there:
        yield Finding(
            f"schedules of {there} other connectors",
            Verdict.NOT_SEEN,
            f"exist; times are compared of the first {_COMPARED_MAX} only",
            f"compare asset-sync schedule show ID with aws scheduler get-schedule --group-name"
            f" {group.name} --name NAME",
        )


def _timer(stage: Stage, connector: Any) -> Timer:
    """Return the timer of a connector; its revision needs more than the list of connectors has.

    Raises:
        ApiProblem: the API does not show the schedule.
    """
    connector_id = connector["connectorId"]
    shown = stage.signed.get(connector_path(connector_id, "schedule"))
    schedule = Schedule(
        expression=shown["expression"],
        time_zone=shown["timeZone"],
        jitter_minutes=shown["jitterMinutes"],
        set_at=parse_timestamp(shown["setAt"]),
    )
    created_at = parse_timestamp(connector["createdAt"])
    return timer_for(connector_id, created_at, schedule, now=datetime.now(UTC))


def _in_list(group: _Group, listed: Any) -> Iterator[str]:
    """Say what is wrong with a schedule in the list."""
    if listed["State"] != "ENABLED":
        yield f"its state is {listed['State']}"
    engine = group.stage.outputs["EngineFunctionName"]
    if not listed["Target"]["Arn"].endswith(f":function:{engine}"):
        yield f"it invokes {listed['Target']['Arn']}, not {engine}"


def _in_schedule(group: _Group, shown: Any, timer: Timer) -> Iterator[str]:
    """Say what else is wrong with a schedule."""
    outputs, target = group.stage.outputs, shown["Target"]
    window = shown["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0)
    queue = target.get("DeadLetterConfig", {}).get("Arn", "none")
    for what, is_so, must_be in (
        ("expression", canonical(shown["ScheduleExpression"]), timer.expression),
        ("time zone", shown.get("ScheduleExpressionTimezone", "UTC"), timer.time_zone),
        ("jitter in minutes", window, timer.jitter_minutes),
        # Not an output of earlier versions.
        ("role", target["RoleArn"], outputs.get("ScheduleRoleArn", target["RoleArn"])),
        ("dead-letter queue", queue.split(":")[-1], outputs["FailedEventsQueueUrl"].split("/")[-1]),
        ("event", _event_of(target), (timer.connector_id, timer.revision)),
    ):
        if is_so != must_be:
            yield f"its {what} is {is_so}, not {must_be}"


def _event_of(target: Any) -> tuple[Any, Any] | None:
    """Return connector and revision of the event, None if it is another one."""
    try:
        event = json.loads(target.get("Input", ""))
        return event["connectorId"], event["timer"]
    except (ValueError, TypeError, KeyError):
        return None


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
