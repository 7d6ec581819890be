"""How a request to the API is authorised, and what to do where the API refuses it.

A deployed stage asks for a signature with the caller's AWS credentials, or for a bearer token. A
token is never printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final, Protocol
from urllib.parse import urlsplit

from entrypoints.cli.terminal.api_problem import ApiProblem

TOKEN_VARIABLE: Final = "ASSET_SYNC_TOKEN"  # noqa: S105 - the name of a variable

# RFC 6750, section 2.1: what a bearer token is made of.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_REASON: Final = re.compile(r'error_description="([^"]*)"')
_REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class AuthScheme(Protocol):
    """One way of authorising requests."""

    def headers(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the request's headers with what authorises it.

        Raises:
            ApiProblem: there is nothing to authorise it with.
        """
        ...

    def remedy(self, status: int, headers: Mapping[str, str]) -> str:
        """Return what to do where API Gateway answered with this status; empty for no advice."""
        ...


class NoAuthorisation:
    """Sends requests as they are: to a local service, or by mistake to one that asks for more."""

    def headers(
        self, _method: str, _url: str, _body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the headers."""
        return dict(headers)

    def remedy(self, status: int, _headers: Mapping[str, str]) -> str:
        """Say how the two kinds of stages are called."""
        if status not in _REFUSED:
            return ""
        return (
            "the API asks for more than a URL: name the stage, --stage STAGE, so that requests are"
            f" signed with your AWS credentials; or, with auth=jwt, set {TOKEN_VARIABLE} to a token"
        )


class BearerToken:
    """Sends a token, to an API in front of which an authorizer checks it.

    `source` says where to get one, for the messages.
    """

    def __init__(self, token: str | None, url: str, source: str = "") -> None:
        """Check the token, which may be absent: the API says then that it needs one.

        Raises:
            ApiProblem: it is no token, or would be readable on its way.
        """
        self._token = (token or "").strip()
        self._wanted = f"a token (a JWT{source})"
        if self._token and not _TOKEN.fullmatch(self._token):
            raise ApiProblem(
                f"{TOKEN_VARIABLE} (or --token) holds no bearer token, but"
                f" {len(self._token)} characters of which some cannot be in one: set it to the"
                " token alone, without `Bearer` and without quotes"
            )
        if self._token and not _confidential(url):
            raise ApiProblem(
                f"the token is not sent to {url}: others could read it on its way; use https://"
            )

    def headers(
        self, _method: str, _url: str, _body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the headers with the token's."""
        if not self._token:
            return dict(headers)
        return {**headers, "Authorization": f"Bearer {self._token}"}

    def remedy(self, status: int, headers: Mapping[str, str]) -> str:
        """Say how to get at a token that is accepted."""
        if status not in _REFUSED:
            return ""
        if not self._token:
            return f"the API asks for {self._wanted}: set {TOKEN_VARIABLE}, or pass --token"
        # What API Gateway says of a token: that it has expired, or whom it is of or for.
        said = _REASON.search(headers.get("WWW-Authenticate", ""))
        because = f" ({said[1]})" if said else ""
        return (
            f"the API refused the token{because}: set {TOKEN_VARIABLE}, or pass --token, with"
            f" {self._wanted} that has not expired"
        )


def _confidential(url: str) -> bool:
    """Whether nobody else can read what is sent there (RFC 6750, section 5.3)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
