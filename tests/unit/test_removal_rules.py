"""The rules of removals: which syncs are compared, the guard, moved objects, rows and states."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.connector import Bucket, Connector, ConnectorStatus, Ingest
from domain.errors import IllegalTransition, InvalidManifest, LeaseLost, NotConfirmable
from domain.file_types import FileFilter
from domain.filters import Filters
from domain.key_source import KeySource, SourceKind
from domain.lease import Lease
from domain.leased_work import lease_work
from domain.moved_objects import MoveFinder
from domain.outcome import Outcome, OutcomeKind
from domain.outcome_index import IndexedObject, Listed
from domain.presence import just_before
from domain.removal_rows import (
    HEADER,
    RemovalRow,
    RemovalState,
    decode_removal,
    encode_removal,
    gone_row,
    row_of,
)
from domain.removal_rules import guard_reason, removals_of, scope_of
from domain.removal_settings import Removals, removal_issues
from domain.removal_work import (
    REMOVAL_TRANSITIONS,
    WANTED,
    BaselineSet,
    ComparisonBegan,
    GuardPassed,
    GuardStopped,
    RemovalCounts,
    RemovalEvent,
    RemovalsChecked,
    RemovalsConfirmed,
    RemovalsGivenUp,
    RemovalsOvertaken,
    RemovalStatus,
    confirm_removals,
    evolve_removals,
)
from domain.sync_request import SyncOptions, SyncRequest

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = Removals(max_share=Decimal("0.05"), max_count=1_000, min_count=10)
CONNECTOR = Connector(
    connector_id="c",
    bucket=Bucket(name="b"),
    prefixes=("a/", "b/"),
    status=ConnectorStatus.ENABLED,
    created_at=NOW,
    removals=SETTINGS,
)
WHOLE = SyncOptions(prefixes=("a/", "b/"))
EVENTS: list[Any] = [
    BaselineSet(reason="why"),
    ComparisonBegan(),
    GuardPassed(),
    GuardStopped(reason="why"),
    RemovalsConfirmed(at=NOW),
    RemovalsChecked(),
    RemovalsOvertaken(reason="why"),
    RemovalsGivenUp(reason="why"),
]
KEYS = st.text(min_size=1, max_size=6).filter(lambda key: key.isprintable() or "\n" in key)


def a_row(key: str, e_tag: str | None = "e", size: int | None = 1) -> RemovalRow:
    return RemovalRow(key=key, e_tag=e_tag, size_bytes=size, last_seen_in="job-1")


def test_a_whole_sync_is_compared() -> None:
    assert removals_of(CONNECTOR, WHOLE) == SETTINGS
    assert removals_of(replace(CONNECTOR, removals=None), WHOLE) is None


@pytest.mark.parametrize(
    "narrowed",
    [
        {"prefixes": ("a/",)},
        {"prefixes": ("a/", "b/c/")},
        {"modified_since": NOW},
        {"include": ("*.mov",)},
        {"exclude": ("*.mov",)},
        {"filters": Filters(size_min=1)},
        {"source": KeySource(kind=SourceKind.MANIFEST, bucket_name="x", key="y")},
        {"dry_run": True},
    ],
)
def test_a_narrowed_sync_is_not_compared(narrowed: dict[str, Any]) -> None:
    assert removals_of(CONNECTOR, replace(WHOLE, **narrowed)) is None


def test_a_scope_is_that_of_bucket_prefixes_and_filters() -> None:
    request = SyncRequest(connector_id="c", bucket=Bucket(name="b"), options=WHOLE)
    others = [
        replace(request, bucket=Bucket(name="other")),
        replace(request, options=replace(WHOLE, prefixes=("a/",))),
        replace(request, filters=Filters(size_min=1)),
        replace(request, ingest=Ingest(file_filter=FileFilter(extensions=("mov",)))),
    ]
    scopes = {scope_of(each) for each in (request, *others)}
    assert len(scopes) == 1 + len(others)
    equal = replace(request, options=replace(WHOLE, retrigger=True), connector_id="other")
    assert scope_of(equal) == scope_of(request)


@pytest.mark.parametrize(
    ("before", "missing", "stops"),
    [
        (0, 0, False),
        (1_000, 0, False),
        (1_000, 50, False),
        (1_000, 51, True),
        (20, 9, False),
        (20, 10, True),
        (3, 3, True),
        (1, 1, True),
        (100_000, 1_000, False),
        (100_000, 1_001, True),
    ],
)
def test_the_guard(before: int, missing: int, stops: bool) -> None:
    reason = guard_reason(SETTINGS, before=before, missing=missing)
    assert (reason is not None) == stops


def test_the_guard_cannot_be_switched_off_for_a_bucket_that_is_empty() -> None:
    wide = Removals(max_share=Decimal(1), max_count=10**12, min_count=10**12)
    assert guard_reason(wide, before=5, missing=4) is None
    assert guard_reason(wide, before=5, missing=5) == (
        "none of the 5 objects that were seen before is left"
    )


def test_what_settings_may_be() -> None:
    assert removal_issues(None) == removal_issues(SETTINGS) == []
    wrong = Removals(max_share=Decimal("1.01"), max_count=-1, min_count=10**13)
    assert [issue.path for issue in removal_issues(wrong)] == [
        "removals.maxShare",
        "removals.maxCount",
        "removals.minCount",
    ]


@pytest.mark.parametrize("status", RemovalStatus)
@pytest.mark.parametrize("event", EVENTS)
def test_only_what_the_table_has_may_follow(status: RemovalStatus, event: Any) -> None:
    work = replace(WANTED, status=status)
    following = REMOVAL_TRANSITIONS[status].get(type(event))
    if following is None:
        with pytest.raises(IllegalTransition):
            evolve_removals(work, event)
    else:
        assert evolve_removals(work, event).status is following


def test_every_event_is_tested() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(RemovalEvent))


def test_only_what_was_stopped_is_confirmed_and_at_the_number_that_was_shown() -> None:
    stopped = replace(
        WANTED, status=RemovalStatus.STOPPED, counts=RemovalCounts(missing=7), reason="why"
    )
    confirmed = confirm_removals(stopped, expected=7, now=NOW)
    assert (confirmed.status, confirmed.confirmed_at) == (RemovalStatus.CHECKING, NOW)
    assert confirm_removals(confirmed, expected=7, now=NOW + timedelta(1)) is confirmed
    with pytest.raises(NotConfirmable, match="7 objects are missing, and 8 were confirmed"):
        confirm_removals(stopped, expected=8, now=NOW)
    for status in set(RemovalStatus) - {RemovalStatus.STOPPED}:
        with pytest.raises(NotConfirmable, match=status.value):
            confirm_removals(replace(stopped, status=status), expected=7, now=NOW)
    with pytest.raises(NotConfirmable):
        confirm_removals(None, expected=0, now=NOW)


def test_one_invocation_at_a_time_has_the_lease() -> None:
    first = lease_work(WANTED, token="a", now=NOW, lease_s=60)
    assert first.attempts.count == 1
    assert not first.needs_engine(NOW)
    with pytest.raises(LeaseLost):
        lease_work(first, token="b", now=NOW, lease_s=60)
    later = NOW + timedelta(seconds=60)
    assert first.needs_engine(later)
    second = lease_work(first, token="b", now=later, lease_s=60)
    assert second.lease == Lease(token="b", expires_at=later + timedelta(seconds=60))
    assert (second.attempts.count, second.held_by("a", later)) == (2, False)
    for status in (RemovalStatus.STOPPED, RemovalStatus.DONE, RemovalStatus.GIVEN_UP):
        with pytest.raises(LeaseLost):
            lease_work(replace(WANTED, status=status), token="a", now=NOW, lease_s=60)


@given(
    key=KEYS,
    texts=st.tuples(*[st.none() | KEYS] * 5),
    size=st.none() | st.integers(min_value=0),
    state=st.sampled_from(RemovalState),
)
def test_a_row_is_read_back(
    key: str, texts: tuple[str | None, ...], size: int | None, state: RemovalState
) -> None:
    names = ("e_tag", "asset_id", "inventory_id", "new_key", "event_id")
    row = RemovalRow(
        key=key,
        state=state,
        size_bytes=size,
        last_seen_in="job-ü,1",
        **dict(zip(names, texts, strict=True)),  # type: ignore[arg-type] # None or text
    )
    line = encode_removal(row)
    assert line.count(b"\n") == 1
    assert line.count(b",") == HEADER.count(b",")
    assert decode_removal(line) == row


@pytest.mark.parametrize("line", [b"", HEADER, b"a,REMOVED,,x,,,job,,", b"a,GONE,,,,,job,,", b"a"])
def test_another_line_is_no_row(line: bytes) -> None:
    with pytest.raises(InvalidManifest):
        decode_removal(line)


def test_a_row_has_what_the_sync_wrote_last() -> None:
    listed = IndexedObject(key="k", listed=Listed(size_bytes=5, e_tag="listed"))
    assert row_of(listed, job_id="job-1") == RemovalRow(
        key="k", e_tag="listed", size_bytes=5, last_seen_in="job-1"
    )
    outcome = Outcome(
        key="k",
        kind=OutcomeKind.COPIED,
        reason="NO_IDS",
        e_tag="copied",
        asset_id="a",
        inventory_id="i",
    )
    assert row_of(replace(listed, outcome=outcome), job_id="job-1") == RemovalRow(
        key="k",
        e_tag="copied",
        size_bytes=5,
        asset_id="a",
        inventory_id="i",
        last_seen_in="job-1",
    )


def test_an_event_id_is_of_one_disappearance() -> None:
    row = a_row("k")

    def event_id(row: RemovalRow, connector: str = "c", created: datetime = NOW) -> str | None:
        return gone_row(row, None, connector_id=connector, connector_created_at=created).event_id

    others = {
        event_id(row),
        event_id(a_row("l")),
        event_id(replace(row, last_seen_in="job-2")),
        event_id(row, connector="d"),
        event_id(row, created=NOW + timedelta(1)),
    }
    assert len(others) == 5
    moved = gone_row(row, "new", connector_id="c", connector_created_at=NOW)
    assert (moved.event_id, moved.state, moved.new_key) == (
        event_id(row),
        RemovalState.MOVED,
        "new",
    )


@pytest.mark.parametrize(
    ("removed", "added", "moves"),
    [
        pytest.param(["a/x"], ["b/x"], {"a/x": "b/x"}, id="to another folder"),
        pytest.param(["a/x"], ["a/y"], {"a/x": "a/y"}, id="to another name"),
        pytest.param(["a/x"], [], {}, id="gone"),
        pytest.param(["a/x"], ["b/x", "c/x"], {}, id="two copies of one name"),
        pytest.param(["a/x", "b/x"], ["c/x"], {}, id="two of one name, of which one is left"),
        pytest.param(["a/x"], ["b/x", "b/y"], {"a/x": "b/x"}, id="the name decides"),
        pytest.param(["a/x"], ["b/y", "b/z"], {}, id="two copies of other names"),
        pytest.param(
            ["a/x", "a/y"], ["b/y", "b/x"], {"a/x": "b/x", "a/y": "b/y"}, id="a folder of copies"
        ),
        pytest.param(
            ["a/x", "a/y"], ["b/x", "b/z"], {"a/x": "b/x", "a/y": "b/z"}, id="what is left"
        ),
        pytest.param(["a/x", "a/y"], ["b/z"], {}, id="one of two"),
    ],
)
def test_moved_objects(removed: list[str], added: list[str], moves: dict[str, str]) -> None:
    assert moves_of(map(a_row, removed), map(a_row, added)) == moves


@pytest.mark.parametrize(("e_tag", "size"), [(None, 1), ("e", None), ("e", 0)])
def test_what_says_nothing_of_the_content_is_not_matched(
    e_tag: str | None, size: int | None
) -> None:
    assert moves_of([a_row("a/x", e_tag, size)], [a_row("b/x", e_tag, size)]) == {}


def test_other_content_is_not_matched() -> None:
    for other in (a_row("b/x", "other"), a_row("b/x", size=2)):
        assert moves_of([a_row("a/x")], [other]) == {}


ROWS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.sampled_from("12")),
    unique_by=lambda row: row[:2],
)


@given(ROWS, ROWS)
def test_moves_are_those_that_an_enumeration_of_all_pairs_finds(
    removed: list[tuple[str, str, str]], added: list[tuple[str, str, str]]
) -> None:
    olds = [a_row(f"old{folder}/{name}", content) for folder, name, content in removed]
    news = [a_row(f"new{folder}/{name}", content) for folder, name, content in added]
    assert moves_of(olds, news) == enumerated_moves(olds, news)


def moves_of(removed: Any, added: Any) -> dict[str, str]:
    finder = MoveFinder()
    for row in removed:
        finder.remove(row)
    for row in added:
        finder.add(row)
    return finder.moves()


def enumerated_moves(olds: list[RemovalRow], news: list[RemovalRow]) -> dict[str, str]:
    """First all pairs of equal content and name, then of what is left those of equal content."""
    found: dict[str, str] = {}
    for by_name in (True, False):
        pairs = [
            (old.key, new.key)
            for old in olds
            for new in news
            if old.key not in found
            and new.key not in found.values()
            and old.e_tag == new.e_tag
            and (not by_name or old.key.split("/")[-1] == new.key.split("/")[-1])
        ]
        left, right = Counter(old for old, _ in pairs), Counter(new for _, new in pairs)
        found |= {old: new for old, new in pairs if left[old] == 1 and right[new] == 1}
    return found


@given(KEYS, st.sampled_from(["", "a", "a/"]))
def test_a_listing_from_just_before_a_key_has_the_key(text: str, prefix: str) -> None:
    key = prefix + text
    start = just_before(key, prefix)
    assert start is None or prefix < start < key
    assert start is None or len(start.encode()) <= len(key.encode())


def test_few_keys_are_before_a_key() -> None:
    assert just_before("a/10", "a/") == "a/1/"
    assert just_before("a/\ue000", "a/") == "a/\ud7ff"
    assert just_before("a/\x20", "a/") is None
    assert just_before("a/b\x00", "a/") == "a/b"
