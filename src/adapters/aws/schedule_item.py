"""A connector's schedule, and the runs of it, as attributes of the connector's item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.aws.attributes import Value, to_optional_timestamp, to_timestamp
from adapters.aws.estimate_item import to_dollars
from domain.discovery import Discovery
from domain.schedule import Schedule, ScheduleMode
from domain.schedule_runs import CompleteRun, Run, RunState, ScheduleRuns
from domain.schedule_times import parse_expression


def schedule_values(schedule: Schedule | None) -> dict[str, Value | None] | None:
    """Return the attribute of the schedule, None if there is none."""
    if schedule is None:
        return None
    return {
        "expression": schedule.expression,
        "timeZone": schedule.time_zone,
        "jitterMinutes": schedule.jitter_minutes,
        "mode": schedule.mode,
        "fullEvery": schedule.full_every,
        "enabled": schedule.enabled,
        "setAt": schedule.set_at,
        "discovery": schedule.discovery,
        "maxCost": None if schedule.max_cost is None else str(schedule.max_cost),
    }


def to_schedule(values: Mapping[str, Any] | None) -> Schedule | None:
    """Return the schedule of the attribute; a connector of an earlier version has none.

    Raises:
        ValueError: It is not valid.
    """
    if values is None:
        return None
    parse_expression(values["expression"])
    return Schedule(
        expression=values["expression"],
        time_zone=values["timeZone"],
        jitter_minutes=values["jitterMinutes"],
        mode=ScheduleMode(values["mode"]),
        full_every=values["fullEvery"],
        enabled=values["enabled"],
        set_at=to_timestamp(values["setAt"]),
        discovery=Discovery(values["discovery"]) if "discovery" in values else None,
        max_cost=to_dollars(values["maxCost"]) if "maxCost" in values else None,
    )


def runs_values(runs: ScheduleRuns) -> dict[str, Value | None]:
    """Return the attribute of the runs, without their version."""
    complete = runs.complete
    return {
        "runs": [_run_values(run) for run in runs.runs],
        "withErrors": runs.with_errors,
        "failingScope": runs.failing_scope,
        "complete": (
            None
            if complete is None
            else {
                "beganAt": complete.began_at,
                "scope": complete.scope,
                "incrementalCount": complete.incremental_count,
            }
        ),
    }


def to_runs(values: Mapping[str, Any] | None, *, version: int) -> ScheduleRuns:
    """Return the runs of the attribute, none if there is no attribute."""
    if values is None:
        return ScheduleRuns(version=version)
    complete = values.get("complete")
    return ScheduleRuns(
        runs=tuple(map(_to_run, values["runs"])),
        complete=(
            None
            if complete is None
            else CompleteRun(
                began_at=to_timestamp(complete["beganAt"]),
                scope=complete["scope"],
                incremental_count=complete["incrementalCount"],
            )
        ),
        with_errors=values["withErrors"],
        failing_scope=values.get("failingScope"),
        version=version,
    )


def _run_values(run: Run) -> dict[str, Value | None]:
    return {
        "scheduledAt": run.scheduled_at,
        "handledAt": run.handled_at,
        "state": run.state,
        "mode": run.mode,
        "modifiedSince": run.modified_since,
        "reason": run.reason,
        "jobId": run.job_id,
        "counted": run.counted,
    }


def _to_run(values: Mapping[str, Any]) -> Run:
    return Run(
        scheduled_at=to_timestamp(values["scheduledAt"]),
        handled_at=to_timestamp(values["handledAt"]),
        state=RunState(values["state"]),
        mode=ScheduleMode(values["mode"]),
        modified_since=to_optional_timestamp(values.get("modifiedSince")),
        reason=values.get("reason"),
        job_id=values.get("jobId"),
        counted=values["counted"],
    )
