"""Opens the SDK's clients, configured for this service, and closes them together.

This module owns the SDK settings that all adapters share: pool size, retries, timeouts, endpoints.
Endpoints come from the SDK (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`); here S3 is only made
usable behind one. A client belongs to the event loop on which it was opened. It uses the Region
that the SDK finds in the environment, except for queues in another Region.

A client may act in a role of another account. Its credentials are requested from STS when they are
first needed, and again before they expire. A role that was assumed by a role, as a function's is,
has credentials for at most an hour (IAM User Guide, "Roles terms and concepts", role chaining; read
in 2026-11).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioDeferredRefreshableCredentials
from botocore.parsers import DEFAULT_TIMESTAMP_PARSER

from adapters.aws.errors import map_aws_errors
from adapters.aws.http_octets import OctetSession, carry_octets
from adapters.aws.lean_client import made_again
from adapters.aws.lean_dynamodb import lean_dynamodb
from adapters.aws.lean_s3 import lean_s3
from adapters.aws.responses import Malformed, check_bodies, required
from adapters.aws.services import Service
from adapters.aws.sessions import CreateClient, new_session
from domain.manifest import parse_timestamp
from ports.errors import PortError

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient
    from types_aiobotocore_events.client import EventBridgeClient
    from types_aiobotocore_lambda.client import LambdaClient
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3control.client import S3ControlClient
    from types_aiobotocore_scheduler.client import EventBridgeSchedulerClient
    from types_aiobotocore_sns.client import SNSClient
    from types_aiobotocore_sqs.client import SQSClient

OnRequest = Callable[[str, str, Mapping[str, Any]], None]
"""Called for each AWS request before it is sent, once regardless of retries, with the service,
operation and parameters in boto's names."""

_ACCOUNT_ID_DIGITS: Final = 12

