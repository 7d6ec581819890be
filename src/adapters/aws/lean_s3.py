"""The S3 calls that are made for each object, and listings, in half of the SDK's CPU time or less.

For each call the SDK resolves the endpoint, creates the user agent and the signing key, and sends a
dozen events to its hooks. Most of that is the same for all calls to a bucket. Here it is done once.

A lean call is tried once, and handles only a success and S3's 404 and 412, which no retry changes.
Anything else is left to the SDK, which makes the call again with its own retries, redirects and
errors: a response of another status, a failed connection, headers beyond ASCII. After an overload
or a failed connection, all calls are left to the SDK for some seconds.

Parameters, response bodies and errors are handled by the SDK's own serializer and parser and its
hooks before parsing, so what S3ObjectStore sees is the same. There is no public option for this; a
test in tests/adapters fails if these parts of the SDK change.
"""

# ruff: noqa: SLF001
from __future__ import annotations

import asyncio
import random
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.awsrequest import AWSPreparedRequest, prepare_request_dict
from botocore.compat import get_current_datetime
from botocore.exceptions import HTTPClientError
from botocore.httpchecksum import apply_request_checksum, resolve_checksum_context
from yarl import URL

from adapters.aws.listing_page import parse_page
from adapters.aws.sigv4 import sign

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

_LISTING: Final = "ListObjectsV2"
_OK: Final = 200
# No retry changes these.
_FINAL_STATUSES: Final = frozenset({404, 412})
_OVERLOADED_FROM: Final = 500

# How long all calls are left to the SDK, whose retries are bounded by a quota.
_PAUSE_S: Final = 5.0
# The first backoff of the SDK's standard retries is a random part of a second.
_BACKOFF_S_MAX: Final = 1.0

made_again: Final = ContextVar("made_again", default=False)
"""Whether the SDK makes a call that a lean call left to it: that is one request to observers."""

_SIGNATURES: Final = frozenset({"v4", "s3v4"})


