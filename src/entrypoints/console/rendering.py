"""Templates, and what every page of the console needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from entrypoints.console import job_facts, orphan_facts, text, waits
from entrypoints.console.api import Api
from entrypoints.console.chunk_reader import ChunkReader
from entrypoints.console.features import Features
from entrypoints.console.guard import ACCESS_PARAMETER, FORM_TOKEN, Sessions

FOLDER: Final = Path(__file__).parent
SESSION: Final = web.RequestKey("session", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The console's parts.

    `refresh_s` is how often a page asks for its live parts.
    """

    api: Api
    sessions: Sessions
    chunks: ChunkReader
    features: Features
    refresh_s: float
    templates: Environment = field(default_factory=lambda: _environment())


CONSOLE: Final = web.AppKey("console", Console)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(text.FILTERS)
    environment.globals.update(
        tones=job_facts.TONES,
        is_active=job_facts.is_active,
        has_completed=job_facts.has_completed,
        is_redrivable=job_facts.is_redrivable,
        is_cancelling=job_facts.is_cancelling,
        listing_is_complete=job_facts.listing_is_complete,
        done_count=job_facts.done_count,
        lead=job_facts.lead,
        wait_of=waits.wait_of,
        orphans_lead=orphan_facts.lead,
        orphan_steps=orphan_facts.steps,
        FORM_TOKEN=FORM_TOKEN,
        ACCESS_PARAMETER=ACCESS_PARAMETER,
    )
    return environment


def console_of(request: web.Request) -> Console:
    """Return the console that serves a request."""
    return request.app[CONSOLE]


def now() -> datetime:
    """Return the time to which ages are shown."""
    return datetime.now(UTC)


def page(
    request: web.Request, template: str, context: Mapping[str, Any], *, status: int = 200
) -> web.Response:
    """Return a page, or a part of one."""
    console = console_of(request)
    session = request.get(SESSION, "")
    html = console.templates.get_template(template).render(
        {
            "now": now(),
            "path": request.path,
            "query": dict(request.query),
            "label": console.api.label,
            "refresh_ms": int(console.refresh_s * 1_000),
            "form_token": console.sessions.form_token(session),
            **context,
        }
    )
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=status)
