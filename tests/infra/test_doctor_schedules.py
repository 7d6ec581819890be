"""What `asset-sync doctor` finds in EventBridge Scheduler, by answers of the SDK."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from aws_with_history import ACCOUNT, REGION, Answers
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from adapters.aws.scheduler import SchedulePlace, _request
from domain.schedule import Schedule
from domain.schedule_runs import Timer, name_prefix, timer_for
from entrypoints.cli.stage.checks import schedules as subject
from entrypoints.cli.stage.checks.check import Finding, Stage, Verdict

GROUP = "asset-sync-dev"
SET_AT = datetime(2026, 11, 20, 9, 30, 0, 250_000, tzinfo=UTC)
CREATED_AT = datetime(2026, 11, 1, tzinfo=UTC)
PLACE = SchedulePlace(
    group_name=GROUP,
    function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:asset-sync-dev-engine",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/schedules",
    dead_letter_queue_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed",
)
OUTPUTS = {
    "ScheduleGroupName": GROUP,
    "ScheduleRoleArn": PLACE.role_arn,
    "EngineFunctionName": "asset-sync-dev-engine",
    "FailedEventsQueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/failed",
    "AlarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
}
NIGHTLY = Schedule(
    expression="cron(0 2 ? * MON-FRI *)",
    time_zone="Europe/Berlin",
    jitter_minutes=15,
    set_at=SET_AT,
)
OFTEN = replace(NIGHTLY, expression="rate(6 hours)", time_zone="UTC", jitter_minutes=0)
LONG = "m" * 40


class World:
    """A stage with a schedule group; `answers` are returned instead of moto's."""

    def __init__(self) -> None:
        self.client = boto3.Session(region_name=REGION).client("scheduler")
        self.client.create_schedule_group(Name=GROUP)
        self.client.meta.events.register_first("before-send.scheduler.*", self._answer)
        self.api = Answers([], "")
        self.outputs = dict(OUTPUTS)
        self.answers: dict[str, tuple[int, Any]] = {}
        self.requested: list[str] = []

    def connector(self, connector_id: str, schedule: Schedule | None, **other: Any) -> None:
        """Register a connector, as the API shows it."""
        shown = None
        if schedule is not None:
            shown = {
                "expression": schedule.expression,
                "timeZone": schedule.time_zone,
                "jitterMinutes": schedule.jitter_minutes,
                "enabled": schedule.enabled,
            }
            path = f"/connectors/{connector_id}/schedule"
            self.api.schedules[path] = {**shown, "setAt": "2026-11-20T09:30:00.250Z"}
        self.api._connectors.append(
            {
                "connectorId": connector_id,
                "status": "ENABLED",
                "schedule": shown,
                "createdAt": "2026-11-01T00:00:00.000Z",
                **other,
            }
        )

    def put(self, timer: Timer, **other: Any) -> None:
        """Create the schedule as the service does, and what differs."""
        request = _request(PLACE, timer, timer.name)
        target = {**request["Target"], **other.pop("Target", {})}
        self.client.create_schedule(**{**request, "Target": target, **other})

    def look(self) -> list[Finding]:
        self.requested.clear()
        stage = Stage(
            outputs=self.outputs,
            client=lambda _: self.client,
            signed=self.api,
            unsigned=Answers([], ""),
        )
        return list(subject.schedules(stage))

    def wrong(self) -> dict[str, Finding]:
        return {each.subject: each for each in self.look() if each.verdict is not Verdict.OK}

    def _answer(self, request: Any, event_name: str, **_: object) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        self.requested.append(operation)
        if operation not in self.answers:
            return None
        status, body = self.answers[operation]

        class Raw:
            """The body of a response."""

            def stream(self, **_: object) -> Iterator[bytes]:
                yield json.dumps(body).encode()

        headers = {"x-amzn-errortype": body["__type"]} if "__type" in body else {}
        return AWSResponse(request.url, status, headers, Raw())

    def deny(self, operation: str) -> None:
        message = f"User: me is not authorized to perform: scheduler:{operation}"
        self.answers[operation] = (403, {"__type": "AccessDeniedException", "Message": message})


def _timer(connector_id: str, schedule: Schedule = NIGHTLY) -> Timer:
    return timer_for(connector_id, CREATED_AT, schedule, now=datetime.now(UTC))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield World()


@pytest.fixture
def sound(world: World) -> World:
    """A stage whose connectors have what they must have."""
    for connector_id, schedule in {"media": NIGHTLY, LONG: NIGHTLY, "often": OFTEN}.items():
        world.connector(connector_id, schedule)
        world.put(_timer(connector_id, schedule))
    world.connector("none", None)
    world.connector("stopped", replace(NIGHTLY, enabled=False))
    world.connector("disabled", NIGHTLY, status="DISABLED")
    return world