class _LeftToSdk(Exception):
    """The SDK must make this call."""

    def __init__(self, *, pause: bool = False) -> None:
        super().__init__()
        self.pause = pause


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the calls of one operation to one bucket go."""

    url: str
    headers: dict[str, str]
    region: str
    host: str


class _Headers(dict[str, str]):
    """A response's headers by their names in lower case, as the SDK's session names them.

    The SDK's own class makes an object for each lookup, and its parser looks up forty names.
    """

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class LeanS3:
    """Makes the calls for single objects itself; `sdk`, the SDK's client, makes all others."""

    def __init__(self, client: Any) -> None:
        self.sdk = client
        self._targets: dict[tuple[str, str], _Target] = {}
        self._paused_until = 0.0
        self._user_agent = client._user_agent_creator.to_string()
        endpoint = client._endpoint
        self._parser = endpoint._response_parser_factory.create_parser("rest-xml")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sdk, name)

    async def get_object_tagging(self, **params: Any) -> Any:
        return await self._call("GetObjectTagging", self.sdk.get_object_tagging, params)

    async def head_object(self, **params: Any) -> Any:
        return await self._call("HeadObject", self.sdk.head_object, params)

    async def copy_object(self, **params: Any) -> Any:
        return await self._call("CopyObject", self.sdk.copy_object, params)

    async def put_object_tagging(self, **params: Any) -> Any:
        return await self._call("PutObjectTagging", self.sdk.put_object_tagging, params)

    async def list_objects_v2(self, **params: Any) -> Any:
        """See the SDK's client; a page has only the members that `read_page` reads."""
        return await self._call(_LISTING, self.sdk.list_objects_v2, params)

    async def _call(self, operation_name: str, by_sdk: Any, params: dict[str, Any]) -> Any:
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            return await by_sdk(**params)
        try:
            return await self._try(operation_name, params)
        except _LeftToSdk as left:
            pause = left.pause
        # The SDK may resolve another target now: it finds out where a bucket is.
        self._targets.pop((operation_name, params["Bucket"]), None)
        if pause:
            self._paused_until = loop.time() + _PAUSE_S
            await asyncio.sleep(random.uniform(0, _BACKOFF_S_MAX))  # noqa: S311
        token = made_again.set(True)
        try:
            return await by_sdk(**params)
        finally:
            made_again.reset(token)

    async def _try(self, operation_name: str, params: dict[str, Any]) -> Any:
        client = self.sdk
        operation = client._service_model.operation_model(operation_name)
        context = {
            "client_region": client.meta.region_name,
            "client_config": client.meta.config,
            "auth_type": operation.resolved_auth_type,
        }
        bucket = params["Bucket"]
        # Copied, as the hooks change them.
        params = await client._emit_api_params(
            api_params=dict(params), operation_model=operation, context=context
        )
        target = self._targets.get((operation_name, bucket))
        if target is None:
            target = await self._resolve(operation, params, context)
            self._targets[operation_name, bucket] = target
        request = await self._request(operation, params, target, context)
        try:
            answer = await client._endpoint.http_session.exchange(request)
        except HTTPClientError as error:
            raise _LeftToSdk(pause=True) from error
        return await self._parse(operation, *answer)

    async def _resolve(self, operation: Any, params: Any, context: dict[str, Any]) -> _Target:
        """Return the target, as the SDK resolves it; it knows buckets of other Regions."""
        client = self.sdk
        url, headers, _ = await client._resolve_endpoint_ruleset(operation, params, context)
        signing = context.get("signing", {})
        if context["auth_type"] not in _SIGNATURES or signing.get("signing_name", "s3") != "s3":
            raise _LeftToSdk
        return _Target(
            url=url,
            headers=headers,
            region=signing.get("region", client.meta.region_name),
            host=URL(url).host_port_subcomponent or "",
        )

    async def _request(
        self, operation: Any, params: Any, target: _Target, context: dict[str, Any]
    ) -> Any:
        client = self.sdk
        if client._request_signer._credentials is None:
            raise _LeftToSdk
        credentials = await client._request_signer._credentials.get_frozen_credentials()
        request = client._serializer.serialize_to_request(params, operation)
        prepare_request_dict(request, endpoint_url=target.url, context=context)
        resolve_checksum_context(request, operation, params)
        apply_request_checksum(request)
        headers = {**target.headers, **request["headers"]}
        if not all(value.isascii() for value in headers.values()):
            raise _LeftToSdk
        where, _, query = request["url"].partition("?")
        body = request["body"] or b""
        sign(
            headers,
            method=request["method"],
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
        return AWSPreparedRequest(request["method"], request["url"], sent, body or None, False)

    async def _parse(
        self, operation: Any, status: int, headers: dict[str, str], body: bytes
    ) -> Any:
        client = self.sdk
        received: dict[str, Any] = {
            "headers": _Headers(headers),
            "status_code": status,
            "context": {"operation_name": operation.name},
            "body": body,
        }
        if operation.name == _LISTING and status == _OK:
            page = parse_page(body)
            if page is None:
                raise _LeftToSdk
            return page
        customized: dict[str, Any] = {}
        await client.meta.events.emit(
            f"before-parse.s3.{operation.name}",
            operation_model=operation,
            response_dict=received,
            customized_response_dict=customized,
        )
        # A hook makes an error of a success whose body is one.
        status = received["status_code"]
        if status >= 300 and status not in _FINAL_STATUSES:
            raise _LeftToSdk(pause=status >= _OVERLOADED_FROM)
        parsed = await self._parser.parse(received, operation.output_shape)
        parsed.update(customized)
        if status >= 300:
            error = client.exceptions.from_code(parsed.get("Error", {}).get("Code"))
            raise error(parsed, operation.name)
        return parsed


def lean(client: S3Client) -> S3Client:
    """Return the client with lean calls for single objects."""
    return cast("S3Client", LeanS3(client))
