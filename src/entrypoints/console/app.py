"""The console as an aiohttp application: routes, and what holds for every request."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from entrypoints.console.api import Api, ApiError
from entrypoints.console.chunk_reader import ChunkReader
from entrypoints.console.features import Features
from entrypoints.console.guard import (
    ACCESS_PARAMETER,
    FORM_TOKEN,
    SECURITY_HEADERS,
    Sender,
    Sessions,
    rejection_of,
)
from entrypoints.console.pages import (
    connector_forms,
    connectors,
    job_actions,
    job_lists,
    jobs,
    objects,
    orphans,
    overview,
    removals,
    retriggers,
    schedules,
    stage,
    syncs,
)
from entrypoints.console.problems import Problem, problem_of
from entrypoints.console.rendering import CONSOLE, FOLDER, SESSION, Console, console_of, page

logger: Final = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# The largest forms hold a hundred prefixes of 1,024 bytes, and two lists of globs.
_BODY_BYTES_MAX: Final = 1024 * 1024
_STATIC: Final = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_PAGES: Final = (
    overview,
    stage,
    connectors,
    connector_forms,
    schedules,
    syncs,
    jobs,
    job_lists,
    job_actions,
    removals,
    orphans,
    retriggers,
    objects,
)


def console_application(
    api: Api, *, access_key: str | None = None, refresh_s: float = 2.0
) -> web.Application:
    """Return the application that serves the console of an API.

    With an access key, it serves only browsers that have opened the URL with the key.
    """
    application = web.Application(
        client_max_size=_BODY_BYTES_MAX, middlewares=[_secure, _explain_problems]
    )
    application[CONSOLE] = Console(
        api=api,
        sessions=Sessions(access_key=access_key),
        chunks=ChunkReader(api),
        features=Features(api),
        refresh_s=refresh_s,
    )
    for name in _STATIC:
        application.router.add_get(f"/static/{name}", _static)
    for module in _PAGES:
        application.add_routes(module.ROUTES)
    application.cleanup_ctx.append(_closing)
    return application


async def _closing(application: web.Application) -> AsyncIterator[None]:
    yield
    application[CONSOLE].api.close()


@web.middleware
async def _secure(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Reject what does not come from the console's own pages; set the headers of every response."""
    response = await _guarded(request, handler)
    response.headers.update(SECURITY_HEADERS)
    return response


async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    headers = request.headers
    sender = Sender(
        method=request.method,
        host=",".join(headers.getall("Host", ())),
        origin=",".join(headers.getall("Origin", ())),
        fetch_site=",".join(headers.getall("Sec-Fetch-Site", ())),
        fetch_dest=headers.get("Sec-Fetch-Dest", ""),
    )
    rejection = rejection_of(sender)
    if rejection is not None:
        return _plain(HTTPStatus.FORBIDDEN, rejection)
    sessions = console_of(request).sessions
    cookie = _cookie_name(request)
    session = request.cookies.get(cookie, "")
    known = sessions.is_valid(session)
    if not known:
        if not sessions.opens(request.query.get(ACCESS_PARAMETER, "")):
            return _plain(HTTPStatus.UNAUTHORIZED, _NO_ACCESS)
        session = sessions.new()
    if ACCESS_PARAMETER in request.query and request.method == "GET":
        # The key leaves the address bar and the history.
        response: web.StreamResponse = _redirect(str(request.rel_url.with_query(None)))
    else:
        request[SESSION] = session
        response = await handler(request)
    if not known:
        response.set_cookie(cookie, session, httponly=True, samesite="Strict", path="/")
    return response


_NO_ACCESS: Final = (
    "This browser has no access to the console. Open the URL that `asset-sync console` printed when"
    " it started; it contains the key."
)


def _cookie_name(request: web.Request) -> str:
    """Return a name with the port: browsers keep one set of cookies for all ports of a host."""
    return f"asset-sync-console-{request.host.rpartition(':')[2]}"


def _redirect(location: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": location})


def _plain(status: HTTPStatus, message: str) -> web.Response:
    return web.Response(status=status, text=message + "\n", content_type="text/plain")


@web.middleware
async def _explain_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check the token of a form; show errors as pages with the cause and the next step."""
    try:
        if request.method == "POST":
            form = await request.post()
            if not console_of(request).sessions.accepts(
                request[SESSION], str(form.get(FORM_TOKEN, ""))
            ):
                return _problem_page(request, _OUTDATED_FORM)
        return await handler(request)
    except ApiError as error:
        return _problem_page(request, problem_of(error))
    except web.HTTPNotFound:
        return _problem_page(request, _NO_PAGE)
    except web.HTTPMethodNotAllowed as error:
        return _plain(HTTPStatus.METHOD_NOT_ALLOWED, f"{error.method} is not for this page.")
    except web.HTTPRequestEntityTooLarge:
        return _problem_page(request, _TOO_LARGE)
    except web.HTTPRedirection as redirection:
        return _redirect(redirection.headers["Location"])
    except Exception:
        logger.exception("the console failed at %s", request.method)
        return _problem_page(request, _BUG)


_OUTDATED_FORM: Final = Problem(
    title="The form is not of this session",
    cause="Its token is missing or of another session: the console was restarted since the page"
    " was loaded, or the form is of another page. Nothing was done.",
    next_step="Go back, load the page again, and repeat it.",
    status=HTTPStatus.FORBIDDEN,
)
_NO_PAGE: Final = Problem(
    title="There is no such page",
    cause="The console has no page at this address.",
    next_step="Use the links at the top.",
    status=HTTPStatus.NOT_FOUND,
)
_TOO_LARGE: Final = Problem(
    title="The form is too large",
    cause="It has more than a megabyte.",
    next_step="Name fewer or shorter prefixes and globs.",
    status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
)
_BUG: Final = Problem(
    title="The console failed",
    cause="An error that was not foreseen, in the console and not in the API. It is in the log of"
    " the command that serves the console.",
    next_step="Go back; the command line can do the same. Please report the error.",
    status=HTTPStatus.INTERNAL_SERVER_ERROR,
)


def _problem_page(request: web.Request, problem: Problem) -> web.Response:
    # The handlers of parts of pages are named after what they are.
    is_part = request.match_info.handler.__name__.endswith("_live")
    template = "problem_live.html" if is_part else "problem.html"
    return page(request, template, {"problem": problem}, status=problem.status)


async def _static(request: web.Request) -> web.Response:
    name = request.path.rpartition("/")[2]
    body = (FOLDER / "static" / name).read_bytes()
    return web.Response(body=body, content_type=_STATIC[name], charset="utf-8")