def test_a_sound_stage(sound: World) -> None:
    found = sound.look()
    assert [each.subject for each in found if each.verdict is Verdict.OK] == [
        f"schedule group {GROUP}",
        "schedule of media",
        f"schedule of {LONG}",
        "schedule of often",
    ]
    assert len(found) == 4
    assert found[1].detail == "cron(0 2 ? * MON-FRI *), Europe/Berlin; ENABLED, invokes the engine"
    # Nothing is read of connectors that must have none.
    assert sound.requested.count("GetSchedule") == 3
    assert {*sound.requested} == {"GetScheduleGroup", "ListSchedules", "GetSchedule"}


def test_a_stage_without_schedules(world: World) -> None:
    world.connector("none", None)
    assert world.wrong() == {}
    assert world.requested == ["GetScheduleGroup", "ListSchedules"]
    assert len(world.look()) == 2


def test_a_group_that_does_not_exist(sound: World) -> None:
    sound.client.delete_schedule_group(Name=GROUP)
    (finding,) = sound.wrong().values()
    assert (finding.subject, finding.detail) == (f"schedule group {GROUP}", "does not exist")
    assert f"aws scheduler create-schedule-group --name {GROUP}: the sweep" in finding.fix


def test_a_group_that_is_being_deleted(sound: World) -> None:
    sound.answers["GetScheduleGroup"] = (200, {"Name": GROUP, "State": "DELETING"})
    (finding,) = sound.wrong().values()
    assert finding.detail == "DELETING"
    assert "wait until it is deleted, then aws scheduler create-schedule-group" in finding.fix


def test_a_stage_of_a_version_without_schedules(sound: World) -> None:
    del sound.outputs["ScheduleGroupName"]
    (finding,) = sound.wrong().values()
    assert finding.detail == "the stack has none"
    assert "redeploy the stage" in finding.fix
    assert sound.requested == []


def test_a_missing_schedule(sound: World) -> None:
    sound.client.delete_schedule(GroupName=GROUP, Name=_timer("media").name)
    (finding,) = sound.wrong().values()
    assert finding.subject == "schedule of media"
    assert finding.detail == "is missing: no sync starts on its own"
    assert "schedule_not_applied" in finding.fix


def test_one_that_was_deleted_between_the_list_and_the_read(sound: World) -> None:
    body = {"__type": "ResourceNotFoundException", "Message": "Schedule x does not exist."}
    sound.answers["GetSchedule"] = (404, body)
    assert {each.detail for each in sound.wrong().values()} == {
        "is missing: no sync starts on its own"
    }


