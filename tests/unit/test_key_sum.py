"""The sum over keys: equal for the same keys in any order, and for no other keys."""

from __future__ import annotations

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from domain.key_sum import may_be_equal, with_key

KEYS = st.lists(st.text(max_size=3), max_size=6)


def sum_of(keys: list[str]) -> int | None:
    return reduce(with_key, keys, 0)


@given(keys=KEYS, others=KEYS)
def test_sums_are_equal_if_the_keys_are(keys: list[str], others: list[str]) -> None:
    assert may_be_equal(sum_of(keys), sum_of(others)) is (sorted(keys) == sorted(others))


@given(keys=KEYS, data=st.data())
def test_the_order_makes_no_difference(keys: list[str], data: st.DataObject) -> None:
    assert sum_of(keys) == sum_of(data.draw(st.permutations(keys)))


def test_any_key_has_a_sum_that_a_table_can_hold() -> None:
    for key in ("", "\udcff", "ü" * 512):
        found = sum_of([key] * 1_000)
        assert found is not None
        assert 0 <= found < 2**120 < 10**38


def test_an_unknown_sum_stays_unknown_and_is_not_a_difference() -> None:
    assert with_key(0, None) is None
    assert with_key(None, "a") is None
    assert may_be_equal(None, 1)
    assert may_be_equal(1, None)
    assert not may_be_equal(0, 1)
