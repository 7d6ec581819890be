"""Problems as pages: what failed, why, and what to do next in the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from entrypoints.console.api import ApiError

_NEXT: Final[Mapping[str, str]] = {
    "not-found": "It may have been removed, or its id is wrong. The lists show what there is.",
    "already-exists": "Choose another id, or use the connector that is there.",
    "connector-disabled": "Enable the connector, then try again.",
    "connector-removed": "Register the bucket again, then start a new sync.",
    "connector-in-use": "Cancel the job, or wait until it has ended; then try again.",
    "precondition-failed": "Someone changed it in the meantime, and nothing was written. Look how"
    " it is now, then repeat it.",
    "overlapping-job": "Wait until that job has ended, or cancel it.",
    "too-many-prefixes": "Wait until another job of the bucket has ended.",
    "not-redrivable": "Only a job that completed with errors can be redriven. Otherwise start a new"
    " sync: it skips what is done.",
    "not-pausable": "It has ended, or is ending. A job that has ended needs no pause.",
    "not-confirmable": "Load the page again: the number has changed, or a later sync was compared.",
    "not-searchable": "A search follows a sync that has completed; a dry run will do.",
    "conflict": "Nothing was written. Try again.",
    "above-max-cost": "Allow more, or narrow the sync with a prefix or filters.",
    "bucket-not-readable": "Check the connector: it shows what is missing, with the policy"
    " statement to add.",
    "unavailable": "Try again in a few seconds.",
    "internal": "The cause is in the log of the API's function, under the request id.",
    "service-fault": "The cause is in the log of the API's function, under the request id.",
    "validation": "Correct the fields below.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a page says about a failed request."""

    title: str
    cause: str
    next_step: str
    status: int
    request_id: str | None = None
    link: tuple[str, str] | None = None
    """Where to go next: a path of the console, and its text."""
    more: tuple[str, ...] = ()


def problem_of(error: ApiError) -> Problem:
    """Return what the console says about a request that the API rejected or did not answer."""
    job_id = error.problem.get("jobId")
    link = (f"/jobs/{quote(job_id, safe='')}", f"Show job {job_id}") if job_id else None
    reached = bool(error.kind)
    return Problem(
        title=str(error.problem.get("title") or "The API did not answer as expected")
        if reached
        else "The API cannot be used",
        cause=str(error),
        next_step=_NEXT.get(error.kind, "")
        if reached
        else "If it is a local service, check that `asset-sync up` is still running. Then load the"
        " page again.",
        status=error.status,
        request_id=error.problem.get("requestId"),
        link=link,
        more=error.more,
    )
