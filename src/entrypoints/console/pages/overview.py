"""Is it alive? What runs, what failed, what needs attention."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from aiohttp import web

from domain.job import JobStatus
from domain.orphan_work import OrphanStatus
from domain.removal_work import RemovalStatus
from domain.views import Json
from entrypoints.console import text
from entrypoints.console.api import both
from entrypoints.console.features import STAGE_PAUSE
from entrypoints.console.job_facts import is_active
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()

_JOB_COUNT: Final = 100
_RECENT_COUNT: Final = 8
_CONNECTOR_COUNT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Something that an operator should look at."""

    tone: str
    title: str
    detail: str
    link: str
    link_text: str


@ROUTES.get("/")
async def overview(request: web.Request) -> web.Response:
    """Show the overview."""
    return page(request, "overview.html", await _context(request))


@ROUTES.get("/live")
async def overview_live(request: web.Request) -> web.Response:
    """Show the part of the overview that changes."""
    return page(request, "overview_live.html", await _context(request))


async def _context(request: web.Request) -> Json:
    api = console_of(request).api
    began = time.monotonic()
    jobs, connectors = await both(
        api.get("/jobs", {"limit": _JOB_COUNT}),
        api.get("/connectors", {"limit": _CONNECTOR_COUNT}),
    )
    features = console_of(request).features
    stage = await api.get("/stage") if await features.has(STAGE_PAUSE) else None
    elapsed_ms = (time.monotonic() - began) * 1_000
    items = jobs["items"]
    latest: dict[str, Json] = {}
    for job in items:
        latest.setdefault(job["connectorId"], job)
    return {
        "elapsed_ms": elapsed_ms,
        "stage": stage,
        "active": [job for job in items if is_active(job)],
        "recent": [job for job in items if not is_active(job)][:_RECENT_COUNT],
        "job_count": len(items),
        "more_jobs": jobs["nextCursor"] is not None,
        "connectors": connectors["items"],
        "more_connectors": connectors["nextCursor"] is not None,
        "latest": latest,
        "attention": _attention(items, connectors, latest)
        + _unreadable(jobs, "job")
        + _unreadable(connectors, "connector"),
        "last_change": max((job["updatedAt"] for job in items), default=None),
    }


def _attention(jobs: list[Json], connectors: Json, latest: dict[str, Json]) -> list[Attention]:
    """Return what needs attention: of a connector's jobs only the latest counts."""
    found = []
    listed = {each["connectorId"] for each in connectors["items"]}
    for job in latest.values():
        removed = job["connectorId"] not in listed and connectors["nextCursor"] is None
        if is_active(job) or removed:
            continue
        failed = job["statistics"]["failed"]
        if job["status"] == JobStatus.FAILED:
            found.append(_about(job, "bad", "The last sync failed", text.line(job["statusReason"])))
        elif job["status"] == JobStatus.COMPLETED_WITH_ERRORS:
            detail = f"{text.plural(failed, 'object')} failed in the last sync"
            found.append(_about(job, "warn", "Objects failed", detail))
        elif job["statistics"]["notTaken"]:
            detail = (
                f"{text.plural(job['statistics']['notTaken'], 'object')} triggered, never taken"
            )
            found.append(_about(job, "warn", "Objects were not taken", detail))
        found += _gone(job)
    found += [
        _about(
            job,
            "warn",
            "Objects fail",
            f"{text.plural(job['statistics']['failed'], 'object')} so far, in the running job",
        )
        for job in jobs
        if is_active(job) and job["statistics"]["failed"]
    ]
    return found


def _gone(job: Json) -> list[Attention]:
    """Return what waits for a decision about removed objects, or could not be found out."""
    removals, orphans = job.get("removals"), job.get("orphans")
    found = []
    if removals and removals["status"] == RemovalStatus.STOPPED:
        detail = f"{text.plural(removals['missing'], 'object')} missing: a mistake, or confirm it"
        found.append(_about(job, "warn", "The guard stopped a comparison", detail))
    if removals and removals["status"] == RemovalStatus.GIVEN_UP:
        reason = text.line(removals["reason"])
        found.append(_about(job, "warn", "The comparison with the sync before failed", reason))
    if orphans and orphans["status"] == OrphanStatus.GIVEN_UP:
        reason = text.line(orphans["reason"])
        found.append(_about(job, "warn", "The search for orphans failed", reason))
    return found


def _about(job: Json, tone: str, title: str, detail: str) -> Attention:
    return Attention(
        tone=tone,
        title=f"{title}: {text.line(job['connectorId'])}",
        detail=detail,
        link=f"/jobs/{quote(job['jobId'], safe='')}",
        link_text="Show the job",
    )


def _unreadable(listed: Json, thing: str) -> list[Attention]:
    return [
        Attention(
            tone="bad",
            title=f"The {thing} {text.line(each['id'])} cannot be read",
            detail=text.line(each["cause"]),
            link="/jobs" if thing == "job" else "/connectors",
            link_text=f"Show the {thing}s",
        )
        for each in listed.get("unreadable", ())
    ]
