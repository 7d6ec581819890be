"""A run of an external sort: a file of sorted rows, which is merged with others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A file of sorted rows, and how many of its bytes are merged."""

    name: str
    size_bytes: int
    merged_bytes: int = 0
