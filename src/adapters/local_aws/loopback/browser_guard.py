"""Which requests a listener on loopback refuses, because a web page may have sent them.

Loopback keeps other machines out, and not the pages that this machine's browser shows. A page
reaches a listener in two ways. It may have its own host name resolve to 127.0.0.1 (DNS rebinding);
then the Host header names that host. Or it sends a request to another origin: the browser does so
without asking for GET, HEAD, and a POST with the content type of a form, and names the page in
Origin or says `cross-site` in Sec-Fetch-Site (Fetch Standard, "CORS protocol" and "HTTP network or
cache fetch"; Fetch Metadata Request Headers, section 2; checked 2026-11).

SDKs, the AWS CLI and curl send neither header. What SDKs sign may be of a form's content type, for
example the Query protocol of SNS, or an upload in parts of a text; a page cannot set Authorization
without asking first.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

_NAVIGATED: Final = ("", "none", "same-origin")
# HTML Standard, "Form submission", attribute `enctype`.
_FORM_TYPES: Final = frozenset(
    {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What a request says of where it comes from; empty where it says nothing."""

    method: str
    host: str = ""
    origin: str = ""
    fetch_site: str = ""
    content_type: str = ""
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status, and the cause with the next step in words."""

    status: HTTPStatus
    message: str


def refusal_of(sender: Sender) -> Refusal | None:
    """Return why a request is refused, None if it is served."""
    if not is_loopback_name(_host_name(sender.host)):
        return Refusal(
            HTTPStatus.FORBIDDEN,
            f"the Host header {sender.host!r} is not a name of this machine's loopback interface;"
            " use 127.0.0.1 or localhost",
        )
    if sender.origin and sender.origin.partition("://")[2].lower() != sender.host.lower():
        return Refusal(
            HTTPStatus.FORBIDDEN,
            f"the request comes from a web page of another origin, {sender.origin!r}; send it"
            " with an SDK, the AWS CLI, asset-sync or curl",
        )
    if sender.fetch_site.lower() not in _NAVIGATED:
        return Refusal(
            HTTPStatus.FORBIDDEN,
            f"the request comes from a web page of another site ({sender.fetch_site!r}); send it"
            " with an SDK, the AWS CLI, asset-sync or curl",
        )
    content_type = sender.content_type.partition(";")[0].strip().lower()
    if sender.method == "POST" and content_type in _FORM_TYPES and not sender.authorization:
        return Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"the content type {content_type!r} is one that a web page's form can send; send JSON"
            " with 'Content-Type: application/json'",
        )
    return None


def is_loopback_name(name: str) -> bool:
    """Tell whether a host name leads to this machine only, whoever resolves it.

    RFC 6761, section 6.3: `localhost` and all below it. SDKs put an account or a bucket before an
    address as well; a browser takes no name that ends in a number for anything but an address
    (URL Standard, "host parsing").
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
async def refuse_web_pages(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer in place of an aiohttp application what it must not see."""
    headers = request.headers
    refusal = refusal_of(
        Sender(
            method=request.method,
            host=",".join(headers.getall("Host", ())),
            origin=",".join(headers.getall("Origin", ())),
            fetch_site=headers.get("Sec-Fetch-Site", ""),
            content_type=headers.get("Content-Type", ""),
            authorization=headers.get("Authorization", ""),
        )
    )
    if refusal is not None:
        return web.json_response({"message": refusal.message}, status=refusal.status)
    return await handler(request)
