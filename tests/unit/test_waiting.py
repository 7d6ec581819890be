"""What a job waits for is one statement, derived from the job and its connector's slots."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from domain.connector import Bucket
from domain.hold import HoldCause
from domain.job import Ending, EndingKind, Job, JobStatus, new_job
from domain.pause import Backlog, Pause
from domain.queue_limit import QueueLimit, WatchedQueue
from domain.sync_request import SyncRequest
from domain.tally import Tally
from domain.waiting import Waiting, WaitReason, waiting_for
from domain.work_limits import TimeWindow, WorkLimits

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
NIGHTS = WorkLimits(windows=(TimeWindow(start=time(20), end=time(6)),))
WATCHED = WatchedQueue(url="https://queue", limit=QueueLimit(depth_max=10))
JOB = replace(
    new_job(
        job_id="job-1",
        request=SyncRequest(connector_id="con-1", bucket=Bucket(name="media")),
        now=NOW - timedelta(days=1),
    ),
    tally=Tally(chunks_total=2, chunks_completed=1),
)
CAPPED = replace(JOB, limits=WorkLimits(concurrency=2))


def test_a_job_that_may_work_waits_for_nothing() -> None:
    assert waiting_for(JOB, NOW) is None
    assert waiting_for(JOB, NOW, ("job-2",) * 9) is None


def test_every_hold_is_a_reason() -> None:
    assert {cause.value for cause in HoldCause} < {reason.value for reason in WaitReason}


@pytest.mark.parametrize(
    ("job", "waits"),
    [
        (
            replace(JOB, pause=Pause(since=NOW, reason="quiet", by="arn:me")),
            ("PAUSED", NOW, None, "asset-sync resume: it was paused by arn:me (quiet)"),
        ),
        (
            replace(JOB, stage_pause=Pause(since=NOW)),
            ("STAGE_PAUSED", NOW, None, "asset-sync resume --all: all jobs were paused"),
        ),
        (
            replace(JOB, watched_queue=WATCHED, backlog=Backlog(since=NOW, depth=11)),
            (
                "INGEST_BEHIND",
                NOW,
                None,
                "ingest: the ingest queue holds 11 messages, more than 10; goes on at 5",
            ),
        ),
        (
            replace(JOB, limits=NIGHTS),
            (
                "OUTSIDE_WINDOW",
                NOW.replace(hour=6),
                NOW.replace(hour=20),
                "the next time window of its connector",
            ),
        ),
    ],
)
def test_a_hold_is_what_it_waits_for(
    job: Job, waits: tuple[str, datetime, datetime | None, str]
) -> None:
    reason, since, until, text = waits
    expected = Waiting(reason=WaitReason(reason), since=since, until=until, text=text)
    # No matter which jobs have the slots.
    assert waiting_for(job, NOW, ("job-2",) * 2) == expected
    ending = Ending(kind=EndingKind.CANCELLED, reason="r")
    assert waiting_for(replace(job, ending=ending), NOW) is None
    assert waiting_for(replace(job, status=JobStatus.CANCELLED), NOW) is None


def test_a_job_waits_for_a_slot_while_others_have_all() -> None:
    assert waiting_for(CAPPED, NOW, ("job-3", "job-2")) == Waiting(
        reason=WaitReason.NO_FREE_SLOT,
        since=None,
        until=None,
        text="a free slot: other jobs have all 2 of its connector (job-2, job-3)",
    )
    many = replace(JOB, limits=WorkLimits(concurrency=5))
    waits = waiting_for(many, NOW, ("e", "d", "c", "b", ""))
    assert waits is not None
    assert waits.text == "a free slot: other jobs have all 5 of its connector (b, c, d and 1 more)"
    unnamed = waiting_for(CAPPED, NOW, ("", ""))
    assert unnamed is not None
    assert unnamed.text == "a free slot: other jobs have all 2 of its connector"


@pytest.mark.parametrize(
    ("job", "holders"),
    [
        (CAPPED, ("job-1", "job-2")),
        (CAPPED, ("job-2",)),
        (replace(CAPPED, tally=Tally(chunks_total=1, chunks_failed=1)), ("job-2", "job-2")),
        (replace(CAPPED, ending=Ending(kind=EndingKind.FAILED, reason="r")), ("job-2", "job-2")),
    ],
    ids=["it has one", "one is free", "no chunk is open", "ending"],
)
def test_a_job_that_needs_or_can_take_no_other_slot_does_not_wait(
    job: Job, holders: tuple[str, ...]
) -> None:
    assert waiting_for(job, NOW, holders) is None
