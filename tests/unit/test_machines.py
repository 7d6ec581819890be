"""The two state machines, checked against their tables: other transitions are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from domain import chunk as chunks
from domain import job as jobs
from domain.chunk import CHUNK_TRANSITIONS, Chunk, ChunkStatus
from domain.connector import Bucket
from domain.engine_work import NO_ATTEMPTS, Attempts, EngineWork
from domain.errors import (
    ChunkAlreadySettled,
    ChunkLeaseHeld,
    IllegalTransition,
    JobLeaseHeld,
    LeaseLost,
    MessageOutdated,
    NotRedrivable,
)
from domain.job import JOB_TRANSITIONS, Ending, EndingKind, Job, JobStatus, Redrive, Splitting
from domain.job_control import (
    acquire_work_lease,
    check_work_lease,
    finish_if_settled,
    redrive,
    request_end,
    stop_redriving,
)
from domain.lease import Lease
from domain.machine import Table
from domain.outcome import Statistics
from domain.tally import Tally, tally_change, tally_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=10)

CHUNK_EVENTS: list[Any] = [
    chunks.ChunkQueued(),
    chunks.ChunkLeased(lease=Lease(token="t", expires_at=LATER)),
    chunks.ChunkReleased(progress_key="p", progressed=True),
    chunks.ChunkDeadLettered(),
    chunks.ChunkParked(progress_key="p"),
    chunks.ChunkLeaseExpired(),
    chunks.ChunkCompleted(statistics=Statistics(put=3)),
    chunks.ChunkCompletedWithErrors(statistics=Statistics(put=2, failed=1)),
    chunks.ChunkFailed(statistics=Statistics(failed=3), reason="why"),
    chunks.ChunkCancelled(statistics=Statistics(put=1)),
    chunks.ChunkRedriven(redrive_number=1),
]
JOB_EVENTS: list[Any] = [
    jobs.DiscoveryStarted(),
    jobs.ManifestWritten(manifest=jobs.ManifestFile(key="m", e_tag="e")),
    jobs.ProcessingStarted(),
    jobs.JobCompleted(),
    jobs.JobCompletedWithErrors(reason="why"),
    jobs.JobFailed(reason="why"),
    jobs.JobCancelled(reason="why"),
    jobs.JobRedriven(),
]
MACHINES = [
    pytest.param(CHUNK_TRANSITIONS, ChunkStatus, ChunkStatus.PENDING, id="chunk"),
    pytest.param(JOB_TRANSITIONS, JobStatus, JobStatus.INITIALIZING, id="job"),
]


def a_chunk(**fields: Any) -> Chunk:
    values: dict[str, Any] = {
        "job_id": "j",
        "index": 0,
        "status": ChunkStatus.QUEUED,
        "object_count": 3,
        "entry_count": 3,
        "size_bytes": 0,
        "first_key": "a",
        "last_key": "c",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Chunk(**{**values, **fields})


def a_job(**fields: Any) -> Job:
    job = jobs.new_job(
        job_id="j",
        request=jobs.SyncRequest(connector_id="c", bucket=Bucket(name="b")),
        now=NOW,
    )
    return replace(job, **fields)


@pytest.mark.parametrize(("rows", "states", "initial"), MACHINES)
def test_every_state_has_a_row_and_can_be_reached(
    rows: Table[Any], states: type[Any], initial: Any
) -> None:
    assert set(rows) == set(states)
    reached, waiting = {initial}, [initial]
    while waiting:
        for following in rows[waiting.pop()].values():
            if following not in reached:
                reached.add(following)
                waiting.append(following)
    assert reached == set(states)


@pytest.mark.parametrize(("rows", "states", "initial"), MACHINES)
def test_a_table_is_read_only(rows: Any, states: type[Any], initial: Any) -> None:
    with pytest.raises(TypeError):
        rows[initial] = {}
    with pytest.raises(TypeError):
        rows[initial][object] = initial


def test_every_event_type_is_tried_here() -> None:
    assert {type(event) for event in CHUNK_EVENTS} == set(get_args(chunks.ChunkEvent))
    assert {type(event) for event in JOB_EVENTS} == set(get_args(jobs.JobEvent))


@pytest.mark.parametrize("status", ChunkStatus)
@pytest.mark.parametrize("event", CHUNK_EVENTS, ids=lambda event: type(event).__name__)
def test_a_chunk_moves_as_its_table_says_or_not_at_all(status: ChunkStatus, event: Any) -> None:
    chunk = a_chunk(status=status)
    following = CHUNK_TRANSITIONS[status].get(type(event))
    if following is None:
        with pytest.raises(IllegalTransition) as refused:
            chunks.evolve(chunk, event, LATER)
        assert (refused.value.machine, refused.value.state) == ("chunk", status)
    else:
        moved = chunks.evolve(chunk, event, LATER)
        assert (moved.status, moved.updated_at) == (following, LATER)
    assert chunk == a_chunk(status=status)


@pytest.mark.parametrize("status", JobStatus)
@pytest.mark.parametrize("event", JOB_EVENTS, ids=lambda event: type(event).__name__)
def test_a_job_moves_as_its_table_says_or_not_at_all(status: JobStatus, event: Any) -> None:
    job = a_job(status=status)
    following = JOB_TRANSITIONS[status].get(type(event))
    if following is None:
        with pytest.raises(IllegalTransition):
            jobs.evolve(job, event, LATER)
    else:
        moved = jobs.evolve(job, event, LATER)
        assert (moved.status, moved.times.updated_at) == (following, LATER)
        assert moved.notices.count == job.notices.count + 1
        assert moved.notices.pending[-1].status is following
        assert moved.notices.pending[-1].previous_status is status
    assert job == a_job(status=status)


def test_terminal_states_are_those_that_only_a_redrive_leaves() -> None:
    assert {
        ChunkStatus.COMPLETED,
        ChunkStatus.COMPLETED_WITH_ERRORS,
        ChunkStatus.FAILED,
        ChunkStatus.CANCELLED,
    } == chunks.TERMINAL
    assert {
        JobStatus.COMPLETED,
        JobStatus.COMPLETED_WITH_ERRORS,
        JobStatus.FAILED,
        JobStatus.CANCELLED,
    } == jobs.TERMINAL


# Leases.


@pytest.mark.parametrize("status", [ChunkStatus.PENDING, ChunkStatus.QUEUED])
def test_leasing_gives_a_waiting_chunk_to_the_token(status: ChunkStatus) -> None:
    leased = chunks.lease_chunk(a_chunk(status=status), token="t", now=NOW, lease_s=30)
    assert leased.status is ChunkStatus.PROCESSING
    assert leased.lease == Lease(token="t", expires_at=NOW + timedelta(seconds=30))
    assert leased.attempt_count == 1


@pytest.mark.parametrize(("age_s", "live"), [(0, True), (29.999, True), (30, False), (31, False)])
def test_a_lease_holds_before_its_expiry_and_not_at_it(age_s: float, live: bool) -> None:
    leased = chunks.lease_chunk(a_chunk(), token="t", now=NOW, lease_s=30)
    now = NOW + timedelta(seconds=age_s)
    assert chunks.lease_expired(leased, now) is not live
    if live:
        chunks.check_lease(leased, token="t", now=now)
        with pytest.raises(ChunkLeaseHeld):
            chunks.lease_chunk(leased, token="u", now=now, lease_s=30)
    else:
        with pytest.raises(LeaseLost):
            chunks.check_lease(leased, token="t", now=now)
        again = chunks.lease_chunk(leased, token="u", now=now, lease_s=30)
        assert again.lease is not None
        assert (again.lease.token, again.attempt_count) == ("u", 2)


def test_another_token_is_not_the_holder() -> None:
    leased = chunks.lease_chunk(a_chunk(), token="t", now=NOW, lease_s=30)
    with pytest.raises(LeaseLost):
        chunks.check_lease(leased, token="u", now=NOW)


@pytest.mark.parametrize("status", sorted(chunks.TERMINAL))
def test_a_settled_chunk_cannot_be_leased(status: ChunkStatus) -> None:
    with pytest.raises(ChunkAlreadySettled):
        chunks.lease_chunk(a_chunk(status=status), token="t", now=NOW, lease_s=30)


def test_attempts_count_from_the_last_progress() -> None:
    leased = chunks.lease_chunk(a_chunk(attempt_count=3), token="t", now=NOW, lease_s=30)
    idle = chunks.evolve(leased, chunks.ChunkReleased(progress_key=None, progressed=False), NOW)
    moving = chunks.evolve(leased, chunks.ChunkReleased(progress_key="p", progressed=True), NOW)
    assert (idle.attempt_count, moving.attempt_count) == (4, 0)
    assert (idle.lease, moving.lease) == (None, None)


def test_each_return_to_the_queue_begins_a_life_and_a_redrive_begins_again() -> None:
    chunk = a_chunk()
    lives = [chunk.life]
    for _ in range(2):
        leased = chunks.lease_chunk(chunk, token="t", now=NOW, lease_s=30)
        assert leased.life == chunk.life
        # If a worker stopped responding, its message is redelivered.
        assert chunks.evolve(leased, chunks.ChunkLeaseExpired(), NOW).life == chunk.life
        chunk = chunks.evolve(leased, chunks.ChunkReleased(progress_key=None, progressed=True), NOW)
        lives.append(chunk.life)
    settled = replace(chunk, status=ChunkStatus.FAILED)
    redriven = chunks.evolve(settled, chunks.ChunkRedriven(redrive_number=1), NOW)
    lives.append(redriven.life)
    assert lives == sorted(set(lives))
    for number, life in enumerate(lives[:-1]):
        with pytest.raises(MessageOutdated):
            chunks.check_life(redriven, life)
        chunks.check_life(replace(redriven, status=ChunkStatus.COMPLETED), life)
        chunks.check_life(chunk, lives[max(number, 2)])
    chunks.check_life(redriven, redriven.life)


# Settling.


def test_settling_adds_known_outcomes_to_those_of_the_attempt() -> None:
    leased = chunks.lease_chunk(
        a_chunk(object_count=5, discovered=Statistics(skipped=2)), token="t", now=NOW, lease_s=30
    )
    fine = chunks.settle_chunk(leased, Statistics(put=3), now=NOW)
    assert (fine.status, fine.statistics) == (
        ChunkStatus.COMPLETED,
        Statistics(skipped=2, put=3),
    )
    bad = chunks.settle_chunk(leased, Statistics(put=2, failed=1), now=NOW)
    assert bad.status is ChunkStatus.COMPLETED_WITH_ERRORS


def test_failing_a_chunk_counts_entries_without_an_outcome_as_failed() -> None:
    leased = chunks.lease_chunk(
        a_chunk(object_count=5, discovered=Statistics(skipped=2)), token="t", now=NOW, lease_s=30
    )
    failed = chunks.fail_chunk(leased, Statistics(put=1), "why", now=NOW)
    assert (failed.status, failed.status_reason) == (ChunkStatus.FAILED, "why")
    assert failed.statistics == Statistics(skipped=2, put=1, failed=2)


@pytest.mark.parametrize(
    ("status", "changes", "expected"),
    [
        (ChunkStatus.FAILED, {}, True),
        (ChunkStatus.FAILED, {"entry_count": 0}, False),
        (ChunkStatus.COMPLETED_WITH_ERRORS, {"statistics": Statistics(put=2, failed=1)}, True),
        (
            ChunkStatus.COMPLETED_WITH_ERRORS,
            {"statistics": Statistics(put=2, failed=1), "discovered": Statistics(failed=1)},
            False,
        ),
        (ChunkStatus.CANCELLED, {"statistics": Statistics(failed=1)}, False),
        (ChunkStatus.COMPLETED, {}, False),
        (ChunkStatus.QUEUED, {"statistics": Statistics(failed=1)}, False),
    ],
)
def test_a_chunk_is_redrivable_if_a_worker_s_failure_is_left(
    status: ChunkStatus, changes: dict[str, Any], expected: bool
) -> None:
    assert chunks.redrivable(a_chunk(status=status, **changes)) is expected


def test_a_redrive_takes_back_the_failures_of_workers_only() -> None:
    settled = a_chunk(
        status=ChunkStatus.COMPLETED_WITH_ERRORS,
        discovered=Statistics(failed=1),
        statistics=Statistics(put=2, failed=3),
        attempt_count=4,
    )
    reopened = chunks.evolve(settled, chunks.ChunkRedriven(redrive_number=1), NOW)
    assert reopened.statistics == Statistics(put=2, failed=1)
    assert (reopened.attempt_count, reopened.progress_key) == (0, None)


def test_the_tally_moves_by_the_difference() -> None:
    before = a_chunk(statistics=Statistics(skipped=1))
    after = replace(before, status=ChunkStatus.COMPLETED, statistics=Statistics(skipped=1, put=2))
    change = tally_change(before, after)
    assert change == Tally(statistics=Statistics(put=2), chunks_completed=1)
    assert tally_of(before) + change == tally_of(after)


# A job's life.


def test_a_new_job_has_its_first_notice() -> None:
    job = a_job()
    assert [notice.status for notice in job.notices.pending] == [JobStatus.INITIALIZING]
    assert jobs.without_notices(job, frozenset({1})).notices.pending == ()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, JobStatus.COMPLETED),
        ({"tally": Tally(statistics=Statistics(failed=1))}, JobStatus.COMPLETED_WITH_ERRORS),
        ({"tally": Tally(chunks_total=1)}, JobStatus.PROCESSING),
        ({"splitting": Splitting()}, JobStatus.PROCESSING),
        ({"redrive": Redrive(active=True)}, JobStatus.PROCESSING),
        # A cancellation after all chunks were settled cancels nothing.
        ({"ending": Ending(kind=EndingKind.CANCELLED, reason="r")}, JobStatus.COMPLETED),
        (
            {"ending": Ending(kind=EndingKind.CANCELLED, reason="r"), "splitting": Splitting()},
            JobStatus.CANCELLED,
        ),
        (
            {
                "ending": Ending(kind=EndingKind.CANCELLED, reason="r"),
                "tally": Tally(chunks_total=1, chunks_cancelled=1),
            },
            JobStatus.CANCELLED,
        ),
        ({"ending": Ending(kind=EndingKind.FAILED, reason="r")}, JobStatus.FAILED),
        (
            {"ending": Ending(kind=EndingKind.FAILED, reason="r"), "splitting": Splitting()},
            JobStatus.FAILED,
        ),
        (
            {
                "ending": Ending(kind=EndingKind.CANCELLED, reason="r"),
                "tally": Tally(chunks_total=2, chunks_cancelled=1),
            },
            JobStatus.PROCESSING,
        ),
    ],
)
def test_a_job_ends_when_no_chunk_is_left(fields: dict[str, Any], status: JobStatus) -> None:
    job = a_job(**{"status": JobStatus.PROCESSING, "splitting": Splitting(done=True), **fields})
    ended = finish_if_settled(job, LATER)
    assert ended.status is status
    assert (ended.times.ended_at == LATER) is ended.terminal


def test_an_ended_job_is_unchanged() -> None:
    job = a_job(status=JobStatus.COMPLETED, splitting=Splitting(done=True))
    assert finish_if_settled(job, LATER) is job


def test_an_end_is_requested_once() -> None:
    first = Ending(kind=EndingKind.CANCELLED, reason="first")
    job = request_end(a_job(), first, LATER)
    assert job.ending == first
    assert request_end(job, Ending(kind=EndingKind.FAILED, reason="second"), LATER) is job
    ended = a_job(status=JobStatus.COMPLETED)
    assert request_end(ended, first, LATER) is ended


@pytest.mark.parametrize("status", [s for s in JobStatus if s != "COMPLETED_WITH_ERRORS"])
def test_only_a_job_with_errors_can_be_redriven(status: JobStatus) -> None:
    with pytest.raises(NotRedrivable):
        redrive(a_job(status=status), NOW)


def test_a_redrive_reopens_the_job() -> None:
    job = redrive(a_job(status=JobStatus.COMPLETED_WITH_ERRORS, status_reason="3 failed"), NOW)
    assert (job.status, job.redrive.active, job.redrive.number) == (JobStatus.PROCESSING, True, 1)
    assert job.status_reason is None


def test_a_redrive_is_stopped_when_no_engine_can_hold_its_lease() -> None:
    lease = Lease(token="t", expires_at=LATER)
    ending = Ending(kind=EndingKind.CANCELLED, reason="r")
    job = a_job(redrive=Redrive(active=True), ending=ending, work=EngineWork(lease=lease))
    assert stop_redriving(job, NOW).redrive.active
    assert not stop_redriving(job, LATER).redrive.active
    assert stop_redriving(replace(job, ending=None), LATER).redrive.active


def test_work_is_held_by_one_token() -> None:
    job = acquire_work_lease(a_job(), token="t", now=NOW, lease_s=10)
    check_work_lease(job, token="t", now=NOW)
    with pytest.raises(JobLeaseHeld):
        acquire_work_lease(job, token="u", now=NOW, lease_s=10)
    with pytest.raises(LeaseLost):
        check_work_lease(job, token="u", now=NOW)
    with pytest.raises(LeaseLost):
        check_work_lease(job, token="t", now=LATER)
    assert acquire_work_lease(job, token="u", now=LATER, lease_s=10).work.lease == Lease(
        token="u", expires_at=LATER + timedelta(seconds=10)
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"status": JobStatus.COMPLETED},
        {"ending": Ending(kind=EndingKind.CANCELLED, reason="r")},
    ],
)
def test_there_is_no_work_on_a_job_that_ends(fields: dict[str, Any]) -> None:
    lease = Lease(token="t", expires_at=LATER)
    job = a_job(work=EngineWork(lease=lease), **fields)
    with pytest.raises(LeaseLost):
        acquire_work_lease(job, token="t", now=NOW, lease_s=10)
    with pytest.raises(LeaseLost):
        check_work_lease(job, token="t", now=NOW)


def test_attempts_count_from_their_begin() -> None:
    second = NO_ATTEMPTS.started().failed("503", unknown=False).started()
    assert second == Attempts(count=2, cause="503")
    assert second.failed("E1", unknown=True) == Attempts(count=2, unknown_count=1, cause="E1")
    # Progress has ended the count, and then the same attempt failed.
    assert NO_ATTEMPTS.failed("503", unknown=False) == Attempts(count=1, cause="503")
