"""Planted bugs of syncs that start on their own."""

from __future__ import annotations

from simulator.planted import bug

_START = "application.schedules.start_scheduled_sync:StartScheduledSync"
_WANTED = "a_schedule_starts_only_what_is_wanted"

SCHEDULE_BUGS = (
    bug(
        "starting a sync by a schedule that was changed or removed",
        100_001,
        f"{_START}._check",
        "timer.revision != revision",
        "False",
        _WANTED,
    ),
    bug(
        "starting a sync by a schedule that was disabled after its run was decided",
        100_022,
        f"{_START}._complete",
        "self._check(current, revision) != schedule",
        "False",
        _WANTED,
    ),
    bug(
        "starting a sync by schedule whatever it may cost",
        100_000,
        "application.jobs.plan_sync:PlanSync.affordable",
        "estimate.dollars_high > dollars_max",
        "False",
        "a_scheduled_job_is_done_as_its_schedule_says",
    ),
    bug(
        "starting a sync by schedule as the schedule was before",
        100_067,
        f"{_START}._complete",
        "self._check(current, revision) != schedule",
        "self._check(current, revision) is None",
        "a_scheduled_job_is_done_as_its_schedule_says",
    ),
    bug(
        "starting a sync by schedule while one is active",
        100_025,
        f"{_START}._decide",
        "if job is not None and not job.terminal:",
        "if False:",
        "one_scheduled_job_at_a_time",
    ),
    bug(
        "forgetting a run whose job was not recorded yet",
        100_073,
        f"{_START}.start",
        "if earlier is not None and earlier.state is RunState.STARTING:",
        "if False:",
        "one_scheduled_job_at_a_time",
    ),
    bug(
        "a job of its own for each delivery of a time",
        100_000,
        f"{_START}._complete",
        "idempotency_key=key,",
        "idempotency_key=None,",
        "one_job_per_scheduled_time",
    ),
    bug(
        "recording the job of a scheduled run before the run",
        100_073,
        f"{_START}._complete",
        "runs=runs.with_run(with_job),",
        "runs=None,",
        "one_scheduled_job_at_a_time",
    ),
    bug(
        "counting a run that failed as complete",
        100_001,
        "domain.schedule_runs:counted",
        "job.status not in COMPLETED",
        "False",
        "a_chain_has_no_gap",
    ),
    bug(
        "beginning where the last run ended",
        100_011,
        "domain.schedule_runs:counted",
        "began_at=job.times.created_at",
        "began_at=job.times.ended_at",
        "a_chain_has_no_gap",
    ),
    bug(
        "continuing the chain of a connector that was changed",
        100_001,
        "domain.schedule_runs:scope_of",
        "request.options.prefixes,",
        "",
        "a_chain_has_no_gap",
    ),
)
