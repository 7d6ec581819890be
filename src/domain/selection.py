"""Which listed objects enter the manifest: folder markers, include, exclude, modifiedSince.

Patterns are globs as in rclone and .gitignore: `*` and `?` stay within one segment of the key,
`**` crosses slashes, `[abc]` is a set; a pattern without a slash is matched against the last
segment, one with a slash against the whole key. Case matters, as it does in S3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.manifest import ManifestEntry


@dataclass(frozen=True, slots=True)
class Glob:
    """One compiled pattern."""

    pattern: str
    _regex: re.Pattern[str]
    _whole_key: bool

    @classmethod
    def compile(cls, pattern: str) -> Glob:
        """Translate the pattern; every string is a valid one."""
        return cls(pattern, re.compile(_translate(pattern.lstrip("/")), re.DOTALL), "/" in pattern)

    def matches(self, key: str) -> bool:
        """Tell whether the key, or its last segment, is what the pattern describes."""
        subject = key if self._whole_key else key.rsplit("/", 1)[-1]
        return self._regex.fullmatch(subject) is not None


@dataclass(frozen=True, slots=True)
class Selection:
    """The filter of one job, ready to be asked for each listed object."""

    include: tuple[Glob, ...]
    exclude: tuple[Glob, ...]
    modified_since: datetime | None

    @classmethod
    def of(
        cls, include: Iterable[str], exclude: Iterable[str], modified_since: datetime | None
    ) -> Selection:
        """Compile the patterns of a job's options."""
        return cls(
            tuple(Glob.compile(p) for p in include),
            tuple(Glob.compile(p) for p in exclude),
            modified_since,
        )

    def selects(self, entry: ManifestEntry) -> bool:
        """Tell whether the object enters the manifest; exclude wins over include."""
        if is_folder_marker(entry):
            return False
        if self.modified_since is not None and (
            entry.last_modified is None or entry.last_modified < self.modified_since
        ):
            return False
        if self.include and not any(glob.matches(entry.key) for glob in self.include):
            return False
        return not any(glob.matches(entry.key) for glob in self.exclude)


def is_folder_marker(entry: ManifestEntry) -> bool:
    """Tell whether this is the empty object by which consoles show a folder."""
    return entry.size_bytes == 0 and entry.key.endswith("/")


def _translate(pattern: str) -> str:
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if pattern.startswith("**/", position):
            parts.append("(?:.*/)?")
            position += 3
        elif pattern.startswith("**", position):
            parts.append(".*")
            position += 2
        elif char == "*":
            parts.append("[^/]*")
            position += 1
        elif char == "?":
            parts.append("[^/]")
            position += 1
        elif char == "[" and (end := pattern.find("]", position + 2)) != -1:
            body = pattern[position + 1 : end]
            negated = body[0] in "!^"
            chars = re.escape(body[1:] if negated else body).replace(r"\-", "-")
            parts.append(f"[{'^/' if negated else ''}{chars}]")
            position = end + 1
        else:
            parts.append(re.escape(char))
            position += 1
    return "".join(parts)
