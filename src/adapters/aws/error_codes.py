"""What each error code of AWS means to us, and what to grant where it means a refusal.

Owns the one table of codes. It must not know how an error reaches us: `adapters.aws.errors` does.
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
# "Errors", and of S3's "List of error codes"; read in 2026-11. A bare number is what botocore makes
# of an answer without a body, as HEAD requests get.
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
    # Signed too long ago, or by a clock that is off: the next attempt is signed at its own time.
    (ANY_SERVICE, Unavailable, "RequestTimeTooSkewed RequestExpired RequestInTheFuture"),
    # A gateway gave up waiting: the request may be under way behind it.
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
    # S3 words ServiceUnavailable as "Reduce your request rate"; a HEAD gets only the 503.
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
    # Another transaction holds an item for a moment.
    ("dynamodb", Unavailable, "TransactionConflict TransactionConflictException"),
    ("dynamodb", Unavailable, "ReplicatedWriteConflictException"),
    # The same transaction, still under way: it may yet be done.
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
"""What S3 answers where there is a delete marker; also where an operation is not allowed at all."""

_FOR_KMS: Final = " (and kms:Decrypt and kms:GenerateDataKey for a KMS key)"
# The same by other services, whose code alone may be about a wrong key: IAM User Guide,
# "Troubleshoot Signature Version 4 signing for AWS API requests". A function that was frozen
# between signing and sending gets it now and then (aws/aws-sdk-js-v3, issue 7605).
SIGNATURE_CODES: Final = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"})
SIGNED_AT_WRONG_TIME: Final = ("Signature expired", "Signature not yet current")

# Service Authorization Reference: where the permission is not named like the operation.
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
        # Being allowed is half of it: the role itself has to trust who assumes it.
        ("sts", "AssumeRole"): "this service, and in the role's trust policy, sts:AssumeRole",
        ("s3control", "CreateJob"): (
            "s3:CreateJob, s3:PutJobTagging and, for the batch operations role, iam:PassRole"
        ),
        ("s3control", "DescribeJob"): "s3:DescribeJob",
        ("s3control", "UpdateJobStatus"): "s3:UpdateJobStatus",
        ("sqs", "SendMessageBatch"): "sqs:SendMessage",
        ("lambda", "Invoke"): "lambda:InvokeFunction",
        ("dynamodb", "TransactWriteItems"): (
            "dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:DeleteItem and"
            " dynamodb:ConditionCheckItem"
        ),
    }
)
