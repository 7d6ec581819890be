"""The causes of a job's failures, merged from the pages of the API."""

from __future__ import annotations

from typing import Final

from domain.failure_causes import SAMPLE_KEY_COUNT
from domain.views import Json
from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.terminal.output import OUT, field, show_key, warn

# Each page has thousands of records; more of them do not change what to do.
_PAGE_COUNT_MAX: Final = 20
_WIDTH: Final = 8


def read_causes(client: ApiClient, path: str) -> Json:
    """Return the causes as one page: of all records, or `complete` is false."""
    merged: dict[str, Json] = {}
    read = failed = 0
    cursor: str | None = None
    for _ in range(_PAGE_COUNT_MAX):
        page = client.get(path, {"cursor": cursor})
        read += page["failuresRead"]
        failed = page["objectsFailed"]
        for cause in page["items"]:
            known = merged.get(cause["causeId"])
            merged[cause["causeId"]] = cause if known is None else _sum(known, cause)
        cursor = page["nextCursor"]
        if cursor is None:
            break
    causes = sorted(merged.values(), key=lambda each: (-each["failureCount"], each["causeId"]))
    return {
        "causes": causes,
        "failuresRead": read,
        "objectsFailed": failed,
        "complete": cursor is None,
    }


def print_causes(found: Json, limit: int) -> None:
    """Print each cause with its count, sample keys and next step."""
    causes = found["causes"]
    if not causes:
        OUT.print("-")
    for cause in causes[:limit]:
        code = f" ({cause['vendorCode']})" if cause["vendorCode"] else ""
        field(f"{cause['failureCount']:,}x", f"{cause['errorClass']}{code}", width=_WIDTH)
        several = "" if cause["text"] is not None else "several causes, such as: "
        field("cause", f"{several}{cause['example']}", width=_WIDTH)
        if cause["sampleKeys"]:
            more = ", …" if cause["objectCount"] > len(cause["sampleKeys"]) else ""
            keys = ", ".join(map(show_key, cause["sampleKeys"]))
            field("objects", f"{keys}{more}", width=_WIDTH)
        field("next", cause["nextStep"], width=_WIDTH)
        OUT.print()
    if len(causes) > limit:
        warn("note:", f"{len(causes) - limit:,} more causes; --limit shows more")
    recorded = sum(cause["objectCount"] for cause in causes)
    if not found["complete"]:
        warn("note:", f"the counts are of the first {found['failuresRead']:,} recorded failures")
    elif recorded < found["objectsFailed"]:
        warn(
            "note:",
            f"the counts are of the failures that are recorded, of {recorded:,} of"
            f" {found['objectsFailed']:,} failed objects: each chunk records its first ones, and"
            " records expire; `asset-sync outcomes JOB --outcome FAILED` has all",
        )


def _sum(one: Json, other: Json) -> Json:
    return {
        **one,
        "failureCount": one["failureCount"] + other["failureCount"],
        "objectCount": one["objectCount"] + other["objectCount"],
        "sampleKeys": [*one["sampleKeys"], *other["sampleKeys"]][:SAMPLE_KEY_COUNT],
        "firstAt": min(one["firstAt"], other["firstAt"]),
        "lastAt": max(one["lastAt"], other["lastAt"]),
    }
