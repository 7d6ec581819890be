"""How requests to the API are authorised, and what to do if the API rejects them.

A deployed stage requires a signature with the caller's AWS credentials, or a bearer token. A token
is never printed.
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

# RFC 6750, section 2.1: the characters of a bearer token.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_REASON: Final = re.compile(r'error_description="([^"]*)"')
_REJECTED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class AuthScheme(Protocol):
    """One way of authorising requests."""

    def headers(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the request's headers, including those that authorise it.

        Raises:
            ApiProblem: the request cannot be authorised.
        """
        ...

    def remedy(self, status: int, headers: Mapping[str, str]) -> str:
        """Return what to do if API Gateway responded with this status; empty for no advice."""
        ...


class NoAuthorisation:
    """Sends requests unchanged: to a local service, or by mistake to a deployed stage."""

    def headers(
        self, _method: str, _url: str, _body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the headers."""
        return dict(headers)

    def remedy(self, status: int, _headers: Mapping[str, str]) -> str:
        """Explain how to call the two kinds of stages."""
        if status not in _REJECTED:
            return ""
        return (
            "the API requires authorisation: name the stage, --stage STAGE, so that requests are"
            f" signed with your AWS credentials; or, with auth=jwt, set {TOKEN_VARIABLE} to a token"
        )


class BearerToken:
    """Sends a token to an API with an authorizer.

    `source` names the issuer and audience of tokens, for the messages.
    """

    def __init__(self, token: str | None, url: str, source: str = "") -> None:
        """Check the token; if it is missing, the API reports that it requires one.

        Raises:
            ApiProblem: it is not a token, or would be sent unencrypted.
        """
        self._token = (token or "").strip()
        self._required = f"a token (a JWT{source})"
        if self._token and not _TOKEN.fullmatch(self._token):
            raise ApiProblem(
                f"{TOKEN_VARIABLE} (or --token) is not a bearer token: some of its"
                f" {len(self._token)} characters are not allowed in one; set it to the token"
                " itself, without `Bearer` and without quotes"
            )
        if self._token and not _confidential(url):
            raise ApiProblem(
                f"the token is not sent to {url}, because the connection is not encrypted; use https://"
            )

    def headers(
        self, _method: str, _url: str, _body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the headers, including the token."""
        if not self._token:
            return dict(headers)
        return {**headers, "Authorization": f"Bearer {self._token}"}

    def remedy(self, status: int, headers: Mapping[str, str]) -> str:
        """Explain how to get a token that is accepted."""
        if status not in _REJECTED:
            return ""
        if not self._token:
            return f"the API requires {self._required}: set {TOKEN_VARIABLE}, or pass --token"
        # The cause from API Gateway: the token has expired, or has another issuer or audience.
        reason = _REASON.search(headers.get("WWW-Authenticate", ""))
        because = f" ({reason[1]})" if reason else ""
        return (
            f"the API rejected the token{because}: set {TOKEN_VARIABLE}, or pass --token, with"
            f" {self._required} that has not expired"
        )


def _confidential(url: str) -> bool:
    """Return whether the connection is encrypted or local (RFC 6750, section 5.3)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
