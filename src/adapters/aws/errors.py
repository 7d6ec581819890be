"""Turns what botocore raises into the errors of `ports.errors`, by one table.

Owns the sentence a person reads; what a code means stands in `adapters.aws.error_codes`. It must
not know what a call was for. A code that is not in the table is let through unless it is the
server's fault, so that a surprise is seen and not taken for an outage. Nothing here retries:
botocore has done so before the error comes here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import aiohttp
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from adapters.aws.error_codes import (
    ANY_SERVICE,
    CODES,
    PERMISSIONS,
    SIGNATURE_CODES,
    SIGNED_AT_WRONG_TIME,
)
from ports.errors import AccessDenied, Misconfigured, PortError, TimedOut, Unavailable

_UNREACHED: Final = (
    ConnectTimeoutError,
    ProxyConnectionError,
    SSLError,
)
_WITHOUT_ANSWER: Final = (
    BotoCoreError,
    HTTPClientError,
    ResponseParserError,
    aiohttp.ClientError,
    TimeoutError,
)
_NO_CREDENTIALS: Final = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    TokenRetrievalError,
)


@contextmanager
def translated(service: str, *, operation: str, resource: str) -> Iterator[None]:
    """Raise the port's error for what botocore raises inside, with the vendor's as its cause.

    Args:
        service: As boto names its client, for example `s3control`.
        operation: The operation of the API, for example `PutItem`.
        resource: What it was done to, for people and for grants, for example `table/jobs`.

    Raises:
        PortError: the leaf that the table gives.
        ClientError: a code that is not known, and not the server's fault.
    """
    try:
        yield
    except ClientError as error:
        known = _known(error, service, operation=operation, resource=resource)
        if known is None:
            raise
        raise known from error
    except _WITHOUT_ANSWER as error:
        unanswered = _unanswered(error)
        if unanswered is None:
            raise
        cause = f"{service} {operation} on {resource}: {str(error) or type(error).__name__}"
        raise unanswered(
            cause, operation=operation, resource=resource, vendor_code=type(error).__name__
        ) from error


def error_of_code(
    service: str,
    code: str,
    message: str,
    *,
    operation: str,
    resource: str,
    http_status: int = 0,
) -> PortError | None:
    """Return the port's error for a code, or None for one that is not known.

    Also for codes that stand in a successful answer, as those of single entries of a batch do.
    """
    kind = CODES.get((service, code)) or CODES.get((ANY_SERVICE, code))
    if code in SIGNATURE_CODES and message.startswith(SIGNED_AT_WRONG_TIME):
        kind = Unavailable
    if kind is None and http_status >= 500:
        kind = Unavailable
    if kind is None:
        return None
    text = f"{service} {operation} on {resource}: {code}: {message}"
    if kind is AccessDenied:
        permission = PERMISSIONS.get((service, operation), f"{service}:{operation}")
        text += f"; grant {permission} on {resource}"
    return kind(text, operation=operation, resource=resource, vendor_code=code)


def code_of(error: ClientError) -> str:
    """Return the error's code; for a cancelled transaction, that of the reason that decides.

    A failed condition decides over all others: trying again would not change it.
    """
    # Stubs declare what most services answer; a cancelled transaction answers more.
    answer: Mapping[str, Any] = error.response
    reasons = [reason.get("Code", "None") for reason in answer.get("CancellationReasons", ())]
    failed = [reason for reason in reasons if reason != "None"]
    if "ConditionalCheckFailed" in failed:
        return "ConditionalCheckFailed"
    return str(failed[0] if failed else answer.get("Error", {}).get("Code", ""))


def _known(error: ClientError, service: str, *, operation: str, resource: str) -> PortError | None:
    answer: Mapping[str, Any] = error.response
    return error_of_code(
        service,
        code_of(error),
        answer.get("Error", {}).get("Message", ""),
        operation=operation,
        resource=resource,
        http_status=answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0),
    )


def _unanswered(error: Exception) -> type[PortError] | None:
    """Classify an error without an answer: was the service not reached, or is it not known?"""
    if isinstance(error, _UNREACHED):
        return Unavailable
    if isinstance(error, EndpointConnectionError):
        # aiobotocore also says this of a connection that was reset after it stood.
        return TimedOut if _was_connected(error.kwargs.get("error")) else Unavailable
    if isinstance(error, _NO_CREDENTIALS):
        return Misconfigured
    # A read timeout, a connection that broke, an answer that cannot be read: the request may have
    # been carried out.
    if isinstance(
        error, HTTPClientError | ResponseParserError | aiohttp.ClientError | TimeoutError
    ):
        return TimedOut
    return None


def _was_connected(error: object) -> bool:
    return isinstance(error, aiohttp.ClientConnectionError) and not isinstance(
        error, aiohttp.ClientConnectorError
    )
