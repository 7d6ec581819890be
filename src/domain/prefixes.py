"""Rules about lists of prefixes. An empty list means the whole bucket."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from domain.errors import FieldIssue
from domain.limits import OBJECT_KEY_BYTES_MAX
from domain.shown import shown


def normalise(prefixes: Iterable[str]) -> tuple[str, ...]:
    """Return the fewest prefixes that cover the same keys, in UTF-8 byte order.

    A prefix within another is dropped, so that no key is listed twice; an empty prefix covers all.
    """
    kept: list[str] = []
    for prefix in sorted(set(prefixes)):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return () if kept == [""] else tuple(kept)


def listed_prefixes(prefixes: Iterable[str]) -> tuple[str, ...]:
    """Return the prefixes that a job lists, one after the other; that of all keys is empty."""
    return normalise(prefixes) or ("",)


def overlap(left: Sequence[str], right: Sequence[str]) -> bool:
    """Return whether a key could be under a prefix of both lists."""
    if not left or not right:
        return True
    return any(_overlap(a, b) for a in left for b in right)


def within(prefix: str, allowed: Sequence[str]) -> bool:
    """Return whether every key under `prefix` is under one of `allowed`."""
    return not allowed or any(prefix.startswith(outer) for outer in allowed)


def other_normal_form(prefix: str) -> str | None:
    """Return the prefix in its other Unicode normal form, None if both forms are equal.

    S3 compares bytes, so the same text in the other form (NFC, or NFD as macOS writes names) is
    another prefix.
    """
    forms = (unicodedata.normalize("NFC", prefix), unicodedata.normalize("NFD", prefix))
    return next((form for form in forms if form != prefix), None)


def nothing_listed(prefix: str, *, other: str | None) -> str:
    """Return the warning for a prefix without objects; `other` is its form that has objects."""
    warning = f"nothing is listed under the prefix '{shown(prefix)}'"
    if other is None:
        return warning
    # Both look alike: only code points distinguish them.
    text = other.encode("ascii", "backslashreplace").decode()
    return (
        f"{warning}; objects are under the same text in Unicode's other normal form: sync the"
        f" prefix '{text}', written here in ASCII"
    )


def check(prefixes: Sequence[str], *, path: str) -> list[FieldIssue]:
    """Return the errors in a request's prefixes; `path` names their field."""
    issues = []
    for index, prefix in enumerate(prefixes):
        if not prefix:
            issues.append(
                FieldIssue(
                    path=f"{path}.{index}", message="is empty; leave it out for the whole bucket"
                )
            )
        elif len(prefix.encode("utf-8", "surrogatepass")) > OBJECT_KEY_BYTES_MAX:
            issues.append(
                FieldIssue(
                    path=f"{path}.{index}", message=f"is longer than {OBJECT_KEY_BYTES_MAX} bytes"
                )
            )
    for index, prefix in enumerate(prefixes):
        # One error for each prefix is enough: a hundred equal ones would make thousands.
        earlier = next(
            (i for i in range(index) if prefixes[i] and _overlap(prefixes[i], prefix)), None
        )
        if prefix and earlier is not None:
            first = prefixes[earlier]
            issues.append(
                FieldIssue(
                    path=f"{path}.{index}",
                    message=f"overlaps {path}.{earlier} ('{shown(first)}' and '{shown(prefix)}')",
                )
            )
    return issues


def _overlap(first: str, second: str) -> bool:
    return first.startswith(second) or second.startswith(first)
