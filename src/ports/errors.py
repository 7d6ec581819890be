"""Errors of the ports: what may fail outside, in four kinds that decide who acts.

Retryable: the same call may work later, so the queue delivers it again. ExpectedError: a normal
result that the caller must handle. Fatal: manual intervention is required. Unknown: the cause is
unknown, so the call is retried a few times and then an operator checks it. Adapters raise nothing
else: the errors that they map are of the first three kinds, every other is Unknown, and a response
that cannot be parsed is Garbled.
"""

from __future__ import annotations


class PortError(Exception):
    """Base of all errors of ports.

    `operation`, `resource` and `vendor_code` identify the error; AWS finds it by `request_id`.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        resource: str | None = None,
        vendor_code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.resource = resource
        self.vendor_code = vendor_code
        self.request_id = request_id

    def converted_to(self, kind: type[PortError], *, more: str = "") -> PortError:
        """Return an error of `kind` with the same attributes, and `more` added to its message."""
        return kind(
            f"{self}{more}",
            operation=self.operation,
            resource=self.resource,
            vendor_code=self.vendor_code,
            request_id=self.request_id,
        )


class Retryable(PortError):
    """The same call may work later."""


class Throttled(Retryable):
    """The service throttles requests."""


class Unavailable(Retryable):
    """The service failed or could not be reached; nothing was done."""


class TimedOut(Retryable):
    """No response arrived in time. A write may or may not have been done: read before deciding."""


class Garbled(TimedOut):
    """The response cannot be parsed: something in it is missing or invalid."""


class Unknown(PortError):
    """An unknown error, such as a code that is not in the table of codes."""


class ExpectedError(PortError):
    """A normal result that the caller must handle."""


class NotFound(ExpectedError):
    """The resource does not exist."""


class AlreadyExists(ExpectedError):
    """The resource already exists; it was not changed."""


class Conflict(ExpectedError):
    """Another writer changed the resource since it was read; nothing was written."""


class Fatal(PortError):
    """The same call can only work after manual intervention."""


class AccessDenied(Fatal):
    """The service denied access; the message names the permission to grant if it is known."""


class Misconfigured(Fatal):
    """A required resource or setting is missing or wrong."""


class LimitExceeded(Fatal):
    """A limit of the service was reached."""


class CorruptData(Fatal):
    """Stored data cannot be read."""


class Refused(Fatal):
    """The service rejects this input permanently."""


class Archived(ExpectedError):
    """The object is archived, restored or not; it is copied after its owner moved it out."""
