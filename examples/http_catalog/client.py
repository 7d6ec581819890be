"""Requests to the DAM's API: retries, pages, and the port's errors.

Owns what HTTP is: statuses, headers, JSON. It must not know what an asset is.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp

from ports.errors import (
    AccessDenied,
    CorruptData,
    Misconfigured,
    PortError,
    Retryable,
    Throttled,
    TimedOut,
    Unavailable,
)

Sleep = Callable[[float], Awaitable[None]]

_MEANINGS: Final[Mapping[int, type[PortError]]] = {
    401: AccessDenied,
    403: AccessDenied,
    408: TimedOut,
    429: Throttled,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a request is sent, and how long the client waits between two tries.

    Attributes:
        attempt_count_max: Tries of one request in all.
        first_wait_s: The ceiling of the first wait; it doubles each time, with full jitter.
        wait_s_max: The longest wait. If the DAM asks for more in Retry-After, the request fails at
            once: the caller's queue brings the work again later, and a function that sleeps costs
            money.
    """

    attempt_count_max: int = 4
    first_wait_s: float = 0.2
    wait_s_max: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


class DamClient:
    """Sends requests to one DAM.

    Each method raises the errors that `ports.catalog` names.

    Args:
        session: With its timeout, its bound on connections and the header that authorizes.
        base_url: The API's root, without a slash at its end.
        patience: When to try again.
        sleep: Waits between tries.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        *,
        patience: Patience | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._session = session
        self._base_url = base_url
        self._patience = Patience() if patience is None else patience
        self._sleep = sleep

    async def batch_get(self, ids: Sequence[str]) -> list[Any]:
        """Return the assets that exist of these ids, 50 at most, over all pages."""
        return await self._pages("POST", "/assets:batchGet", body={"ids": list(ids)})

    async def at_path(self, path: str) -> list[Any]:
        """Return the assets at a path (`s3://bucket/key`), over all pages."""
        return await self._pages("GET", "/assets", query={"path": path})

    async def _pages(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> list[Any]:
        operation = f"{method} {path}"
        assets: list[Any] = []
        tokens: set[str] = set()
        page: dict[str, str] = {}
        while True:
            # The token goes where the other parameters go.
            answer = await self._answer(
                operation,
                method,
                path,
                json=None if body is None else {**body, **page},
                params=None if query is None else {**query, **page},
            )
            found, token = answer.get("assets"), answer.get("nextToken")
            if not isinstance(found, list) or not isinstance(token, str | None):
                raise _error(CorruptData, operation, "the answer is not a page of assets")
            assets += found
            if not token:
                return assets
            if token in tokens:
                raise _error(CorruptData, operation, "the pages have no end")
            tokens.add(token)
            page = {"nextToken": token}

    async def _answer(
        self, operation: str, method: str, path: str, **parameters: Any
    ) -> Mapping[str, Any]:
        """Send a request until it is answered, or as often as patience allows."""
        attempt = 0
        while True:
            attempt += 1
            asked_s = 0.0
            failure: PortError | None
            try:
                response = await self._send(operation, method, path, **parameters)
            except Retryable as error:
                failure = error
            else:
                failure = _failure(operation, response)
                if failure is None:
                    return _parsed(operation, response.body)
                asked_s = _retry_after_s(response.headers)
            if (
                not isinstance(failure, Retryable)
                or attempt == self._patience.attempt_count_max
                or asked_s > self._patience.wait_s_max
            ):
                raise failure
            await self._sleep(self._wait_s(attempt, asked_s))

    def _wait_s(self, attempt: int, asked_s: float) -> float:
        ceiling_s = self._patience.first_wait_s * 2.0 ** (attempt - 1)
        jittered_s = ceiling_s * random.random()  # noqa: S311  # jitter is no secret
        return min(self._patience.wait_s_max, max(jittered_s, asked_s))

    async def _send(self, operation: str, method: str, path: str, **parameters: Any) -> _Response:
        try:
            async with self._session.request(
                method,
                self._base_url + path,
                allow_redirects=False,  # the header that authorizes is for this host alone
                **parameters,
            ) as response:
                body = await response.read()
                return _Response(status=response.status, headers=response.headers, body=body)
        except TimeoutError as error:
            raise _error(TimedOut, operation, "no answer in time") from error
        except aiohttp.InvalidURL as error:
            raise _error(Misconfigured, operation, f"not a URL: {error}") from error
        except aiohttp.ClientError as error:
            # It only reads, so a broken connection is no worse than none.
            raise _error(Unavailable, operation, repr(error)) from error


def _failure(operation: str, response: _Response) -> PortError | None:
    """Return the port's error for a status, None if the request was carried out."""
    status = response.status
    if status == 200:
        return None
    kind = _MEANINGS.get(status) or (Unavailable if status >= 500 else Misconfigured)
    shown = response.body[:200].decode(errors="replace")
    return _error(kind, operation, f"status {status}: {shown}", vendor_code=str(status))


def _parsed(operation: str, body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _error(CorruptData, operation, f"the answer is not JSON: {error}") from error
    if not isinstance(answer, dict):
        raise _error(CorruptData, operation, "the answer is not a JSON object")
    return answer


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """Return what Retry-After asks for: seconds, or a date (RFC 9110, section 10.2.3); else 0.

    A date is taken relative to the answer's own Date, so that two clocks need not agree.
    """
    text = headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0  # unreadable: the client's own waits go on


def _error(
    kind: type[PortError], operation: str, text: str, *, vendor_code: str | None = None
) -> PortError:
    return kind(f"DAM {operation}: {text}", operation=operation, vendor_code=vendor_code)
