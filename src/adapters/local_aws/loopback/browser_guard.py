"""Rejects requests on loopback that a web page may have sent.

Loopback excludes other machines, but not the web pages in a browser on this machine. A page can
reach a listener in two ways. Its own host name may resolve to 127.0.0.1 (DNS rebinding); then the
Host header contains that name. Or it sends a cross-origin request: without a preflight request, the
browser sends GET, HEAD, and POST with the content type of a form, and sets Origin to the page's
origin or Sec-Fetch-Site to `cross-site` (Fetch Standard, "CORS protocol" and "HTTP network or cache
fetch"; Fetch Metadata Request Headers, section 2; checked 2026-11).

SDKs, the AWS CLI and curl send neither header. Signed requests of SDKs may have the content type of
a form, for example the Query protocol of SNS or a multipart upload of a text; a page cannot set
Authorization without a preflight request.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

_SAME_SITE: Final = ("", "none", "same-origin")
# HTML Standard, "Form submission", attribute `enctype`.
_FORM_TYPES: Final = frozenset(
    {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The headers of a request that show where it comes from; empty if missing."""

    method: str
    host: str = ""
    origin: str = ""
    fetch_site: str = ""
    content_type: str = ""
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An HTTP status, and a message with the cause and the next step."""

    status: HTTPStatus
    message: str


def rejection_of(sender: Sender) -> Rejection | None:
    """Return why a request is rejected, None if it is served."""
    if not is_loopback_name(_host_name(sender.host)):
        return Rejection(
            HTTPStatus.FORBIDDEN,
            f"the Host header {sender.host!r} is not a name of this machine's loopback interface;"
            " use 127.0.0.1 or localhost",
        )
    if sender.origin and sender.origin.partition("://")[2].lower() != sender.host.lower():
        return Rejection(
            HTTPStatus.FORBIDDEN,
            f"the request comes from a web page of another origin, {sender.origin!r}; send it"
            " with an SDK, the AWS CLI, asset-sync or curl",
        )
    if sender.fetch_site.lower() not in _SAME_SITE:
        return Rejection(
            HTTPStatus.FORBIDDEN,
            f"the request comes from a web page of another site ({sender.fetch_site!r}); send it"
            " with an SDK, the AWS CLI, asset-sync or curl",
        )
    content_type = sender.content_type.partition(";")[0].strip().lower()
    if sender.method == "POST" and content_type in _FORM_TYPES and not sender.authorization:
        return Rejection(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"the content type {content_type!r} is one that a form of a web page can send; send"
            " JSON with 'Content-Type: application/json'",
        )
    return None


def is_loopback_name(name: str) -> bool:
    """Return whether a host name always resolves to this machine.

    RFC 6761, section 6.3: `localhost` and its subdomains. SDKs also put an account or a bucket
    before an address; a browser treats a name that ends in a number only as an address (URL
    Standard, "host parsing").
    """
    lowered = name.lower().removesuffix(".")
    if lowered == "localhost" or lowered.endswith((".localhost", ".127.0.0.1")):
        return True
    try:
        return ipaddress.ip_address(lowered).is_loopback
    except ValueError:
        return False


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


@web.middleware
async def reject_web_pages(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Reject requests of web pages before the aiohttp application handles them."""
    headers = request.headers
    rejection = rejection_of(
        Sender(
            method=request.method,
            host=",".join(headers.getall("Host", ())),
            origin=",".join(headers.getall("Origin", ())),
            fetch_site=headers.get("Sec-Fetch-Site", ""),
            content_type=headers.get("Content-Type", ""),
            authorization=headers.get("Authorization", ""),
        )
    )
    if rejection is not None:
        return web.json_response({"message": rejection.message}, status=rejection.status)
    return await handler(request)
