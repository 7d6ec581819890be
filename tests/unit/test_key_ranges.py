"""Ranges of keys: no key is lost or doubled at any split, and guesses find the keys."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from domain.key_ranges import (
    WHOLE,
    KeyRange,
    is_within,
    split,
    split_key,
    take_page,
)
from domain.limits import NOT_IN_XML, OBJECT_KEY_BYTES_MAX
from domain.manifest import ManifestEntry

NOW = datetime(2026, 1, 1, tzinfo=UTC)

# Keys that are near to each other, to the ends of classes, and to the longest that are allowed.
NEAR = st.text(
    "09AZaz/-\u00a0\u07ff\u0800\ud7ff\ue000\ufffd\U00010000\U0010fffd\U0010ffff", max_size=4
)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
BEGINNINGS = st.sampled_from(["", "a/", "archive/2026/clip-0000", "ü" * 506 + "/", "x" * 1_019])
KEYS = st.builds(lambda beginning, rest: beginning + rest, BEGINNINGS, NEAR | ANY).filter(
    lambda key: 0 < len(key.encode()) <= OBJECT_KEY_BYTES_MAX
)


def entries(keys: Sequence[str]) -> list[ManifestEntry]:
    return [ManifestEntry(key=key, size_bytes=1, last_modified=NOW) for key in keys]


class Bucket:
    """Keys in order, some of which are delete markers: no page has those."""

    def __init__(self, keys: Sequence[str], deleted: Sequence[str] = ()) -> None:
        self.keys = sorted(set(keys), key=str.encode)
        self.deleted = frozenset(deleted)

    def page(self, keys: KeyRange, size: int) -> tuple[Sequence[ManifestEntry], KeyRange | None]:
        """Return the objects of the next page of a range, and what is left of it."""
        after = keys.token if keys.token is not None else keys.after
        rest = [key for key in self.keys if after is None or key > after]
        page = rest[:size]
        token = page[-1] if len(page) < len(rest) else None
        shown = [key for key in page if key not in self.deleted]
        return take_page(keys, entries(shown), token)


@given(st.lists(KEYS, max_size=40), st.data())
def test_every_key_is_listed_once_however_ranges_are_split_and_listings_end(
    keys: list[str], data: st.DataObject
) -> None:
    bucket = Bucket(keys, [key for key in keys if data.draw(st.booleans(), label="deleted")])
    ranges: list[KeyRange] = [WHOLE]
    listed: list[str] = []
    checkpoint = (tuple(ranges), tuple(listed))
    crash_count = 0
    while ranges:
        index = data.draw(st.integers(0, len(ranges) - 1), label="range")
        match data.draw(st.sampled_from(["page", "page", "split", "save", "crash"])):
            case "page":
                size = data.draw(st.integers(1, 5), label="page size")
                page, left = bucket.page(ranges[index], size)
                listed += [entry.key for entry in page]
                ranges[index : index + 1] = [] if left is None else [left]
            case "split":
                at = data.draw(st.sampled_from(bucket.keys or ["a"]) | KEYS, label="at")
                if is_within(ranges[index], at):
                    ranges[index : index + 1] = split(ranges[index], at)
            case "save":
                checkpoint = (tuple(ranges), tuple(listed))
            case "crash" if crash_count < 5:
                crash_count += 1
                ranges, listed = list(checkpoint[0]), list(checkpoint[1])
    assert Counter(listed) == Counter(key for key in bucket.keys if key not in bucket.deleted)


def test_ranges_stay_in_the_order_of_their_keys() -> None:
    lower, upper = split(KeyRange(after="b", up_to="x", token="t"), "m")
    assert (lower, upper) == (
        KeyRange(after="b", up_to="m", token="t"),
        KeyRange(after="m", up_to="x"),
    )
    for at in ("a", "b", "x", "y"):
        with pytest.raises(ValueError, match="does not split"):
            split(KeyRange(after="b", up_to="x"), at)


@pytest.mark.parametrize(
    ("keys", "token", "taken", "left"),
    [
        ("cd", "t", "cd", KeyRange(after="d", up_to="m")),
        ("cm", "t", "cm", None),
        ("cmn", "t", "cm", None),
        ("cn", "t", "c", None),
        ("no", "t", "", None),
        ("cd", None, "cd", None),
        ("", None, "", None),
        ("", "t", "", KeyRange(after="b", up_to="m", token="t")),
    ],
)
def test_a_page_ends_a_range_or_not(
    keys: str, token: str | None, taken: str, left: KeyRange | None
) -> None:
    page = take_page(KeyRange(after="b", up_to="m", token="earlier"), entries(keys), token)
    assert ("".join(entry.key for entry in page[0]), page[1]) == (taken, left)


@given(st.lists(KEYS, min_size=3, max_size=3, unique=True), st.booleans(), st.data())
@example(["x" * 1_020 + "a", "x" * 1_020 + "b", "x" * 1_020 + "c"], False, None)
def test_a_guess_is_a_valid_key_between_the_ends(
    keys: list[str], ends: bool, data: st.DataObject | None
) -> None:
    first, position, end = sorted(keys)
    common = next(
        (n for n, (a, b) in enumerate(zip(first, end, strict=False)) if a != b), len(first)
    )
    prefix = position[: data.draw(st.integers(0, common)) if data else common]
    assume(position.startswith(prefix) and end.startswith(prefix))
    guess = split_key(prefix, first=first, position=position, end=end if ends else None)
    if guess is None:
        return
    assert position < guess
    assert not ends or guess < end
    assert guess.startswith(prefix)
    assert len(guess.encode()) <= OBJECT_KEY_BYTES_MAX
    assert NOT_IN_XML.search(guess.removeprefix(position)) is None or guess[:-1] in position
    # The order of S3 is that of the bytes.
    assert position.encode() < guess.encode()


def test_there_is_no_guess_in_a_prefix_that_no_key_can_have() -> None:
    prefix = "\ud800"
    assert split_key(prefix, first=prefix, position=prefix, end=None) is None


def test_there_is_no_guess_where_there_is_no_room() -> None:
    longest = "x" * OBJECT_KEY_BYTES_MAX
    assert split_key("", first=longest, position=longest, end=longest + "\0") is None


COUNT = 5_000
FAMILIES = {
    "hexadecimal": [hashlib.sha256(str(n).encode()).hexdigest() for n in range(COUNT)],
    "dates": [f"{2015 + n // 500}/{n // 41 % 12 + 1:02}/{n % 28 + 1:02}/{n}" for n in range(COUNT)],
    "one deep folder": [f"archive/2026/spring campaign/clip-{n:010}.mov" for n in range(COUNT)],
    "a thousand equal characters": ["x/" * 490 + f"{n:07}.jpg" for n in range(COUNT)],
    "a few around many": ["0", "1", *(f"media/{n:06}" for n in range(COUNT)), "x", "z"],
    "Chinese": [f"{chr(0x4E00 + 4 * n)}/{chr(0x4E00 + n)}.jpg" for n in range(COUNT)],
    "emoji": [chr(0x1F300 + n // 20) + chr(0x1F300 + n % 20) for n in range(COUNT)],
    "punctuation": [
        "".join("!$&'()+,-./"[n // 11**at % 11] for at in range(4)) for n in range(COUNT)
    ],
}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_few_guesses_find_keys_whatever_they_look_like(name: str, share: float) -> None:
    """Each guess without keys after it makes the next one closer, until one has some."""
    keys = sorted(FAMILIES[name])
    at = int(share * len(keys))
    position, end, guess_count = keys[at], None, 0
    while True:
        guess_count += 1
        guess = split_key("", first=keys[at // 2], position=position, end=end)
        assert guess is not None
        if guess < keys[-1]:
            break
        end = guess
    assert guess_count <= 16


@settings(max_examples=30)
@given(st.lists(KEYS, min_size=2, max_size=4, unique=True))
def test_guesses_end(keys: list[str]) -> None:
    """Each is before the last one, and there are a few for each character."""
    first, position = min(keys), max(keys)
    end: str | None = None
    for _ in range(18 * (1 + len(position))):
        guess = split_key("", first=first, position=position, end=end)
        if guess is None:
            return
        assert end is None or guess < end
        end = guess
    pytest.fail(f"guesses do not end: {end!r}")
