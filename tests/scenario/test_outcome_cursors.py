"""A cursor of a job's outcomes continues that list, and no other."""

from typing import Any

import pytest
from invalid_cursors import invalid_cursors

from application.jobs.outcome_pages import WantedOutcomes
from domain.outcome import OutcomeKind
from ports.paging import InvalidCursor


async def test_a_cursor_is_of_one_job_and_one_outcome(story: Any) -> None:
    story.put(*(f"{number}.jpg" for number in range(5)))
    first = await story.sync()
    second = await story.sync(retrigger=True)
    pages = story.use_cases.outcome_pages()
    page = await pages.page(
        first.job_id, WantedOutcomes(kind=OutcomeKind.PUT), limit=2, cursor=None
    )
    assert page.cursor is not None
    following = await pages.page(
        first.job_id, WantedOutcomes(kind=OutcomeKind.PUT), limit=9, cursor=page.cursor
    )
    assert len(page.items) + len(following.items) == 5
    for job_id, kind in ((second.job_id, OutcomeKind.PUT), (first.job_id, OutcomeKind.FAILED)):
        with pytest.raises(InvalidCursor):
            await pages.page(job_id, WantedOutcomes(kind=kind), limit=2, cursor=page.cursor)
    for invalid in invalid_cursors(page.cursor):
        with pytest.raises(InvalidCursor):
            await pages.page(
                first.job_id, WantedOutcomes(kind=OutcomeKind.PUT), limit=2, cursor=invalid
            )
