"""A forged cursor is refused, or moves within its list; it causes no other error."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.connector import Bucket, Connector, ConnectorStatus, Ingest
from domain.failure import Failure
from ports.paging import InvalidCursor, Page

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LISTS: dict[str, Callable[[Any, str | None], Awaitable[Page[Any]]]] = {
    "jobs": lambda state, cursor: state.jobs.list_page(limit=2, cursor=cursor),
    "a connector's jobs": lambda state, cursor: state.jobs.list_page(
        connector_id="con-1", limit=2, cursor=cursor
    ),
    "connectors": lambda state, cursor: state.connectors.list_page(limit=2, cursor=cursor),
    "chunks": lambda state, cursor: state.chunks.list_page("job-0", limit=2, cursor=cursor),
    "failures": lambda state, cursor: state.failures.list_page("job-0", limit=2, cursor=cursor),
}
NUMBERS: list[Any] = [-1, 0, 10**15, 10**37, 10**38, 10**300, -(10**200), True, 1.5, float("nan")]
TEXTS: list[Any] = ["", "x", "\ud800", "\0", "ü" * 512, "x" * 1_025, "x" * 3_000]
OTHERS: list[Any] = [None, [], {}, [[1]]]


async def fill(state: Any, make_job: Any, make_chunk: Any) -> None:
    """Put three of each into the lists."""
    for number in range(3):
        job = await state.jobs.create(make_job(f"job-{number}", f"{number}/", age=number))
        if number == 0:
            await state.chunks.add(job, [make_chunk(n, job_id="job-0") for n in range(3)])
        await state.connectors.create(
            Connector(
                connector_id=f"con-{number}",
                bucket=Bucket(name="media"),
                prefixes=(),
                status=ConnectorStatus.ENABLED,
                ingest=Ingest(),
                created_at=NOW,
            )
        )
    await state.failures.record(
        [
            Failure(
                job_id="job-0",
                error_id=f"error-{number}",
                error_class="X",
                message="x",
                occurred_at=NOW,
            )
            for number in range(3)
        ]
    )


def forged(true_cursor: str) -> list[str]:
    """Return cursors of the same list with other positions, and invalid text."""
    name, *position = json.loads(base64.urlsafe_b64decode(true_cursor))
    values = [[name]]
    values += [
        [name, *position[:index], part, *position[index + 1 :]]
        for index in range(len(position))
        for part in (*NUMBERS, *TEXTS, *OTHERS)
    ]
    values += [[name, *position, "more"], [name, *reversed(position)], [*position]]
    texts = [json.dumps(value) for value in values]
    texts += ["[" * 2_500 + "]" * 2_500, "[" * 100_000, "1" * 5_000, json.dumps({name: position})]
    return [base64.urlsafe_b64encode(text.encode()).decode() for text in texts]


@pytest.mark.parametrize("name", LISTS)
async def test_a_forged_cursor_causes_no_other_error(
    state: Any, make_job: Any, make_chunk: Any, name: str
) -> None:
    await fill(state, make_job, make_chunk)
    true_cursor = (await LISTS[name](state, None)).cursor
    assert true_cursor is not None
    refused = 0
    for cursor in forged(true_cursor):
        try:
            page = await LISTS[name](state, cursor)
        except InvalidCursor:
            refused += 1
        else:
            assert len(page.items) <= 2
    assert refused > 10
