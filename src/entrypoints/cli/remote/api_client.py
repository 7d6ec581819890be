"""A client of the service's HTTP API."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from domain.views import Json
from entrypoints.cli.remote.authorisation import AuthScheme, BearerToken, NoAuthorisation
from entrypoints.cli.terminal.api_problem import ApiProblem

API_URL_VARIABLE = "ASSET_SYNC_API_URL"
_TIMEOUT_S = 30.0
# Of one client at a time: the console has several threads, a command has one.
CONNECTION_COUNT = 8


class ApiClient:
    """One API: its base URL, and how its requests are authorised.

    Every request raises ApiProblem if it is rejected or the API cannot be reached.
    """

    def __init__(
        self, base_url: str, scheme: AuthScheme | None = None, *, timeout_s: float = _TIMEOUT_S
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._scheme = scheme or NoAuthorisation()
        self._pool = urllib3.PoolManager(timeout=timeout_s, retries=False, maxsize=CONNECTION_COUNT)

    @classmethod
    def from_option(
        cls, api_url: str | None, token: str | None = None, *, timeout_s: float = _TIMEOUT_S
    ) -> ApiClient:
        """Use the option, or the environment variable; a token is sent with each request.

        Raises:
            ApiProblem: neither is set, or the token cannot be sent there.
        """
        url = api_url or os.environ.get(API_URL_VARIABLE)
        if not url:
            raise ApiProblem(
                f"no API URL: pass --api-url or set {API_URL_VARIABLE} (`asset-sync up"
                " --env-file asset-sync.env` writes a file that sets it)"
            )
        return cls(url, BearerToken(token, url) if token else None, timeout_s=timeout_s)

    @property
    def base_url(self) -> str:
        """The URL that paths are below."""
        return self._base_url

    def get(self, path: str, query: Mapping[str, str | int | None] | None = None) -> Json:
        """Read a resource."""
        return self.get_with_headers(path, query)[0]

    def get_with_headers(
        self, path: str, query: Mapping[str, str | int | None] | None = None
    ) -> tuple[Json, Mapping[str, str]]:
        """Read a resource; also returns the headers, whose names are case-insensitive."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        # A signature covers the query with %20 for a space, never `+` (IAM User Guide, "Create a
        # signed AWS API request", canonical query string).
        encoded = urlencode(given, quote_via=quote)
        return self._call("GET", path + (f"?{encoded}" if encoded else ""))

    def post(self, path: str, body: Json | None = None) -> Json:
        """Send a request."""
        document, _ = self._call("POST", path, body)
        return document

    def patch(
        self, path: str, body: Json, *, if_match: str | None = None
    ) -> tuple[Json, Mapping[str, str]]:
        """Change a resource, if it still has this ETag; also returns the headers."""
        return self._call("PATCH", path, body, _if_match(if_match))

    def put(
        self, path: str, body: Json, *, if_match: str | None = None
    ) -> tuple[Json, Mapping[str, str]]:
        """Replace a resource, if it still has this ETag; also returns the headers."""
        return self._call("PUT", path, body, _if_match(if_match))

    def delete(self, path: str, *, if_match: str | None = None) -> None:
        """Remove a resource, if it still has this ETag."""
        self._call("DELETE", path, None, _if_match(if_match))

    def post_once(self, path: str, body: Json, idempotency_key: str) -> tuple[Json, bool]:
        """Send a request with an idempotency key; also returns whether the key was used before."""
        document, headers = self._call("POST", path, body, {"Idempotency-Key": idempotency_key})
        return document, headers.get("Idempotency-Replayed") == "true"

    def pages(
        self,
        path: str,
        query: Mapping[str, str | int | None] | None = None,
        *,
        on_unreadable: Callable[[Json], None] = lambda _: None,
    ) -> Iterator[Json]:
        """Yield the items of all pages of a list.

        `on_unreadable` is called for each record that the service could not read: `id` and `cause`.
        """
        cursor: str | None = None
        while True:
            page = self.get(path, {**(query or {}), "cursor": cursor})
            for record in page.get("unreadable", ()):
                on_unreadable(record)
            yield from page["items"]
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Json, Mapping[str, str]]:
        """Return the response and its headers, whose names are case-insensitive."""
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        url = self._base_url + path
        content = None if body is None else json.dumps(body).encode()
        sent = self._scheme.headers(method, url, content, sent)
        try:
            response = self._pool.request(method, url, body=content, headers=sent)
        except urllib3.exceptions.HTTPError as error:
            message = f"{self._base_url} cannot be reached: {error}"
            raise ApiProblem(message, passing=True) from error
        try:
            document = json.loads(response.data) if response.data else {}
        except (ValueError, RecursionError) as error:
            message = f"{method} {path}: HTTP {response.status}, not JSON"
            raise ApiProblem(message, passing=_passes(response.status)) from error
        if response.status >= 400:
            raise self._problem(document, response)
        return document if isinstance(document, dict) else {"items": document}, response.headers

    def _problem(self, document: Any, response: urllib3.BaseHTTPResponse) -> ApiProblem:
        """Return the problem that the service or API Gateway reports, and what to do.

        The service returns problem details (RFC 9457); API Gateway returns a `message`.
        """
        problem = document if isinstance(document, dict) else {}
        texts = (problem.get(name) for name in ("detail", "title"))
        detail = next((text for text in texts if isinstance(text, str) and text), None)
        if detail is None:
            message = f" ({problem['message']})" if "message" in problem else ""
            detail = f"{self._base_url} returned HTTP {response.status}{message}"
            remedy = self._scheme.remedy(response.status, response.headers)
            detail = f"{detail}: {remedy}" if remedy else detail
        errors = [f"{error['path']}: {error['message']}" for error in problem.get("errors", [])]
        # The detail of some problems already contains every error.
        more = [error for error in errors if error not in detail]
        return ApiProblem(detail, problem, more=more, passing=_passes(response.status))


def _passes(status: int) -> bool:
    """Return whether a request with this response may succeed later: throttled, or a failure."""
    failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return failed or status == HTTPStatus.TOO_MANY_REQUESTS


def _if_match(tag: str | None) -> dict[str, str]:
    return {} if tag is None else {"If-Match": tag}


def path_segment(text: str) -> str:
    """Return a text encoded as one segment of a path."""
    return quote(text, safe="")


def connector_path(connector_id: str, *more: str) -> str:
    """Return the path of a connector, or of something below it."""
    return "/".join(("/connectors", path_segment(connector_id), *more))


def jobs_path(connector_id: str | None) -> str:
    """Return the path of the jobs: of a connector, which a policy may allow alone, or of all."""
    return "/jobs" if connector_id is None else connector_path(connector_id, "jobs")


def job_path(job_id: str, connector_id: str | None, *more: str) -> str:
    """Return the path of a job, below its connector if that is known."""
    return "/".join((jobs_path(connector_id), path_segment(job_id), *more))
