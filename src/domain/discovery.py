"""Who finds out what each object needs."""

from __future__ import annotations

from enum import StrEnum


class Discovery(StrEnum):
    """Who decides what each object needs: S3 Batch Operations first, or each chunk on its own."""

    BATCH = "batch"
    DIRECT = "direct"
