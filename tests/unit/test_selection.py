"""Prefixes, globs and packing: which objects, and in which chunks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.manifest import ManifestEntry
from domain.outcome import Outcome, OutcomeKind
from domain.packing import OUTCOMES_PER_ENTRY, ChunkDraft, ChunkSizing, fitting_count
from domain.prefixes import check, normalise, overlap, within
from domain.selection import Selection, is_folder_marker

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHORT = st.text("ab/", max_size=4)
PREFIXES = st.lists(SHORT, max_size=6)


def entry(key: str, size: int | None = 1, modified: datetime | None = NOW) -> ManifestEntry:
    return ManifestEntry(key=key, size_bytes=size, last_modified=modified)


def covered(key: str, prefixes: list[str] | tuple[str, ...]) -> bool:
    return not prefixes or any(key.startswith(prefix) for prefix in prefixes)


# Prefixes.


@given(PREFIXES, SHORT)
def test_normalised_prefixes_cover_the_same_keys(prefixes: list[str], key: str) -> None:
    assert covered(key, normalise(prefixes)) == covered(key, prefixes)


@given(PREFIXES, SHORT)
def test_no_key_is_under_two_normalised_prefixes(prefixes: list[str], key: str) -> None:
    assert sum(key.startswith(prefix) for prefix in normalise(prefixes)) <= 1


@given(PREFIXES)
def test_normalised_prefixes_are_sorted_and_normalising_is_idempotent(prefixes: list[str]) -> None:
    normal = normalise(prefixes)
    assert list(normal) == sorted(normal, key=str.encode)
    assert normalise(normal) == normal


@given(PREFIXES, PREFIXES, SHORT)
def test_lists_that_do_not_overlap_have_no_key_in_common(
    left: list[str], right: list[str], key: str
) -> None:
    assert overlap(left, right) == overlap(right, left)
    if covered(key, left) and covered(key, right):
        assert overlap(left, right)


@given(SHORT, PREFIXES, SHORT)
def test_what_is_within_is_covered(prefix: str, allowed: list[str], rest: str) -> None:
    if within(prefix, allowed):
        assert covered(prefix + rest, allowed)


def test_each_wrong_prefix_is_named() -> None:
    faults = check(["a/", "", "a/b", "x" * 1025, "ü" * 513], path="prefixes")
    assert [fault.path for fault in faults] == [
        "prefixes.1",
        "prefixes.3",
        "prefixes.4",
        "prefixes.2",
    ]
    assert check(["a/", "b/", "x" * 1024], path="prefixes") == []
    assert [f.path for f in check(["a", "a"], path="p")] == ["p.1"]


# Selected objects.


def test_exclude_wins_over_include() -> None:
    selection = Selection.of(["*.jpg", "x/**"], ["*draft*"], None)
    keys = ["a.jpg", "a draft.jpg", "x/a.txt", "a.txt"]
    assert [key for key in keys if selection.selects(entry(key))] == ["a.jpg", "x/a.txt"]


def test_modified_since_includes_objects_older_by_the_margin() -> None:
    day = timedelta(days=1)
    selection = Selection.of([], [], NOW, day)
    assert selection.selects(entry("a", modified=NOW - day))
    assert not selection.selects(entry("a", modified=NOW - day - timedelta.resolution))
    assert not selection.selects(entry("a", modified=None))
    # Every time is valid.
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert Selection.of([], [], first, day).selects(entry("a"))
    assert not Selection.of([], [], last, day).selects(entry("a"))
    assert Selection.of([], [], last, day).selects(entry("a", modified=last))


def test_modified_since_includes_its_own_time() -> None:
    selection = Selection.of([], [], NOW)
    assert selection.selects(entry("a"))
    assert not selection.selects(entry("a", modified=NOW.replace(year=2025)))
    assert not selection.selects(entry("a", modified=None))


@pytest.mark.parametrize(
    ("key", "size", "marker"), [("a/", 0, True), ("a/", 1, False), ("a", 0, False), ("/", 0, True)]
)
def test_folder_markers(key: str, size: int, marker: bool) -> None:
    assert is_folder_marker(entry(key, size)) is marker
    assert Selection.of([], [], None).selects(entry(key, size)) is not marker


# Packing.


def pack(entries: list[ManifestEntry], sizing: ChunkSizing) -> list[ChunkDraft]:
    drafts = [ChunkDraft()]
    for each in entries:
        if drafts[-1].would_overflow(each, sizing):
            drafts.append(ChunkDraft())
        drafts[-1].add(each, sizing)
    return drafts


SIZES = st.lists(st.none() | st.integers(0, 3_000), min_size=1, max_size=40)


@given(SIZES)
def test_chunks_keep_to_their_ceilings(sizes: list[int | None]) -> None:
    sizing = ChunkSizing(
        object_count_max=7, bytes_max=2_000, work_target_s=1.0, copied_bytes_per_s=2_000.0
    )
    entries = [entry(str(number), size) for number, size in enumerate(sizes)]
    drafts = pack(entries, sizing)
    assert [each for draft in drafts for each in draft.entries] == entries
    for draft in drafts:
        assert 1 <= draft.object_count <= 7
        if len(draft.entries) > 1:
            assert draft.size_bytes <= 2_000
            assert draft.work_s <= 1.0 + 1e-9
    for draft, following in pairwise(drafts):
        assert draft.would_overflow(following.entries[0], sizing)


def test_known_outcomes_weigh_a_tenth() -> None:
    sizing = ChunkSizing(object_count_max=3)
    draft = ChunkDraft()
    outcome = Outcome(key="k", kind=OutcomeKind.SKIPPED, reason="r")
    while not draft.would_overflow(None, sizing):
        draft.outcomes.append(outcome)
    assert len(draft.outcomes) == 3 * OUTCOMES_PER_ENTRY
    assert draft.would_overflow(entry("a"), sizing)


@given(
    st.lists(st.integers(0, 400), max_size=40),
    st.integers(1, 6),
    st.integers(1, 5),
)
def test_the_entries_that_fit_are_those_of_the_first_chunks(
    sizes: list[int], chunk_count: int, object_count: int
) -> None:
    sizing = ChunkSizing(
        object_count_max=object_count, bytes_max=500, work_target_s=4.0, copied_bytes_per_s=100.0
    )
    entries = [
        ManifestEntry(key=f"{number:03}", size_bytes=size, last_modified=None)
        for number, size in enumerate(sizes)
    ]
    packed = pack(entries, sizing) if entries else []
    wanted = sum(len(draft.entries) for draft in packed[:chunk_count])
    assert fitting_count(entries, sizing, chunk_count) == wanted
