"""What is known of one object, for people."""

from __future__ import annotations

from typing import Final

from domain.shown import shown
from domain.views import Json
from entrypoints.cli.terminal.output import OUT, field, heading, tags_line
from entrypoints.figures import plural

_WIDTH: Final = 14
_NAMES: Final = (
    ("outcome", "outcome"),
    ("decision", "decision"),
    ("reason", "reason"),
    ("message", "message"),
    ("assetId", "asset"),
    ("inventoryId", "inventory"),
    ("vendorCode", "AWS error"),
    ("requestId", "AWS request"),
    ("triggeredAt", "triggered"),
    ("triggerCount", "times"),
)
_SAYS: Final = {
    "NO_OUTCOME": "not done",
    "NOT_IN_JOB": "not among its objects",
    "OUT_OF_SCOPE": "about other prefixes",
    "NOT_SEARCHED": "not searched to the end",
    "NOT_READ": "could not be read",
}


def print_history(found: Json) -> None:
    """Print what is there now, and what each job says."""
    field("object", shown(found["objectKey"]), width=_WIDTH)
    field("bucket", found["bucketName"], width=_WIDTH)
    field("connector", found["connectorId"], width=_WIDTH)
    _print_now(found["now"], found["nowNotRead"])
    for job in found["jobs"]:
        _print_job(job)
    if not found["jobs"]:
        OUT.print("no job of this connector yet")
    elif found["moreJobs"]:
        OUT.print("older jobs are not shown: --jobs 20")


def _print_now(now: Json | None, not_read: str | None) -> None:
    heading("now")
    if now is None:
        field("not read", not_read, width=_WIDTH)
        return
    there = {True: "exists", False: "there is no such object", None: "unknown"}[now["exists"]]
    field("object", there, width=_WIDTH)
    seen = now["object"]
    if seen:
        text = (
            f"{seen['size']:,} bytes, ETag {seen['eTag']}, modified {seen['lastModified']},"
            f" {seen['storageClass']}"
        )
        field("", text, width=_WIDTH)
    if now["tags"] is not None:
        field("tags", tags_line(now["tags"]), width=_WIDTH)
    if now["catalogRecords"] is not None:
        for record in now["catalogRecords"]:
            text = f"inventory {record['inventoryId']}, asset {record['assetId'] or 'none'}"
            field("catalog", text, width=_WIDTH)
        if not now["catalogRecords"]:
            field("catalog", "no record", width=_WIDTH)
    if now["nextSync"]:
        outcome = now["nextSync"]
        text = f"{outcome['outcome']} ({outcome['reason']})"
        field("next sync", text, width=_WIDTH)
        _print_rules(outcome)
        if outcome["message"]:
            field("", outcome["message"], width=_WIDTH)
    for part in now["notRead"]:
        field("not read", f"{part['what']}: {part['reason']}", width=_WIDTH)


def _print_job(job: Json) -> None:
    dry = "  (dry run)" if job["dryRun"] else ""
    heading(f"job {job['jobId']}  {job['status']}  {job['createdAt']}{dry}")
    outcome = job["outcome"]
    if outcome is None:
        field("object", _SAYS[job["sighting"]], width=_WIDTH)
        if removal := job.get("removal"):
            _print_removal(removal)
    else:
        for name, label in _NAMES:
            if outcome[name] is not None:
                field(label, outcome[name], width=_WIDTH)
            if name == "reason":
                _print_rules(outcome)
        if outcome["tags"]:
            field("tags before", tags_line(outcome["tags"]["before"]), width=_WIDTH)
            field("tags after", tags_line(outcome["tags"]["after"]), width=_WIDTH)
    if job["reason"]:
        field("why", job["reason"], width=_WIDTH)
    if job["listed"]:
        listed = job["listed"]
        text = f"{listed['size']} bytes, ETag {listed['eTag']}, modified {listed['lastModified']}"
        field("listed as", text, width=_WIDTH)
    if job["eventId"]:
        field("event", job["eventId"], width=_WIDTH)
    for chunk in job["chunks"]:
        attempts = plural(chunk["attemptCount"], "attempt")
        field("chunk", f"{chunk['chunkIndex']}, {chunk['status']}, {attempts}", width=_WIDTH)


def _print_removal(removal: Json) -> None:
    text = removal["state"]
    if removal["newObjectKey"] is not None:
        text += f" to {shown(removal['newObjectKey'])}"
    field("became", f"{text}, last seen in {removal['lastSeenJobId']}", width=_WIDTH)
    if removal["assetId"]:
        field("asset", removal["assetId"], width=_WIDTH)


def _print_rules(outcome: Json) -> None:
    # Several rows may have one reason.
    for number, rule in enumerate(outcome["rules"]):
        field("", f"or {rule}" if number else rule, width=_WIDTH)
