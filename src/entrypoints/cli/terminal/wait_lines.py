"""What a job waits for, in the words of the terminal."""

from __future__ import annotations

from typing import Final

from domain.views import Json

_WAITS: Final = {
    "PAUSED": "resume",
    "STAGE_PAUSED": "resume --all",
    "INGEST_BEHIND": "ingest",
    "OUTSIDE_WINDOW": "time window",
    "NO_FREE_SLOT": "free slot",
}


def wait_line(job: Json) -> str | None:
    """Return what a job waits for, and since when, as one line; None if it does not wait."""
    waits = job.get("waitingFor")
    if not waits:
        return None
    until = f", at {waits['until']}" if waits["until"] else ""
    since = f" (since {waits['since']})" if waits["since"] else ""
    return f"{waits['text']}{until}{since}"


def wait_words(job: Json) -> str:
    """Return what a job waits for in a table, and until when; empty if it does not wait."""
    waits = job.get("waitingFor")
    if not waits:
        return ""
    words: str = _WAITS.get(waits["reason"], waits["reason"])
    return words + (f" at {waits['until']}" if waits["until"] else "")
