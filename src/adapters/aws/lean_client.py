"""Calls that are made many times, in half of the SDK's CPU time or less.

For each call the SDK resolves the endpoint, creates the user agent and the signing key, and sends a
dozen events to its hooks. Most of that is the same for all calls to a bucket or a table. Here it is
done once.

A lean call is tried once, and handles only what its subclass says. Anything else is left to the
SDK, which makes the call again with its own retries, redirects and errors. After an overload or a
failed connection, all calls are left to the SDK for some seconds.

There is no public option for this; tests in tests/adapters fail if these parts of the SDK change.
"""

# ruff: noqa: SLF001
from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import get_current_datetime
from botocore.exceptions import HTTPClientError
from yarl import URL

from adapters.aws.sigv4 import sign

# How long all calls are left to the SDK, whose retries are bounded by a quota.
_PAUSE_S: Final = 5.0
# The first backoff of the SDK's standard retries is a random part of a second.
_BACKOFF_S_MAX: Final = 1.0

made_again: Final = ContextVar("made_again", default=False)
"""Whether the SDK makes a call that a lean call left to it: that is one request to observers."""

_SIGNATURES: Final = frozenset({"v4", "s3v4"})


class LeftToSdk(Exception):
    """The SDK must make this call; with `pause`, also those of the next seconds."""

    def __init__(self, *, pause: bool = False) -> None:
        super().__init__()
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Target:
    """Where the calls of one operation to one bucket or table go."""

    url: str
    headers: dict[str, str]
    region: str
    host: str


@dataclass(slots=True)
class Call:
    """One call: its parameters and the SDK's context, as the SDK's hooks leave them."""

    operation: Any
    params: Any
    context: dict[str, Any]


class LeanClient(ABC):
    """Makes some calls itself; `sdk`, the SDK's client, makes all others."""

    def __init__(self, client: Any, *, service: str) -> None:
        self.sdk = client
        self._service = service
        self._targets: dict[tuple[str, str], Target] = {}
        self._paused_until = 0.0
        self._user_agent = client._user_agent_creator.to_string()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sdk, name)

    @abstractmethod
    async def _exchange(self, call: Call, target: Target) -> Any:
        """Make the call, and return what the SDK would.

        Raises:
            LeftToSdk: the SDK must make it.
        """

    async def _call(
        self, operation_name: str, by_sdk: Any, params: dict[str, Any], *, place: str
    ) -> Any:
        """Make a call to the bucket or table `place`, or let `by_sdk` make it."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            return await by_sdk(**params)
        try:
            return await self._try(operation_name, params, place)
        except LeftToSdk as left:
            pause = left.pause
        # The SDK may resolve another target now: it finds out where a bucket is.
        self._targets.pop((operation_name, place), None)
        if pause:
            self._paused_until = loop.time() + _PAUSE_S
            await asyncio.sleep(random.uniform(0, _BACKOFF_S_MAX))  # noqa: S311
        token = made_again.set(True)
        try:
            return await by_sdk(**params)
        finally:
            made_again.reset(token)

    async def _try(self, operation_name: str, params: dict[str, Any], place: str) -> Any:
        client = self.sdk
        operation = client._service_model.operation_model(operation_name)
        context = {
            "client_region": client.meta.region_name,
            "client_config": client.meta.config,
            "auth_type": operation.resolved_auth_type,
        }
        # Copied, as the hooks change them.
        params = await client._emit_api_params(
            api_params=dict(params), operation_model=operation, context=context
        )
        target = self._targets.get((operation_name, place))
        if target is None:
            target = await self._resolve(operation, params, context)
            self._targets[operation_name, place] = target
        return await self._exchange(Call(operation, params, context), target)

    async def _resolve(self, operation: Any, params: Any, context: dict[str, Any]) -> Target:
        """Return the target, as the SDK resolves it; it knows buckets of other Regions."""
        client, service = self.sdk, self._service
        url, headers, _ = await client._resolve_endpoint_ruleset(operation, params, context)
        signing = context.get("signing", {})
        signed_for = signing.get("signing_name", service)
        signature = context["auth_type"] or client.meta.config.signature_version
        if signature not in _SIGNATURES or signed_for != service:
            raise LeftToSdk
        return Target(
            url=url,
            headers=headers,
            region=signing.get("region", client.meta.region_name),
            host=URL(url).host_port_subcomponent or "",
        )

    async def _send(
        self, method: str, url: str, headers: dict[str, str], body: bytes, target: Target
    ) -> tuple[int, dict[str, str], bytes]:
        """Sign and send a request; return status, headers by lower-case names, and the body."""
        client = self.sdk
        if client._request_signer._credentials is None:
            raise LeftToSdk
        credentials = await client._request_signer._credentials.get_frozen_credentials()
        headers = {**target.headers, **headers}
        if not all(value.isascii() for value in headers.values()):
            raise LeftToSdk
        where, _, query = url.partition("?")
        sign(
            headers,
            service=self._service,
            method=method,
            host=target.host,
            path=where[where.index("/", where.index("//") + 2) :],
            query=query,
            body=body,
            credentials=credentials,
            region=target.region,
            now=get_current_datetime(),
        )
        headers["User-Agent"] = self._user_agent
        # The stubs require the SDK's class for headers; its session only reads pairs.
        sent: Any = headers
        request = AWSPreparedRequest(method, url, sent, body or None, False)
        try:
            answer: tuple[int, dict[str, str], bytes]
            answer = await client._endpoint.http_session.exchange(request)
        except HTTPClientError as error:
            raise LeftToSdk(pause=True) from error
        return answer