OTHER = PLACE.function_arn.replace("engine", "other")
CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "state": ({"State": "DISABLED"}, "its state is DISABLED"),
    "target": ({"Target": {"Arn": OTHER}}, f"it invokes {OTHER}, not asset-sync-dev-engine"),
    "expression": (
        {"ScheduleExpression": "rate(1 hour)"},
        "its expression is rate(1 hours), not cron(0 2 ? * MON-FRI *)",
    ),
    "time zone": (
        {"ScheduleExpressionTimezone": "UTC"},
        "its time zone is UTC, not Europe/Berlin",
    ),
    "jitter": ({"FlexibleTimeWindow": {"Mode": "OFF"}}, "its jitter in minutes is 0, not 15"),
    "role": (
        {"Target": {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/old"}},
        f"its role is arn:aws:iam::{ACCOUNT}:role/old, not {PLACE.role_arn}",
    ),
    "queue": ({"Target": {"DeadLetterConfig": {}}}, "its dead-letter queue is none, not failed"),
    "event": ({"Target": {"Input": "[]"}}, "its event is None, not ('media', "),
    "event of another": (
        {"Target": {"Input": '{"connectorId": "x", "timer": "y"}'}},
        "its event is ('x', 'y'), not ('media', ",
    ),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_schedule_that_was_changed_by_hand(sound: World, what: str) -> None:
    change, detail = CHANGED[what]
    name = _timer("media").name
    sound.client.delete_schedule(GroupName=GROUP, Name=name)
    sound.put(_timer("media"), **change)
    (finding,) = sound.wrong().values()
    assert finding.subject == "schedule of media"
    assert finding.detail.startswith(detail)
    command = f"aws scheduler delete-schedule --group-name {GROUP} --name {name}: the sweep"
    assert finding.fix.startswith(command)


def test_all_that_is_wrong_with_one_is_in_one_finding(sound: World) -> None:
    sound.client.delete_schedule(GroupName=GROUP, Name=_timer("media").name)
    sound.put(_timer("media"), State="DISABLED", ScheduleExpressionTimezone="UTC")
    (finding,) = sound.wrong().values()
    assert finding.detail == "its state is DISABLED; its time zone is UTC, not Europe/Berlin"


LEFT_OVER: dict[str, tuple[Timer, str]] = {
    "of a removed connector": (_timer("gone"), "no connector has it, its id began with gone"),
    "of a removed connector with a long id": (
        _timer("g" * 40),
        f"no connector has it, its id began with {'g' * 30}",
    ),
    "of a connector without a schedule": (_timer("none"), "connector none must have none now"),
    "of a schedule that is disabled": (_timer("stopped"), "connector stopped must have none now"),
    "of a connector that is disabled": (
        _timer("disabled"),
        "connector disabled must have none now",
    ),
    "of earlier times": (
        _timer("media", replace(NIGHTLY, time_zone="UTC")),
        "connector media was changed since",
    ),
    "of an earlier connector of this id": (
        timer_for("media", SET_AT, NIGHTLY, now=SET_AT),
        "connector media was changed since",
    ),
}


@pytest.mark.parametrize("what", LEFT_OVER)
def test_a_schedule_that_no_connector_has(sound: World, what: str) -> None:
    timer, why = LEFT_OVER[what]
    sound.put(timer)
    (finding,) = sound.wrong().values()
    assert finding.subject == f"schedule {timer.name}"
    assert finding.verdict is Verdict.WRONG
    assert finding.detail == f"starts nothing: {why}"
    assert f"aws scheduler delete-schedule --group-name {GROUP} --name {timer.name}" in finding.fix


def test_a_schedule_of_others(sound: World) -> None:
    request = _request(PLACE, _timer("media"), "nightly")
    sound.client.create_schedule(**request)
    (finding,) = sound.wrong().values()
    assert (finding.subject, finding.detail) == (
        "schedule nightly",
        "was not made by this service",
    )
    assert "create it in another group" in finding.fix


def test_the_schedule_of_an_unreadable_connector_is_not_left_over(sound: World) -> None:
    sound.put(_timer("broken"))
    sound.api.unreadable.append({"id": "broken", "cause": "trigger is 7"})
    (finding,) = sound.wrong().values()
    assert finding.subject == "schedule of broken"
    assert finding.detail == "the connector's record cannot be read: trigger is 7"


def test_a_connector_whose_schedule_the_api_does_not_show(sound: World) -> None:
    del sound.api.schedules["/connectors/media/schedule"]
    (finding,) = sound.wrong().values()
    assert (finding.subject, finding.detail) == ("schedule of media", "error: HTTP 404")


DENIED: dict[str, tuple[str, str]] = {
    "GetScheduleGroup": (
        f"schedule group {GROUP}",
        f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{GROUP}",
    ),
    "ListSchedules": (f"schedules of {GROUP}", "*"),
    "GetSchedule": (
        "times of schedules",
        f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{GROUP}/*",
    ),
}


@pytest.mark.parametrize("operation", DENIED)
def test_a_denied_read_names_the_permission(sound: World, operation: str) -> None:
    sound.deny(operation)
    (finding,) = sound.wrong().values()
    about, resource = DENIED[operation]
    assert (finding.subject, finding.verdict) == (about, Verdict.WRONG)
    assert finding.fix.startswith(f"grant yourself scheduler:{operation} on {resource},")
    assert sound.requested.count(operation) == 1


def test_without_reads_of_schedules_the_list_is_still_compared(sound: World) -> None:
    sound.deny("GetSchedule")
    sound.put(_timer("gone"))
    sound.client.delete_schedule(GroupName=GROUP, Name=_timer("often", OFTEN).name)
    sound.client.delete_schedule(GroupName=GROUP, Name=_timer(LONG).name)
    sound.put(_timer(LONG), State="DISABLED")
    assert [*sound.wrong()] == [
        "times of schedules",
        f"schedule of {LONG}",
        "schedule of often",
        f"schedule {_timer('gone').name}",
    ]
    ok = next(each for each in sound.look() if each.subject == "schedule of media")
    assert "not read" in ok.detail


def test_another_error_is_not_an_answer(sound: World) -> None:
    sound.answers["ListSchedules"] = (400, {"__type": "ValidationException", "Message": "no"})
    with pytest.raises(sound.client.exceptions.ValidationException):
        sound.look()


def test_more_than_a_page_and_more_than_are_compared(world: World) -> None:
    for number in range(103):
        world.connector(f"c{number}", NIGHTLY)
        if number not in (0, 102):
            world.put(_timer(f"c{number}"))
    wrong = world.wrong()
    assert [*wrong] == ["schedule of c0", "schedule of c102", "schedules of 2 other connectors"]
    assert wrong["schedules of 2 other connectors"].verdict is Verdict.NOT_SEEN
    assert world.requested.count("ListSchedules") == 2
    assert world.requested.count("GetSchedule") == 99


def test_a_group_with_too_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_LISTED_MAX", 100)
    for number in range(101):
        world.put(_timer(f"c{number}"))
    (finding,) = world.wrong().values()
    assert finding.verdict is Verdict.NOT_SEEN
    assert finding.detail == "more than 100: not compared with the connectors"
    assert world.requested.count("ListSchedules") == 1


def test_names_are_those_of_the_connector_alone() -> None:
    assert _timer(LONG).name.startswith(name_prefix(LONG))
    assert not _timer(LONG + "n").name.startswith(name_prefix(LONG))
    assert len(_timer(LONG).name) == 60
