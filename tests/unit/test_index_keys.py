"""The key of an index's row, taken without parsing the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.results_store import MemoryResultsStore
from application.results.outcome_index import IndexReader, write_index
from domain.errors import InvalidManifest
from domain.outcome import Outcome, OutcomeKind
from domain.outcome_index import IndexedObject, Listed, encode_object, key_of_row

KEYS = st.text(min_size=1, max_size=12) | st.sampled_from(
    ['a", "b', 'a\\", \\"', '"', "\\", '", "', "a\nb", "\U0001f600", "ü"]
)


@st.composite
def indexed_objects(draw: st.DrawFn) -> IndexedObject:
    key = draw(KEYS)
    outcome = Outcome(key=key, kind=OutcomeKind.PUT, reason=draw(KEYS))
    listed = Listed(size_bytes=draw(st.none() | st.just(1)), e_tag=draw(st.none() | KEYS))
    return IndexedObject(key=key, listed=listed, outcome=draw(st.none() | st.just(outcome)))


@given(indexed_objects())
def test_the_key_of_a_row(item: IndexedObject) -> None:
    assert key_of_row(encode_object(item).rstrip(b"\n")) == item.key


@pytest.mark.parametrize(
    "row", [b"", b"{}", b'{"key": 1}', b'{"key": "\\x", "a": 1}', b'{"k": "a"}']
)
def test_another_line_is_no_row(row: bytes) -> None:
    with pytest.raises(InvalidManifest):
        key_of_row(row)


@given(st.sets(KEYS, max_size=12), st.none() | KEYS)
async def test_rows_are_those_of_the_objects(keys: set[str], after: str | None) -> None:
    results = MemoryResultsStore()
    items = [IndexedObject(key=key) for key in sorted(keys)]
    await write_index(results, "job-1", 0, items, block_bytes=40)
    reader = IndexReader(results=results)
    found = [
        (key, reader.decode("job-1", row))
        async for key, row in reader.rows("job-1", 0, after=after)
    ]
    expected = [item async for item in reader.objects("job-1", 0, after=after)]
    assert found == [(item.key, item) for item in expected]
    assert [key for key, _ in found] == sorted(k for k in keys if after is None or k > after)
