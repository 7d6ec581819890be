"""Objects that the system does not take: the chosen ones are triggered again."""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import quote, unquote

from aiohttp import web

from domain.outcome import OutcomeKind
from domain.views import Json
from entrypoints.chosen_objects import KEY_COUNT_MAX, retrigger_body
from entrypoints.console.api import ApiError, connector_path, job_path
from entrypoints.console.form_values import Values
from entrypoints.console.problems import problem_of
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()

WAITING: Final = (OutcomeKind.NOT_TAKEN, OutcomeKind.INGESTING)
_SHOWN_COUNT: Final = 10


@ROUTES.post("/jobs/{job_id}/retrigger")
async def confirm(request: web.Request) -> web.Response:
    """Ask whether the chosen objects are triggered again."""
    values = Values.of_form(await request.post())
    job = await console_of(request).api.get(job_path(request.match_info["job_id"]))
    context = _context(job, _chosen(values), once=f"console-{secrets.token_hex(12)}")
    return page(request, "retrigger.html", context)


@ROUTES.post("/jobs/{job_id}/retrigger/start")
async def start(request: web.Request) -> web.Response:
    """Start the sync of these objects."""
    values = Values.of_form(await request.post())
    api = console_of(request).api
    job = await api.get(job_path(request.match_info["job_id"]))
    keys, once = _chosen(values), values.text("once")
    path = connector_path(job["connectorId"], "sync")
    try:
        started = await api.post(path, retrigger_body(keys), idempotency_key=once or None)
    except ApiError as error:
        context = _context(job, keys, once=once, problem=error)
        return page(request, "retrigger.html", context, status=error.status)
    raise web.HTTPSeeOther(f"/jobs/{quote(started['jobId'], safe='')}")


async def waiting_objects(request: web.Request, job: Json) -> list[Json]:
    """Return some of the job's objects that were triggered and are not taken, each kind by key."""
    found: list[Json] = []
    path = f"{job_path(job['jobId'])}/outcomes"
    for kind, count in zip(WAITING, ("notTaken", "ingesting"), strict=True):
        if job["statistics"][count] and len(found) < _SHOWN_COUNT:
            query = {"outcome": kind.value, "limit": _SHOWN_COUNT - len(found)}
            found += (await console_of(request).api.get(path, query))["items"]
    return found


def _chosen(values: Values) -> list[str]:
    """Return the keys; a form carries them encoded, because it would change their line breaks."""
    field = "listed" if values.text("which") == "listed" else "key"
    return sorted({unquote(each) for each in values.all(field)})


def _context(job: Json, keys: list[str], *, once: str, problem: ApiError | None = None) -> Json:
    return {
        "job": job,
        "keys": keys,
        "folders": [each for each in keys if each.endswith("/")],
        "key_count_max": KEY_COUNT_MAX,
        "once": once,
        "problem": problem_of(problem) if problem else None,
    }
