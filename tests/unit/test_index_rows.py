"""The rows of an unfinished index, and the merge of its runs."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.results_store import MemoryResultsStore
from application.engine import merge_runs
from application.engine.merge_runs import RunMerge
from application.results.index_progress import run_key
from domain.errors import InvalidManifest
from domain.index_rows import (
    decode_sort_key,
    encode_row,
    encode_sort_key,
    joined,
    key_of_row,
    outcome_record,
)
from domain.outcome_index import starts_with_key
from domain.sorted_run import Run
from ports.errors import CorruptData

KEYS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0\1\2\t\n\x0b\rA"),
    min_size=1,
    max_size=6,
)


@given(KEYS, KEYS)
def test_rows_sort_as_the_bytes_of_their_keys(one: str, two: str) -> None:
    rows = sorted([encode_row(one, 7, {"a": 1}), encode_row(two, 3, {})])
    keys = [decode_sort_key(key_of_row(row)) for row in rows]
    assert [key.encode() for key in keys] == sorted([one.encode(), two.encode()])
    for row in rows:
        assert row.splitlines(keepends=True)[0].endswith(b"\n") or b"\r" in row
        assert row.count(b"\n") == 1


@given(KEYS)
def test_a_key_survives_its_encoding(key: str) -> None:
    encoded = encode_sort_key(key)
    assert decode_sort_key(encoded) == key
    assert not {0, 10} & set(encoded)


def test_rows_of_a_key_become_one_and_the_later_values_count() -> None:
    rows = sorted(
        line[:-1]
        for line in (
            encode_row("b", 5, {"reason": "LATER", "chunkIndex": 4}),
            encode_row("b", 0, {"listedSize": 3}),
            encode_row("b", 2, {"reason": "EARLIER", "chunkIndex": 1, "message": "m"}),
            encode_row("a", 0, {}),
            encode_row("b\0", 0, {"listedSize": 1}),
        )
    )
    assert [(key, json.loads(row)) for key, row in joined(rows)] == [
        ("a", {"key": "a"}),
        ("b", {"key": "b", "listedSize": 3, "reason": "LATER", "chunkIndex": 4, "message": "m"}),
        ("b\0", {"key": "b\0", "listedSize": 1}),
    ]
    for key, row in joined(rows):
        assert row.startswith(starts_with_key(key))
        assert row.endswith(b"\n")


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b'{"key": 1, "outcome": "PUT"}', b'{"key": "a"}', b"1", b"\xff"]
)
def test_a_line_that_is_no_outcome_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidManifest):
        outcome_record(line)


@given(
    st.lists(st.lists(st.tuples(KEYS, st.integers(0, 3)), max_size=30), min_size=1, max_size=5),
    st.integers(1, 60),
)
def test_a_merge_yields_all_rows_in_order_and_a_key_in_one_portion(
    runs: list[list[tuple[str, int]]], stretch_bytes: int
) -> None:
    async def check() -> None:
        results = MemoryResultsStore()
        whole: list[bytes] = []
        stored = []
        for number, rows in enumerate(runs):
            lines = sorted(encode_row(key, order, {"run": number}) for key, order in rows)
            content = b"".join(lines)
            await results.put(run_key("j", 0, str(number)), content)
            stored.append(Run(name=str(number), size_bytes=len(content)))
            whole += [line[:-1] for line in lines]

        def merge(runs: tuple[Run, ...]) -> RunMerge:
            return RunMerge(results, runs, key_of=partial(run_key, "j", 0), memory_bytes=0)

        portions = [portion async for portion in merge(tuple(stored)).portions()]
        assert [row for portion in portions for row in portion] == sorted(whole)
        keys = [{key_of_row(row) for row in portion} for portion in portions]
        assert sum(map(len, keys)) == len(set().union(*keys))

        # From any recorded position on, the rest follows.
        started = merge(tuple(stored))
        taken: list[bytes] = []
        async for portion in started.portions():
            taken += portion
            rest = [row async for more in merge(started.runs).portions() for row in more]
            assert taken + rest == sorted(whole)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge_runs, "_STRETCH_BYTES_MIN", stretch_bytes)
        asyncio.run(check())


async def test_a_run_that_is_cut_off_is_no_answer() -> None:
    results = MemoryResultsStore()
    await results.put(run_key("j", 0, "a"), encode_row("a", 0, {}))
    merge = RunMerge(
        results, [Run(name="a", size_bytes=999)], key_of=partial(run_key, "j", 0), memory_bytes=0
    )
    with pytest.raises(CorruptData):
        [portion async for portion in merge.portions()]
