"""An HTTP API that invokes the API function, like an HTTP API of API Gateway.

API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway",
payload format 2.0 (checked 2026-11): header names are lower case, repeated headers and query
parameters are joined by commas, cookies are a separate list, a body that is not text is base64. The
only route is `$default`, so the function does the routing. There is no authorizer.
"""

import base64
import json
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict

from adapters.local_aws.lambda_service.invocation import (
    ACCOUNT_ID,
    InvocationRejected,
    InvocationResult,
)
from adapters.local_aws.lambda_service.service import LambdaService

Handler = Callable[[web.Request], Awaitable[web.Response]]

logger: Final = logging.getLogger(__name__)

# API Gateway Developer Guide, "Quotas for HTTP APIs": payloads up to 10 MB (hard limit).
_BODY_BYTES_MAX: Final = 10 * 1024 * 1024
METRICS_PATH: Final = "/metrics"
# Prometheus documentation, "Exposition formats": the text format, version 0.0.4.
METRICS_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Names that a request to S3 can have at all; the API has the rules.
_BUCKET_NAME: Final = re.compile(r"[A-Za-z0-9._-]{3,255}", re.ASCII)
_TEXT_TYPES: Final = ("text/", "application/json", "application/xml", "application/javascript")
# Set by the server; values from the function would contradict it.
_SERVER_HEADERS: Final = frozenset({"content-length", "transfer-encoding", "connection"})


def http_api_application(
    service: LambdaService,
    function: str,
    *,
    around_changes: Callable[[str | None], Awaitable[None]] | None = None,
    metrics: Callable[[], bytes] | None = None,
) -> web.Application:
    """Return the HTTP application that invokes `function` for every request.

    `around_changes` is awaited before and after each request that may change a resource; before one
    that registers a connector, with the name of its bucket, otherwise with None. `metrics` is
    served at METRICS_PATH, which API Gateway does not have.
    """

    async def handle(request: web.Request) -> web.Response:
        try:
            body = await request.read()
            event = request_event(request, body)
            payload = json.dumps(event).encode()
            watched = around_changes if request.method not in _READS else None
            if watched is not None:
                await watched(_registered_bucket(request, body))
            result = await service.invoke(function, payload)
            if watched is not None:
                await watched(None)
        except (web.HTTPRequestEntityTooLarge, InvocationRejected):
            # The function exists and the payload is JSON, so only its size can be rejected.
            return _too_large(request)
        return _response(result)

    application = web.Application(client_max_size=_BODY_BYTES_MAX)
    if metrics is not None:
        application.router.add_get(METRICS_PATH, _page_of(metrics))
    # A dot does not match a line break, which a path may contain.
    application.router.add_route("*", r"/{path:[\s\S]*}", handle)
    return application


def _registered_bucket(request: web.Request, body: bytes) -> str | None:
    """Return the bucket that a request registers as a connector; None for any other request."""
    if request.method != "POST" or request.path != "/connectors":
        return None
    try:
        name = json.loads(body)["bucketName"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) and _BUCKET_NAME.fullmatch(name) else None


def _page_of(metrics: Callable[[], bytes]) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": METRICS_CONTENT_TYPE})

    return handle


def _too_large(request: web.Request) -> web.Response:
    """Return the problem document for a request that is too large to invoke the function.

    API Gateway rejects it as well, in its own format: a body above 10 MB, and one that does not fit
    into the 6 MB of an invocation.
    """
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    problem = {
        "type": "/problems/body-too-large",
        "title": "The request's body is too large",
        "status": status,
        "detail": "The body exceeds the 6 MB limit of a function invocation;"
        " the limit of the API itself is 256 KiB",
        "instance": request.rel_url.raw_path,
        "retryable": False,
        "requestId": str(uuid.uuid4()),
    }
    return web.json_response(problem, status=status, content_type="application/problem+json")


def request_event(request: web.Request, body: bytes) -> dict[str, Any]:
    """Return the event of payload format 2.0 for one request."""
    raw_path, _, raw_query = request.raw_path.partition("?")
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        if name.lower() != "cookie":
            headers[name.lower()] = ",".join(filter(None, (headers.get(name.lower()), value)))
    now = time.time()
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        # The path is decoded, the query string is as it was sent.
        "rawPath": unquote(raw_path),
        "rawQueryString": raw_query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": "local",
            "domainName": request.host,
            "domainPrefix": "local",
            "http": {
                "method": request.method,
                "path": unquote(raw_path),
                "protocol": f"HTTP/{request.version.major}.{request.version.minor}",
                "sourceIp": request.remote or "127.0.0.1",
                "userAgent": request.headers.get("User-Agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now * 1_000),
        },
        "isBase64Encoded": False,
    }
    if request.cookies:
        event["cookies"] = [f"{name}={value}" for name, value in request.cookies.items()]
    if raw_query:
        query: dict[str, str] = {}
        for name, value in request.query.items():
            query[name] = f"{query[name]},{value}" if name in query else value
        event["queryStringParameters"] = query
    if body:
        text = _text_of(body) if _is_text(request.content_type) else None
        event["isBase64Encoded"] = text is None
        event["body"] = base64.b64encode(body).decode() if text is None else text
    return event


def _text_of(body: bytes) -> str | None:
    """Return the text, None if the bytes are not text: the content type may be wrong."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _is_text(content_type: str) -> bool:
    return content_type.startswith(_TEXT_TYPES) or content_type.endswith(("+json", "+xml"))


def _response(result: InvocationResult) -> web.Response:
    response = json.loads(result.payload)
    if result.function_error is None:
        try:
            return _formatted(response)
        except (AttributeError, TypeError, ValueError):
            logger.exception("the function's response is not in payload format 2.0")
    # API Gateway returns no more than this; the cause is in the function's log.
    return web.json_response({"message": "Internal Server Error"}, status=500)


def _formatted(response: Any) -> web.Response:
    if not isinstance(response, dict) or "statusCode" not in response:
        # Format 2.0: a response without a status code is the body of a 200.
        return web.json_response(response)
    headers = CIMultiDict(
        (name, str(value))
        for name, value in (response.get("headers") or {}).items()
        if name.lower() not in _SERVER_HEADERS
    )
    for cookie in response.get("cookies") or ():
        headers.add("Set-Cookie", str(cookie))
    headers.setdefault("Content-Type", "application/json")
    body = (response.get("body") or "").encode()
    if response.get("isBase64Encoded"):
        body = base64.b64decode(body, validate=True)
    return web.Response(status=int(response["statusCode"]), headers=headers, body=body)
