"""What the parts of the emulated Lambda service say to each other: requests, results, refusals."""

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


class Refused(Exception):
    """The service did not accept the invocation; nothing ran.

    Attributes:
        code: Lambda's exception name.
        status: HTTP status of the answer.
        message: What was wrong.
    """

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationResult:
    """What one run of a function answered.

    Attributes:
        payload: JSON: the handler's result, or the description of its error.
        function_error: `Unhandled` when the handler raised, timed out, or answered what is not
            JSON; None when it returned.
    """

    request_id: str
    payload: bytes
    function_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedEvent:
    """An asynchronous invocation that failed for good: the record of an on-failure destination."""

    function_name: str
    request_id: str
    payload: bytes
    error: bytes
    attempt_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """How one function runs here.

    Attributes:
        timeout_s: After this the caller gets an error. A thread cannot be killed, so the handler
            runs on to its end, unheard.
        concurrency: Environments at most; further invocations wait for one. On AWS they would be
            throttled.
        aliases: Names of versions beside `$LATEST`, all of this same code.
        retry_delays_s: Waits before the further tries of an asynchronous invocation. Lambda
            Developer Guide, "How Lambda handles errors and retries with asynchronous invocation":
            two more tries, after one and two minutes (checked 2026-11).
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
    """An error as Lambda's Python runtime describes it."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": stack_trace,
    }
