"""From API Gateway's event to its response: Powertools' resolvers, over the table of routes.

A resolver is made for each request. Powertools keeps the event that it works on in an attribute of
a class that all resolvers share, so two threads (each is an environment, on a laptop) would
answer each other's requests; an event set on the resolver itself hides the shared one.

Whatever goes wrong is a reply: API Gateway answers a function that raised with a bare message and
without a word of what to do.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler.api_gateway import (
    APIGatewayHttpResolver,
    ApiGatewayResolver,
    APIGatewayRestResolver,
    Response,
)
from aws_lambda_powertools.utilities.data_classes import (
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
)

from entrypoints.http.bodies import NoQuery
from entrypoints.http.exchange import Event, Json, Reply, Request
from entrypoints.http.parsing import parse_query
from entrypoints.http.problems import (
    INTERNAL,
    METHOD_NOT_ALLOWED,
    SERVICE_FAULT,
    UNAVAILABLE,
    UNKNOWN_PATH,
    RequestFault,
    kind_of,
    problem_reply,
)
from entrypoints.http.route import Route, Serve
from entrypoints.http.routes import ROUTES
from entrypoints.wiring.apps import ApiApp

# Nothing here is for caches to keep: statuses change, and keys are the customer's.
_EVERY_REPLY: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_FOR_OPERATORS: Final = frozenset({INTERNAL, SERVICE_FAULT, UNAVAILABLE})


async def dispatch(app: ApiApp, event: Event, request: Request, context: Any) -> Json:
    """Serve one request; returns the response in API Gateway's form."""
    resolver, seen = _resolver(event, request)
    by_rule: dict[str, list[Route]] = {}
    for route in ROUTES:
        by_rule.setdefault(route.rule, []).append(route)
    for rule, routes in by_rule.items():
        served = {method: route for route in routes for method in _methods(route)}
        route_of_method = served.get(request.method)
        serve = _serving(route_of_method) if route_of_method else _refusing(served)
        # Made for this request, the resolver need not know of other methods.
        resolver.route(rule, request.method)(_bound(app, request, rule, serve))

    def unknown(_: Exception) -> Response[str]:
        fault = RequestFault(UNKNOWN_PATH, f"{request.path} is no path of this API")
        return _response(request, problem_reply(fault, request))

    resolver.not_found(unknown)
    response: Json = await resolver.resolve_async(seen, context)
    return response


def failed_response(request: Request, error: Exception) -> Json:
    """Return the response where not even the app could be opened; both formats read this form."""
    response = _response(request, problem_reply(error, request))
    return {
        "statusCode": response.status_code,
        "headers": response.headers,
        "body": response.body,
        "isBase64Encoded": False,
    }


def _resolver(event: Event, request: Request) -> tuple[ApiGatewayResolver, Json]:
    """Return the resolver for the event's format, and the event as it is to see it."""
    # Powertools takes some characters for no parameter: encoded, they are all alike to it.
    path = quote(request.path)
    # debug=False: else an environment variable (POWERTOOLS_DEV) makes it print whole events.
    if request.payload_format == "2.0":
        context = event["requestContext"]
        http = {**context["http"], "method": request.method}
        # A stage other than this one would be cut off the path by its length, be it there or not.
        shown = {**context, "http": http, "stage": "$default"}
        seen = {**event, "rawPath": path, "requestContext": shown}
        http_resolver = APIGatewayHttpResolver(debug=False)
        http_resolver.current_event = APIGatewayProxyEventV2(seen)
        return http_resolver, seen
    seen = {**event, "path": path, "httpMethod": request.method}
    rest_resolver = APIGatewayRestResolver(debug=False)
    rest_resolver.current_event = APIGatewayProxyEvent(seen)
    return rest_resolver, seen


def _methods(route: Route) -> tuple[str, ...]:
    return ("GET", "HEAD") if route.method == "GET" else (route.method,)


def _serving(route: Route) -> Serve:
    async def serve(app: ApiApp, request: Request, parameter: str) -> Reply:
        if route.query is NoQuery:
            # Routes with parameters read them themselves.
            parse_query(request, NoQuery)
        return await route.serve(app, request, parameter)

    return serve


def _refusing(served: Iterable[str]) -> Serve:
    allow = ", ".join(sorted({*served, "OPTIONS"}))

    async def refuse(_app: ApiApp, request: Request, _parameter: str) -> Reply:
        if request.method == "OPTIONS":
            return Reply(status=204, headers={"Allow": allow})
        message = f"{request.path} takes {allow}, not {request.method}"
        raise RequestFault(METHOD_NOT_ALLOWED, message, headers={"Allow": allow})

    return refuse


def _bound(
    app: ApiApp, request: Request, rule: str, serve: Serve
) -> Callable[..., Awaitable[Response[str]]]:
    """Return what Powertools calls with the path's parameter."""

    async def bound(**parameters: str) -> Response[str]:
        # Encoded for Powertools, and it may have come encoded. Our ids hold no percent sign, so
        # decoding once more does no harm.
        parameter = unquote(unquote(next(iter(parameters.values()), "")))
        try:
            reply = await serve(app, request, parameter)
        except Exception as error:  # noqa: BLE001 - the edge: it is reported and answered
            reply = problem_reply(error, request)
            _report(app, request, rule, error)
        app.telemetry.event("request", method=request.method, route=rule, status=reply.status)
        return _response(request, reply)

    return bound


def _report(app: ApiApp, request: Request, rule: str, error: Exception) -> None:
    """Log what an operator has to know; a request that is wrong is its caller's matter."""
    if kind_of(error) in _FOR_OPERATORS:
        app.telemetry.warning(
            "request_failed",
            method=request.method,
            route=rule,
            error_class=type(error).__name__,
            cause=str(error),
            stack_trace="".join(traceback.format_exception(error)),
        )


def _response(request: Request, reply: Reply) -> Response[str]:
    headers = {**_EVERY_REPLY, **reply.headers}
    body = "" if request.method == "HEAD" else reply.text()
    content_type = reply.content_type if reply.body is not None else None
    return Response(reply.status, content_type, body, headers)
