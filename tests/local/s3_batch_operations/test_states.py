"""The table of job statuses is complete and closed, and every transition is in it."""

from itertools import product

import pytest

from adapters.local_aws.s3_batch_operations.states import (
    JOB_TRANSITIONS,
    BatchJobStatus,
    IllegalTransition,
    is_terminal,
    next_status,
)
from adapters.local_aws.s3_batch_operations.wire import service_model

TERMINAL = {BatchJobStatus.COMPLETE, BatchJobStatus.FAILED, BatchJobStatus.CANCELLED}


def test_statuses_are_those_of_the_api_model() -> None:
    assert set(service_model().shape_for("JobStatus").enum) == set(BatchJobStatus)


def test_every_status_has_a_row() -> None:
    assert set(JOB_TRANSITIONS) == set(BatchJobStatus)


@pytest.mark.parametrize(("present", "requested"), list(product(BatchJobStatus, BatchJobStatus)))
def test_a_move_is_listed_or_refused(present: BatchJobStatus, requested: BatchJobStatus) -> None:
    if requested in JOB_TRANSITIONS[present]:
        assert next_status(present, requested) is requested
    else:
        with pytest.raises(IllegalTransition, match=f"{present} cannot become {requested}"):
            next_status(present, requested)


def test_every_status_is_reachable_from_new() -> None:
    reached, frontier = {BatchJobStatus.NEW}, [BatchJobStatus.NEW]
    while frontier:
        for status in JOB_TRANSITIONS[frontier.pop()] - reached:
            reached.add(status)
            frontier.append(status)
    assert reached == set(BatchJobStatus)


def test_terminal_statuses_are_complete_failed_cancelled() -> None:
    assert {status for status in BatchJobStatus if is_terminal(status)} == TERMINAL


def test_everything_that_is_not_ending_can_be_cancelled_and_can_fail() -> None:
    ending = TERMINAL | {BatchJobStatus.CANCELLING, BatchJobStatus.FAILING}
    for status in set(BatchJobStatus) - ending:
        assert {BatchJobStatus.CANCELLING, BatchJobStatus.FAILING} <= JOB_TRANSITIONS[status]


def test_a_confirmed_job_never_returns_to_suspended() -> None:
    before = {
        status for status, after in JOB_TRANSITIONS.items() if BatchJobStatus.SUSPENDED in after
    }
    assert before == {BatchJobStatus.PREPARING}
