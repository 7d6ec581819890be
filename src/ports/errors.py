"""Errors of the ports: what may go wrong outside, in four kinds that decide who acts.

Retryable: the same call may work later, so the queue brings it again. Outcome: a normal answer
that the caller has to branch on. Fatal: a person must act. Unknown: nobody can tell, so it is tried
a few times and then a person looks. Adapters raise nothing else: what they know of a vendor's
errors is one of the first three, everything else is Unknown, and an answer that cannot be read is
Garbled.
"""

from __future__ import annotations


class PortError(Exception):
    """Base of all errors of ports.

    `operation` and `resource` say where, `vendor_code` what; by `request_id` the vendor finds it.
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
        """Return another error, of `kind`, that says the same, and `more`."""
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
    """The service asks for fewer requests."""


class Unavailable(Retryable):
    """The service failed or could not be reached; nothing was done."""


class TimedOut(Retryable):
    """No answer in time. A write may or may not have been done: read before deciding."""


class Garbled(TimedOut):
    """An answer came that cannot be read: something in it is missing or impossible."""


class Unknown(PortError):
    """An answer that we do not know, such as a code that is in none of our tables."""


class ExpectedError(PortError):
    """A normal answer that the caller branches on."""


class NotFound(ExpectedError):
    """The thing does not exist."""


class AlreadyExists(ExpectedError):
    """The thing exists; it was not changed."""


class Conflict(ExpectedError):
    """Somebody else changed the thing since it was read; nothing was written."""


class Fatal(PortError):
    """A person must act before the same call can work."""


class AccessDenied(Fatal):
    """The service refuses us; the message says what to grant where that is known."""


class Misconfigured(Fatal):
    """Something that must be set up is missing or wrong."""


class LimitExceeded(Fatal):
    """A limit of the service stands in the way."""


class CorruptData(Fatal):
    """What was stored cannot be read back."""


class Refused(Fatal):
    """The service rejects this input for good."""


class Archived(ExpectedError):
    """The object is in an archive, restored or not; it is copied once a person took it out."""
