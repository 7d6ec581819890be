"""Powertools' resolver, and what its known faults require.

`tests/entrypoint/test_powertools_faults.py` has a test for each fault, which fails once it is fixed
upstream; then its remedy can be removed. The numbers are those of
https://github.com/aws-powertools/powertools-lambda-python/issues/.

- The current event is an attribute of a class that all resolvers share, so a thread would answer
  the request of another (8451; fixed for the local ASGI resolver only). Each thread has a resolver,
  and the event is set on the resolver itself, which hides the shared one.
- A stage is cut off the path of format 2.0 by its length, whether it is there or not (2765). The
  resolver gets every request in format 1.0, with the path that routes match.
- A path parameter matches a list of characters that has grown report by report (1098, 3006), and
  lacks some. The path is quoted.
- A dot in a rule matches any character (no report). It is escaped.
- A body that is a list is read as its first item (8057; fixed for models of lists only), and `null`
  as no body (no report). Our own reader refuses both.
- Query parameters that are not declared are ignored (no report). They are refused here.
- A middleware that is a plain function runs in another thread, and so does Powertools' validation
  (8134). A coroutine calls it.
- The arguments of a handler are logged at level DEBUG (no report). That level is off.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
)
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from domain.errors import InvalidRequest
from entrypoints.http.body import read_body
from entrypoints.http.event import Request
from entrypoints.http.validation import field_issues, query_issues

logging.getLogger("aws_lambda_powertools.event_handler").setLevel(logging.INFO)


def rule_of(path: str) -> str:
    """Return a path as Powertools writes it."""
    return path.replace("{", "<").replace("}", ">")


async def respond(
    resolver: APIGatewayRestResolver, request: Request, lambda_context: Any
) -> dict[str, Any]:
    """Return the response in the format that the request came in."""
    event = {
        "httpMethod": "GET" if request.method == "HEAD" else request.method,
        "path": quote(request.path),
        "multiValueQueryStringParameters": request.query,
        "multiValueHeaders": request.headers,
    }
    resolver.current_event = APIGatewayProxyEvent(event)
    response = await resolver.resolve_async(event, lambda_context)
    if request.payload_format == "2.0":
        headers = response.pop("multiValueHeaders")
        response["headers"] = {name: value for name, [value] in headers.items()}
    return response


class _Validation(OpenAPIRequestValidationMiddleware):
    def _get_body(self, app: Any) -> dict[str, Any]:
        return read_body(app.context["request"])


_VALIDATION: Any = _Validation()  # type: ignore[no-untyped-call]


async def validated(resolver: Any, serve: Any) -> Any:
    """Middleware: replace the texts of a request by the handler's arguments.

    Raises:
        InvalidRequest: names everything that is wrong.
    """
    texts = resolver.context["_route_args"]
    resolver.context["_route_args"] = {name: unquote(text) for name, text in texts.items()}
    declared = resolver.context["_route"].dependant
    query = resolver.context["request"].query
    refused = query_issues(query, [field.alias for field in declared.query_params])
    found = []
    try:
        _VALIDATION.handler(resolver, lambda _: None)
    except RequestValidationError as error:
        body = declared.body_params[0].type_ if declared.body_params else None
        found = [i for i in field_issues(error.errors(), body) if i.path not in refused]
    if refused or found:
        raise InvalidRequest(*refused.values(), *found)
    return await serve(resolver)
