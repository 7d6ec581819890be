"""Finding removed objects at other keys: those with the same ETag and size.

Contents that several objects have prove nothing, unless their names do: `a/x.jpg` and `a/y.jpg` of
one content, both now under `b/`, are matched by `x.jpg` and `y.jpg`. So two contents match if their
name is the same and no other pair has that content and name, and what is left matches if no other
pair has that content. Empty objects are all equal, and never match.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from domain.removal_rows import RemovalRow

REMOVED_MAX: Final = 200_000
"""Among more removed objects no moved ones are looked for: they are held in memory."""

_AMBIGUOUS: Final = ""
"""Stands for several keys, in place of one; no object has it as its key."""

Content = tuple[str, int]


@dataclass(slots=True)
class MoveFinder:
    """Takes all removed objects, then all added ones; memory has the removed ones alone."""

    _removed: dict[tuple[Content, str], str] = field(default_factory=dict)
    _added: dict[tuple[Content, str], str] = field(default_factory=dict)
    _contents: dict[Content, list[str]] = field(default_factory=dict)
    _others: dict[Content, set[str]] = field(default_factory=dict)

    def remove(self, row: RemovalRow) -> None:
        """Take a removed object."""
        content = content_of(row)
        if content is not None:
            _put(self._removed, (content, _name(row.key)), row.key)
            self._contents.setdefault(content, []).append(row.key)

    def add(self, row: RemovalRow) -> None:
        """Take an added object."""
        content = content_of(row)
        if content is None or content not in self._contents:
            return
        named = (content, _name(row.key))
        if named in self._removed:
            _put(self._added, named, row.key)
        others = self._others.setdefault(content, set())
        # One more than there are removed objects cannot all be matched: which ones are, is unknown.
        if len(others) <= len(self._contents[content]):
            others.add(row.key)

    def moves(self) -> dict[str, str]:
        """Return the new keys of the removed objects that were moved, by their old keys."""
        found = {
            old: self._added[named]
            for named, old in self._removed.items()
            if old and self._added.get(named)
        }
        taken = set(found.values())
        for content, olds in self._contents.items():
            left = [old for old in olds if old not in found]
            free = self._others.get(content, set()) - taken
            if len(left) == 1 and len(free) == 1:
                found[left[0]] = free.pop()
        return found


def content_of(row: RemovalRow) -> Content | None:
    """Return what a moved object keeps, None if that is not known or says nothing."""
    if not row.e_tag or not row.size_bytes:
        return None
    return row.e_tag, row.size_bytes


def _name(key: str) -> str:
    return key.rsplit("/", 1)[-1]


def _put(keys: dict[tuple[Content, str], str], named: tuple[Content, str], key: str) -> None:
    keys[named] = _AMBIGUOUS if named in keys else key
