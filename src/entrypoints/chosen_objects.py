"""The sync that triggers chosen objects again, for the command line and the console."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from domain.views import Json

KEY_COUNT_MAX: Final = 50
"""A sync takes so many globs, and one is needed for each key."""


def retrigger_body(keys: Iterable[str]) -> Json:
    """Return the body of a sync of exactly these keys, whatever was triggered before.

    They are KEY_COUNT_MAX at most, and none is a folder: a glob that ends with a slash matches all
    below it.
    """
    chosen = sorted(set(keys))
    return {
        "retrigger": True,
        "discovery": "direct",
        "prefixes": outermost(chosen),
        "include": [f"/{literal(each)}" for each in chosen],
    }


def outermost(keys: Sequence[str]) -> list[str]:
    """Return the sorted keys that do not begin with another one: prefixes must not overlap."""
    prefixes: list[str] = []
    for key in keys:
        if not prefixes or not key.startswith(prefixes[-1]):
            prefixes.append(key)
    return prefixes


def literal(key: str) -> str:
    """Return the glob that matches exactly this key."""
    return "".join(f"\\{char}" if char in "\\*?[]!" else char for char in key)
