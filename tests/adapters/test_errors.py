"""How each AWS error is mapped: a row of the table for each leaf, and errors without a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import aiohttp
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from adapters.aws.errors import map_aws_errors
from ports.errors import (
    AccessDenied,
    Archived,
    Conflict,
    Garbled,
    LimitExceeded,
    Misconfigured,
    NotFound,
    PortError,
    Refused,
    Throttled,
    TimedOut,
    Unavailable,
    Unknown,
)


@pytest.mark.parametrize(
    ("service", "code", "status", "expected"),
    [
        ("s3", "SlowDown", 503, Throttled),
        ("s3", "503", 503, Throttled),
        ("sqs", "ThrottlingException", 400, Throttled),
        ("dynamodb", "ProvisionedThroughputExceededException", 400, Throttled),
        ("dynamodb", "RequestLimitExceeded", 400, Throttled),
        ("lambda", "TooManyRequestsException", 429, Throttled),
        ("events", "ThrottlingException", 400, Throttled),
        ("s3control", "TooManyRequestsException", 400, Throttled),
        ("s3", "InternalError", 500, Unavailable),
        ("s3", "OperationAborted", 409, Unavailable),
        ("s3", "500", 500, Unavailable),
        ("sns", "InternalError", 500, Unavailable),
        ("events", "InternalFailure", 200, Unavailable),
        ("lambda", "ServiceException", 500, Unavailable),
        ("dynamodb", "TransactionConflictException", 400, Unavailable),
        ("dynamodb", "InternalServerError", 500, TimedOut),
        ("s3", "504", 504, TimedOut),
        ("s3", "AccessDenied", 403, AccessDenied),
        ("s3", "403", 403, AccessDenied),
        ("s3", "AllAccessDisabled", 403, AccessDenied),
        ("sqs", "AccessDeniedException", 400, AccessDenied),
        ("sqs", "KMS.AccessDeniedException", 400, AccessDenied),
        ("sns", "AuthorizationError", 403, AccessDenied),
        ("events", "NotAuthorizedForSourceException", 200, AccessDenied),
        ("s3", "NoSuchKey", 404, NotFound),
        ("s3", "404", 404, NotFound),
        ("s3", "NoSuchVersion", 404, NotFound),
        ("s3", "NoSuchUpload", 404, NotFound),
        ("s3", "MethodNotAllowed", 405, Refused),
        ("s3control", "NoSuchJob", 404, NotFound),
        ("s3control", "NoSuchJobException", 404, NotFound),
        ("s3control", "NotFoundException", 400, NotFound),
        ("s3", "NoSuchBucket", 404, Misconfigured),
        ("s3", "PermanentRedirect", 301, Misconfigured),
        ("s3", "ExpiredToken", 400, Misconfigured),
        ("s3", "InvalidAccessKeyId", 403, Misconfigured),
        ("dynamodb", "UnrecognizedClientException", 400, Misconfigured),
        ("dynamodb", "ResourceNotFoundException", 400, Misconfigured),
        ("lambda", "ResourceNotFoundException", 404, Misconfigured),
        ("sqs", "AWS.SimpleQueueService.NonExistentQueue", 400, Misconfigured),
        ("sqs", "QueueDoesNotExist", 400, Misconfigured),
        ("sns", "NotFound", 404, Misconfigured),
        ("sns", "KMSDisabled", 400, Misconfigured),
        ("s3", "PreconditionFailed", 412, Conflict),
        ("s3", "ConditionalRequestConflict", 409, Conflict),
        ("s3", "412", 412, Conflict),
        ("s3", "InvalidPart", 400, Conflict),
        ("s3control", "JobStatusException", 400, Conflict),
        ("dynamodb", "ConditionalCheckFailedException", 400, Conflict),
        ("s3", "InvalidObjectState", 403, Archived),
        ("s3", "ObjectNotInActiveTierError", 403, Archived),
        ("s3", "InvalidTag", 400, Refused),
        ("s3", "InvalidRequest", 400, Refused),
        ("s3", "MalformedXML", 400, Refused),
        ("s3", "EntityTooLarge", 400, Refused),
        ("s3control", "IdempotencyException", 400, Refused),
        ("s3control", "BadRequestException", 400, Refused),
        ("sqs", "InvalidMessageContents", 400, Refused),
        ("events", "MalformedDetail", 200, Refused),
        ("lambda", "RequestTooLargeException", 413, Refused),
        ("dynamodb", "ValidationException", 400, Refused),
        ("dynamodb", "ItemCollectionSizeLimitExceededException", 400, LimitExceeded),
        ("lambda", "RecursiveInvocationException", 400, LimitExceeded),
        # Not in the table, but a server error.
        ("s3", "SomethingNew", 507, Unavailable),
    ],
)
def test_a_code_becomes_its_leaf(
    error: Callable[..., ClientError],
    service: str,
    code: str,
    status: int,
    expected: type[PortError],
) -> None:
    vendor = error(code, status)

    with (
        pytest.raises(expected) as raised,
        map_aws_errors(service, operation="DoThis", resource="thing/1"),
    ):
        raise vendor

    assert type(raised.value) is expected
    assert raised.value.operation == "DoThis"
    assert raised.value.resource == "thing/1"
    assert raised.value.vendor_code == code
    assert raised.value.__cause__ is vendor
    assert "thing/1" in str(raised.value)
    assert code in str(raised.value)


@pytest.mark.parametrize(
    ("service", "code", "message", "expected"),
    [
        ("s3", "RequestTimeTooSkewed", "The difference is too large.", Unavailable),
        ("s3control", "RequestTimeTooSkewed", "The difference is too large.", Unavailable),
        ("events", "RequestExpired", "Request has expired.", Unavailable),
        ("sqs", "RequestInTheFuture", "Request is in the future.", Unavailable),
        ("dynamodb", "InvalidSignatureException", "Signature expired: 2026 is now", Unavailable),
        ("lambda", "InvalidSignatureException", "Signature not yet current: 2026", Unavailable),
        ("sns", "SignatureDoesNotMatch", "Signature expired: 2026 is now", Unavailable),
        ("dynamodb", "InvalidSignatureException", "The request signature we", Misconfigured),
        ("s3", "SignatureDoesNotMatch", "The request signature we calculated", Misconfigured),
        ("sqs", "InvalidClientTokenId", "Signature expired: not of this code", Misconfigured),
    ],
)
def test_a_request_that_was_signed_at_a_wrong_time_can_be_repeated(
    error: Callable[..., ClientError],
    service: str,
    code: str,
    message: str,
    expected: type[PortError],
) -> None:
    """A function was frozen between signing and sending; the next attempt has a new signature."""
    with (
        pytest.raises(expected) as raised,
        map_aws_errors(service, operation="DoThis", resource="thing/1"),
    ):
        raise error(code, 403, message)
    assert type(raised.value) is expected
    assert message in str(raised.value)


def test_an_unlisted_code_is_unknown_and_names_the_request(
    error: Callable[..., ClientError],
) -> None:
    vendor = error("SomethingNew", 400)
    cast("Any", vendor.response)["ResponseMetadata"]["RequestId"] = "R1"
    with (
        pytest.raises(Unknown) as raised,
        map_aws_errors("s3", operation="DoThis", resource="thing"),
    ):
        raise vendor
    error = raised.value
    assert (error.vendor_code, error.request_id) == ("SomethingNew", "R1")
    assert str(error) == (
        "s3 DoThis on thing: SomethingNew: why (HTTP 400, an unknown code, request R1)"
    )


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        (EndpointConnectionError(endpoint_url="x"), Unavailable),
        (EndpointConnectionError(endpoint_url="x", error=aiohttp.ClientOSError("reset")), TimedOut),
        (ConnectTimeoutError(endpoint_url="x"), Unavailable),
        (ReadTimeoutError(endpoint_url="x"), TimedOut),
        (ConnectionClosedError(endpoint_url="x"), TimedOut),
        (HTTPClientError(error=OSError("x")), TimedOut),
        (ResponseStreamingError(error=OSError("x")), TimedOut),
        (aiohttp.ClientPayloadError("x"), TimedOut),
        (NoCredentialsError(), Misconfigured),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_no_response_is_unavailable_or_unknown(
    vendor: Exception, expected: type[PortError]
) -> None:
    """A request that did not arrive did nothing; one without a response may have been processed."""
    with (
        pytest.raises(expected) as raised,
        map_aws_errors("s3", operation="PutObject", resource="media/a"),
    ):
        raise vendor

    assert type(raised.value) is expected
    assert raised.value.__cause__ is vendor


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (KeyError("x"), Garbled),
        (ValueError("x"), Garbled),
        (AttributeError("x"), Garbled),
        (RecursionError("x"), Garbled),
        (ParamValidationError(report="x"), Unknown),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_a_failure_to_read_a_response_is_a_port_error(
    fault: Exception, expected: type[PortError]
) -> None:
    with (
        pytest.raises(expected) as raised,
        map_aws_errors("s3", operation="PutObject", resource="media/a"),
    ):
        raise fault

    assert type(raised.value) is expected
    assert raised.value.__cause__ is fault


def test_port_errors_pass_unchanged() -> None:
    ours = NotFound("x")
    with (
        pytest.raises(NotFound) as raised,
        map_aws_errors("s3", operation="PutObject", resource="media/a"),
    ):
        raise ours
    assert raised.value is ours


@pytest.mark.parametrize(
    ("details", "headers", "expected"),
    [
        ({}, {}, Refused),
        ({}, {"x-amz-delete-marker": "false"}, Refused),
        ({}, {"x-amz-delete-marker": "true"}, NotFound),
        ({"ResourceType": "DeleteMarker"}, {}, NotFound),
        ({"ResourceType": "BUCKETPOLICY"}, {}, Refused),
    ],
)
@pytest.mark.parametrize("code", ["MethodNotAllowed", "405"])
def test_a_405_is_not_found_only_with_a_delete_marker(
    error: Callable[..., ClientError],
    code: str,
    details: dict[str, str],
    headers: dict[str, str],
    expected: type[PortError],
) -> None:
    vendor = error(code, 405)
    answer: Any = vendor.response
    answer["Error"] |= details
    answer["ResponseMetadata"]["HTTPHeaders"] = headers
    with (
        pytest.raises(expected),
        map_aws_errors("s3", operation="GetObjectTagging", resource="media/a"),
    ):
        raise vendor


@pytest.mark.parametrize(
    ("service", "operation", "permission"),
    [
        ("s3", "HeadObject", "s3:GetObject"),
        ("s3", "ListObjectsV2", "s3:ListBucket"),
        ("s3", "CopyObject", "s3:PutObjectTagging"),
        ("s3", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls"),
        ("s3", "GetObjectTagging", "s3:GetObjectTagging"),
        ("s3control", "CreateJob", "iam:PassRole"),
        ("sqs", "SendMessageBatch", "sqs:SendMessage"),
        ("sns", "Publish", "sns:Publish"),
        ("events", "PutEvents", "events:PutEvents"),
        ("lambda", "Invoke", "lambda:InvokeFunction"),
    ],
)
def test_a_refusal_says_what_to_grant(
    error: Callable[..., ClientError], service: str, operation: str, permission: str
) -> None:
    with (
        pytest.raises(AccessDenied) as raised,
        map_aws_errors(service, operation=operation, resource="thing/1"),
    ):
        raise error("AccessDenied", 403)

    _, _, grant = str(raised.value).partition("; grant ")
    assert permission in grant
    assert "thing/1" in grant


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (["None", "ConditionalCheckFailed"], Conflict),
        (["TransactionConflict", "ConditionalCheckFailed"], Conflict),
        (["None", "TransactionConflict"], Unavailable),
        (["ThrottlingError", "None"], Throttled),
        (["ProvisionedThroughputExceeded"], Throttled),
        (["ValidationError"], Refused),
        (["ItemCollectionSizeLimitExceeded"], LimitExceeded),
    ],
)
def test_a_cancelled_transaction_is_what_its_reasons_are(
    error: Callable[..., ClientError], reasons: list[str], expected: type[PortError]
) -> None:
    vendor = error("TransactionCanceledException")
    answer: Any = vendor.response
    answer["CancellationReasons"] = [{"Code": reason} for reason in reasons]

    with (
        pytest.raises(expected) as raised,
        map_aws_errors("dynamodb", operation="TransactWriteItems", resource="table/jobs"),
    ):
        raise vendor

    assert type(raised.value) is expected


def test_an_unreadable_response_leaves_the_result_of_a_write_unknown() -> None:
    with (
        pytest.raises(TimedOut),
        map_aws_errors("s3", operation="CopyObject", resource="media/a"),
    ):
        raise ResponseParserError("not well-formed (invalid token): line 1, column 5")
