"""The errors the API answers with, and the one that ends a job before its first task.

The names are those of the S3 Control API model (exception shapes of CreateJob,
DescribeJob, ListJobs, UpdateJobStatus, UpdateJobPriority), because botocore picks the
exception class by them. The model gives no HTTP statuses: 400 and 404 are guesses by the
meaning of the error.
"""


class ServiceError(Exception):
    """An answer to the caller other than success.

    Attributes:
        code: The error code on the wire.
        status: The HTTP status.
        message: What the caller did wrong, precisely.
    """

    code = "InternalServiceException"
    status = 500

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class BadRequest(ServiceError):
    """The request breaks a rule of its model or a rule between its fields."""

    code = "BadRequestException"
    status = 400


class InvalidRequest(ServiceError):
    """As BadRequest, for ListJobs, whose model names this error instead."""

    code = "InvalidRequestException"
    status = 400


class InvalidNextToken(ServiceError):
    """The token was not made by this emulator."""

    code = "InvalidNextTokenException"
    status = 400


class IdempotencyViolated(ServiceError):
    """A client request token came a second time with another request."""

    code = "IdempotencyException"
    status = 400


class JobStatusRefused(ServiceError):
    """The job's present status does not allow the requested one."""

    code = "JobStatusException"
    status = 400


class TooManyTags(ServiceError):
    """A job would have more than 50 tags."""

    code = "TooManyTagsException"
    status = 400


class InvalidTag(ServiceError):
    """A tag that S3 takes nowhere ("List of error codes", S3 API Reference)."""

    code = "InvalidTag"
    status = 400


class TooLarge(ServiceError):
    """The body is larger than any request has to be ("List of error codes", S3 API Reference)."""

    code = "MaxMessageLengthExceeded"
    status = 400


class UnknownJob(ServiceError):
    """No job of this account has this id."""

    code = "NoSuchJob"
    status = 404


class NotImplementedHere(ServiceError):
    """AWS can do this, the emulator cannot."""

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
