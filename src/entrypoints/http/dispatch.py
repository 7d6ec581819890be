"""From API Gateway's event to its response: Powertools' resolver over the table of routes.

Every error is answered: API Gateway answers a function that raised with a bare message, which does
not say what to do.
"""

from __future__ import annotations

import re
import threading
import traceback
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver, Response

from entrypoints.http import problems
from entrypoints.http.event import Request
from entrypoints.http.powertools import respond, rule_of, validated
from entrypoints.http.problems import RequestFault, kind_of, problem_response
from entrypoints.http.routes import ROUTES
from entrypoints.wiring.api_app import ApiApp

# Nothing here is for caches to keep: statuses change, and keys are the customer's.
_EVERY_RESPONSE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_FOR_OPERATORS: Final = (problems.INTERNAL, problems.SERVICE_FAULT, problems.UNAVAILABLE)

_PATTERNS: Final = [
    (re.compile(re.sub(r"\{\w+\}", "[^/]+", route.path.replace(".", r"\."))), route)
    for route in ROUTES
]
# Each thread is an environment, as in `Runtime`.
_ENVIRONMENT: Final = threading.local()


async def dispatch(app: ApiApp, request: Request, lambda_context: Any) -> dict[str, Any]:
    """Serve one request; returns the response in API Gateway's form."""
    if not hasattr(_ENVIRONMENT, "resolver"):
        _ENVIRONMENT.resolver = _new_resolver()
    resolver: APIGatewayRestResolver = _ENVIRONMENT.resolver
    routes = [route for pattern, route in _PATTERNS if pattern.fullmatch(request.path)]
    resolver.context.update(app=app, request=request, routes=routes)
    path = routes[0].path if routes else "an unknown path"
    parent = next(iter(request.headers.get("traceparent", [])), None)
    with app.telemetry.span(f"{request.method} {path}", parent=parent) as span:
        response = await respond(resolver, request, lambda_context)
        span.facts(status=response["statusCode"])
        return response


def failed_response(error: Exception, request_id: str, *, instance: str = "/") -> dict[str, Any]:
    """Return the response where not even the app could be opened; both formats read this form."""
    response = problem_response(error, instance=instance, request_id=request_id)
    return {
        "statusCode": response.status_code,
        "headers": _EVERY_RESPONSE | response.headers,
        "body": response.body,
        "isBase64Encoded": False,
    }


def _new_resolver() -> APIGatewayRestResolver:
    # debug=False: else an environment variable (POWERTOOLS_DEV) makes it print whole events.
    resolver = APIGatewayRestResolver(debug=False)
    resolver.use([_answered])  # type: ignore[list-item] # its annotations lack coroutines
    for route in ROUTES:
        rule = rule_of(route.path).replace(".", r"\.")
        resolver.route(rule, route.method, status_code=route.status, middlewares=[validated])(
            route.handler
        )

    def other_method(_: Exception) -> Response[str]:
        request: Request = resolver.context["request"]
        methods = {route.method for route in resolver.context["routes"]}
        if not methods:
            raise RequestFault(problems.UNKNOWN_PATH, f"{request.path} is no path of this API")
        allow = ", ".join(sorted({*methods, *(("HEAD",) * ("GET" in methods)), "OPTIONS"}))
        if request.method == "OPTIONS":
            return Response(204, body="", headers={"Allow": allow})
        message = f"{request.path} takes {allow}, not {request.method}"
        raise RequestFault(problems.METHOD_NOT_ALLOWED, message, headers={"Allow": allow})

    resolver.not_found(other_method)
    return resolver


async def _answered(resolver: APIGatewayRestResolver, serve: Any) -> Response[str]:
    """Middleware: answer whatever is raised as a problem, and log what an operator must know."""
    app: ApiApp = resolver.context["app"]
    request: Request = resolver.context["request"]
    path = next((route.path for route in resolver.context["routes"]), None)
    try:
        response: Response[str] = await serve(resolver)
    except Exception as error:  # noqa: BLE001 - the edge: it is reported and answered
        instance = request.link(request.path)
        response = problem_response(error, instance=instance, request_id=request.request_id)
        if kind_of(error) in _FOR_OPERATORS:
            app.telemetry.warning(
                "request_failed",
                method=request.method,
                route=path,
                error_class=type(error).__name__,
                cause=str(error),
                stack_trace="".join(traceback.format_exception(error)),
            )
    if path is not None:
        status = response.status_code
        app.telemetry.event("request", method=request.method, route=path, status=status)
    if request.method == "HEAD":
        response.body = ""
    response.headers.update(_EVERY_RESPONSE)
    return response
