"""The contract of the error table."""

from __future__ import annotations

import uuid
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from invalid_cursors import invalid_cursors

from domain.failure import Failure, chunk_error_prefix, error_id_for
from ports.error_log import ErrorLog
from ports.paging import InvalidCursor

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
FULL = Failure(
    error_id="00000001#ab",
    job_id="job-1",
    error_class="AccessDenied",
    message="no\n\U0001f600",
    occurred_at=NOW,
    chunk_index=0,
    key="a/ü\n",
    attempt_number=2,
    vendor_code="NeverHeardOf",
    request_id="R1",
    stack_trace="Traceback\n  …",
)
SMALL = Failure(
    error_id="job#ab", job_id="job-1", error_class="Unavailable", message="", occurred_at=NOW
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.fixture
def failures(state: Any) -> ErrorLog:
    store: ErrorLog = state.failures
    return store


def failure(chunk_index: int | None, subject: str, job_id: str = "job-1") -> Failure:
    error_id = error_id_for(chunk_index=chunk_index, subject=subject)
    return replace(SMALL, job_id=job_id, error_id=error_id, chunk_index=chunk_index)


async def listed(failures: ErrorLog, job_id: str = "job-1", limit: int = 1000) -> list[Failure]:
    found: list[Failure] = []
    cursor: str | None = None
    while True:
        page = await failures.list_page(job_id, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


async def test_every_field_is_read_back(failures: ErrorLog) -> None:
    assert [f.name for f in fields(FULL) if getattr(FULL, f.name) == f.default] == []
    await failures.record([FULL, SMALL])
    assert await listed(failures) == [FULL, SMALL]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    any_failure=st.builds(
        Failure,
        error_id=TEXT.filter(bool),
        job_id=st.builds(lambda: str(uuid.uuid4())),
        error_class=TEXT,
        message=TEXT,
        occurred_at=st.datetimes(timezones=st.just(UTC)),
        chunk_index=st.none() | st.integers(0, 10**8),
        key=st.none() | TEXT,
        attempt_number=st.none() | st.integers(0, 100),
        vendor_code=st.none() | TEXT,
        request_id=st.none() | TEXT,
        stack_trace=st.none() | TEXT,
    )
)
async def test_any_value_is_read_back(failures: ErrorLog, any_failure: Failure) -> None:
    await failures.record([any_failure])
    assert await listed(failures, any_failure.job_id) == [any_failure]


async def test_none(failures: ErrorLog) -> None:
    await failures.record([])
    await failures.clear("job-1", "job#")
    assert await listed(failures) == []


async def test_one_with_the_same_id_replaces_the_older(failures: ErrorLog) -> None:
    await failures.record([FULL])
    newer = replace(FULL, message="again", stack_trace=None, attempt_number=3)
    await failures.record([newer])
    assert await listed(failures) == [newer]


async def test_the_last_of_equal_ids_in_one_call_stays(failures: ErrorLog) -> None:
    newer = replace(FULL, message="again")
    await failures.record([FULL, SMALL, newer])
    assert await listed(failures) == [newer, SMALL]


async def test_any_number_by_id_and_of_one_job(failures: ErrorLog) -> None:
    many = [failure(n % 3, f"key-{n}") for n in range(61)]
    await failures.record([*many, failure(None, "job"), failure(0, "key", "job-2")])
    expected = sorted([*many, failure(None, "job")], key=lambda each: each.error_id)
    for limit in (1, 7, 61, 62, 63):
        assert await listed(failures, limit=limit) == expected
    assert await listed(failures, "job-2") == [failure(0, "key", "job-2")]
    assert await listed(failures, "job-3") == []


async def test_a_page_that_ends_the_list_has_no_cursor(failures: ErrorLog) -> None:
    await failures.record([failure(0, "a"), failure(0, "b")])
    assert (await failures.list_page("job-1", limit=2)).cursor is None
    assert (await failures.list_page("job-1", limit=1)).cursor is not None


async def test_clear_removes_what_starts_with_the_prefix(failures: ErrorLog) -> None:
    gone = [failure(1, f"key-{n}") for n in range(30)]
    kept = [failure(0, "a"), failure(11, "a"), failure(None, "a"), failure(1, "a", "job-2")]
    await failures.record([*gone, *kept])
    for _ in range(2):
        await failures.clear("job-1", chunk_error_prefix(1))
        assert await listed(failures) == kept[:3]
    assert await listed(failures, "job-2") == kept[3:]


async def test_clear_leaves_what_is_to_be_kept(failures: ErrorLog) -> None:
    kept, gone = failure(1, "kept"), failure(1, "gone")
    await failures.record([kept, gone])
    await failures.clear("job-1", chunk_error_prefix(1), keep={kept.error_id, "never recorded"})
    assert await listed(failures) == [kept]


async def test_an_empty_prefix_clears_the_job(failures: ErrorLog) -> None:
    await failures.record([failure(0, "a"), failure(None, "b"), failure(0, "a", "job-2")])
    await failures.clear("job-1", "")
    assert await listed(failures) == []
    assert len(await listed(failures, "job-2")) == 1


async def test_records_expire(failures: ErrorLog, state: Any) -> None:
    """Expired records sort first by id, and fill more than a page."""
    await failures.record([*(failure(0, f"key-{n}") for n in range(12)), failure(None, "b")])
    state.clock.time += timedelta(days=80)
    await failures.record([failure(None, "b"), failure(None, "c")])
    assert len(await listed(failures)) == 14
    state.clock.time += timedelta(days=11)
    expected = sorted([failure(None, "b"), failure(None, "c")], key=lambda each: each.error_id)
    for limit in (1, 2, 3):
        assert await listed(failures, limit=limit) == expected


async def test_a_text_of_any_length_can_be_recorded(failures: ErrorLog) -> None:
    message = "first words " + "ü" * 300_000
    stack_trace = "\U0001f600" * 200_000 + "ValueError: last words"
    await failures.record([replace(FULL, message=message, stack_trace=stack_trace)])
    (stored,) = await listed(failures)
    assert stored.message.startswith("first words üüü")
    assert stored.stack_trace is not None
    assert stored.stack_trace.endswith("ValueError: last words")


async def test_a_cursor_of_another_list(failures: ErrorLog) -> None:
    await failures.record([failure(0, f"key-{n}") for n in range(3)])
    cursor = (await failures.list_page("job-1", limit=1)).cursor or ""
    with pytest.raises(InvalidCursor):
        await failures.list_page("job-2", limit=1, cursor=cursor)
    for invalid in invalid_cursors(cursor):
        with pytest.raises(InvalidCursor):
            await failures.list_page("job-1", limit=1, cursor=invalid)
