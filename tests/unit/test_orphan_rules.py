"""The rules of orphans: rows, which records are in scope, states, and the comparison of keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.engine.compare_records import ListedKeys
from domain.catalog import CatalogRecord
from domain.errors import IllegalTransition, InvalidManifest, LeaseLost, NotSearchable
from domain.lease import Lease
from domain.leased_work import lease_work
from domain.listing import RowUpload
from domain.orphan_rows import (
    HEADER,
    OrphanRow,
    decode_orphan,
    encode_orphan,
    encode_sorted,
    report_line,
    row_of_record,
    sorted_key,
)
from domain.orphan_work import (
    ORPHAN_TRANSITIONS,
    OrphanCounts,
    OrphansChecked,
    OrphanStatus,
    OrphanWork,
    RecordsCompared,
    RecordsScanned,
    ScanBegan,
    SearchGivenUp,
    check_again,
    compare_again,
    evolve_orphans,
    want_orphans,
)
from domain.prefixes import listed_prefixes
from domain.snapshot import Segment
from domain.sorted_run import Run

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WANTED = OrphanWork(requested_at=NOW)

KEYS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0\1\n\rab/,\"'%\u00e9\U0001f600"),
    min_size=1,
    max_size=6,
)
ROWS = st.builds(
    OrphanRow,
    key=KEYS,
    inventory_id=KEYS,
    asset_id=st.none() | KEYS,
    e_tag=st.none() | KEYS,
    size_bytes=st.none() | st.integers(min_value=0, max_value=2**45),
    last_modified=st.none() | st.just(NOW),
)


@given(ROWS)
def test_rows_are_lines(row: OrphanRow) -> None:
    line = encode_orphan(row)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert line.count(b",") == HEADER.count(b",")
    assert decode_orphan(line[:-1]) == row


@given(st.lists(ROWS))
def test_sorted_rows_are_in_the_order_of_their_keys(rows: list[OrphanRow]) -> None:
    lines = sorted(encode_sorted(row)[:-1] for row in rows)
    keys = [sorted_key(line) for line in lines]
    assert keys == sorted(row.key for row in rows)
    found = [report_line(key, line) for key, line in zip(keys, lines, strict=True)]
    assert sorted(found) == sorted(encode_orphan(row) for row in rows)


@pytest.mark.parametrize("line", [b"", b"a,b", b"a,b,c,d,x,", b"a,b,c,d,1,now", b"%ff,b,c,d,1,"])
def test_other_lines_are_refused(line: bytes) -> None:
    with pytest.raises(InvalidManifest):
        decode_orphan(line)


@given(st.lists(KEYS), st.lists(KEYS))
def test_what_was_not_listed_is_the_difference(records: list[str], listed: list[str]) -> None:
    async def keys() -> AsyncIterator[str]:
        for key in sorted(set(listed)):
            yield key

    async def unlisted() -> list[str]:
        found = ListedKeys(keys())
        return [key for key in sorted(records) if not await found.has(key)]

    assert asyncio.run(unlisted()) == sorted(key for key in records if key not in listed)


@pytest.mark.parametrize(
    ("path", "prefixes", "key"),
    [
        ("media:a/b.mov", (), "a/b.mov"),
        ("media:a/b.mov", ("a/", "c/"), "a/b.mov"),
        ("media:a:b", (), "a:b"),
        ("media:b/b.mov", ("a/", "c/"), None),
        ("media-2:a/b.mov", (), None),
        ("other:media:a", (), None),
        ("media:", (), None),
        ("media", (), None),
        (None, (), None),
    ],
)
def test_the_scope(path: str | None, prefixes: tuple[str, ...], key: str | None) -> None:
    record = CatalogRecord(inventory_id="i", asset_id="a", storage_path=path, size_bytes=3)
    row = row_of_record(record, "media", listed_prefixes(prefixes))
    expected = OrphanRow(key=key, inventory_id="i", asset_id="a", size_bytes=3) if key else None
    assert row == expected


def test_a_search_from_its_beginning_to_its_end() -> None:
    work = WANTED
    for event, status in (
        (ScanBegan(), OrphanStatus.SCANNING),
        (RecordsScanned(), OrphanStatus.COMPARING),
        (RecordsCompared(), OrphanStatus.CHECKING),
    ):
        work = evolve_orphans(work, event)
        assert (work.status, work.open) == (status, True)
    counts = OrphanCounts(orphans=3)
    runs = (Run(name="r", size_bytes=1),)
    work = evolve_orphans(replace(work, counts=counts, runs=runs), OrphansChecked())
    assert (work.status, work.open) == (OrphanStatus.DONE, False)
    assert (work.counts, work.runs) == (counts, ())
    with pytest.raises(IllegalTransition):
        evolve_orphans(work, SearchGivenUp(reason="late"))


def test_a_search_may_fail_in_every_open_state() -> None:
    for status, row in ORPHAN_TRANSITIONS.items():
        work = replace(WANTED, status=status)
        assert work.open == bool(row)
        if work.open:
            failed = evolve_orphans(work, SearchGivenUp(reason="why"))
            assert (failed.status, failed.reason) == (OrphanStatus.GIVEN_UP, "why")


def test_asking() -> None:
    with pytest.raises(NotSearchable, match="COMPLETED"):
        want_orphans(None, completed=False, now=NOW)
    assert want_orphans(None, completed=True, now=NOW) == WANTED
    assert want_orphans(WANTED, completed=True, now=NOW + timedelta(1)) is WANTED
    # A redrive in the meantime does not stop a search.
    assert want_orphans(WANTED, completed=False, now=NOW) is WANTED
    for status in (OrphanStatus.DONE, OrphanStatus.GIVEN_UP):
        again = want_orphans(replace(WANTED, status=status), completed=True, now=NOW)
        assert again == replace(WANTED, number=2)


def test_leases() -> None:
    leased = lease_work(WANTED, token="a", now=NOW, lease_s=10)
    assert leased.attempts.count == 1
    assert leased.held_by("a", NOW)
    assert not leased.held_by("b", NOW)
    assert not leased.needs_engine(NOW)
    with pytest.raises(LeaseLost, match="another invocation"):
        lease_work(leased, token="b", now=NOW, lease_s=10)
    late = NOW + timedelta(seconds=10)
    assert leased.needs_engine(late)
    assert lease_work(leased, token="b", now=late, lease_s=10).attempts.count == 2
    done = replace(WANTED, status=OrphanStatus.DONE, lease=Lease(token="a", expires_at=NOW))
    assert not done.needs_engine(late)
    with pytest.raises(LeaseLost, match="nothing is left"):
        lease_work(done, token="b", now=NOW, lease_s=10)


def test_steps_that_are_repeated_forget_only_what_they_found() -> None:
    upload = RowUpload(upload_id="u")
    work = replace(
        WANTED,
        segments=(Segment(done=True),),
        runs=(Run(name="r", size_bytes=9, merged_bytes=9),),
        after="k",
        position=7,
        counts=OrphanCounts(
            scanned=1, without_path=2, in_scope=3, unlisted=4, existing=5, orphans=6
        ),
        unlisted=upload,
        report=upload,
    )
    compared: dict[str, Any] = {"after": None, "unlisted": RowUpload()}
    assert compare_again(work) == replace(
        work,
        runs=(Run(name="r", size_bytes=9),),
        counts=replace(work.counts, unlisted=0),
        **compared,
    )
    assert check_again(work) == replace(
        work,
        position=0,
        counts=replace(work.counts, existing=0, orphans=0),
        report=RowUpload(),
    )
