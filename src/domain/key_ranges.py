"""Ranges of keys that are listed at the same time, and where to split one.

The ranges of a listing never overlap. Each key that was not listed is in exactly one of them: a
split at a key gives the keys up to it to the one range, and the others to the other. So a key that
a split is at is only a boundary. It need not exist, and a bad one costs time, never a key.

Nothing is known of the keys before they are listed. `split_key` guesses from what was listed, and
a request shows whether there are keys after the guess. If not, the next guess is closer. Three
rules find the keys with a few guesses, whatever they look like:

- Keys often share a long beginning, such as a folder. Characters up to the first one that changes
  between listed keys are tested by halves: is there any key that does not begin with them?
- Then the first character that can differ is tested: half of the digits, capital letters, small
  letters (or of the characters with as many bytes in UTF-8) after that of the last listed key.
- If there is none between, keys under the next character are separated from those under this one.

Keys are compared as strings: by code points, which is the order of their UTF-8 bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

from domain.limits import OBJECT_KEY_BYTES_MAX
from domain.manifest import ManifestEntry

RANGE_COUNT_MAX: Final = 8
"""A job's record has room for so many ranges, with the longest keys; see `domain.item_sizes`."""

# After every key that begins with the same characters, except for keys with this one or a later one
# next, which are improbable: it is the last character for private use.
_LAST: Final = "\U0010fffd"

# Characters that a guess is made of, in order; those of two, three and four bytes last. Surrogates
# are no characters, and XML 1.0 has no control characters, and neither U+FFFE nor U+FFFF.
_CLASSES: Final = (
    ("0", "9"),
    ("A", "Z"),
    ("a", "z"),
    ("\u00a0", "\u07ff"),
    ("\u0800", "\ud7ff"),
    ("\ue000", "\ufffd"),
    ("\U00010000", _LAST),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """Keys that are still to be listed: after `after`, up to and including `up_to`.

    None is no bound. After pages without objects, `token` is the store's token of the next page.
    """

    after: str | None = None
    up_to: str | None = None
    token: str | None = None


WHOLE: Final = KeyRange()
"""All keys of a prefix."""


def take_page(
    keys: KeyRange, entries: Sequence[ManifestEntry], token: str | None
) -> tuple[Sequence[ManifestEntry], KeyRange | None]:
    """Return the entries of a page that are in the range, and what is left of the range.

    Args:
        keys: The range, listed up to the page.
        entries: The page's objects, in order.
        token: The token of the next page; None after the last one.
    """
    last_key = entries[-1].key if entries else None
    if keys.up_to is not None and last_key is not None and last_key >= keys.up_to:
        return entries[: bisect_right(entries, keys.up_to, key=attrgetter("key"))], None
    if token is None:
        return entries, None
    if last_key is None:
        return entries, replace(keys, token=token)
    return entries, replace(keys, after=last_key, token=None)


def split(keys: KeyRange, at: str) -> tuple[KeyRange, KeyRange]:
    """Return the keys of the range up to and including `at`, and those after it.

    Raises:
        ValueError: The key is not between the ends of the range.
    """
    if not is_within(keys, at):
        raise ValueError(f"{at!r} does not split {keys}")
    return replace(keys, up_to=at), KeyRange(after=at, up_to=keys.up_to)


def is_within(keys: KeyRange, at: str) -> bool:
    """Return whether a key is between the ends of the range, and is neither of them."""
    return (keys.after is None or keys.after < at) and (keys.up_to is None or at < keys.up_to)


def split_key(prefix: str, *, first: str, position: str, end: str | None) -> str | None:
    """Return a key after `position` and before `end` to split at, None if there is no useful one.

    It begins with the prefix, has only characters of `_CLASSES` besides those of `position`, and
    has at most 1,024 bytes.

    Args:
        prefix: All keys begin with it.
        first: A key that was listed before `position`, or is `position`; the earlier the better.
        position: The last listed key.
        end: There are no keys after it, as far as is known; None if nothing is known.
    """
    settled = len(prefix) if end is None else _common_length(position, end)
    changed = _common_length(first, position)
    guesses = []
    if changed - settled >= 2:
        # Is there any key that does not begin with these characters?
        guesses.append(position[: (settled + changed + 1) // 2] + _LAST)
    for length in range(settled, len(position) + 1):
        before = end[length] if end is not None and length == settled else None
        middle = _middle(position[length : length + 1], before)
        guesses.append(position[:length] + middle if middle else position[: length + 1] + _LAST)
        if length > settled + 1:
            break
    keys = KeyRange(after=position, up_to=end)
    return next((guess for guess in guesses if _fits(guess) and is_within(keys, guess)), None)


def _common_length(left: str, right: str) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(left), len(right)))


def _fits(key: str) -> bool:
    """Return whether a store takes the key."""
    try:
        return len(key.encode()) <= OBJECT_KEY_BYTES_MAX
    except UnicodeEncodeError:
        # A surrogate in the job's prefix: no object has such a key.
        return False


def _middle(after: str, before: str | None) -> str | None:
    """Return a character in the middle of a class, after one (or none) and before another.

    It is the class of the first character, or the next one if that character is in no class.
    """
    low = ord(after) + 1 if after else 0
    high = ord(before) - 1 if before else ord(_LAST)
    for first, last in _CLASSES:
        if low - 1 > ord(last):
            continue
        least, most = max(low, ord(first)), min(high, ord(last))
        # After the last of a class it is better to ask whether there is anything after it.
        return chr((least + most + 1) // 2) if least <= most else None
    return None
