"""Converts botocore's errors to those of `ports.errors`, by one table.

It writes the message for operators; `adapters.aws.error_codes` defines what a code means. Only
errors of `ports.errors` leave `map_aws_errors`: a code that is not in the table is Unknown unless
it is a server error, and a response that cannot be parsed is Garbled. Nothing is retried here,
because botocore has done so before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import aiohttp
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    TokenRetrievalError,
)

from adapters.aws.error_codes import (
    ANY_SERVICE,
    CODES,
    DELETE_MARKER_CODES,
    PERMISSIONS,
    SIGNATURE_CODES,
    SIGNED_AT_WRONG_TIME,
)
from adapters.aws.responses import NO_ERROR_DOCUMENT
from ports.errors import (
    AccessDenied,
    Garbled,
    Misconfigured,
    NotFound,
    PortError,
    Throttled,
    TimedOut,
    Unavailable,
    Unknown,
)

_UNREACHED: Final = (
    ConnectTimeoutError,
    ProxyConnectionError,
    SSLError,
)
_NO_CREDENTIALS: Final = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    TokenRetrievalError,
)

_OF_STATUS: Final[Mapping[int, type[PortError]]] = {
    401: AccessDenied,
    403: AccessDenied,
    429: Throttled,
    500: Garbled,
}


@contextmanager
def map_aws_errors(
    service: str, *, operation: str, resource: str, needed: str = ""
) -> Iterator[None]:
    """Convert errors of a call, or of parsing its response, to the port's errors.

    Args:
        service: The name of its boto client, for example `s3control`.
        operation: The API operation, for example `PutItem`.
        resource: The resource, for messages and grants, for example `table/jobs`.
        needed: Other permissions that a denial may be due to, besides that of the operation.

    Raises:
        PortError: The class in the table; Unknown for a code that is not in it; Garbled for a
            response that cannot be parsed. AWS's error is its cause.
    """
    try:
        yield
    except PortError:
        raise
    except ClientError as error:
        known = _of_response(error, service, operation=operation, resource=resource)
        if isinstance(known, AccessDenied) and needed:
            known = known.converted_to(AccessDenied, more=needed)
        raise known from error
    except Exception as error:
        cause = f"{service} {operation} on {resource}: {str(error) or type(error).__name__}"
        raise _without_response(error)(
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
    request_id: str | None = None,
) -> PortError:
    """Return the port's error for a code.

    Also for codes in a successful response, such as those of single entries of a batch.
    """
    kind = _kind(service, code, message, http_status)
    text = f"{service} {operation} on {resource}: {code}: {message}"
    if kind is AccessDenied:
        permission = PERMISSIONS.get((service, operation), f"{service}:{operation}")
        text += f"; grant {permission} on {resource}"
    if kind is Unknown:
        text += f" (HTTP {http_status or 200}, an unknown code"
        text += f", request {request_id})" if request_id else ")"
    return kind(
        text, operation=operation, resource=resource, vendor_code=code, request_id=request_id
    )


def code_of(error: ClientError) -> str:
    """Return the error's code; for a cancelled transaction, that of the decisive reason.

    A failed condition takes precedence over all others, because a retry would not change it.
    """
    # The stubs declare the members of most errors; a cancelled transaction has more.
    response: Mapping[str, Any] = error.response
    reasons = [reason.get("Code", "None") for reason in response.get("CancellationReasons", ())]
    failed = [reason for reason in reasons if reason != "None"]
    if "ConditionalCheckFailed" in failed:
        return "ConditionalCheckFailed"
    return str(failed[0] if failed else response.get("Error", {}).get("Code", ""))


def _kind(service: str, code: str, message: str, http_status: int) -> type[PortError]:
    if code in SIGNATURE_CODES and message.startswith(SIGNED_AT_WRONG_TIME):
        return Unavailable
    kind = CODES.get((service, code)) or CODES.get((ANY_SERVICE, code))
    return kind or (Unavailable if http_status >= 500 else Unknown)


def _of_response(error: ClientError, service: str, *, operation: str, resource: str) -> PortError:
    response: Mapping[str, Any] = error.response
    details: Mapping[str, Any] = response.get("Error", {})
    metadata: Mapping[str, Any] = response.get("ResponseMetadata", {})
    if response.get(NO_ERROR_DOCUMENT):
        return _error_without_document(service, metadata, operation=operation, resource=resource)
    code = code_of(error)
    known = error_of_code(
        service,
        code,
        details.get("Message", ""),
        operation=operation,
        resource=resource,
        http_status=metadata.get("HTTPStatusCode", 0),
        request_id=metadata.get("RequestId"),
    )
    if code in DELETE_MARKER_CODES and _means_delete_marker(details, metadata):
        return known.converted_to(NotFound)
    return known


def _error_without_document(
    service: str, metadata: Mapping[str, Any], *, operation: str, resource: str
) -> PortError:
    """Return the error for a response that has only a status, such as a gateway's.

    It does not describe the object: a web page with status 404 does not mean a missing object. A
    500 is also the SDK's result for a truncated response of a success.
    """
    status = metadata.get("HTTPStatusCode", 0)
    kind = _OF_STATUS.get(status, Unknown)
    if status > 500:
        kind = _kind(service, str(status), "", status)
    return kind(
        f"{service} {operation} on {resource}: HTTP {status} without an error document;"
        " a proxy or gateway may have responded",
        operation=operation,
        resource=resource,
        vendor_code=str(status),
        request_id=metadata.get("RequestId"),
    )


def _means_delete_marker(details: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Return whether a 405 means a delete marker.

    S3 User Guide, "Working with delete markers": the response has the header `x-amz-delete-marker:
    true`; its document may name the type of the resource.
    """
    headers: Mapping[str, str] = metadata.get("HTTPHeaders", {})
    return (
        headers.get("x-amz-delete-marker") == "true"
        or details.get("ResourceType") == "DeleteMarker"
    )


def _without_response(error: Exception) -> type[PortError]:
    """Return the class of an error without a response: not reached, or uncertain."""
    if isinstance(error, _UNREACHED):
        return Unavailable
    if isinstance(error, EndpointConnectionError):
        # aiobotocore also raises this for a connection that was reset after it was established.
        return TimedOut if _was_connected(error.kwargs.get("error")) else Unavailable
    if isinstance(error, _NO_CREDENTIALS):
        return Misconfigured
    if isinstance(error, ParamValidationError):
        return Unknown
    # A read timeout, or a broken connection: the request may have been executed.
    if isinstance(error, HTTPClientError | aiohttp.ClientError | TimeoutError):
        return TimedOut
    # The SDK and the parsers here raise ValueError, KeyError, ResponseParserError and others.
    return Garbled


def _was_connected(error: object) -> bool:
    return isinstance(error, aiohttp.ClientConnectionError) and not isinstance(
        error, aiohttp.ClientConnectorError
    )
