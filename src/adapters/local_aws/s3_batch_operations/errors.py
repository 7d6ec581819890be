"""The errors of the API, and the error that fails a job before its first task.

The names are those of the S3 Control API model (exception shapes of CreateJob,
DescribeJob, ListJobs, UpdateJobStatus, UpdateJobPriority), because botocore picks the
exception class by them. The model gives no HTTP statuses: 400 and 404 are guesses by the
meaning of the error.
"""


class ServiceError(Exception):
    """An error response.

    Attributes:
        code: The error code in the response.
        status: The HTTP status.
        message: The exact cause.
    """

    code: str
    status = 400

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class InternalError(ServiceError):
    """A bug in the emulator."""

    code = "InternalServiceException"
    status = 500


class BadRequest(ServiceError):
    """The request violates a constraint of the model or a rule between its fields."""

    code = "BadRequestException"


class InvalidListRequest(ServiceError):
    """As BadRequest, for ListJobs, whose model names this error instead."""

    code = "InvalidRequestException"


class InvalidNextToken(ServiceError):
    """The token was not returned by this emulator."""

    code = "InvalidNextTokenException"


class IdempotencyViolated(ServiceError):
    """A client request token was used again with another request."""

    code = "IdempotencyException"


class StatusChangeRejected(ServiceError):
    """The job's current status does not allow the requested one."""

    code = "JobStatusException"


class TooManyTags(ServiceError):
    """A job would have more than 50 tags."""

    code = "TooManyTagsException"


class InvalidTag(ServiceError):
    """A tag that S3 rejects everywhere ("List of error codes", S3 API Reference)."""

    code = "InvalidTag"


class TooLarge(ServiceError):
    """The body is larger than any valid request ("List of error codes", S3 API Reference)."""

    code = "MaxMessageLengthExceeded"


class UnknownJob(ServiceError):
    """No job of this account has this id."""

    code = "NoSuchJob"
    status = 404


class NotImplementedHere(ServiceError):
    """AWS supports this, the emulator does not."""

    code = "NotImplemented"
    status = 501


class ManifestRejected(Exception):
    """The manifest cannot be used, so the job fails before any task runs.

    Attributes:
        code: FailureCode of the job, at most 64 characters.
        reason: FailureReason of the job, at most 256 characters.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason
