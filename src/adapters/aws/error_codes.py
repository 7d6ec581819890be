"""The meaning of each AWS error code, and the permission to grant if it is a denial.

This module owns the one table of codes. How an error is received is in `adapters.aws.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from ports.errors import (
    AccessDenied,
    Archived,
    Conflict,
    LimitExceeded,
    Misconfigured,
    NotFound,
    PortError,
    Refused,
    Throttled,
    TimedOut,
    Unavailable,
)

ANY_SERVICE: Final = "*"

# Codes are those of each service's API reference, page "Common errors" or the operation's own
# "Errors", and of S3's "List of error codes"; read in 2026-11. A number is botocore's code for a
# response without a body, as HEAD requests get.
_ROWS: Final[Sequence[tuple[str, type[PortError], str]]] = (
    (
        ANY_SERVICE,
        Throttled,
        """
        Throttling ThrottlingException ThrottledException RequestThrottled SlowDown
        RequestThrottledException RequestLimitExceeded TooManyRequestsException TooManyRequests
        ProvisionedThroughputExceededException BandwidthLimitExceeded 429
        """,
    ),
    (
        ANY_SERVICE,
        Unavailable,
        """
        InternalError InternalFailure InternalServerError InternalException ServiceUnavailable
        InternalServiceException ServiceUnavailableException OperationAborted RequestTimeout
        ServiceException 500 502 503
        """,
    ),
    # Signed too long ago, or with a wrong clock: the next attempt is signed with its own time.
    (ANY_SERVICE, Unavailable, "RequestTimeTooSkewed RequestExpired RequestInTheFuture"),
    # A gateway timed out: the request may still be in progress behind it.
    (ANY_SERVICE, TimedOut, "GatewayTimeout RequestTimeoutException 504"),
    (
        ANY_SERVICE,
        AccessDenied,
        """
        AccessDenied AccessDeniedException AllAccessDisabled AccountProblem NotSignedUp
        OptInRequired UnauthorizedOperation UnauthorizedAccess NotAuthorized AuthorizationError
        AuthorizationErrorException KMS.AccessDeniedException KMSAccessDenied KmsAccessDenied
        KMSAccessDeniedException NotAuthorizedForSourceException
        NotAuthorizedForDetailTypeException 401 403
        """,
    ),
    (
        ANY_SERVICE,
        Misconfigured,
        """
        ExpiredToken ExpiredTokenException InvalidAccessKeyId InvalidClientTokenId InvalidToken
        SignatureDoesNotMatch InvalidSignatureException UnrecognizedClientException
        MissingAuthenticationToken MissingAuthenticationTokenException AuthFailure
        IncompleteSignature TokenRefreshRequired
        KMS.DisabledException KMS.NotFoundException KMS.KMSInvalidStateException KMSDisabled
        KMSNotFound KMSInvalidState KmsDisabled KmsNotFound KmsInvalidState KMSDisabledException
        KMSNotFoundException KMSInvalidStateException KMS.InvalidStateException
        ResourceNotFoundException
        """,
    ),
    (ANY_SERVICE, Throttled, "KMSThrottling KmsThrottled KMS.ThrottlingException"),
    (
        ANY_SERVICE,
        LimitExceeded,
        "LimitExceeded LimitExceededException ServiceQuotaExceededException",
    ),
    (
        ANY_SERVICE,
        Refused,
        "ValidationException ValidationError InvalidParameterValue InvalidParameter",
    ),
    # S3's message for ServiceUnavailable is "Reduce your request rate"; a HEAD gets only the 503.
    ("s3", Throttled, "ServiceUnavailable 503"),
    ("s3", NotFound, "NoSuchKey NoSuchVersion NoSuchUpload 404"),
    ("s3", NotFound, "OwnershipControlsNotFoundError"),
    ("s3", Conflict, "PreconditionFailed ConditionalRequestConflict InvalidPart InvalidPartOrder"),
    ("s3", Conflict, "409 412"),
    ("s3", Archived, "InvalidObjectState ObjectNotInActiveTierError"),
    # The last four: the bucket is in another Region than the client.
    (
        "s3",
        Misconfigured,
        """
        NoSuchBucket InvalidBucketName PermanentRedirect AuthorizationHeaderMalformed
        IllegalLocationConstraintException 301
        """,
    ),
    (
        "s3",
        Refused,
        """
        InvalidTag InvalidRequest MalformedXML EntityTooLarge EntityTooSmall InvalidArgument
        KeyTooLongError MetadataTooLarge BadDigest InvalidDigest InvalidStorageClass
        InvalidEncryptionAlgorithmError AccessControlListNotSupported
        RequestHeaderSectionTooLarge NotImplemented InvalidRange BadRequest 400 416 501
        MethodNotAllowed 405
        """,
    ),
    ("sts", Misconfigured, "RegionDisabledException"),
    ("s3control", NotFound, "NotFoundException NoSuchJob NoSuchJobException 404"),
    ("s3control", Conflict, "JobStatusException"),
    (
        "s3control",
        Refused,
        """
        BadRequestException InvalidRequestException InvalidRequest IdempotencyException
        MalformedXML InvalidArgument TooManyTagsException NotImplemented
        """,
    ),
    ("dynamodb", Conflict, "ConditionalCheckFailedException ConditionalCheckFailed DuplicateItem"),
    ("dynamodb", Throttled, "ThrottlingError ProvisionedThroughputExceeded"),
    # Another transaction briefly locks an item.
    ("dynamodb", Unavailable, "TransactionConflict TransactionConflictException"),
    ("dynamodb", Unavailable, "ReplicatedWriteConflictException"),
    # The same transaction, still in progress: it may yet be committed.
    ("dynamodb", TimedOut, "TransactionInProgressException"),
    # DynamoDB Developer Guide, "Error handling with DynamoDB": after a 500 a write may have
    # succeeded or failed.
    ("dynamodb", TimedOut, "InternalServerError InternalServerErrorException 500"),
    ("dynamodb", Refused, "IdempotentParameterMismatchException SerializationException"),
    (
        "dynamodb",
        LimitExceeded,
        "ItemCollectionSizeLimitExceeded ItemCollectionSizeLimitExceededException",
    ),
    ("sqs", Misconfigured, "AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist"),
    ("sqs", Misconfigured, "InvalidAddress InvalidSecurity"),
    ("sqs", Refused, "InvalidMessageContents BatchRequestTooLong InvalidAttributeValue"),
    ("sqs", Refused, "AWS.SimpleQueueService.BatchRequestTooLong"),
    ("sqs", Throttled, "OverLimit"),
    ("sns", Misconfigured, "NotFound NotFoundException InvalidSecurity"),
    ("events", Refused, "MalformedDetail InvalidArgument InvalidParameterException"),
    ("scheduler", Conflict, "ConflictException"),
    ("scheduler", NotFound, "ResourceNotFoundException"),
    ("lambda", Throttled, "EC2ThrottledException"),
    ("lambda", Unavailable, "ResourceNotReadyException ResourceConflictException"),
    ("lambda", LimitExceeded, "RecursiveInvocationException"),
    (
        "lambda",
        Refused,
        """
        InvalidParameterValueException InvalidRequestContentException RequestTooLargeException
        UnsupportedMediaTypeException
        """,
    ),
)

CODES: Final[Mapping[tuple[str, str], type[PortError]]] = MappingProxyType(
    {(service, code): kind for service, kind, codes in _ROWS for code in codes.split()}
)

DELETE_MARKER_CODES: Final = ("MethodNotAllowed", "405")
"""S3's code for a delete marker; also for an operation that is not allowed at all."""

