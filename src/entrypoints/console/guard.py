"""Which requests the console serves.

The console listens on loopback, and acts with the rights of the operator. Loopback excludes other
machines. It does not exclude web pages in a browser on this machine, nor other users of it:

- A page whose own name resolves to 127.0.0.1 (DNS rebinding) is excluded by the Host header.
- A page of another origin is excluded by Origin and Sec-Fetch-Site (Fetch Standard; Fetch Metadata
  Request Headers). Another port of this machine is the same site, but not the same origin.
- A form must carry the token of the browser's session, which no other origin can read.
- Another user of the machine does not know the access key in the printed URL, without which there
  is no session. `asset-sync up` needs none: its API is open to the same users.

All checks are pure functions over the headers.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

FORM_TOKEN: Final = "form_token"  # noqa: S105 - the name of a field
ACCESS_PARAMETER: Final = "access"

_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_OWN_SITE: Final = ("", "none", "same-origin")

# Everything comes from the console, and nothing in a page is executed or styled inline. A page
# cannot be framed. `same-origin` keeps URLs, which hold keys, from other sites; unlike
# `no-referrer` it lets the browser send its Origin with our own forms (Fetch Standard, "append a
# request Origin header").
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The headers of a request that show where it comes from; empty if missing."""

    method: str
    host: str = ""
    origin: str = ""
    fetch_site: str = ""
    fetch_dest: str = ""


def rejection_of(sender: Sender) -> str | None:
    """Return why a request is rejected, with the next step; None if it may be served."""
    if not _is_loopback(sender.host):
        return (
            f"The Host header {sender.host!r} is not the address of this console. Open it at"
            " 127.0.0.1 or localhost, with the port that was printed."
        )
    if sender.method in _SAFE_METHODS and sender.fetch_dest == "document":
        # A link from another page to the console: the other page cannot read what is served.
        return None
    if sender.fetch_site.lower() not in _OWN_SITE:
        return (
            f"The request comes from a page of another origin ({sender.fetch_site!r}). Use the"
            " console's own pages."
        )
    if sender.origin and sender.origin.lower() != f"http://{sender.host.lower()}":
        return (
            f"The request comes from a page of another origin, {sender.origin!r}. Use the"
            " console's own pages."
        )
    return None


def _is_loopback(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        name = parts.hostname or ""
        # `user@127.0.0.1`, a path or a port that is no number is not what a browser sends.
        if parts.username is not None or parts.path or parts.query or (parts.port or 1) < 0:
            return False
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The sessions of browsers: each is a random id with our signature, so none is stored.

    With an access key, a session is only made for a browser that has opened the printed URL.
    """

    access_key: str | None
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def new(self) -> str:
        """Return a new session."""
        session_id = secrets.token_urlsafe(18)
        return f"{session_id}.{self._signature('session', session_id)}"

    def is_valid(self, session: str) -> bool:
        """Return whether we made the session."""
        session_id, _, signature = session.partition(".")
        return _equal(signature, self._signature("session", session_id))

    def opens(self, key: str) -> bool:
        """Return whether a browser with this key gets a session; any if there is no key."""
        return self.access_key is None or _equal(key, self.access_key)

    def form_token(self, session: str) -> str:
        """Return what forms of the session carry."""
        return self._signature("form", session)

    def accepts(self, session: str, token: str) -> bool:
        """Return whether a form belongs to the session."""
        return self.is_valid(session) and _equal(token, self.form_token(session))

    def _signature(self, purpose: str, text: str) -> str:
        return hmac.new(self.secret, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def _equal(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
