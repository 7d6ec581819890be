"""Settings, results and errors of invocations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

REGION: Final = "us-east-1"
ACCOUNT_ID: Final = "123456789012"

# Lambda Developer Guide, "Lambda quotas": an invocation payload is at most 6 MB each for request
# and response when synchronous, 1 MB when asynchronous (hard limits, checked 2026-11).
SYNCHRONOUS_PAYLOAD_BYTES_MAX: Final = 6 * 1024 * 1024
ASYNCHRONOUS_PAYLOAD_BYTES_MAX: Final = 1024 * 1024

Handler = Callable[[Any, Any], object]


class InvocationRejected(Exception):
    """The service rejected the invocation; the function did not run.

    Attributes:
        code: Lambda's exception name.
        status: HTTP status of the response.
        message: The cause.
    """

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationResult:
    """The result of one run of a function.

    Attributes:
        payload: JSON: the handler's result, or the description of its error.
        function_error: `Unhandled` if the handler raised, timed out, or returned a value that is
            not JSON; None if it succeeded.
    """

    request_id: str
    payload: bytes
    function_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedEvent:
    """A failed asynchronous invocation: the record that an on-failure destination receives."""

    function_name: str
    request_id: str
    payload: bytes
    error: bytes
    attempt_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """One function.

    Attributes:
        timeout_s: After this time the caller gets an error. A thread cannot be killed, so the
            handler runs to its end; its result is ignored.
        concurrency: Maximum number of environments; further invocations wait for one. AWS would
            throttle them.
        aliases: Aliases in addition to `$LATEST`; all run the same code.
        retry_delays_s: Waits before the retries of an asynchronous invocation. Lambda Developer
            Guide, "How Lambda handles errors and retries with asynchronous invocation": two
            retries, after one and two minutes (checked 2026-11).
    """

    name: str
    handler: Handler
    timeout_s: float = 300
    memory_size_mb: int = 512
    concurrency: int = 10
    retry_delays_s: tuple[float, ...] = (60, 120)
    aliases: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        """The function's unqualified ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self.name}"


def error_payload(error: BaseException, stack_trace: list[str]) -> Mapping[str, object]:
    """Return an error as Lambda's Python runtime describes it."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": stack_trace,
    }
