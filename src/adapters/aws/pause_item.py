"""Pauses: the attributes of a job that was paused, and the stage's item in the job table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from adapters.aws.attributes import (
    Item,
    Value,
    reading,
    to_item,
    to_optional_timestamp,
    to_timestamp,
    to_values,
)
from domain.pause import Backlog, Pause, Resumes

STAGE_ID: Final = "stage#"
"""The key of the stage's item, which has its pause, or none."""


def pause_values(pause: Pause | None) -> dict[str, Value | None] | None:
    """Return the map; None without a pause."""
    if pause is None:
        return None
    return {"since": pause.since, "reason": pause.reason, "by": pause.by}


def to_pause(values: Mapping[str, Any] | None) -> Pause | None:
    """Return the pause of a map."""
    if values is None:
        return None
    return Pause(
        since=to_timestamp(values["since"]), reason=values.get("reason"), by=values.get("by")
    )


def backlog_values(backlog: Backlog | None) -> dict[str, Value | None] | None:
    """Return the map; None without a backlog."""
    if backlog is None:
        return None
    return {
        "since": backlog.since,
        "depth": backlog.depth,
        "ageSeconds": backlog.age_s,
        "cause": backlog.cause,
        "unreadSince": backlog.unread_since,
    }


def to_backlog(values: Mapping[str, Any] | None) -> Backlog | None:
    """Return the backlog of a map."""
    if values is None:
        return None
    return Backlog(
        since=to_timestamp(values["since"]),
        depth=values.get("depth"),
        age_s=values.get("ageSeconds"),
        cause=values.get("cause"),
        unread_since=to_optional_timestamp(values.get("unreadSince")),
    )


def resumes_values(resumes: Resumes) -> dict[str, Value | None] | None:
    """Return the map; None for a job that was never resumed."""
    if resumes == Resumes():
        return None
    return {
        "number": resumes.number,
        "requeued": resumes.requeued,
        "at": resumes.at,
        "heldSeconds": resumes.held_s,
    }


def to_resumes(values: Mapping[str, Any] | None) -> Resumes:
    """Return the resumes of a map."""
    if values is None:
        return Resumes()
    return Resumes(
        number=values["number"],
        requeued=values["requeued"],
        at=to_optional_timestamp(values.get("at")),
        held_s=values["heldSeconds"],
    )


def stage_key() -> Item:
    """Return the key of the stage's item."""
    return to_item({"jobId": STAGE_ID})


def is_stage(job_id: str) -> bool:
    """Return whether this key of the job table is the stage's and not a job's."""
    return job_id == STAGE_ID


def stage_item(pause: Pause | None) -> Item:
    """Return the stage's whole item."""
    return stage_key() | to_item({"pause": pause_values(pause)})


def to_stage_pause(item: Item) -> Pause | None:
    """Return the stage's pause.

    Raises:
        CorruptData: The item is not valid.
    """
    with reading("the stage's pause"):
        return to_pause(to_values(item).get("pause"))
