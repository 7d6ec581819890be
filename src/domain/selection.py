"""Which listed objects enter the manifest: folder markers, include, exclude, modifiedSince.

Patterns are globs as in .gitignore: `*`, `?` and `[abc]` stay within one segment of the key, a
segment `**` stands for any number of segments, none included. A pattern without a slash is matched
against the last segment, one with a slash against the whole key. Case matters, as it does in S3.

A person's pattern meets millions of keys, so no pattern may be slow: segments are matched one by
one, each by an expression that cannot backtrack far.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.manifest import ManifestEntry

_ANY_SEGMENTS: Final = "**"


@dataclass(frozen=True, slots=True)
class Glob:
    """One compiled pattern: an expression for each segment, None for `**`."""

    pattern: str
    _segments: tuple[re.Pattern[str] | None, ...]
    _whole_key: bool

    @classmethod
    def compile(cls, pattern: str) -> Glob:
        """Translate the pattern; every string is a valid one."""
        segments = pattern.removeprefix("/").split("/")
        return cls(
            pattern,
            tuple(
                None if segment == _ANY_SEGMENTS else re.compile(fnmatch.translate(segment))
                for segment in segments
            ),
            "/" in pattern,
        )

    def matches(self, key: str) -> bool:
        """Tell whether the key, or its last segment, is what the pattern describes."""
        names = key.split("/") if self._whole_key else [key.rsplit("/", 1)[-1]]
        # Positions in the pattern that the names so far can have led to.
        reached = self._skip_any({0})
        for name in names:
            onward = set()
            for position in reached:
                if position == len(self._segments):
                    continue
                segment = self._segments[position]
                if segment is None:
                    onward.add(position)
                elif segment.match(name):
                    onward.add(position + 1)
            reached = self._skip_any(onward)
            if not reached:
                return False
        return len(self._segments) in reached

    def _skip_any(self, positions: set[int]) -> set[int]:
        """Add the positions behind each `**`, which may stand for no segment at all."""
        for position in sorted(positions):
            following = position
            while following < len(self._segments) and self._segments[following] is None:
                following += 1
                positions.add(following)
        return positions


@dataclass(frozen=True, slots=True)
class Selection:
    """The filter of one job, ready to be asked for each listed object.

    An upload in parts has the time at which it was begun (S3 User Guide, "Working with object
    metadata"), and shows in listings when it is completed. So an object that is older than
    `modified_since`, by up to `margin`, counts as modified since: it may have come later.
    """

    include: tuple[Glob, ...]
    exclude: tuple[Glob, ...]
    modified_since: datetime | None
    margin: timedelta = timedelta(0)

    @classmethod
    def of(
        cls,
        include: Iterable[str],
        exclude: Iterable[str],
        modified_since: datetime | None,
        margin: timedelta = timedelta(0),
    ) -> Selection:
        """Compile the patterns of a job's options."""
        return cls(
            tuple(Glob.compile(p) for p in include),
            tuple(Glob.compile(p) for p in exclude),
            modified_since,
            margin,
        )

    def selects(self, entry: ManifestEntry) -> bool:
        """Tell whether the object enters the manifest; exclude wins over include."""
        if is_folder_marker(entry):
            return False
        if self.modified_since is not None and (
            entry.last_modified is None or self.modified_since - entry.last_modified > self.margin
        ):
            return False
        if self.include and not any(glob.matches(entry.key) for glob in self.include):
            return False
        return not any(glob.matches(entry.key) for glob in self.exclude)


def is_folder_marker(entry: ManifestEntry) -> bool:
    """Tell whether this is the empty object by which consoles show a folder."""
    return entry.size_bytes == 0 and entry.key.endswith("/")