# RFC 9110, section 5.6.7: the only form that is generated.
_HTTP_DATE: Final = re.compile(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT", re.ASCII)

ROLE_SESSION_NAME: Final = "asset-sync"
"""The session name that the bucket's account sees in its own trail."""

# How long a failure of STS is also returned to those who waited for it: the SDK lets one caller
# request credentials at a time, and after a failure the next one, and so on.
_ROLE_FAILURE_KEPT_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Settings of all clients.

    Attributes:
        pool_connection_count: Connections of one client. The fan-out must not be wider, or its
            calls wait for connections unnoticed.
        attempt_count_max: Maximum number of tries of one call by the SDK, including the first.
            A lean call that was left to the SDK comes in addition.
        connect_timeout_s: The timeout of a connection attempt.
        read_timeout_s: The timeout of a response.
        copy_read_timeout_s: The same for S3, which holds the connection while it copies up to 5 GB
            (S3 API Reference, "CopyObject").
        lean_calls: Whether frequent calls are made by subclasses of `adapters.aws.lean_client`.
        aioboto3_sessions: Whether aioboto3 makes the clients, if it is installed.
    """

    pool_connection_count: int = 64
    attempt_count_max: int = 4
    connect_timeout_s: float = 5
    read_timeout_s: float = 30
    copy_read_timeout_s: float = 240
    lean_calls: bool = True
    aioboto3_sessions: bool = True


def _unchanged(client: Any) -> Any:
    return client


class Clients:
    """Opens each client on first use; `open_clients` creates and closes this."""

    def __init__(
        self, stack: AsyncExitStack, settings: ClientSettings, on_request: OnRequest | None
    ) -> None:
        self._stack = stack
        self._settings = settings
        self._on_request = on_request
        self._create_client = new_session(by_aioboto3=settings.aioboto3_sessions)
        self._opened: dict[tuple[Service, str | None, str | None], Any] = {}
        # Many concurrent tasks may need a role or a Region; one of them opens its client.
        self._opening = asyncio.Lock()

    async def s3(self, role_arn: str | None = None) -> S3Client:
        """The S3 client, with fast timestamp parsing; at another endpoint, with path-style URLs.

        With `role_arn` it acts in that role. Its first call raises AccessDenied if the role cannot
        be assumed.
        """
        async with self._opening:
            create_client = self._create_client
            if role_arn is not None and (Service.S3, role_arn, None) not in self._opened:
                sts = await self._open(Service.STS, read_timeout_s=self._settings.connect_timeout_s)
                create_client = new_session(
                    by_aioboto3=self._settings.aioboto3_sessions,
                    credential_provider=_role_credentials(sts, role_arn),
                )
            client: S3Client = await self._open(
                Service.S3,
                create_client=create_client,
                role_arn=role_arn,
                read_timeout_s=self._settings.copy_read_timeout_s,
                tune=self._tuned_s3,
            )
            return client

    async def s3control(self) -> S3ControlClient:
        """The S3 Control client, usable at an endpoint without wildcard DNS."""
        client: S3ControlClient = await self._open(
            Service.S3_CONTROL, tune=_serve_without_account_prefix
        )
        return client

    async def dynamodb(self) -> DynamoDBClient:
        """The DynamoDB client."""
        tune = lean_dynamodb if self._settings.lean_calls else _unchanged
        client: DynamoDBClient = await self._open(Service.DYNAMODB, tune=tune)
        return client

    async def sqs(self, region_name: str | None = None) -> SQSClient:
        """The SQS client, or, with `region_name`, the client for queues in that Region."""
        async with self._opening:
            client: SQSClient = await self._open(Service.SQS)
            if region_name not in (None, client.meta.region_name):
                client = await self._open(Service.SQS, region_name=region_name)
            return client

    async def cloudwatch(self, region_name: str | None = None) -> Any:
        """The CloudWatch client, or, with `region_name`, the client for metrics in that Region."""
        async with self._opening:
            client = await self._open(Service.CLOUDWATCH)
            if region_name not in (None, client.meta.region_name):
                client = await self._open(Service.CLOUDWATCH, region_name=region_name)
            return client

    async def sns(self) -> SNSClient:
        """The SNS client."""
        client: SNSClient = await self._open(Service.SNS)
        return client

    async def events(self) -> EventBridgeClient:
        """The EventBridge client."""
        async with self._opening:
            client: EventBridgeClient = await self._open(Service.EVENTS)
            return client

    async def scheduler(self) -> EventBridgeSchedulerClient:
        """The EventBridge Scheduler client."""
        client: EventBridgeSchedulerClient = await self._open(Service.SCHEDULER)
        return client

    async def lambda_(self) -> LambdaClient:
        """The Lambda client."""
        client: LambdaClient = await self._open(Service.LAMBDA)
        return client

    def _tuned_s3(self, client: S3Client) -> S3Client:
        _parse_timestamps_cheaply(client)
        carry_octets(client)
        client.meta.events.register_first("before-parse.s3.*", _leave_expires_alone)
        return lean_s3(client) if self._settings.lean_calls else client

    async def _open(
        self,
        service: Service,
        *,
        create_client: CreateClient | None = None,
        role_arn: str | None = None,
        region_name: str | None = None,
        read_timeout_s: float | None = None,
        tune: Callable[[Any], Any] = _unchanged,
    ) -> Any:
        key = (service, role_arn, region_name)
        if key not in self._opened:
            settings = self._settings
            config = AioConfig(
                max_pool_connections=settings.pool_connection_count,
                retries={"mode": "standard", "total_max_attempts": settings.attempt_count_max},
                connect_timeout=settings.connect_timeout_s,
                read_timeout=read_timeout_s or settings.read_timeout_s,
                s3={"addressing_style": "path"} if _endpoint_override("S3") else None,
                # Otherwise the SDK adds a checksum to multipart copies whose source has none, and
                # sends trailers that S3-compatible stores do not support.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                http_session_cls=OctetSession,
                # What is sent there are this service's own items, whose form the tests check.
                parameter_validation=service is not Service.DYNAMODB,
            )
            client = await self._stack.enter_async_context(
                (create_client or self._create_client)(
                    service, region_name=region_name, config=config
                )
            )
            if self._on_request is not None:
                client.meta.events.register("provide-client-params", _observer(self._on_request))
            check_bodies(client)
            self._opened[key] = tune(client)
        return self._opened[key]


@asynccontextmanager
async def open_clients(
    settings: ClientSettings, *, on_request: OnRequest | None = None
) -> AsyncIterator[Clients]:
    """Yield clients for the running event loop, and close those that were opened.

    Args:
        settings: Pools, retries and timeouts.
        on_request: Called for every request; for counting calls and recording permissions.
    """
    async with AsyncExitStack() as stack:
        yield Clients(stack, settings, on_request)


class _RoleCredentials:
    """Replaces the SDK's credential chain; provides the credentials of one role."""

    def __init__(self, refresh: Callable[[], Awaitable[dict[str, str]]]) -> None:
        self._refresh = refresh

    async def load_credentials(self) -> AioDeferredRefreshableCredentials:
        return AioDeferredRefreshableCredentials(refresh_using=self._refresh, method="assume-role")


def _role_credentials(sts: Any, role_arn: str) -> _RoleCredentials:
    """Return what provides a role's credentials to a session, for as long as `sts` is open."""
    failed: tuple[float, PortError] | None = None

    async def refresh() -> dict[str, str]:
        nonlocal failed
        now = asyncio.get_running_loop().time
        if failed is not None and now() - failed[0] < _ROLE_FAILURE_KEPT_S:
            known = failed[1]
            raise known.converted_to(type(known)) from known
        try:
            return await _assume(sts, role_arn)
        except PortError as error:
            failed = now(), error
            raise

    return _RoleCredentials(refresh)


async def _assume(sts: Any, role_arn: str) -> dict[str, str]:
    """Request credentials from STS, in the format of the SDK's refresh.

    It happens inside a call of S3, so an STS error must be raised as a port error here, or its code
    would be looked up among those of S3.
    """
    with map_aws_errors("sts", operation="AssumeRole", resource=role_arn):
        response = await sts.assume_role(RoleArn=role_arn, RoleSessionName=ROLE_SESSION_NAME)
        return {
            "access_key": _word(response, "AccessKeyId"),
            "secret_key": _word(response, "SecretAccessKey"),
            "token": _word(response, "SessionToken"),
            "expiry_time": _expiry(response).isoformat(),
        }


def _word(response: Mapping[str, Any], name: str) -> str:
    """Return a part of the credentials, which are sent in headers: visible ASCII characters."""
    word = required(response, "Credentials", name)
    if not all("!" <= character <= "~" for character in word):
        raise Malformed(f"{name} of the credentials cannot be sent in a header")
    return word


def _expiry(response: Mapping[str, Any]) -> datetime:
    """Return when the credentials end, which the SDK compares with the time here."""
    ends_at = required(response, "Credentials", "Expiration", of=datetime)
    if ends_at <= datetime.now(UTC):
        raise Malformed(f"the credentials end at {ends_at}, which is over")
    return ends_at


def _endpoint_override(service_id: str) -> bool:
    """Return whether the environment sets another endpoint for this service.

    SDKs and Tools Reference Guide, "Service-specific endpoints".
    """
    return any(
        os.environ.get(name) for name in (f"AWS_ENDPOINT_URL_{service_id}", "AWS_ENDPOINT_URL")
    )


def _observer(on_request: OnRequest) -> Callable[..., None]:
    def observe(params: Mapping[str, Any], model: Any, **_: object) -> None:
        if not made_again.get():
            on_request(model.service_model.service_name, model.name, params)

    return observe


def _serve_without_account_prefix(client: S3ControlClient) -> S3ControlClient:
    if _endpoint_override("S3_CONTROL"):
        client.meta.events.register("before-sign.s3-control", _strip_account_prefix)
    return client


def _strip_account_prefix(request: Any, **_: object) -> None:
    """Remove `{account}.` from the host, where S3 Control's model always puts it.

    No name server resolves `123456789012.127.0.0.1`, and the account is in a header as well. With
    an endpoint like `http://x@127.0.0.1` the prefix becomes part of a user name, which the AWS CLI
    ignores and aiohttp rejects, so that is removed too.
    """
    parts = urlsplit(request.url)
    account, _dot, host = parts.netloc.partition(".")
    if len(account) == _ACCOUNT_ID_DIGITS and account.isdigit():
        request.url = urlunsplit(parts._replace(netloc=host.rpartition("@")[2]))


def _leave_expires_alone(
    response_dict: Mapping[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Return an Expires header as text only: it need not be a date, and the SDK would guess."""
    headers = response_dict["headers"]
    if "Expires" in headers:
        customized_response_dict["ExpiresString"] = headers["Expires"]
        del headers["Expires"]


def _parse_timestamps_cheaply(client: S3Client) -> None:
    """Make the client parse S3's ISO timestamps with the standard library.

    botocore parses every LastModified with dateutil, which took about 70 percent of the time of a
    listing when measured. There is no public option for this. A test in tests/adapters fails if
    this internal API changes.
    """
    factory = client._endpoint._response_parser_factory  # type: ignore[attr-defined]  # noqa: SLF001
    factory.set_parser_defaults(timestamp_parser=_parse_timestamp)


def _parse_timestamp(value: Any) -> datetime:
    try:
        # Headers have HTTP dates.
        if isinstance(value, str) and _HTTP_DATE.fullmatch(value):
            return parsedate_to_datetime(value)
        return parse_timestamp(value)
    except (TypeError, ValueError):
        parsed: datetime = DEFAULT_TIMESTAMP_PARSER(value)
        return parsed
