"""What a connector wants done about removed objects, and what it remembers of its last whole sync.

Nothing is ever deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from domain.errors import FieldIssue

COUNT_MAX: Final = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Removals:
    """That a connector's whole syncs report removed objects, and what the guard lets pass.

    Attributes:
        announce: Whether an event is sent for each removed object.
        max_share: Above this share of the objects that were seen before, the guard stops.
        max_count: Above this number it stops, whatever the share is.
        min_count: Below this number it does not stop, whatever the share is, unless nothing is
            left.
    """

    announce: bool = False
    max_share: Decimal = Decimal("0.05")
    max_count: int = 10_000
    min_count: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the next whole sync of a connector is compared with.

    Attributes:
        job_id: The sync whose objects these are; None before the first one.
        created_at: When that job was created.
        index_number: Which of its indexes has them (`domain.outcome_index.JobIndex.number`); None
            if it listed nothing.
        scope: What it was about (`domain.removal_rules.scope_of`).
        object_count: How many objects these are.
        carried_key: A file with more of them, which that sync did not list, and which existed when
            they were looked for.
        claimed_by: The job that is being compared; no other is at the same time.
    """

    job_id: str | None = None
    created_at: datetime | None = None
    index_number: int | None = None
    scope: str = ""
    object_count: int = 0
    carried_key: str | None = None
    claimed_by: str | None = None


NO_BASELINE: Final = Baseline()


def removal_issues(removals: Removals | None) -> list[FieldIssue]:
    """Return the errors in a connector's settings."""
    if removals is None:
        return []
    issues = []
    if not 0 <= removals.max_share <= 1:
        message = "is not a share: from 0 to 1, such as 0.05"
        issues.append(FieldIssue(path="removals.maxShare", message=message))
    for name, count in (("maxCount", removals.max_count), ("minCount", removals.min_count)):
        if not 0 <= count <= COUNT_MAX:
            message = f"is not a number from 0 to {COUNT_MAX:,}"
            issues.append(FieldIssue(path=f"removals.{name}", message=message))
    return issues
