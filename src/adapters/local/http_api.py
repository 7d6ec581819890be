"""An HTTP API in front of the api function, as API Gateway would stand there.

API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway",
payload format 2.0 (checked 2026-11): header names are lower case, repeated headers and query
parameters are joined by commas, cookies stand apart, a body that is not text is base64. One route
takes everything (`$default`), so the function routes by itself. There is no authorizer.
"""

import base64
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict

from adapters.local.functions import LambdaService
from adapters.local.invocation import ACCOUNT_ID, InvocationResult

# API Gateway Developer Guide, "Quotas for HTTP APIs": payloads up to 10 MB (hard limit).
_BODY_BYTES_MAX: Final = 10 * 1024 * 1024
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_TEXT_TYPES: Final = ("text/", "application/json", "application/xml", "application/javascript")
# Set by the server for this answer; a function's own would contradict it.
_SERVER_HEADERS: Final = frozenset({"content-length", "transfer-encoding", "connection"})


def http_api_application(
    service: LambdaService,
    function: str,
    *,
    around_changes: Callable[[], Awaitable[None]] | None = None,
) -> web.Application:
    """The HTTP application that invokes `function` for every request.

    `around_changes` is awaited before and after each request that may change something.
    """

    async def handle(request: web.Request) -> web.Response:
        event = request_event(request, await request.read())
        watched = around_changes if request.method not in _READS else None
        if watched is not None:
            await watched()
        result = await service.invoke(function, json.dumps(event).encode())
        if watched is not None:
            await watched()
        return _response(result)

    application = web.Application(client_max_size=_BODY_BYTES_MAX)
    application.router.add_route("*", "/{path:.*}", handle)
    return application


def request_event(request: web.Request, body: bytes) -> dict[str, Any]:
    """The event of payload format 2.0 for one request."""
    raw_path, _, raw_query = request.raw_path.partition("?")
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        if name.lower() != "cookie":
            headers[name.lower()] = ",".join(filter(None, (headers.get(name.lower()), value)))
    now = time.time()
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        # The path comes decoded, the query string as it was sent.
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
        event["isBase64Encoded"] = not _is_text(request.content_type)
        event["body"] = (
            base64.b64encode(body).decode() if event["isBase64Encoded"] else body.decode()
        )
    return event


def _is_text(content_type: str) -> bool:
    return content_type.startswith(_TEXT_TYPES) or content_type.endswith(("+json", "+xml"))


def _response(result: InvocationResult) -> web.Response:
    answer = json.loads(result.payload)
    if result.function_error is not None:
        # All that API Gateway tells a caller; the cause is in the function's log.
        return web.json_response({"message": "Internal Server Error"}, status=500)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        # Format 2.0: an answer without a status code is the body of a 200.
        return web.json_response(answer)
    headers = CIMultiDict(
        (name, str(value))
        for name, value in (answer.get("headers") or {}).items()
        if name.lower() not in _SERVER_HEADERS
    )
    for cookie in answer.get("cookies") or ():
        headers.add("Set-Cookie", cookie)
    headers.setdefault("Content-Type", "application/json")
    body = (answer.get("body") or "").encode()
    if answer.get("isBase64Encoded"):
        body = base64.b64decode(body)
    return web.Response(status=int(answer["statusCode"]), headers=headers, body=body)
