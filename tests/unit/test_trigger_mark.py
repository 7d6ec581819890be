"""The value of the service's own tag, and its effect."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.customer_object import ObjectHead
from domain.limits import OBJECT_TAG_VALUE_CHARS_MAX
from domain.trigger_mark import (
    History,
    Patience,
    QueueView,
    TriggerMark,
    changed_since,
    history_of,
    is_marked_elsewhere,
    mark_of,
    mark_value,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DAY = timedelta(days=1)
PATIENCE = Patience(grace=DAY, trigger_count_max=3)
HEAD = ObjectHead(key="k", size_bytes=1, e_tag="after", last_modified=NOW)


def mark(
    *, attempts: int = 1, at: datetime | None = NOW, e_tag: str | None = "before"
) -> TriggerMark:
    return TriggerMark(
        job_id="job-1", action="PUT", attempts=attempts, triggered_at=at, e_tag=e_tag
    )


def value(*, bucket_name: str = "b", key: str = "k", e_tag: str = "before") -> str:
    return mark_value(
        job_id="job-1",
        action="PUT",
        attempts=2,
        triggered_at=NOW,
        e_tag=e_tag,
        bucket_name=bucket_name,
        key=key,
    )


def test_a_mark_is_read_back_under_its_own_key_alone() -> None:
    tags = {"SyncJobID": value()}
    assert mark_of(tags, bucket_name="b", key="k") == mark(attempts=2)
    # S3 copies an object together with its tags.
    assert mark_of(tags, bucket_name="b", key="copy of k") is None
    assert mark_of(tags, bucket_name="c", key="k") is None
    assert is_marked_elsewhere(tags, bucket_name="b", key="copy of k")
    assert not is_marked_elsewhere(tags, bucket_name="b", key="k")
    assert not is_marked_elsewhere({"SyncJobID": "job-1"}, bucket_name="b", key="k")
    assert not is_marked_elsewhere({}, bucket_name="b", key="k")


@pytest.mark.parametrize(
    ("text", "job_id"),
    [
        ("", None),
        ("job-01M83AKNDFW1QQKQDF607X4KX9", "job-01M83AKNDFW1QQKQDF607X4KX9"),
        ("some/thing", None),
        ("job-1/PUT/x/20260102T030405Z/00000000/e", None),
        (value().replace("20260102T030405Z", "20261302T030405Z"), None),
    ],
)
def test_other_values(text: str, job_id: str | None) -> None:
    found = mark_of({"SyncJobID": text}, bucket_name="b", key="k")
    assert (found and found.job_id) == job_id
    assert found is None or (found.attempts, found.triggered_at) == (1, None)


@given(key=st.text(max_size=1024), e_tag=st.text(max_size=200))
def test_every_value_is_a_valid_tag_value(key: str, e_tag: str) -> None:
    text = value(key=key, e_tag=e_tag)
    assert len(text) <= OBJECT_TAG_VALUE_CHARS_MAX
    assert set(text) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-=._:/@ "
    )
    found = mark_of({"SyncJobID": text}, bucket_name="b", key=key)
    assert found is not None
    later = replace(HEAD, key=key, e_tag=e_tag, last_modified=NOW + DAY)
    assert not changed_since(found, later)


@pytest.mark.parametrize(
    ("found", "modified_after", "e_tag", "changed"),
    [
        # Triggers `event` and `queue` write only tags.
        (mark(), -DAY, "before", False),
        # A copy may change the ETag; its time is about that in the tag.
        (mark(), timedelta(minutes=14), "after", False),
        (mark(), timedelta(minutes=16), "after", True),
        # Metadata was edited, or tags were: the content is the same.
        (mark(), DAY, "before", False),
        (mark(at=None, e_tag=None), DAY, "after", False),
    ],
)
def test_what_counts_as_a_change(
    found: TriggerMark, modified_after: timedelta, e_tag: str, changed: bool
) -> None:
    head = replace(HEAD, last_modified=NOW + modified_after, e_tag=e_tag)
    assert changed_since(found, head) is changed


@pytest.mark.parametrize(
    ("found", "patience", "waited", "history"),
    [
        (None, PATIENCE, DAY, History.NEW),
        (mark(), PATIENCE, DAY - timedelta(seconds=1), History.WAITING),
        (mark(attempts=3), PATIENCE, timedelta(0), History.WAITING),
        (mark(), PATIENCE, DAY, History.DUE),
        (mark(attempts=2), PATIENCE, DAY, History.DUE),
        (mark(attempts=3), PATIENCE, DAY, History.EXHAUSTED),
        (mark(attempts=4), PATIENCE, DAY, History.EXHAUSTED),
        (mark(attempts=3), replace(PATIENCE, retrigger=True), timedelta(0), History.NEW),
        # The queue has not been seen empty since: the message may still be in it.
        (mark(), replace(PATIENCE, queue=QueueView(known=True)), 9 * DAY, History.WAITING),
        (
            mark(),
            replace(PATIENCE, queue=QueueView(known=True, empty_at=NOW)),
            9 * DAY,
            History.WAITING,
        ),
        (
            mark(),
            replace(PATIENCE, queue=QueueView(known=True, empty_at=NOW + timedelta(seconds=1))),
            9 * DAY,
            History.DUE,
        ),
        # An empty queue does not end the grace period, because the ingest takes time.
        (
            mark(),
            replace(PATIENCE, queue=QueueView(known=True, empty_at=NOW + timedelta(seconds=1))),
            timedelta(hours=1),
            History.WAITING,
        ),
        # A mark of version 0.1 has no time: nothing is waited for.
        (mark(at=None, e_tag=None), PATIENCE, timedelta(0), History.DUE),
        (
            mark(at=None, e_tag=None),
            replace(PATIENCE, queue=QueueView(known=True)),
            timedelta(0),
            History.DUE,
        ),
    ],
)
def test_the_state_of_a_triggered_object(
    found: TriggerMark | None, patience: Patience, waited: timedelta, history: History
) -> None:
    assert history_of(found, HEAD, patience, NOW + waited) is history


def test_a_new_upload_starts_from_the_beginning() -> None:
    overwritten = replace(HEAD, last_modified=NOW + DAY)
    assert history_of(mark(attempts=3), overwritten, PATIENCE, NOW + 2 * DAY) is History.NEW
