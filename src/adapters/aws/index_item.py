"""A job's index of outcomes as an attribute of the job's item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.aws.attributes import Value
from adapters.aws.lease_item import lease_values, to_lease
from domain.outcome_index import IndexStatus, JobIndex


def index_values(index: JobIndex | None) -> dict[str, Value | None] | None:
    """Return the attribute's value."""
    if index is None:
        return None
    return {
        "number": index.number,
        "status": index.status,
        "reason": index.reason,
        "attemptCount": index.attempt_count,
        "lease": lease_values(index.lease),
    }


def to_index(values: Mapping[str, Any] | None) -> JobIndex | None:
    """Return the index of an attribute's value."""
    if values is None:
        return None
    return JobIndex(
        number=values["number"],
        status=IndexStatus(values["status"]),
        reason=values.get("reason"),
        attempt_count=values["attemptCount"],
        lease=to_lease(values.get("lease")),
    )
