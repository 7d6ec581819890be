"""Schedules in the API's form."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.connector import Connector
from domain.manifest import format_timestamp
from domain.schedule import Schedule
from domain.schedule_runs import Run, ScheduleRuns, next_run_at


def settings_view(schedule: Schedule) -> dict[str, Any]:
    """Return what was set."""
    return {
        "expression": schedule.expression,
        "timeZone": schedule.time_zone,
        "jitterMinutes": schedule.jitter_minutes,
        "mode": schedule.mode.value,
        "fullEvery": schedule.full_every,
        "enabled": schedule.enabled,
        "discovery": schedule.discovery.value if schedule.discovery else None,
        "maxCost": None if schedule.max_cost is None else f"{schedule.max_cost:f}",
    }


def schedule_view(
    connector: Connector, schedule: Schedule, runs: ScheduleRuns, *, now: datetime
) -> dict[str, Any]:
    """Return a schedule with its next run and the last ones, the latest first."""
    complete = runs.complete
    return {
        "connectorId": connector.connector_id,
        **settings_view(schedule),
        "setAt": format_timestamp(schedule.set_at),
        "nextRunAt": _time(next_run_at(connector, now=now)),
        "lastCompleteAt": _time(complete.began_at if complete else None),
        "runs": [_run_view(run) for run in reversed(runs.runs)],
    }


def connector_schedule_view(connector: Connector, *, now: datetime) -> dict[str, Any]:
    """Return what a connector shows of its schedule."""
    schedule = connector.schedule
    return {
        "schedule": settings_view(schedule) if schedule else None,
        "nextRunAt": _time(next_run_at(connector, now=now)),
    }


def _run_view(run: Run) -> dict[str, Any]:
    return {
        "scheduledAt": format_timestamp(run.scheduled_at),
        "handledAt": format_timestamp(run.handled_at),
        "state": run.state.value,
        "mode": run.mode.value,
        "modifiedSince": _time(run.modified_since),
        "reason": run.reason,
        "jobId": run.job_id,
    }


def _time(time: datetime | None) -> str | None:
    return format_timestamp(time) if time else None
