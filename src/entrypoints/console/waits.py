"""What a job waits for, as its page says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.views import Json
from entrypoints.console import text

_NEXT: Final = {
    "PAUSED": "Nothing new is started, and nothing is lost.",
    "STAGE_PAUSED": "Nothing new is started, and nothing is lost.",
    "INGEST_BEHIND": "No copy is started until the system has caught up; then the job continues on"
    " its own.",
}
_GOES_ON: Final = "Then the job continues on its own."
_LIMITS: Final = frozenset({"INGEST_BEHIND", "OUTSIDE_WINDOW", "NO_FREE_SLOT"})
_PAUSES: Final = frozenset({"PAUSED", "STAGE_PAUSED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Why a job does nothing now; times are those of the API, None if they are not known."""

    title: str
    reason: str
    next_step: str
    since: str | None = None
    until: str | None = None
    by: str | None = None
    detail: str | None = None

    @property
    def is_limit(self) -> bool:
        """Whether a limit of the connector is what it waits for."""
        return self.reason in _LIMITS


def wait_of(job: Json) -> Wait | None:
    """Return what the job waits for; None if it works, has ended, or its stage does not say."""
    hold, waiting = job.get("hold"), job.get("waitingFor")
    # Of a pause its hold has more: who, and why.
    if waiting and not (hold and hold["cause"] in _PAUSES):
        return Wait(
            title=f"Waits for {waiting['text']}",
            reason=waiting["reason"],
            since=waiting["since"],
            until=waiting["until"],
            next_step=_NEXT.get(waiting["reason"], _GOES_ON),
        )
    if not hold:
        return None
    cause = hold["cause"]
    return Wait(
        title="Waiting for ingest" if cause == "INGEST_BEHIND" else text.words(cause),
        reason=cause,
        since=hold["since"],
        by=hold["by"],
        detail=hold["reason"],
        next_step=_NEXT.get(cause, _GOES_ON),
    )