_FOR_KMS: Final = " (and kms:Decrypt and kms:GenerateDataKey for a KMS key)"
# The same for other services, where the code alone may mean a wrong key: IAM User Guide,
# "Troubleshoot Signature Version 4 signing for AWS API requests". A function that was frozen
# between signing and sending gets it occasionally (aws/aws-sdk-js-v3, issue 7605).
SIGNATURE_CODES: Final = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"})
SIGNED_AT_WRONG_TIME: Final = ("Signature expired", "Signature not yet current")

# Service Authorization Reference: permissions whose name differs from the operation.
PERMISSIONS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("s3", "HeadObject"): "s3:GetObject",
        ("s3", "HeadBucket"): "s3:ListBucket",
        ("s3", "ListObjectsV2"): "s3:ListBucket",
        ("s3", "CopyObject"): (
            f"s3:GetObject, s3:GetObjectTagging, s3:PutObject and s3:PutObjectTagging{_FOR_KMS}"
        ),
        ("s3", "CreateMultipartUpload"): "s3:PutObject and s3:PutObjectTagging",
        ("s3", "UploadPart"): "s3:PutObject",
        # S3 User Guide, "Uploading and copying objects using multipart upload", permissions.
        ("s3", "UploadPartCopy"): f"s3:GetObject and s3:PutObject{_FOR_KMS}",
        ("s3", "CompleteMultipartUpload"): f"s3:PutObject{_FOR_KMS}",
        # The permission alone is not enough: the role must also trust the caller.
        ("sts", "AssumeRole"): "this service, and in the role's trust policy, sts:AssumeRole",
        ("s3control", "CreateJob"): (
            "s3:CreateJob, s3:PutJobTagging and, for the batch operations role, iam:PassRole"
        ),
        ("s3control", "DescribeJob"): "s3:DescribeJob",
        ("s3control", "UpdateJobStatus"): "s3:UpdateJobStatus",
        ("scheduler", "CreateSchedule"): (
            "scheduler:CreateSchedule and, for the schedules' role, iam:PassRole"
        ),
        ("sqs", "SendMessageBatch"): "sqs:SendMessage",
        ("lambda", "Invoke"): "lambda:InvokeFunction",
        ("dynamodb", "TransactWriteItems"): (
            "dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:DeleteItem and"
            " dynamodb:ConditionCheckItem"
        ),
    }
)
