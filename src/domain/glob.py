r"""Patterns of keys: globs as in .gitignore, matched against one key at a time.

- `*`, `?` and `[abc]` match within one segment of the key, between two slashes. `[!abc]` and
  `[^abc]` match any other character, `[a-z]` is a range, `[[:digit:]]` a class. A backslash makes
  the next character literal. A segment `**` matches any number of segments, including none.
- A pattern that ends in a slash describes folders, and matches all keys below them.
- A pattern without a slash before its end is matched against each last segment, or each folder. A
  pattern with such a slash is matched against the whole key. Case matters, as it does in S3.

Differences: `!` and `#` at the start have no special meaning, since patterns are items of lists and
not lines of a file. A key is not a folder, so `tmp` does not match `tmp/a`; `tmp/` does.

A user's pattern is matched against millions of keys, so no pattern may be slow. It becomes one
regular expression in which the text matched by a star is fixed as soon as the text after it is
found (atomic groups). Backtracking could find nothing else, since all that is between two stars has
a fixed length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_ANY_SEGMENTS: Final = "**"
_ANY_FOLDERS: Final = "(?:[^/]*/)*"

_CLASSES: Final[Mapping[str, str]] = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\t\ ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-/:-@\[-`\{-~",
    "space": r"\t\n\r\f\v\ ",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_CLASS: Final = re.compile(r"\[:([a-z]+):\]")


def glob_error(pattern: str) -> str | None:
    """Return what is wrong with a user's pattern, None if it is valid."""
    if not pattern.strip("/"):
        return "matches nothing; leave it out, or write * for everything"
    if pattern.startswith("!"):
        return r"begins with an exclamation mark, which does not negate a pattern here; use include"
        r" or exclude, or write \! for the character"
    if len(pattern) - len(pattern.rstrip("\\")) & 1:
        return r"ends in a backslash that escapes nothing; write \\ for the character"
    position = 0
    while position < len(pattern):
        end = _end_of_set(pattern, position) if pattern[position] == "[" else position + 1
        if end is None:
            return r"has an opening bracket without a closing one; write \[ for the character"
        position = end + 1 if pattern[position] == "\\" else end
    return None


@dataclass(frozen=True, slots=True)
class Glob:
    """One compiled pattern."""

    pattern: str
    _expression: re.Pattern[str]

    @classmethod
    def compile(cls, pattern: str) -> Glob:
        """Compile the pattern; every string is valid."""
        return cls(pattern, re.compile(_translated(pattern), re.DOTALL))

    def matches(self, key: str) -> bool:
        """Return whether the pattern matches the key."""
        return self._expression.fullmatch(key) is not None


def _translated(pattern: str) -> str:
    body = pattern.removesuffix("/")
    below = "/.*" if body != pattern else ""
    whole = _joined([_segment(part) for part in body.removeprefix("/").split("/")])
    return f"{whole if '/' in body else _ANY_FOLDERS + whole}{below}"


def _joined(segments: list[str | None]) -> str:
    """Join the segments, None for `**`, into one regular expression."""
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment is None:
            runs.append([])
        else:
            runs[-1].append(segment)
    # A run without segments is None; one of a segment without characters is empty.
    first, *others = ("/".join(run) if run else None for run in runs)
    if not others:
        return first or ""
    lead = "" if first is None else f"{first}/"
    *middle, last = others
    between = [run for run in middle if run is not None]
    if last is not None:
        found = "".join(f"(?>{_ANY_FOLDERS}?{run}/)" for run in between)
        return f"{lead}{found}{_ANY_FOLDERS}{last}"
    if not between:
        return ".*" if first is None else f"{first}(?:/.*)?"
    found = "".join(f"(?>{_ANY_FOLDERS}?{run}/)" for run in between[:-1])
    end = f"(?>{_ANY_FOLDERS}?{between[-1]}(?=/|\\Z))(?:/.*)?"
    return f"{lead}{found}{end}"


def _segment(segment: str) -> str | None:
    if segment == _ANY_SEGMENTS:
        return None
    parts = [""]
    for token in _tokens(segment):
        if token is None:
            parts.append("")
        else:
            parts[-1] += token
    first, *others = parts
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>[^/]*?{part})" for part in middle if part) + f"[^/]*{last}"


def _tokens(segment: str) -> Iterator[str | None]:
    """Yield an expression for each character of the segment, None for a star."""
    position = 0
    while position < len(segment):
        char = segment[position]
        end = position + 1
        if char == "*":
            yield None
        elif char == "?":
            yield "[^/]"
        elif char == "[" and (closed := _end_of_set(segment, position)) is not None:
            end = closed
            yield _set(segment[position + 1 : closed - 1])
        elif char == "\\" and end < len(segment):
            yield re.escape(segment[end])
            end += 1
        else:
            yield re.escape(char)
        position = end


def _end_of_set(pattern: str, start: int) -> int | None:
    """Return the position after the bracket that closes the set; None if none does."""
    position = start + 1
    position += pattern[position : position + 1] in ("!", "^")
    first = position
    while position < len(pattern) and pattern[position] != "/":
        if pattern[position] == "]" and position > first:
            return position + 1
        if pattern[position] == "\\":
            position += 2
        elif known := _CLASS.match(pattern, position):
            position = known.end()
        else:
            position += 1
    return None


def _set(text: str) -> str:
    negated = text[0] in "!^"
    members = list(_members(text[1:] if negated else text))
    ranges = "".join(members)
    if not ranges:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{ranges}]"


def _members(text: str) -> Iterator[str]:
    """Yield the set's members in the syntax of a regular expression."""
    position = 0
    while position < len(text):
        if known := _CLASS.match(text, position):
            yield _CLASSES.get(known[1], "")
            position = known.end()
            continue
        low, position = _char(text, position)
        if text[position : position + 1] == "-" and position + 1 < len(text):
            high, position = _char(text, position + 1)
            # A range whose end is before its start is empty.
            yield f"{_plain(low)}-{_plain(high)}" if low <= high else ""
        else:
            yield _plain(low)


def _char(text: str, position: int) -> tuple[str, int]:
    if text[position] == "\\" and position + 1 < len(text):
        position += 1
    return text[position], position + 1


def _plain(char: str) -> str:
    return f"\\{char}" if char in "\\]^-[&~|" else char
