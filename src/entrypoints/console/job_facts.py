"""What a job's record says, as an operator asks: how far, how fast, when done, what next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.job import COMPLETED, TERMINAL, JobStatus
from domain.outcome import COUNT_NAMES, OutcomeKind
from domain.views import Json
from entrypoints.console import text

# The tone of a status decides its colour; its name is always written next to it.
TONES: Final = {
    "INITIALIZING": "active",
    "DISCOVERING": "active",
    "PROCESSING": "active",
    "COMPLETED": "good",
    "COMPLETED_WITH_ERRORS": "warn",
    "FAILED": "bad",
    "CANCELLED": "quiet",
    "PENDING": "quiet",
    "QUEUED": "quiet",
    "ENABLED": "good",
    "DISABLED": "quiet",
    "PAUSED": "warn",
    "PUT": "good",
    "COPIED": "good",
    "INGESTING": "active",
    "NOT_TAKEN": "warn",
    "GONE": "warn",
}
# The sweep looks for stuck work every five minutes; before, silence means nothing.
_SILENT_S: Final = 360.0

_MEANINGS: Final = {
    OutcomeKind.SKIPPED: ("Skipped", "the system has them: nothing was written"),
    OutcomeKind.COPIED: ("Copied", "triggered with the id that they had"),
    OutcomeKind.PUT: ("Put", "new to the system, tagged and triggered"),
    OutcomeKind.INGESTING: ("Ingesting", "triggered before, and still waited for"),
    OutcomeKind.NOT_TAKEN: ("Not taken", "triggered as often as allowed, never ingested"),
    OutcomeKind.NOT_MEDIA: ("Not media", "of a type that the system does not take"),
    OutcomeKind.ARCHIVED: ("Archived", "in a storage class that cannot be read"),
    OutcomeKind.GONE: ("Gone", "deleted or moved after they were listed"),
    OutcomeKind.FAILED: ("Failed", "see the causes, then redrive"),
}
_OUTCOME_TONES: Final = {
    OutcomeKind.FAILED: "bad",
    OutcomeKind.NOT_TAKEN: "warn",
    OutcomeKind.GONE: "warn",
    OutcomeKind.ARCHIVED: "quiet",
    OutcomeKind.NOT_MEDIA: "quiet",
    OutcomeKind.SKIPPED: "calm",
    OutcomeKind.COPIED: "good",
    OutcomeKind.PUT: "good2",
    OutcomeKind.INGESTING: "active",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRow:
    """How many objects ended one way."""

    kind: OutcomeKind
    name: str
    meaning: str
    count: int
    share: float
    tone: str
    offset: float
    """Where its part of the bar begins, in percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of a job: `state` is done, current, next or stopped."""

    name: str
    state: str
    detail: str


def is_active(job: Json) -> bool:
    """Return whether the job has not ended."""
    return job["status"] not in TERMINAL


def has_completed(job: Json) -> bool:
    """Return whether the job has dealt with all objects, with or without failures."""
    return job["status"] in COMPLETED


def is_redrivable(job: Json) -> bool:
    """Return whether the failures of the job can be tried again."""
    return bool(job["status"] == JobStatus.COMPLETED_WITH_ERRORS and not job["dryRun"])


def is_cancelling(job: Json) -> bool:
    """Return whether the job ends early, by request."""
    return is_active(job) and (job["statusReason"] or "").startswith("cancelled")


def done_count(job: Json) -> int:
    """Return how many objects have an outcome."""
    statistics = job["statistics"]
    return sum(statistics[COUNT_NAMES[kind.lower()]] for kind in OutcomeKind)


def listing_is_complete(job: Json) -> bool:
    """Return whether the number of listed objects is final.

    With discovery `direct`, the API has a percentage or a remaining time only from then on.
    """
    if not is_active(job):
        return True
    if job["discovery"] == "direct":
        progress = job["progress"]
        return progress["etaSeconds"] is not None or progress["percent"] > 0
    return bool(job["status"] != JobStatus.INITIALIZING)


def outcomes(job: Json) -> list[OutcomeRow]:
    """Return the counts of all outcomes, in a fixed order."""
    total = max(done_count(job), 1)
    rows, offset = [], 0.0
    for kind in OutcomeKind:
        number = job["statistics"][COUNT_NAMES[kind.lower()]]
        share = 100.0 * number / total
        name, meaning = _MEANINGS[kind]
        rows.append(
            OutcomeRow(
                kind=kind,
                name=name,
                meaning=meaning,
                count=number,
                share=share,
                tone=_OUTCOME_TONES[kind],
                offset=offset,
            )
        )
        offset += share
    return rows


def phases(job: Json) -> list[Phase]:
    """Return the phases of the job, with how far each is."""
    listed, status = job["statistics"]["objectsListed"], job["status"]
    names = ["List", "Decide", "Process"] if job["discovery"] == "batch" else ["List", "Process"]
    names.append("End")
    current = _current_phase(job, names)
    details = {
        "List": text.plural(listed, "object") + ("" if listing_is_complete(job) else " so far"),
        "Decide": "by S3 Batch Operations, without writing",
        "Process": _chunk_line(job["chunks"]),
        "End": text.words(status) if not is_active(job) else "",
    }
    return [
        Phase(name=name, state=_phase_state(index, current, job), detail=details[name])
        for index, name in enumerate(names)
    ]


def _current_phase(job: Json, names: Sequence[str]) -> int:
    if not is_active(job):
        return len(names) - 1
    if not listing_is_complete(job):
        return 0
    if job["status"] == JobStatus.DISCOVERING and "Decide" in names:
        return names.index("Decide")
    return names.index("Process")


def _phase_state(index: int, current: int, job: Json) -> str:
    if index > current:
        return "next"
    if index < current or has_completed(job):
        # Of a job that ended early, it is not recorded which phases were complete.
        early = job["status"] in (JobStatus.FAILED, JobStatus.CANCELLED)
        return "unknown" if early else "done"
    return "stopped" if not is_active(job) else "current"


def _chunk_line(chunks: Json) -> str:
    settled = chunks["completed"] + chunks["failed"] + chunks["cancelled"]
    if not chunks["total"]:
        return "no chunks yet"
    return f"{settled:,} of {text.plural(chunks['total'], 'chunk')} settled"


def lead(job: Json) -> str:
    """Return the answer to "how is it?" in a sentence or two."""
    listed, failed = job["statistics"]["objectsListed"], job["statistics"]["failed"]
    done = done_count(job)
    if is_cancelling(job):
        return f"Ending: cancelled by request. {text.count(done)} of {listed:,} objects are done."
    match JobStatus(job["status"]):
        case JobStatus.COMPLETED:
            return _completed(job, listed)
        case JobStatus.COMPLETED_WITH_ERRORS:
            return (
                f"Ended, and {text.plural(failed, 'object')} of {listed:,} failed. Look at the"
                " causes below, repair them, then redrive: only these objects are tried again."
            )
        case JobStatus.FAILED:
            return (
                f"Failed: {text.line(job['statusReason'] or 'no reason is recorded')}."
                f" {done:,} of {listed:,} objects had been done; a new sync skips those."
            )
        case JobStatus.CANCELLED:
            return (
                f"Cancelled. {done:,} of {listed:,} objects had been done; a new sync skips those."
            )
        case _:
            return _running(job, listed, done)


def _running(job: Json, listed: int, done: int) -> str:
    failed = job["statistics"]["failed"]
    failures = f" {text.plural(failed, 'object')} failed so far." if failed else ""
    if not listing_is_complete(job):
        return f"Listing: {text.plural(listed, 'object')} so far, {done:,} done.{failures}"
    if job["status"] == JobStatus.DISCOVERING:
        return f"Deciding about {text.plural(listed, 'object')}; counts follow when it ends."
    eta = job["progress"]["etaSeconds"]
    left = f", about {text.span(eta)} left" if eta else ""
    speed = job["progress"]["objectsPerSecond"]
    at = f" at {text.rate(speed)}" if speed else ""
    share = text.percent(job["progress"]["percent"])
    return f"{done:,} of {listed:,} objects done ({share}){at}{left}.{failures}"


def _completed(job: Json, listed: int) -> str:
    statistics = job["statistics"]
    written = statistics["copied"] + statistics["put"] + statistics["tagsRestored"]
    if job["dryRun"]:
        return f"Dry run: of {text.plural(listed, 'object')}, {written:,} would be written."
    if not listed:
        return "Completed. There was nothing to sync under these prefixes and filters."
    if not written and (waiting := statistics["notTaken"] + statistics["ingesting"]):
        return (
            f"Completed, and nothing was written: of {listed:,} objects, {waiting:,} were triggered"
            " before and the system has not taken them yet."
        )
    if not written:
        return f"Completed, and nothing was written: all {listed:,} objects were dealt with."
    return f"Completed: {text.plural(written, 'object')} of {listed:,} were written."


def announcement(job: Json) -> str:
    """Return the lead for screen readers: it changes with the status, and every ten percent."""
    if not is_active(job):
        return lead(job)
    tenth = int(job["progress"]["percent"] // 10) * 10
    return f"{text.words(job['status'])}, {tenth} percent"


def silence(job: Json, last_change: datetime, now: datetime) -> str | None:
    """Return what to think of a job that has not changed for long; None if that is normal."""
    silent_s = (now - last_change).total_seconds()
    if not is_active(job) or silent_s < _SILENT_S:
        return None
    if job["status"] == JobStatus.DISCOVERING:
        return (
            f"No change for {text.span(silent_s)}. That is normal while S3 Batch Operations"
            " decides; its own job shows how far it is."
        )
    return (
        f"No change for {text.span(silent_s)}. The sweep looks for stuck jobs every five minutes"
        " and recovers them; if this stays, the runbook says what to check."
    )
