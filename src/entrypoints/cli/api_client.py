"""Talking to the service's HTTP API."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

API_URL_VARIABLE = "ASSET_SYNC_API_URL"
_TIMEOUT_S = 30.0

Json = dict[str, Any]


class ApiProblem(Exception):
    """The API refused a request, or could not be reached; the message is for the person.

    `more` are further lines: what is wrong with which field.
    """

    def __init__(
        self, message: str, problem: Json | None = None, *, more: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.more = tuple(more)
        self.problem = problem or {"title": "Unreachable", "detail": message}


class ApiClient:
    """One API, by its base URL."""

    def __init__(self, base_url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._base_url = base_url.rstrip("/")
        self._pool = urllib3.PoolManager(timeout=timeout_s, retries=False)

    @classmethod
    def from_option(cls, api_url: str | None) -> ApiClient:
        """Use the option, or the environment variable.

        Raises:
            ApiProblem: neither is there.
        """
        url = api_url or os.environ.get(API_URL_VARIABLE)
        if not url:
            raise ApiProblem(
                f"no API is named: pass --api-url or set {API_URL_VARIABLE} (`asset-sync up"
                " --env-file asset-sync.env` writes a file that does)"
            )
        return cls(url)

    def get(self, path: str, query: Mapping[str, str | int | None] | None = None) -> Json:
        """Read a resource.

        Raises:
            ApiProblem: see the class.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        answer, _ = self._call("GET", path + (f"?{urlencode(given)}" if given else ""))
        return answer

    def post(self, path: str, body: Json | None = None) -> Json:
        """Send an order.

        Raises:
            ApiProblem: see the class.
        """
        answer, _ = self._call("POST", path, body)
        return answer

    def post_once(self, path: str, body: Json, idempotency_key: str) -> tuple[Json, bool]:
        """Send an order under a key; also tells whether it had been given before.

        Raises:
            ApiProblem: see the class.
        """
        answer, headers = self._call("POST", path, body, {"Idempotency-Key": idempotency_key})
        return answer, headers.get("Idempotency-Replayed") == "true"

    def pages(
        self,
        path: str,
        query: Mapping[str, str | int | None] | None = None,
        *,
        on_unreadable: Callable[[Json], None] = lambda _: None,
    ) -> Iterator[Json]:
        """Yield the items of a list, page after page.

        `on_unreadable` is given what the service itself could not read: `id` and `cause`.

        Raises:
            ApiProblem: see the class.
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
        """Return the answer and its headers, whose names match in any case."""
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            response = self._pool.request(
                method,
                self._base_url + path,
                body=None if body is None else json.dumps(body).encode(),
                headers=sent,
            )
        except urllib3.exceptions.HTTPError as error:
            raise ApiProblem(f"{self._base_url} cannot be reached: {error}") from error
        try:
            answer = json.loads(response.data) if response.data else {}
        except (ValueError, RecursionError) as error:
            raise ApiProblem(f"{method} {path}: HTTP {response.status}, and no JSON") from error
        if response.status >= 400:
            raise _problem(answer, response.status)
        return answer if isinstance(answer, dict) else {"items": answer}, response.headers


def part(text: str) -> str:
    """Encode one segment of a path."""
    return quote(text, safe="")


def _problem(answer: Any, status: int) -> ApiProblem:
    problem = answer if isinstance(answer, dict) else {}
    # API Gateway itself, or what stands there on a laptop, has a message and no detail.
    told = (problem.get(name) for name in ("detail", "title", "message"))
    detail = next((text for text in told if isinstance(text, str) and text), f"HTTP {status}")
    faults = [f"{fault['path']}: {fault['message']}" for fault in problem.get("errors", [])]
    # The detail of a refusal by the rules names every fault already.
    return ApiProblem(detail, problem, more=[fault for fault in faults if fault not in detail])
