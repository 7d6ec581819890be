"""The interface for invoking a function."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InvokeResult:
    """The response of the Lambda Invoke API to a synchronous call.

    Attributes:
        status_code: 200 if the function ran, with or without success; otherwise the HTTP
            status of Lambda's error.
        function_error: `Unhandled` or `Handled` if the function failed, else None.
        payload: The function's response, its error document, or Lambda's error message.
    """

    status_code: int
    function_error: str | None
    payload: bytes


Invoke = Callable[[str, bytes], Awaitable[InvokeResult]]
"""Calls the function with this ARN and waits for its response.

An error of Lambda is a value (see InvokeResult). An exception counts as a bug and fails the
whole job.
"""
